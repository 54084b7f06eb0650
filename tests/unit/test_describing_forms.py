"""Whole forms, as an engine reads them, and what is said of them."""

from datetime import date

import pytest
from describing_pages import page

from archive_app.core.reference import ReferenceTables
from archive_app.core.vocabulary import FieldState, Level, PartyRole
from ingest.describing.describe import describe_with
from ingest.describing.model import Description, FieldValue, ReadPage
from ingest.describing.terms import Terms

TODAY = date(2026, 11, 24)
NUMBER = "11010519491231002X"


@pytest.fixture(scope="module")
def terms() -> Terms:
    return Terms.of(ReferenceTables.bundled())


def settlement(*, number: str = NUMBER, birth: str = "1949-12-31", sex: str = "女", rotation: int = 0) -> ReadPage:
    return page(
        "宁安市基本医疗保险住院费用结算单",
        [
            [(200, "姓名"), (500, "张小明"), (1000, "性别"), (1200, sex), (1500, "出生日期"), (1800, birth)],
            [(200, "身份证号"), (500, number), (1400, "住院号"), (1700, "ZY20240805")],
            [(200, "医疗机构名称"), (600, "宁安市第一人民医院"), (1400, "医疗机构代码"), (1800, "H11010500123")],
            [(200, "入院日期"), (500, "2024年8月1日"), (1000, "出院日期"), (1400, "2024年8月5日")],
            [(200, "总费用"), (500, "45,055.44"), (1000, "统筹支付"), (1400, "30,000.00")],
            [(200, "个人账户支付"), (600, "5,055.44"), (1000, "个人现金支付"), (1400, "10,000.00")],
            [(200, "金额大写"), (500, "肆万伍仟零伍拾伍元肆角肆分")],
            [(200, "结算日期：2024-08-06"), (1400, "单据号：JS2024080600012")],
        ],
        rotation=rotation,
    )


def value(description: Description, key: str) -> FieldValue:
    found = [one for one in description.fields if one.key == key]
    assert len(found) == 1, (key, found)
    return found[0]


def test_a_clear_settlement_is_described_without_a_person(terms: Terms) -> None:
    said = describe_with([settlement()], terms, today=TODAY)
    assert said.review == ()
    assert said.type is not None
    assert (said.type.type, said.class_code) == ("SETTLE", "YB03")
    assert said.title == "宁安市基本医疗保险住院费用结算单"
    assert said.formed_on == date(2024, 8, 6)
    assert said.document_number == "JS2024080600012"
    assert said.level >= Level.SENSITIVE
    assert {one.key: one.value for one in said.fields}.items() >= {
        "person_name": "张小明",
        "sex": "女",
        "birth_date": "1949-12-31",
        "certno": NUMBER,
        "fixmedins_code": "H11010500123",
        "medfee_sumamt": "45055.44",
        "admit_date": "2024-08-01",
        "setl_id": "JS2024080600012",
    }.items()
    subject = next(party for party in said.parties if party.role is PartyRole.SUBJECT)
    assert (subject.name, subject.number, subject.doubtful) == ("张小明", NUMBER, False)
    hospital = next(party for party in said.parties if party.role is PartyRole.HOSPITAL)
    assert (hospital.name, hospital.number) == ("宁安市第一人民医院", "H11010500123")


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_turned_page_says_the_same_with_boxes_on_the_page_as_scanned(terms: Terms, rotation: int) -> None:
    straight = describe_with([settlement()], terms, today=TODAY)
    turned_page = settlement(rotation=rotation)
    said = describe_with([turned_page], terms, today=TODAY)
    assert {(one.key, one.value) for one in said.fields} == {(one.key, one.value) for one in straight.fields}
    box = value(said, "certno").box
    assert box == next(one.box for one in turned_page.lines if one.text == NUMBER)


def test_a_number_that_fails_its_check_is_doubtful(terms: Terms) -> None:
    said = describe_with([settlement(number="110105194912310021")], terms, today=TODAY)
    assert value(said, "certno").state is FieldState.DOUBTFUL
    assert "doubtful:certno" in said.review
    assert all(party.doubtful for party in said.parties if party.role is PartyRole.SUBJECT)


def test_a_sound_number_that_contradicts_the_birth_date_is_doubtful(terms: Terms) -> None:
    said = describe_with([settlement(birth="1959-12-31")], terms, today=TODAY)
    assert {"doubtful:certno", "doubtful:birth_date"} <= set(said.review)


def test_a_sound_number_that_contradicts_the_sex_is_doubtful(terms: Terms) -> None:
    said = describe_with([settlement(sex="男")], terms, today=TODAY)
    assert "doubtful:certno" in said.review


def test_letters_in_a_number_are_put_right_only_with_the_birth_date(terms: Terms) -> None:
    read = "11O1O519491231OO2X"
    said = describe_with([settlement(number=read)], terms, today=TODAY)
    assert (value(said, "certno").value, value(said, "certno").state) == (NUMBER, FieldState.REPAIRED)
    said = describe_with([settlement(number=read, birth="")], terms, today=TODAY)
    assert value(said, "certno").state is FieldState.DOUBTFUL


@pytest.mark.parametrize(("figures", "differ"), [("¥3,060.00", False), ("¥3,600.00", True)])
def test_capitals_that_a_field_took_over_prove_nothing_of_the_figures_beside_them(
    terms: Terms, figures: str, *, differ: bool
) -> None:
    voucher = page(
        "医疗保险基金支付凭证",
        [
            [(200, "凭证号：FZ202009092701"), (1400, "日期：2020年9月9日")],
            [(200, "付款单位"), (600, "云泽市医疗保障中心")],
            [(200, "收款人"), (600, "吴建华"), (1200, "银行账号"), (1500, "6217000202102229297")],
            [(200, "金额（大写）"), (600, "叁仟零陆拾元整"), (1200, "金额（小写）"), (1500, figures)],
            [(200, "摘要"), (600, "手工报销医疗费用支付")],
        ],
    )
    said = describe_with([voucher], terms, today=TODAY)
    checked = [one for one in said.fields if one.key in {"sumamt_words", "amount"}]
    assert {check.passed for one in checked for check in one.checks if check.id == "capitals-agree"} == {not differ}
    assert any(one.state is FieldState.DOUBTFUL for one in checked) is differ
    assert bool(said.review) is differ
