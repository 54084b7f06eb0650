"""Where matches stand in stored text and on the image."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive_app.core.ports import Clause, OcrLine, OcrWord
from search.snippets import matched_boxes, matches, snippets, spans
from search.text import contains, run_texts

LETTERS = "医保张三李四〇𠮷aBé1２9-·,. 、\n㈱xe\u0301"
texts = st.text(alphabet=LETTERS, max_size=30)


def asked(*words: str) -> tuple[Clause, ...]:
    return tuple(Clause("text", word) for word in words)


def marked(stored: str, *words: str) -> list[str]:
    return [stored[a:b] for a, b in spans(stored, asked(*words))]


@pytest.mark.parametrize(
    ("stored", "word", "shown"),
    [
        ("参保人张三、张三丰", "张三", ["张三", "张三"]),
        ("姓  名:张三", "姓名", ["姓  名"]),
        ("买买提·吐尔逊", "买买提吐尔逊", ["买买提·吐尔逊"]),
        ("计45,055.44元", "45055.44", ["45,055.44"]),
        ("㈱日本", "株", ["㈱"]),
        ("cafe\u0301 Ａ1", "CAFÉ a1", ["cafe\u0301 Ａ1"]),
        ("张三\n李四", "三李", []),
        ("abc ab", "ab", ["ab"]),
        ("𠮷田𠮷田", "田𠮷", ["田𠮷"]),
    ],
)
def test_matches_are_marked_in_the_text_as_it_was_read(stored: str, word: str, shown: list[str]):
    assert marked(stored, word) == shown


@given(texts, texts)
def test_something_is_marked_exactly_where_something_is_found(stored: str, question: str):
    for run in run_texts(question):
        found = spans(stored, asked(run))
        if re.search("[0-9]{11}", run):  # a long document number is marked, though a page is not found by it
            continue
        assert bool(found) == matches(stored, asked(run)) == contains(stored, run)
        assert all(0 <= a < b <= len(stored) for a, b in found)


def test_overlapping_matches_are_one():
    assert marked("张三张三张", "张三张", "三张") == ["张三张三张"]


def test_a_personal_number_is_marked_whole_and_only_by_who_can_hash_it():
    stored, clauses = "号320106 19800101 123x。", (Clause("number", "#32010619800101123X"),)
    assert spans(stored, clauses) == ()
    found = spans(stored, clauses, hash_number=lambda number: "#" + number)
    assert [stored[a:b] for a, b in found] == ["320106 19800101 123x"]
    assert marked("号320106198001011235", "320106") == []


def test_a_long_document_number_is_marked_whole():
    assert marked("发票24322000000012345678号", "24322000000012345678") == ["24322000000012345678"]
    assert marked("发票24322000000012345678号", "243220000000") == []


def test_a_snippet_shows_the_surroundings_and_tells_where_it_was_cut():
    stored = "甲" * 50 + "报销\n申请" + "乙" * 50
    (snippet,) = snippets(stored, asked("报销", "申请"), around=5)
    assert snippet.text == "甲甲甲甲甲报销 申请乙乙乙乙乙"
    assert [snippet.text[a:b] for a, b in snippet.spans] == ["报销", "申请"]
    assert (snippet.cut_before, snippet.cut_after) == (True, True)


def test_no_more_snippets_than_asked_for_and_none_without_a_match():
    stored = ("报销" + "甲" * 60) * 9
    assert len(snippets(stored, asked("报销"), most=2)) == 2
    assert snippets(stored, asked("备案")) == ()


WORDS = tuple(OcrWord(char, (100 + 20 * i, 50, 18, 20), 0.9) for i, char in enumerate("参保人张三"))


def test_a_match_is_boxed_by_its_words():
    lines = (OcrLine("无", (0, 0, 10, 10), 0.9), OcrLine("参保人张三", (100, 50, 98, 20), 0.9, WORDS))
    (found,) = matched_boxes(lines, asked("张三"))
    assert (found.line, found.box) == (1, (160, 50, 38, 20))


@pytest.mark.parametrize(
    ("line_box", "rotation", "box"),
    [
        ((100, 50, 100, 20), 0, (160, 50, 40, 20)),
        ((100, 50, 100, 20), 180, (100, 50, 40, 20)),
        ((100, 50, 20, 100), 90, (100, 50, 20, 40)),
        ((100, 50, 20, 100), 270, (100, 110, 20, 40)),
        ((100, 50, 20, 100), 0, (100, 110, 20, 40)),
    ],
)
def test_without_words_a_match_takes_its_share_of_the_line_the_way_it_runs(
    line_box: tuple[int, int, int, int], rotation: int, box: tuple[int, int, int, int]
):
    (found,) = matched_boxes((OcrLine("参保人张三", line_box, 0.9),), asked("张三"), rotation=rotation)
    assert found.box == box


def test_a_part_of_a_word_and_a_lost_word_are_interpolated():
    words = (OcrWord("参保人", (0, 0, 60, 20), 0.9),)
    line = OcrLine("参保人 张三", (0, 0, 110, 20), 0.9, words)
    assert matched_boxes((line,), asked("保人"))[0].box == (20, 0, 40, 20)
    assert matched_boxes((line,), asked("张三"))[0].box == (70, 0, 40, 20)


def test_narrow_characters_count_half():
    (found,) = matched_boxes((OcrLine("AB张三", (0, 0, 60, 20), 0.9),), asked("张三"))
    assert found.box == (20, 0, 40, 20)
