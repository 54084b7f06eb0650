"""What stands without a label, and labels printed from top to bottom."""

from datetime import date

import pytest

from archive_app.core.ports import OcrLine
from archive_app.core.reference import ReferenceTables
from archive_app.core.vocabulary import Box, FieldState
from ingest.describing.describe import describe
from ingest.describing.model import Description, ReadPage

TODAY = date(2026, 11, 24)
TABLES = ReferenceTables.bundled()


def described(*lines: tuple[str, Box], confidence: float = 0.99) -> Description:
    page = ReadPage(1, 1650, 2340, 0, tuple(OcrLine(text, box, confidence) for text, box in lines))
    return describe([page], TABLES, today=TODAY)


def values(said: Description, key: str) -> list[str]:
    return [value.value for value in said.fields if value.key == key]


FEES = (("住院患者费用明细清单", (540, 180, 560, 60)), ("姓名：柳慧", (120, 300, 200, 40)))


@pytest.mark.parametrize("name", ["北塘区妇幼保健院", "江州大学附属同泰医院", "临江区沿河社区卫生服务中心"])
def test_the_hospital_printed_over_the_title_is_the_provider(name: str) -> None:
    said = described((name, (560, 100, 500, 50)), *FEES)
    assert values(said, "fixmedins_name") == [name]


def test_a_hospital_named_further_down_is_not_taken_for_the_head_of_the_paper() -> None:
    said = described(*FEES, ("北塘区妇幼保健院", (560, 1400, 500, 50)))
    assert values(said, "fixmedins_name") == []


def test_a_heading_read_with_doubt_gives_a_doubtful_provider() -> None:
    said = described(("北塘区妇幼保健院", (560, 100, 500, 50)), *FEES, confidence=0.6)
    assert {value.state for value in said.fields if value.key == "fixmedins_name"} == {FieldState.DOUBTFUL}


def test_a_date_alone_at_the_foot_of_a_letter_is_its_date() -> None:
    said = described(
        ("医疗保障稽核通知书", (590, 170, 500, 60)),
        ("文号：云医保稽〔2022〕18号", (129, 280, 394, 43)),
        ("被稽核单位：临江区沿河社区卫生服务中心", (129, 330, 559, 45)),
        ("事由：住院费用专项稽核", (129, 380, 330, 40)),
        ("稽核人员：许明、范晓东。特此通知。", (182, 708, 483, 47)),
        ("2022年5月16日", (1090, 1200, 280, 60)),
    )
    assert values(said, "doc_date") == ["2022-05-16"]


def test_the_first_line_beside_a_label_printed_downwards_is_its_value_and_the_seal_is_not() -> None:
    said = described(
        ("特殊药品使用申请表", (575, 124, 505, 59)),
        ("姓名", (197, 234, 76, 50)),
        ("柳慧", (355, 235, 103, 46)),
        ("同意申请。", (221, 699, 141, 45)),
        ("医院意见", (138, 735, 50, 154)),
        ("市人民医院", (500, 800, 160, 45)),
        ("2023年4月19日", (1180, 878, 246, 49)),
    )
    assert values(said, "hospital_opinion") == ["同意申请。"]


def test_the_last_character_of_a_date_may_stand_on_the_next_line() -> None:
    said = described(
        ("门诊慢性病认定审批表", (547, 122, 562, 61)),
        ("出生日期", (586, 383, 142, 51)),
        ("1962年3月18", (770, 369, 182, 38)),
        ("日", (772, 407, 40, 44)),
    )
    assert values(said, "birth_date") == ["1962-03-18"]


def test_the_brackets_around_the_year_of_a_document_number_are_put_right() -> None:
    said = described(
        ("定点医疗机构医疗保障服务协议书", (612, 117, 900, 66)), ("协议编号：云医保协〔2022]62号", (184, 281, 656, 48))
    )
    assert values(said, "agreement_no") == ["云医保协〔2022〕62号"]


def test_name_and_number_over_one_value_each_are_a_form_and_no_roster() -> None:
    said = described(
        ("医疗费用报销申请表", (600, 120, 500, 60)),
        ("参保人姓名", (200, 300, 160, 40)),
        ("身份证号码", (900, 300, 160, 40)),
        ("柳慧", (200, 360, 80, 40)),
        ("330302198610077462", (900, 360, 330, 40)),
    )
    assert [(value.value, value.row) for value in said.fields if value.key == "person_name"] == [("柳慧", None)]
