"""From the text beside a label to the value of a field in its normal form, checked by itself.

What cannot be a value of the field's format is no value; what is one with a fault is kept and doubtful.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from archive_app.core import numbers
from archive_app.core.reference import Format
from archive_app.core.vocabulary import FieldState
from ingest.describing.amounts import amount_in
from ingest.describing.dates import date_for
from ingest.describing.labelled import Pair
from ingest.describing.layout import Piece, joined, plain
from ingest.describing.model import Check, FieldValue
from ingest.describing.persons import citizen_reading, is_citizen_like
from ingest.describing.terms import Terms

SURE: Final = 0.80  # the engine's confidence below which a value is doubtful
SURE_NAME: Final = 0.90  # names have no check of their own
_LONGEST_TEXT: Final = 200
_CENTS: Final = -2  # amounts have two decimals or more
_LONGEST_NAME: Final = 6  # Han characters with something misread among them
_SHORTEST_ORGANISATION: Final = 3
_NAME: Final = re.compile(r"[㐀-鿿豈-﫿\U00020000-\U0003ffff〇·]{2,20}|[A-Za-z][A-Za-z .,'·-]{2,60}")
_NOT_A_NAME: Final = re.compile(
    r"签[字名章]|盖章|公章|年|单位|日期|电话|意见|姓名|性别|号码|证号|本人|承诺|机构|医院|公司|人员|科室|同意|中心"
)
_LONGEST_HAN_NAME: Final = 6  # characters, without the point of transcribed names
_BOX: Final = re.compile("[□☐☑☒√✓■]")
_CHOSEN: Final = re.compile("[☑☒√✓■]([^□☐☑☒√✓■]+)")
_END_OF_DATE: Final = re.compile(r"\d?日")  # what a narrow cell leaves for the next line
#: GB/T 9704: the year of a document number stands in 〔〕, which are often read as other brackets.
_YEAR_OF_NUMBER: Final = re.compile(r"[\[〔(【]((?:19|20)\d\d)[\]〕)】](?=\d+号)")
_HEADING: Final = re.compile(r"[㐀-鿿]{0,6}意见")  # of another cell: not what was said
_SEAL_WORDS: Final = re.compile(r"专用章|公章|业务章|财务章")  # letters of a seal read into the value
_TICKED: Final = re.compile(r"[☑√✓■●Rv]\s*([男女])")


_SEVERAL_LINES: Final = frozenset({"address", "unit_address", "diag_basis", "reason", "findings"})
#: Formats that take almost anything.
_FREE: Final = frozenset({Format.CODE, Format.TEXT, Format.BANK_CARD})
#: Formats whose values blanks may cut into pieces, with what stands between the pieces.
_CUT: Final = {
    Format.CITIZEN_NUMBER: "",
    Format.BANK_CARD: "",
    Format.USCC: "",
    Format.DATE: " ",
    Format.MONTH: " ",
    Format.MONEY: " ",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """A value in normal form with the checks it went through. `doubtful` if one of them failed or it was repaired."""

    value: str
    checks: tuple[Check, ...] = ()
    doubtful: bool = False


def field_value(pair: Pair, key: str, terms: Terms, *, today: date) -> FieldValue | None:
    """The value of one field from a pair, or None if the text is no value of the field's format.

    Numbers and dates that are cut into pieces are put together where the pieces alone are not sound; addresses take
    in the lines beneath.
    """
    form = terms.fields[key].format
    if key in _SEVERAL_LINES and pair.under:
        return value_of(joined((pair.value, *pair.under)), key, terms, today=today)
    if form is Format.DATE and pair.under and _END_OF_DATE.fullmatch(pair.under[0].text):
        return value_of(joined((pair.value, pair.under[0])), key, terms, today=today)
    value = value_of(pair.value, key, terms, today=today)
    is_month = form is Format.DATE and value is not None and len(value.value) == len("2024-08")
    if form in _CUT and pair.further and (value is None or value.state is FieldState.DOUBTFUL or is_month):
        for count in range(1, len(pair.further) + 1):
            longer = joined((pair.value, *pair.further[:count]), between=_CUT[form])
            whole = value_of(longer, key, terms, today=today)
            if whole and whole.state is not FieldState.DOUBTFUL and (value is None or whole.value != value.value):
                return whole
    return value


def value_of(piece: Piece, key: str, terms: Terms, *, today: date, row: int | None = None) -> FieldValue | None:
    """The value that a piece of text gives to a field, or None if the text is no value of the field's format.

    What looks like a citizen number in a field for other numbers is given as one, doubtful: so it is masked and seen.
    """
    form = terms.fields[key].format
    reading = _reader(key, form, terms, today)(piece.text)
    if reading is None:
        return None
    if form in _FREE and is_citizen_like(reading.value, regions=terms.regions):
        key, reading = "certno", Reading(numbers.compact(reading.value), (Check("label", passed=False),), doubtful=True)
    doubtful = reading.doubtful or piece.confidence < (SURE_NAME if form is Format.NAME else SURE)
    return FieldValue(
        key,
        reading.value,
        piece.as_read,
        piece.page,
        piece.source,
        piece.confidence,
        row=row,
        checks=reading.checks,
        state=FieldState.DOUBTFUL if doubtful else FieldState.READ,
    )


def _reader(key: str, form: Format, terms: Terms, today: date) -> Callable[[str], Reading | None]:
    match form:
        case Format.CITIZEN_NUMBER:
            return lambda text: _citizen(text, terms, today)
        case Format.DATE | Format.MONTH:
            return lambda text: _date(key, text, today)
        case Format.PROVIDER_CODE:
            return lambda text: _provider_code(text, terms)
        case _:
            return _PLAIN.get(form, _text)


def _citizen(text: str, terms: Terms, today: date) -> Reading | None:
    found = citizen_reading(text, today=today, regions=terms.regions)
    return Reading(found.number, found.checks, doubtful=not found.sound) if found else None


def _provider_code(text: str, terms: Terms) -> Reading | None:
    return _coded(text, numbers.provider_code_faults(text, regions=terms.regions or None), least=8)


def _coded(text: str, faults: tuple[str, ...], *, least: int) -> Reading | None:
    value = numbers.compact(text)
    if sum(character.isascii() and character.isalnum() for character in value) < least:
        return None
    checks = (Check("form", "form" not in faults), *(Check(fault, passed=False) for fault in faults if fault != "form"))
    return Reading(value, checks, doubtful=bool(faults))


def _phone(text: str) -> Reading | None:
    """A phone number, also after an address as forms for `地址、电话` have it."""
    whole = _coded(text, numbers.phone_faults(text), least=5)
    if whole is None or not whole.doubtful:
        return whole
    found = re.findall(r"(?<!\d)(?:1[3-9]\d{9}|0\d{2,3}-?\d{7,8})(?!\d)", plain(text))
    return Reading(numbers.compact(found[0]), (Check("form", passed=True),)) if len(found) == 1 else whole


def _account(text: str) -> Reading | None:
    """A card, with its check digit, or the account of an organisation, which has none."""
    is_account = re.fullmatch(r"\d{9,15}|\d{20,32}", numbers.compact(text))
    return _coded(text, () if is_account else numbers.bank_card_faults(text), least=5)


def _date(key: str, text: str, today: date) -> Reading | None:
    written = date_for(key, text)
    if written is None:
        return (
            Reading(plain(text), (Check("date", passed=False),), doubtful=True) if re.search(r"\d{4}", text) else None
        )
    day = written.as_date()
    is_future = bool(day and day > today) and not key.endswith(("_to", "_from"))
    return Reading(
        str(written), (Check("real-date", passed=True), Check("not-future", not is_future)), doubtful=is_future
    )


def _money(text: str) -> Reading | None:
    amount = amount_in(text)
    if amount is None:
        return None
    checks = () if amount.agrees is None else (Check("capitals-agree", amount.agrees),)
    value = amount.value if int(amount.value.as_tuple().exponent) <= _CENTS else amount.value.quantize(Decimal("0.01"))
    return Reading(f"{value:f}", checks, doubtful=amount.doubtful)


def _name(text: str) -> Reading | None:
    value = re.sub(r"\(.*?\)$", "", plain(text)).strip(" :：;；,，。、_")
    if re.search(r"[㐀-鿿]", value):
        value = value.replace(" ", "")
    if _NOT_A_NAME.search(value):
        return None
    if re.search(r"[㐀-鿿]", value) and "·" not in value and len(value) > _LONGEST_HAN_NAME:
        return None
    if _NAME.fullmatch(value):
        return Reading(value)
    letters = re.sub(r"[^㐀-鿿]", "", value)
    return Reading(value, (Check("form", passed=False),), doubtful=True) if 1 < len(letters) <= _LONGEST_NAME else None


def _sex(text: str) -> Reading | None:
    value = plain(text)
    ticked = _TICKED.search(value)
    if ticked:
        return Reading(ticked.group(1))
    return Reading(value[0]) if value and value[0] in "男女" and not re.search("[男女]", value[1:]) else None


def _integer(text: str) -> Reading | None:
    found = re.fullmatch(r"(\d[\d,]*)\s*[天日人次月张件个岁年页份]*", plain(text))
    return Reading(found.group(1).replace(",", "")) if found else None


def _percent(text: str) -> Reading | None:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", plain(text))
    return Reading(found.group(1)) if found else None


def _year(text: str) -> Reading | None:
    found = re.match(r"((?:19|20)\d\d)(?!\d)", plain(text))
    return Reading(found.group(1)) if found else None


def _region(text: str) -> Reading | None:
    value = plain(text)
    return Reading(value) if value else None


def _icd(text: str) -> Reading | None:
    value = plain(text).replace(" ", "")
    if not re.match(r"[A-Za-z0-9]\d", value):
        return None
    faults = numbers.icd_faults(value)
    return Reading(value, (Check("form", not faults),), doubtful=bool(faults))


def _code(text: str) -> Reading | None:
    value = _YEAR_OF_NUMBER.sub(r"〔\1〕", plain(text).replace(" ", ""))
    return Reading(value) if re.search(r"[A-Za-z0-9]", value) and len(value) <= _LONGEST_TEXT else None


def _organisation(text: str) -> Reading | None:
    value = re.sub(r" ?\((?:盖章|公章|章|签章)\)$", "", plain(text)).strip(" :：;；,，。_")
    if len(value) < _SHORTEST_ORGANISATION or not re.search(r"[㐀-鿿]{2}", value):
        return None
    is_under_seal = bool(_SEAL_WORDS.search(value))
    return Reading(value, (Check("seal-text", not is_under_seal),) if is_under_seal else (), doubtful=is_under_seal)


def _text(text: str) -> Reading | None:
    """Words; of boxes to tick, those that are ticked. Boxes of which none is seen ticked are doubtful."""
    value = plain(text).strip(" :：_")
    if _BOX.search(value):
        chosen = [option.strip(" ,;、") for option in _CHOSEN.findall(value) if option.strip(" ,;、")]
        return Reading("、".join(chosen) or value, (Check("ticked", bool(chosen)),), doubtful=not chosen)
    if _HEADING.fullmatch(value):
        return None
    return Reading(value) if value and len(value) <= _LONGEST_TEXT else None


def _nothing(text: str) -> Reading | None:
    """Marks (seals, signatures) are not read from text."""
    del text
    return None


_PLAIN: Final[Mapping[Format, Callable[[str], Reading | None]]] = {
    Format.PHONE: _phone,
    Format.MONEY: _money,
    Format.BANK_CARD: _account,
    Format.USCC: lambda text: _coded(text, numbers.uscc_faults(text), least=5),
    Format.SPECIAL_DISEASE: lambda text: _coded(text, numbers.special_disease_faults(text), least=5),
    Format.NAME: _name,
    Format.ORGANISATION: _organisation,
    Format.SEX: _sex,
    Format.INTEGER: _integer,
    Format.PERCENT: _percent,
    Format.YEAR: _year,
    Format.REGION: _region,
    Format.ICD: _icd,
    Format.CODE: _code,
    Format.MARK: _nothing,
}
