"""The text pipeline: what is a token, what ends a run, and that phrases over tokens find what a plain scan finds."""

import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from search.personal_numbers import find
from search.text import (
    BREAK,
    Phrase,
    conceal_long_numbers,
    contains,
    cut,
    fold,
    fold_with_offsets,
    phrases,
    run_texts,
    runs,
)

LETTERS = "医保张三李四〇々㐀𠮷\ue123豈aBé1２9٣-·,./ 、\n\t。㈱①xe\u0301\u200b"
texts = st.text(alphabet=LETTERS, max_size=40)
HAN = "甲乙丙丁𠮷㐀"


def holds(text: str, phrase: Phrase) -> bool:
    """What an engine with positions answers."""
    tokens, grams = cut(text).stream.split(" "), cut(text).grams.split(" ")
    if phrase.initial:
        return any(token.startswith(phrase.initial) for token in tokens)
    dense = list(enumerate(phrase.tokens))
    answers = {
        any(
            all(at + step < len(tokens) and tokens[at + step] == token for step, token in wanted)
            for at in range(len(tokens))
        )
        for wanted in (dense, list(phrase.sparse))
    }
    if phrase.exact_gram:
        answers.add(phrase.exact_gram in grams)
    assert len(answers) == 1, "the three ways to ask disagree"
    answer = answers.pop()
    assert not answer or set(phrase.grams) <= set(grams)
    return answer


@pytest.mark.parametrize(
    ("text", "stream"),
    [
        ("张三丰", "张三 三丰 丰 |"),
        ("张三、李四", "张三 三 | 李四 四 |"),
        ("张 三\u3000丰", "张三 三丰 丰 |"),
        ("张三\n李四", "张三 三 | 李四 四 |"),
        ("缴费满3年限", "缴费 费满 满 3 年 年限 限 |"),
        ("ＡＢＣ Corp", "abc corp |"),
        ("45,055.44", "45055 44 |"),
        ("1,234,567元", "1234567 元 元 |"),
        ("1,2,3", "1 2 3 |"),
        ("100,200,300,400", "100 200 300 400 |"),
        ("2024-03-02", "2024 03 02 |"),
        ("Z109-ZY·YB03·2024·D10-00001", "z109 zy yb03 2024 d10 00001 |"),
        ("买买提·吐尔", "买买 买提 提吐 吐尔 尔 |"),
        ("苏医〔2024〕12号", "苏医 医 | 2024 | 12 号 号 |"),
        ("二〇二四", "二〇 〇二 二四 四 |"),
        ("二○二四◯", "二〇 〇二 二四 四〇 〇 |"),
        ("葛\U000e0100城", "葛城 城 |"),
        ("", ""),
        ("、。", ""),
    ],
)
def test_texts_are_cut_as_documented(text: str, stream: str):
    assert cut(text).stream == stream


@pytest.mark.parametrize(
    "number",
    [
        "32010619800101123X",
        "320106198001011235",
        "320106 19800101 1235",
        "320106800101123",
        "13800138000",
        "138 0013 8000",
        "138-0013-8000",
        "6222021234567890123",
        "6222 0212 3456 7890 123",
        "６２２２０２１２３４５６７８９０",
        "no13800138000x",
    ],
)
@pytest.mark.parametrize("around", ["{}", "电话{}转", "号: {} 。", "甲 {} 乙"])
def test_long_numbers_leave_no_token_and_end_the_run(number: str, around: str):
    stream = cut(around.format(number)).stream
    assert not re.search(r"[0-9]|no|x", stream)
    assert "话转" not in stream
    assert "甲乙" not in stream
    assert not re.search(r"\d", conceal_long_numbers(around.format(number)))


@pytest.mark.parametrize(
    "text", ["2019 2020 2021 2022", "1234567890", "金额 45,055.44 1,200.00 300.00", "2024-03-02 10:30"]
)
def test_other_numbers_stay(text: str):
    assert conceal_long_numbers(text) == text
    assert contains(text, text)


def test_concealing_keeps_the_length_and_the_rest():
    assert conceal_long_numbers("张三 320106 19800101 1235 于") == "张三 •••••• •••••••• •••• 于"


def test_only_document_numbers_may_be_long():
    assert cut("24322000000012345678", numbers_too=True).stream == "24322000000012345678 |"
    assert contains("24322000000012345678", "24322000000012345678", numbers_too=True)
    assert not contains("24322000000012345678", "24322000000012345678")


@given(
    st.from_regex(
        "[1-9][0-9]{5}[ -]?(18|19|20)[0-9]{2}[ -]?(0[1-9]|1[0-2])[ -]?[0-2][1-9][ -]?[0-9]{3}[0-9Xx]", fullmatch=True
    )
    | st.from_regex("([+]?86[ -]?)?1[3-9][0-9][ -]?[0-9]{4}[ -]?[0-9]{4}", fullmatch=True)
    | st.from_regex("[0-9]{4}([ -]?[0-9]{4}){3}([ -]?[0-9]{1,3})?", fullmatch=True),
    st.sampled_from(["{}", "号{}。", "a {} 乙"]),
)
def test_no_token_holds_a_digit_of_what_counts_as_a_personal_number(number: str, around: str):
    folded = fold(around.format(number))
    for personal in find(folded):
        inside = [p.text for run in runs(folded) for p in run if p.start < personal.end and personal.start < p.end]
        assert inside in ([], ["86"])  # the country may stay


@given(texts, texts)
@example("张三、李四", "三李")
@example("3年、年4", "3年4")
@example("ab、cd", "ab cd")
@example("1,234", "1234")
def test_phrases_over_tokens_find_what_a_scan_finds(text: str, question: str):
    for run in run_texts(question):
        asked = phrases(run)
        assert len(asked) == 1
        assert holds(text, asked[0]) == contains(text, run)


@given(texts, st.data())
def test_every_stretch_of_a_text_is_judged_alike_by_tokens_and_by_scan(text: str, data: st.DataObject):
    start = data.draw(st.integers(0, len(text)))
    for run in run_texts(text[start : start + data.draw(st.integers(1, 8))]):
        assert holds(text, phrases(run)[0]) == contains(text, run)


@given(st.text(alphabet=HAN + "、\n ", max_size=30), st.text(alphabet=HAN, min_size=2, max_size=5))
def test_han_substrings_are_found_exactly_by_the_plainest_definition(text: str, question: str):
    plain = any(question in run.replace(" ", "") for run in re.split("[、\n]", text))
    assert contains(text, question) == plain
    assert holds(text, phrases(question)[0]) == plain


@given(st.text(max_size=60))
def test_folding_with_offsets_is_folding(text: str):
    folded = fold_with_offsets(text)
    assert folded.text == fold(text)
    assert all(0 <= a < b <= len(text) for a, b in zip(folded.starts, folded.ends, strict=True))
    assert list(folded.starts) == sorted(folded.starts)


@given(st.text(max_size=60))
def test_no_token_of_any_text_holds_the_break_or_a_blank(text: str):
    stream: Any = cut(text).stream
    for token in stream.split(" ") if stream else []:
        assert token
        assert token == BREAK or BREAK not in token
        assert not re.search(r"\s", token)
