"""Rosters and tables: one person a row, each value with its row, and nothing guessed where a cell is missing."""

from datetime import date

import pytest
from describing_pages import Row, a_number, page

from archive_app.core.reference import ReferenceTables
from archive_app.core.vocabulary import FieldState, PartyRole
from ingest.describing.describe import describe_with
from ingest.describing.model import Description, PartyMention
from ingest.describing.terms import Terms

TODAY = date(2026, 11, 24)
HEADER: Row = [(150, "序号"), (400, "姓名"), (800, "证件号码"), (1500, "缴费基数"), (2000, "应缴金额")]
PEOPLE = [("张小明", a_number(1)), ("李芳", a_number(2)), ("欧阳建国", a_number(3))]


@pytest.fixture(scope="module")
def terms() -> Terms:
    return Terms.of(ReferenceTables.bundled())


def body(people: list[tuple[str, str]], *, first: int = 1) -> list[Row]:
    return [
        [(170, str(first + place)), (390, name), (760, number), (1500, "5,000.00"), (2000, "400.00")]
        for place, (name, number) in enumerate(people)
    ]


def top() -> list[Row]:
    return [[(150, "单位名称：宁安机械有限公司"), (1500, "所属期：2024年3月")], HEADER]


def foot() -> list[Row]:
    return [[(150, "合计"), (2000, "1,200.00")], [(150, "填报人：王五"), (1500, "申报日期：2024年4月2日")]]


def said_of(*pages: list[Row], terms: Terms) -> Description:
    titled = [page("参保人员花名册" if place == 0 else "", rows, number=place + 1) for place, rows in enumerate(pages)]
    return describe_with(titled, terms, today=TODAY)


def persons(description: Description) -> list[PartyMention]:
    return [party for party in description.parties if party.role is PartyRole.ROSTER]


def test_each_row_of_a_roster_is_a_person_with_its_row(terms: Terms) -> None:
    said = said_of([*top(), *body(PEOPLE), *foot()], terms=terms)
    assert [(one.row, one.name, one.number, one.doubtful) for one in persons(said)] == [
        (place, name, number, False) for place, (name, number) in enumerate(PEOPLE, start=1)
    ]
    bases = {one.row: one.value for one in said.fields if one.key == "contrib_base"}
    assert bases == {1: "5000.00", 2: "5000.00", 3: "5000.00"}
    assert said.type is not None
    assert said.type.type == "CONTRIB"
    assert said.review == ()


def test_a_roster_goes_on_over_the_next_page_and_rows_are_counted_through(terms: Terms) -> None:
    more = [("钱多", a_number(4)), ("孙丽", a_number(5))]
    said = said_of([*top(), *body(PEOPLE)], [*body(more, first=4), *foot()], terms=terms)
    assert [(one.row, one.name, one.page) for one in persons(said)][3:] == [(4, "钱多", 2), (5, "孙丽", 2)]


def test_a_row_whose_number_is_missing_is_kept_and_doubtful(terms: Terms) -> None:
    rows = body(PEOPLE)
    rows[1] = [cell for cell in rows[1] if cell[1] != PEOPLE[1][1]]
    said = said_of([*top(), *rows, *foot()], terms=terms)
    assert [(one.name, one.doubtful) for one in persons(said)] == [
        ("张小明", False),
        ("李芳", True),
        ("欧阳建国", False),
    ]
    assert "doubtful:roster:2" in said.review


def test_a_wrong_number_makes_only_its_row_doubtful(terms: Terms) -> None:
    wrong = PEOPLE[2][1][:16] + ("1" if PEOPLE[2][1][16] != "1" else "2") + PEOPLE[2][1][17]
    said = said_of([*top(), *body([*PEOPLE[:2], ("欧阳建国", wrong)]), *foot()], terms=terms)
    assert [one.doubtful for one in persons(said)] == [False, False, True]
    number = next(one for one in said.fields if one.key == "certno" and one.row == 3)
    assert number.state is FieldState.DOUBTFUL


def test_one_number_under_two_names_is_doubtful_in_both_rows(terms: Terms) -> None:
    said = said_of([*top(), *body([PEOPLE[0], ("李芳", PEOPLE[0][1]), PEOPLE[2]]), *foot()], terms=terms)
    assert [one.doubtful for one in persons(said)] == [True, True, False]


def test_cells_read_as_one_line_are_cut_into_their_columns(terms: Terms) -> None:
    rows = body(PEOPLE)
    rows[0] = [(170, "1"), (390, f"张小明          {PEOPLE[0][1]}"), (1500, "5,000.00"), (2000, "400.00")]
    said = said_of([*top(), *rows, *foot()], terms=terms)
    assert (persons(said)[0].name, persons(said)[0].number) == PEOPLE[0]


def test_a_row_that_sinks_to_one_side_stays_together(terms: Terms) -> None:
    straight = page("参保人员花名册", [*top(), *body(PEOPLE), *foot()])
    sunk = tuple(
        type(one)(one.text, (one.box[0], one.box[1] + one.box[0] // 25, *one.box[2:]), one.confidence)
        for one in straight.lines
    )
    said = describe_with([type(straight)(1, straight.width, straight.height, 0, sunk)], terms, today=TODAY)
    assert [(one.name, one.number) for one in persons(said)] == PEOPLE


def test_a_list_of_fees_gives_each_value_with_its_row(terms: Terms) -> None:
    rows: list[Row] = [
        [(200, "姓名：张小明"), (1000, "住院号：ZY1"), (1500, "医疗机构名称：宁安市第一人民医院")],
        [(200, "项目名称"), (900, "规格"), (1300, "单价"), (1600, "数量"), (1900, "金额")],
        [(200, "头孢曲松注射液"), (900, "1g"), (1300, "35.50"), (1620, "2"), (1900, "71.00")],
        [(200, "床位费"), (1300, "40.00"), (1620, "4"), (1900, "160.00")],
        [(200, "合计"), (1900, "231.00")],
    ]
    said = describe_with([page("住院费用清单", rows)], terms, today=TODAY)
    assert [(one.row, one.key, one.value) for one in said.fields if one.row] == [
        (1, "item_name", "头孢曲松注射液"),
        (1, "item_spec", "1g"),
        (1, "unit_price", "35.50"),
        (1, "quantity", "2"),
        (1, "amount", "71.00"),
        (2, "item_name", "床位费"),
        (2, "unit_price", "40.00"),
        (2, "quantity", "4"),
        (2, "amount", "160.00"),
    ]
    assert next(one.value for one in said.fields if one.key == "medfee_sumamt") == "231.00"


def test_a_form_laid_out_in_columns_has_values_without_a_row(terms: Terms) -> None:
    rows: list[Row] = [
        [(200, "姓名：张小明"), (1000, f"身份证号：{a_number(1)}")],
        [(200, "入院日期"), (900, "出院日期"), (1500, "住院天数")],
        [(200, "2024-08-01"), (900, "2024-08-05"), (1550, "4")],
    ]
    said = describe_with([page("住院费用结算单", rows)], terms, today=TODAY)
    assert {(one.key, one.value, one.row) for one in said.fields} >= {
        ("admit_date", "2024-08-01", None),
        ("disch_date", "2024-08-05", None),
        ("days", "4", None),
    }
