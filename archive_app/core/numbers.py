"""The numbers, amounts and dates that insurance papers carry: their forms, their checks and one normal form each.

Everything here is pure. A check digit proves a reading wrong, never right: one wrong candidate in eleven passes too.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final

from archive_app.core.vocabulary import IdentifierKind

#: Kinds of personal numbers that do not identify a person in `IdentifierKind`, but are masked and hashed alike.
PHONE: Final = "phone"
BANK_CARD: Final = "bank-card"

_CITIZEN_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CITIZEN_CHECKS: Final = "10X98765432"
_CITIZEN_18: Final = re.compile(r"[1-9]\d{16}[\dX]")
_CITIZEN_15: Final = re.compile(r"[1-9]\d{14}")
_CENTENARIAN_SERIALS: Final = frozenset({"996", "997", "998", "999"})

_USCC: Final = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}")
_USCC_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"

_PROVIDER_CODE: Final = re.compile(r"[HP]\d{11}")
_MOBILE: Final = re.compile(r"(?:\+?86)?(1[3-9]\d{9})")
_LANDLINE: Final = re.compile(r"0\d{2,3}\d{7,8}")
_BANK_CARD: Final = re.compile(r"\d{16,19}")
_ICD: Final = re.compile(r"[A-Z]\d\d(?:\.[0-9X]\d\d(?:X\d{3})?)?[+*]?")
_SPECIAL_DISEASE: Final = re.compile(r"M\d{5}")
_JOINTS: Final = re.compile(r"[\s\-‐‑–—_·.,:'’]+")


class UnsoundNumberError(ValueError):
    """The text is not a sound number of the kind asked for. `faults` are codes such as `check-digit`."""

    def __init__(self, *faults: str) -> None:
        self.faults = faults
        super().__init__(", ".join(faults))


def compact(text: str) -> str:
    """NFKC, upper case, without blanks, hyphens and the marks that OCR puts inside numbers."""
    return _JOINTS.sub("", unicodedata.normalize("NFKC", text)).upper()


# ---------------------------------------------------------------- citizen number 公民身份号码


@dataclass(frozen=True, slots=True)
class CitizenNumber:
    """A citizen number (公民身份号码, GB 11643) in its 18-character form, with what it says of its holder."""

    number: str
    birth: date
    sex: str  # 男 or 女
    region: str  # six digits, GB/T 2260


def citizen_check_digit(first17: str) -> str:
    """The 18th character by ISO 7064 MOD 11-2 over 17 digits."""
    total = sum(int(digit) * weight for digit, weight in zip(first17, _CITIZEN_WEIGHTS, strict=True))
    return _CITIZEN_CHECKS[total % 11]


def eighteen_from_fifteen(number: str) -> str:
    """The 18-character form of an old 15-digit number: century 19, or 18 for the serials kept for centenarians."""
    century = "18" if number[12:] in _CENTENARIAN_SERIALS else "19"
    first17 = number[:6] + century + number[6:]
    return first17 + citizen_check_digit(first17)


def citizen_faults(text: str, *, today: date, regions: Collection[str] | None = None) -> tuple[str, ...]:
    """Every reason why the text cannot be a citizen number, as codes; empty means nothing speaks against it.

    Codes: `form`, `birth-date`, `future`, `region`, `check-digit`. `regions` holds the known leading digits of
    division codes, of 2, 4 or 6 digits; None leaves the region unchecked.
    """
    number = compact(text)
    if _CITIZEN_15.fullmatch(number):
        number = eighteen_from_fifteen(number)
    if not _CITIZEN_18.fullmatch(number):
        return ("form",)
    faults: list[str] = []
    birth = real_date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    if birth is None or birth.year < 1800:  # noqa: PLR2004 no living or recorded holder is older
        faults.append("birth-date")
    elif birth > today:
        faults.append("future")
    if regions is not None and not any(number[:length] in regions for length in (2, 4, 6)):
        faults.append("region")
    if citizen_check_digit(number[:17]) != number[17]:
        faults.append("check-digit")
    return tuple(faults)


def citizen_number(text: str, *, today: date, regions: Collection[str] | None = None) -> CitizenNumber:
    """The sound citizen number that the text is, printed with 15 or 18 characters. Raises `UnsoundNumberError`."""
    faults = citizen_faults(text, today=today, regions=regions)
    if faults:
        raise UnsoundNumberError(*faults)
    number = compact(text)
    if _CITIZEN_15.fullmatch(number):
        number = eighteen_from_fifteen(number)
    return CitizenNumber(
        number,
        birth=date(int(number[6:10]), int(number[10:12]), int(number[12:14])),
        sex="男" if int(number[16]) % 2 else "女",
        region=number[:6],
    )


# ---------------------------------------------------------------- other numbers


def uscc_check_character(first17: str) -> str:
    """The 18th character of a unified social credit code (统一社会信用代码) by GB 32100, MOD 31."""
    weight, total = 1, 0
    for character in first17:
        total += _USCC_ALPHABET.index(character) * weight
        weight = weight * 3 % 31
    return _USCC_ALPHABET[(31 - total % 31) % 31]


def uscc_faults(text: str) -> tuple[str, ...]:
    """Every reason why the text cannot be a unified social credit code: `form`, `check-digit`."""
    number = compact(text)
    if not _USCC.fullmatch(number):
        return ("form",)
    return () if uscc_check_character(number[:17]) == number[17] else ("check-digit",)


def provider_code_faults(text: str, *, regions: Collection[str] | None = None) -> tuple[str, ...]:
    """Every reason why the text cannot be the code of a designated provider: `form`, `region`."""
    number = compact(text)
    if not _PROVIDER_CODE.fullmatch(number):
        return ("form",)
    if regions is not None and not any(number[1 : 1 + length] in regions for length in (2, 4, 6)):
        return ("region",)
    return ()


def phone_faults(text: str) -> tuple[str, ...]:
    """`form` unless the text is a mobile number, or a landline number with its area code."""
    number = compact(text)
    return () if _MOBILE.fullmatch(number) or _LANDLINE.fullmatch(number) else ("form",)


def luhn_holds(digits: str) -> bool:
    """Whether a run of digits passes the Luhn check (ISO/IEC 7812)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value  # noqa: PLR2004 two digits are summed
    return total % 10 == 0


def bank_card_faults(text: str) -> tuple[str, ...]:
    """Every reason why the text cannot be a bank card number of 16 to 19 digits: `form`, `check-digit`."""
    number = compact(text)
    if not _BANK_CARD.fullmatch(number):
        return ("form",)
    return () if luhn_holds(number) else ("check-digit",)


def icd_faults(text: str) -> tuple[str, ...]:
    """`form` unless the text is a diagnosis code of ICD-10, medical-insurance edition 2.0, such as `I63.900x004`."""
    code = unicodedata.normalize("NFKC", text).strip().upper()
    return () if _ICD.fullmatch(code) else ("form",)


def special_disease_faults(text: str) -> tuple[str, ...]:
    """`form` unless the text is a code of an out-patient chronic or special disease (门诊慢特病), `M` and 5 digits."""
    return () if _SPECIAL_DISEASE.fullmatch(compact(text)) else ("form",)


def normalise_number(kind: str, text: str) -> str:
    """The one form in which a number of this kind is compared and hashed.

    A 15-digit and an 18-character citizen number of one person give the same answer; a mobile number loses its
    country prefix. The text need not be sound: what has no better form is only compacted.
    """
    number = compact(text)
    if kind == IdentifierKind.CITIZEN and _CITIZEN_15.fullmatch(number):
        return eighteen_from_fifteen(number)
    if kind == PHONE:
        mobile = _MOBILE.fullmatch(number)
        return mobile.group(1) if mobile else number
    return number


# ---------------------------------------------------------------- money 金额


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in yuan as read. `doubtful` if the marks inside it allow another reading."""

    value: Decimal
    doubtful: bool = False


_FIGURES: Final = re.compile(r"-?\d[\d,.]*")
#: Three decimals may be a group of thousands misread; unit prices have four and more.
_SOUND_FIGURES: Final = re.compile(r"-?(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.(?:\d{1,2}|\d{4,}))?")
_LOOKALIKES: Final = str.maketrans({"O": "0", "o": "0", "l": "1", "I": "1"})
_CURRENCY: Final = re.compile(r"人民币|RMB|CNY|[¥￥元圆整正]")


def parse_money(text: str) -> Money | None:
    """The amount that a text of figures gives, or None if it is no amount.

    `45,055.44` and `¥45055.44` are plain. `45.055.44` and `45,055,44` give 45055.44, doubtful: a mark was misread.
    Letters that look like digits and blanks between digits are read through, and make the amount doubtful.
    """
    plain = _CURRENCY.sub("", unicodedata.normalize("NFKC", text)).replace("，", ",").strip()
    negative = plain.startswith("(") and plain.endswith(")")
    plain = plain.strip("()").replace("−", "-")
    figures = re.sub(r"\s+", "", plain).translate(_LOOKALIKES)
    if not _FIGURES.fullmatch(figures):
        return None
    doubtful = figures != plain or not _SOUND_FIGURES.fullmatch(figures)
    marks = re.fullmatch(r"(.*)([.,])(\d*)", figures)
    head, mark, tail = marks.groups() if marks else (figures, "", "")
    if len(tail) == 3 and (mark == "," or re.search("[.,]", head)):  # noqa: PLR2004 a group of thousands
        head, tail = head + tail, ""
    try:
        value = Decimal(re.sub("[.,]", "", head) + ("." + tail if tail else ""))
    except InvalidOperation:
        return None
    return Money(-value if negative else value, doubtful)


_CAPITAL_DIGITS: Final = {
    character: digit
    for digit, characters in enumerate(
        ("零〇○", "壹一弌", "贰二貳弍", "叁三參叄弎", "肆四", "伍五", "陆六陸", "柒七", "捌八", "玖九")
    )
    for character in characters
}
_SMALL_UNITS: Final = {"拾": 10, "十": 10, "佰": 100, "百": 100, "仟": 1000, "千": 1000}
_CAPITALS: Final = re.compile(
    r"[零〇○壹一弌贰二貳弍叁三參叄弎肆四伍五陆六陸柒七捌八玖九拾十佰百仟千万萬亿億]+[元圆圓](?:[零〇○]?[壹一贰二貳叁三參肆四伍五陆六陸柒七捌八玖九零]角)?"
    r"(?:[零〇○]?[壹一贰二貳叁三參肆四伍五陆六陸柒七捌八玖九零]分)?[整正]?"
)


def find_capitals(text: str) -> str | None:
    """The run of Chinese capitals (大写金额) inside a text, without blanks, or None."""
    found = _CAPITALS.search(re.sub(r"\s+", "", unicodedata.normalize("NFKC", text)))
    return found.group(0) if found else None


def money_from_capitals(text: str) -> Decimal:
    """The amount in yuan that capitals such as `肆万伍仟零伍拾元肆角` say. Raises `UnsoundNumberError`."""
    capitals = find_capitals(text)
    if capitals is None:
        raise UnsoundNumberError("form")
    yuan, _, rest = re.sub("[圆圓]", "元", capitals).partition("元")
    value = Decimal(_whole_from_capitals(yuan))
    for unit, scale in (("角", Decimal("0.1")), ("分", Decimal("0.01"))):
        before, found, after = rest.partition(unit)
        if found:
            value += _CAPITAL_DIGITS[before[-1]] * scale
            rest = after
    return value


def _whole_from_capitals(capitals: str) -> int:
    total, section, digit, last_unit = 0, 0, 0, 10_000
    for character in capitals.replace("萬", "万").replace("億", "亿"):
        if character in _CAPITAL_DIGITS:
            if digit:
                raise UnsoundNumberError("form")  # two digits side by side: a unit was lost
            digit = _CAPITAL_DIGITS[character]
        elif character in _SMALL_UNITS:
            unit = _SMALL_UNITS[character]
            if unit >= last_unit:
                raise UnsoundNumberError("order")
            section, digit, last_unit = section + (digit or 1) * unit, 0, unit
        else:
            scale = 10_000 if character == "万" else 100_000_000
            if scale == 10_000:  # noqa: PLR2004 万 closes a section, 亿 closes everything before it
                total += (section + digit) * scale
            else:
                total = (total + section + digit) * scale
            section, digit, last_unit = 0, 0, 10_000
    return total + section + digit


def money_to_capitals(value: Decimal) -> str:
    """The amount in Chinese capitals as banks write them. `value` is in yuan, ≥ 0, below 10^12, in whole cents.

    Raises `UnsoundNumberError` outside that range.
    """
    cents = value * 100
    if value < 0 or value >= 10**12 or cents != cents.to_integral_value():
        raise UnsoundNumberError("range")
    yuan, rest = divmod(int(cents), 100)
    jiao, fen = divmod(rest, 10)
    digits = "零壹贰叁肆伍陆柒捌玖"
    words = _whole_to_capitals(yuan) + "元" if yuan or not rest else ""
    if not rest:
        return words + "整"
    if jiao:
        words += digits[jiao] + "角"
    elif yuan:
        words += "零"
    return words + (digits[fen] + "分" if fen else "整")


def _whole_to_capitals(yuan: int) -> str:
    if not yuan:
        return "零"
    words, gap = "", False
    for scale, name in ((10**8, "亿"), (10**4, "万"), (1, "")):
        section, yuan = divmod(yuan, scale)
        if not section:
            gap = bool(words)
            continue
        if words and (gap or section < 1000):  # noqa: PLR2004 a missing thousand is spoken as one 零
            words += "零"
        words, gap = words + _section_to_capitals(section) + name, False
    return words


def _section_to_capitals(section: int) -> str:
    words, gap = "", False
    for scale, name in ((1000, "仟"), (100, "佰"), (10, "拾"), (1, "")):
        digit, section = divmod(section, scale)
        if digit:
            words += ("零" if gap else "") + "零壹贰叁肆伍陆柒捌玖"[digit] + name
        gap = not digit and bool(words)
    return words


# ---------------------------------------------------------------- dates 日期


@dataclass(frozen=True, slots=True, order=True)
class WrittenDate:
    """A date as forms write it: a whole day, or only a year and month (`day` is None)."""

    year: int
    month: int
    day: int | None = None

    def as_date(self) -> date | None:
        """The day, or None if only the month is written."""
        return None if self.day is None else date(self.year, self.month, self.day)

    def agrees_with(self, day: date) -> bool:
        """Whether a day lies within what is written."""
        return (self.year, self.month) == (day.year, day.month) and self.day in (None, day.day)

    def __str__(self) -> str:
        month = f"{self.year:04}-{self.month:02}"
        return month if self.day is None else f"{month}-{self.day:02}"


_HAN_DIGITS: Final = {**_CAPITAL_DIGITS, "O": 0, "Ｏ": 0, "o": 0, "0": 0}
_HAN_YEAR: Final = r"[一二][〇○零OＯo0一二三四五六七八九]{3}"
_HAN_SMALL: Final = r"[〇○零一二三四五六七八九十廿卅]{1,3}"
_DATE: Final = re.compile(
    r"(?<!\d)(?P<y>(?:18|19|20)\d\d)\s*(?:"
    r"年[\s_-]*(?P<m1>\d{1,2})[\s_-]*月(?:份)?(?:[\s_-]*(?P<d1>\d{1,2})\s*[日号])?"
    r"|(?P<sep>[-./])\s*(?P<m2>\d{1,2})(?!\d)(?:\s*(?P=sep)\s*(?P<d2>\d{1,2}))?(?!\d)(?!\s*[-./]\d{1,2}(?!\d))"
    r"|(?P<m3>0[1-9]|1[0-2])(?P<d3>0[1-9]|[12]\d|3[01])?(?!\d)"
    r")"
    rf"|(?P<hy>{_HAN_YEAR})年(?P<hm>{_HAN_SMALL})月(?:(?P<hd>{_HAN_SMALL})[日号])?"
)


@dataclass(frozen=True, slots=True)
class FoundDate:
    """A date inside a text and where it stands there (after NFKC)."""

    written: WrittenDate
    start: int
    end: int


def real_date(year: int, month: int, day: int) -> date | None:
    """The day if the calendar has it, else None."""
    try:
        return date(year, month, day)
    except ValueError:
        return None


def find_dates(text: str) -> Iterator[FoundDate]:
    """Every real date in a text, in order.

    Forms: `2024-08-05`, `2024.8.5`, `2024/8/5`, `2024年8月5日`, `二〇二四年八月五日`, `20240805`; also without a day.
    """
    for found in _DATE.finditer(unicodedata.normalize("NFKC", text)):
        if found["y"]:
            year = int(found["y"])
            month = int(found["m1"] or found["m2"] or found["m3"])
            day = found["d1"] or found["d2"] or found["d3"]
            number = int(day) if day else None
        else:
            year = int("".join(str(_HAN_DIGITS[c]) for c in found["hy"]))
            month = _small_han(found["hm"])
            number = _small_han(found["hd"]) if found["hd"] else None
        if real_date(year, month, 1 if number is None else number):
            yield FoundDate(WrittenDate(year, month, number), found.start(), found.end())


def parse_date(text: str) -> WrittenDate | None:
    """The one date that the text consists of (a time of day may follow), or None."""
    plain = unicodedata.normalize("NFKC", text).strip(" :;,。、()")
    found = list(find_dates(plain))
    if len(found) != 1 or found[0].start != 0:
        return None
    rest = plain[found[0].end :].strip()
    return (
        found[0].written
        if re.fullmatch(r"(?:T?\s*\d{1,2}\s*[:时]\s*\d{1,2}(?:\s*[:分]\s*\d{0,2})?秒?)?", rest)
        else None
    )


def _small_han(text: str) -> int:
    text = text.replace("廿", "二十").replace("卅", "三十")
    tens, ten, ones = text.rpartition("十")
    if not ten:
        return int("".join(str(_HAN_DIGITS[c]) for c in text))
    return (_HAN_DIGITS[tens] if tens else 1) * 10 + (_HAN_DIGITS[ones] if ones else 0)
