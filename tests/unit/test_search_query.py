"""What a typed question means."""

import pytest

from archive_app.core.errors import InvalidInput
from archive_app.core.numbers import normalise_number
from archive_app.core.ports import Clause
from search.personal_numbers import find, kind_of
from search.query import Meaning, explain, parse

CITIZEN = "32010619800101123X"


def hashed(number: str) -> str:
    return "#" + normalise_number(kind_of(number) or "", number)


def parsed(question: str) -> list[tuple[str, str]]:
    return [(clause.kind, clause.value) for clause in parse(question, hash_number=hashed)]


@pytest.mark.parametrize(
    ("question", "texts"),
    [
        ("张三", ["张三"]),
        ("张三 报销", ["张三", "报销"]),
        ("张三\u3000报销\n南京", ["张三", "报销", "南京"]),
        ('"张三 报销"', ["张三报销"]),
        ("“异地 就医”备案", ["异地就医", "备案"]),
        ("「异地就医」 2024", ["异地就医", "2024"]),
        ('"John Smith" CT', ["john smith", "ct"]),
        ('"没有结尾 的', ["没有结尾的"]),
        ("张三、李四", ["张三", "李四"]),
        ('"第一行\n第二行"', ["第一行", "第二行"]),
        ("45,055.44", ["45055 44"]),
        ("Z109-ZY·YB03·2024·D10-00001", ["z109 zy yb03 2024 d10 00001"]),
        ("24322000000012345678", ["24322000000012345678"]),
        ("张三 张三 张三", ["张三"]),
        ("2019 2020 2021 2020", ["2019", "2020", "2021"]),
        ("150 20240302", ["150", "20240302"]),
        ("", []),
        ("  \n", []),
    ],
)
def test_blanks_mean_and_and_quotes_hold_together(question: str, texts: list[str]):
    assert parsed(question) == [("text", text) for text in texts]


@pytest.mark.parametrize(
    "question",
    [
        CITIZEN,
        CITIZEN.lower(),
        "３２０１０６１９８００１０１１２３Ｘ",
        "320106 19800101 123x",
        '"320106-19800101-123X"',
        f"  {CITIZEN} ",
    ],
)
def test_a_whole_citizen_number_is_one_hash_however_it_is_written(question: str):
    assert parsed(question) == [("number", "#" + CITIZEN)]


def test_an_old_number_and_the_new_one_of_the_same_person_are_one_question():
    old = "320106800101123"
    assert parsed(old) == [("number", hashed(old))]
    assert hashed(old).startswith("#32010619800101123")


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("13800138000", "phone"),
        ("138 0013 8000", "phone"),
        ("6222020000000000009", None),
        ("4111 1111 1111 1111", "bank-card"),
    ],
)
def test_telephones_and_cards_are_hashed_and_other_long_numbers_are_document_numbers(question: str, kind: str | None):
    assert kind_of(question) == kind
    assert [k for k, _ in parsed(question)] == ["number" if kind else "text"]


def test_a_number_among_words_is_its_own_clause():
    assert parsed(f"身份证{CITIZEN}张三 报销") == [
        ("text", "身份证"),
        ("number", "#" + CITIZEN),
        ("text", "张三"),
        ("text", "报销"),
    ]


@pytest.mark.parametrize("part", [CITIZEN[:17], CITIZEN[:11], CITIZEN[1:], "1380013800", CITIZEN + "1"])
def test_a_part_of_a_personal_number_is_never_a_hash(part: str):
    assert not list(find(part))
    assert [kind for kind, _ in parsed(part)] == ["text"]


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("。、", "nothing-to-search"),
        ('""', "nothing-to-search"),
        ("张" * 1001, "too-long"),
        (" ".join(str(n) for n in range(40)), "too-many-words"),
    ],
)
def test_what_cannot_be_asked_is_told_by_reason(question: str, reason: str):
    with pytest.raises(InvalidInput) as caught:
        parse(question, hash_number=hashed)
    assert caught.value.parameters["q"] == reason


def test_the_meaning_names_every_condition_but_repeats_no_number():
    clauses = (Clause("text", "张三"), Clause("text", "张"), Clause("number", "ab" * 32))
    assert explain(clauses, {"year": ("2023", "2024"), "class": ()}) == (
        Meaning("text", ("张三",)),
        Meaning("character", ("张",)),
        Meaning("number"),
        Meaning("filter", ("2023", "2024"), "year"),
    )
