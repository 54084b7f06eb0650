"""Where a stack is cut, and where it is only said to be suspicious."""

from dataclasses import replace
from datetime import date

import pytest
from describing_pages import Row, a_number, page

from archive_app.core.reference import ReferenceTables
from ingest.describing.boundaries import boundaries
from ingest.describing.describe import describe
from ingest.describing.model import ReadPage

TODAY = date(2026, 11, 24)
NAMES = {1: "张小明", 2: "李芳", 3: "欧阳建国"}


@pytest.fixture(scope="module")
def tables() -> ReferenceTables:
    return ReferenceTables.bundled()


def referral(number: int, person: int, *, mark: str = "") -> ReadPage:
    rows: list[Row] = [
        [(200, "姓名"), (500, NAMES[person]), (1000, "身份证号"), (1400, a_number(person))],
        [(200, "转入医院"), (500, "省立医院"), (1400, "诊断"), (1700, "冠心病")],
        [(200, "转诊理由"), (500, "病情需要"), (1400, mark or "第一联")],
    ]
    return page("转诊转院审批表", rows, number=number)


def follow_up(number: int, mark: str = "续表") -> ReadPage:
    return page("", [[(200, "医院意见：同意转院"), (1400, mark)]], number=number)


def test_a_title_with_another_person_starts_a_record(tables: ReferenceTables) -> None:
    stack = (referral(1, 1), follow_up(2), referral(3, 2), referral(4, 3))
    assert boundaries(stack, tables) == ((1, 2), (3,), (4,))


def test_a_title_with_the_same_person_is_not_cut_but_suspicious(tables: ReferenceTables) -> None:
    stack = (referral(1, 1), referral(2, 1))
    assert boundaries(stack, tables) == ((1, 2),)
    assert "possible-stack" in describe(stack, tables, today=TODAY).review


def test_a_page_without_a_title_never_starts_a_record(tables: ReferenceTables) -> None:
    other = page("", [[(200, "姓名：李芳"), (1000, f"身份证号：{a_number(2)}")]], number=2)
    stack = (referral(1, 1), other)
    assert boundaries(stack, tables) == ((1, 2),)
    assert "possible-stack" in describe(stack, tables, today=TODAY).review


def test_another_number_under_the_same_name_is_not_cut_but_suspicious(tables: ReferenceTables) -> None:
    first = referral(1, 1)
    lines = tuple(replace(one, text=a_number(2)) if one.text == a_number(1) else one for one in referral(2, 1).lines)
    stack = (first, replace(first, number=2, lines=lines))
    assert boundaries(stack, tables) == ((1, 2),)
    assert "possible-stack" in describe(stack, tables, today=TODAY).review


def test_page_counts_hold_pages_together_and_part_them(tables: ReferenceTables) -> None:
    stack = (
        referral(1, 1, mark="第1页 共2页"),
        follow_up(2, mark="第2页 共2页"),
        follow_up(3, mark="第 1 页/共 2 页"),
        follow_up(4, mark="共2页 第2页"),
    )
    assert boundaries(stack, tables) == ((1, 2), (3, 4))


def test_a_misread_number_of_the_same_person_is_not_another_person(tables: ReferenceTables) -> None:
    number = a_number(1)
    wrong = number[:10] + ("9" if number[10] != "9" else "8") + number[11:]
    rows: list[Row] = [
        [(200, "姓名"), (500, "张小明"), (1000, "身份证号"), (1400, wrong)],
        [(200, "转入医院"), (500, "省立医院")],
    ]
    stack = (referral(1, 1), page("转诊转院审批表", rows, number=2))
    assert boundaries(stack, tables) == ((1, 2),)


def test_one_page_and_no_page_are_no_stack(tables: ReferenceTables) -> None:
    assert boundaries((), tables) == ()
    assert boundaries((referral(1, 1),), tables) == ((1,),)
    assert "possible-stack" not in describe((referral(1, 1),), tables, today=TODAY).review
