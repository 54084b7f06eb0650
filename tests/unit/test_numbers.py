"""The checks of GB 11643, GB 32100 and Luhn, and the forms of amounts and dates."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive_app.core import numbers
from archive_app.core.numbers import UnsoundNumberError, WrittenDate
from archive_app.core.vocabulary import IdentifierKind

TODAY = date(2026, 11, 24)


def test_the_samples_of_the_standard_are_sound() -> None:
    holder = numbers.citizen_number("11010519491231002X", today=TODAY, regions={"11", "44"})
    assert (holder.birth, holder.sex, holder.region) == (date(1949, 12, 31), "女", "110105")
    assert numbers.citizen_number("440524188001010014", today=TODAY).sex == "男"


def test_both_printed_forms_of_a_number_are_one_number() -> None:
    for old, new in (("110105491231002", "11010519491231002X"), ("320311770706001", "320311197707060018")):
        assert numbers.citizen_number(old, today=TODAY).number == new
        assert numbers.normalise_number(IdentifierKind.CITIZEN, old) == new
        assert numbers.normalise_number(IdentifierKind.CITIZEN, f" {new[:6]} {new[6:14]}-{new[14:].lower()}") == new


def test_a_serial_kept_for_centenarians_means_the_century_before() -> None:
    assert numbers.eighteen_from_fifteen("110105491231998")[6:8] == "18"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("110105194912310021", "check-digit"),
        ("11010519491331002X", "birth-date"),
        ("11010520990101002X", "future"),
        ("01010519491231002X", "form"),
        ("1101051949123100", "form"),
        ("99010519491231002X", "region"),
    ],
)
def test_a_wrong_citizen_number_names_its_fault(text: str, fault: str) -> None:
    assert fault in numbers.citizen_faults(text, today=TODAY, regions={"11"})
    with pytest.raises(UnsoundNumberError):
        numbers.citizen_number(text, today=TODAY, regions={"11"})


@given(st.integers(0, 16), st.integers(1, 9))
def test_every_single_wrong_digit_fails_the_check(place: int, shift: int) -> None:
    number = "11010519491231002X"
    wrong = number[:place] + str((int(number[place]) + shift) % 10) + number[place + 1 :]
    assert numbers.citizen_faults(wrong, today=TODAY)


def test_credit_codes_are_checked() -> None:
    assert numbers.uscc_faults("91350100M000100Y43") == ()
    assert numbers.uscc_faults("12 1101054000000188".replace(" ", "")) == ()
    assert numbers.uscc_faults("91350100M000100Y44") == ("check-digit",)
    assert numbers.uscc_faults("91350100M000100I43") == ("form",)


def test_cards_phones_and_codes_have_their_forms() -> None:
    assert numbers.bank_card_faults("6222 0200 0000 0000 002") in ((), ("check-digit",))
    assert numbers.luhn_holds("79927398713")
    assert not numbers.luhn_holds("79927398710")
    assert numbers.phone_faults("138 1234 5678") == ()
    assert numbers.phone_faults("010-12345678") == ()
    assert numbers.phone_faults("238 1234 5678") == ("form",)
    assert numbers.provider_code_faults("H11010500001", regions={"11"}) == ()
    assert numbers.provider_code_faults("H99010500001", regions={"11"}) == ("region",)
    assert numbers.icd_faults("I63.900x004") == ()
    assert numbers.icd_faults("163.900") == ("form",)
    assert numbers.special_disease_faults("M03900") == ()
    assert numbers.normalise_number(numbers.PHONE, "+86 138-1234-5678") == "13812345678"


@pytest.mark.parametrize(
    ("text", "value", "doubtful"),
    [
        ("45,055.44", "45055.44", False),
        ("¥45055.44", "45055.44", False),
        ("￥1,234.56元", "1234.56", False),
        ("45.055.44", "45055.44", True),
        ("45,055,44", "45055.44", True),
        ("45 055.44", "45055.44", True),
        ("1O0.00", "100.00", True),
        ("1,234", "1234", False),
        ("-12.50", "-12.50", False),
        ("(12.50)", "-12.50", False),
        ("12.345", "12.345", True),
        ("35.50000", "35.50000", False),
    ],
)
def test_figures_are_read_and_a_misread_mark_is_doubtful(text: str, value: str, *, doubtful: bool) -> None:
    money = numbers.parse_money(text)
    assert money is not None
    assert money.value == Decimal(value)
    assert money.doubtful is doubtful


@pytest.mark.parametrize("text", ["", "元", "合计", "12a", "2024-08-05", "13%", ",", "."])
def test_what_is_no_amount_gives_none(text: str) -> None:
    assert numbers.parse_money(text) is None


@pytest.mark.parametrize(
    ("value", "capitals"),
    [
        ("45055.44", "肆万伍仟零伍拾伍元肆角肆分"),
        ("52.70", "伍拾贰元柒角整"),
        ("0.05", "伍分"),
        ("10.05", "壹拾元零伍分"),
        ("100000001", "壹亿零壹元整"),
        ("10000100", "壹仟万零壹佰元整"),
        ("0", "零元整"),
    ],
)
def test_capitals_are_written_as_banks_write_them(value: str, capitals: str) -> None:
    assert numbers.money_to_capitals(Decimal(value)) == capitals


def test_capitals_are_read_with_the_spellings_met_on_paper() -> None:
    assert numbers.money_from_capitals("人民币（大写）：伍拾贰圆柒角") == Decimal("52.70")
    assert numbers.money_from_capitals("柒拾玖圆捌角整") == Decimal("79.80")
    assert numbers.money_from_capitals("拾贰万元正") == Decimal(120000)
    assert numbers.money_from_capitals("壹拾元零伍分") == Decimal("10.05")
    with pytest.raises(UnsoundNumberError):
        numbers.money_from_capitals("伍贰元整")


@given(st.integers(100, 10**14 - 1))
def test_capitals_and_figures_turn_into_each_other(cents: int) -> None:
    value = Decimal(cents) / 100
    assert numbers.money_from_capitals(numbers.money_to_capitals(value)) == value


@pytest.mark.parametrize(
    "text",
    ["2024-08-05", "2024.8.5", "2024/8/5", "2024年8月5日", "2024 年 8 月 5 日", "二〇二四年八月五日", "20240805",
     "２０２４年８月５日", "2024-08-05 10:23:11", "2024年08月05日 10时23分"],
)  # fmt: skip
def test_every_form_of_a_date_is_read(text: str) -> None:
    assert numbers.parse_date(text) == WrittenDate(2024, 8, 5)


def test_months_and_old_han_dates_are_read() -> None:
    assert numbers.parse_date("2024年8月") == WrittenDate(2024, 8)
    assert numbers.parse_date("2024-08") == WrittenDate(2024, 8)
    assert numbers.parse_date("202408") == WrittenDate(2024, 8)
    assert numbers.parse_date("一九九九年十二月卅一日") == WrittenDate(1999, 12, 31)
    assert numbers.parse_date("二〇一〇年十月二十日") == WrittenDate(2010, 10, 20)


@pytest.mark.parametrize("text", ["2024-02-30", "2024年13月1日", "20241301", "2024", "12024-08-05", "自2024-08-05起"])
def test_what_is_no_single_date_is_not_read(text: str) -> None:
    assert numbers.parse_date(text) is None


def test_all_dates_of_a_sentence_are_found_in_order() -> None:
    found = [str(found.written) for found in numbers.find_dates("自2024年1月1日至2024年12月31日，共12个月")]
    assert found == ["2024-01-01", "2024-12-31"]


def test_a_month_agrees_with_its_days() -> None:
    assert WrittenDate(1990, 5).agrees_with(date(1990, 5, 17))
    assert not WrittenDate(1990, 5, 16).agrees_with(date(1990, 5, 17))
