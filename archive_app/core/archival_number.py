"""Archival numbers (档号): built by template, parsed back, recognised in the forms of DA/T 13 and DA/T 22.

A number is given once, at filing, from a series without gaps (`SeriesKey`); until then a record carries a provisional
one (`P-…`). Who takes the next number of a series under concurrency is not decided here.
"""

import base64
import re
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from archive_app.core.errors import InvalidInput
from archive_app.core.reference import ArchiveClass, NumberPattern, RetentionRule, Table
from archive_app.core.vocabulary import RecordId

DOT: Final = "·"  # U+00B7, as the standards print it
_DOTS: Final = str.maketrans(dict.fromkeys("•・･.‧∙⋅", DOT))
_DASHES: Final = str.maketrans(dict.fromkeys("‐‑‒–—―−－", "-"))
_WIDE: Final = str.maketrans({0xFF01 + offset: 0x21 + offset for offset in range(94)})

_PROVISIONAL_LETTERS: Final = 13  # the low 63 bits of the record's id
PROVISIONAL: Final = re.compile(rf"P-[A-Z2-7]{{{_PROVISIONAL_LETTERS}}}")

#: What may stand in each named place of a template; `item`, `file` and `page` are running numbers.
_PLACES: Final[Mapping[str, str]] = {
    "fonds": r"[A-Z0-9]{1,16}",
    "class": r"[A-Z0-9]{1,16}",
    "form": r"\d{2}",
    "year": r"(?:19|20|21)\d{2}",
    "ret": r"Y|D[1-9]\d{0,2}",
}
_RUNNING: Final = frozenset({"item", "file", "page"})
_WIDTH: Final = re.compile(r"(0[1-9]\d?)?d?")  # filled with zeros: with blanks one number would have two writings
_ACCOUNTING: Final = "KU"
#: The pattern by which a record is numbered: of accounting or not, within a case file or not.
_PATTERNS: Final[Mapping[tuple[bool, bool], str]] = {
    (False, False): "item",
    (False, True): "case-file",
    (True, False): "accounting-item",
    (True, True): "accounting",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesKey:
    """A series (流水): item numbers run within it from 1 without gaps, and none is ever used again.

    `group` is what stands for the class in the number: the class code, or the form of accounting records. `file` is the
    number of the case file (案卷号) where items are numbered within one; files themselves are numbered in the series
    without it. Two keys are equal exactly where two numbers could collide.
    """

    fonds: str
    category: str  # 门类, such as ZY or KU
    group: str
    year: int
    period: str  # Y, D30 …
    file: int | None = None

    @classmethod
    def of(
        cls, fonds: str, *, node: ArchiveClass, rule: RetentionRule, year: int, file: int | None = None
    ) -> "SeriesKey":
        """The series in which a record of this class, under this rule and formed in this year, is numbered."""
        group = node.form or node.code
        return cls(fonds=fonds, category=node.category, group=group, year=year, period=rule.period, file=file)

    def __str__(self) -> str:
        """One line that names the series, such as `J019-ZY·YB04·2024·D10`, fit to be a key or a lock's name."""
        head = f"{self.fonds}-{self.category}{DOT}{self.group}{DOT}{self.year}{DOT}{self.period}"
        return head if self.file is None else f"{head}-{self.file}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchivalNumber:
    """档号: the item (件号) of that number in a series."""

    series: SeriesKey
    item: int


# ---------------------------------------------------------------- our own numbers


def template_for(series: SeriesKey, *, patterns: Table[NumberPattern]) -> str:
    """The template that numbers of this series are written by: by item or by case file, accounting records apart.

    Raises `InvalidInput` if the table has no such template.
    """
    code = _PATTERNS[series.category == _ACCOUNTING, series.file is not None]
    template = patterns.of(code).template
    if template is None:
        raise InvalidInput("number-template", **{code: "missing"})
    return template


def check_templates(patterns: Table[NumberPattern]) -> None:
    """Raise `InvalidInput("reference-faults")` naming each template that `template_for` would ask for in vain.

    That is one that is missing, that has no place for a case file or asks for one, or by which two records could be
    given one number.
    """
    faults: dict[str, object] = {}
    for (accounting, by_file), code in _PATTERNS.items():
        template = patterns.of(code).template if code in patterns else None
        fault = "missing" if template is None else _fault_of(template, accounting=accounting, by_file=by_file)
        if fault is not None:
            faults[f"number_patterns[{code}].template"] = fault
    if faults:
        raise InvalidInput("reference-faults", **faults)


def _fault_of(template: str, *, accounting: bool, by_file: bool) -> str | None:
    try:
        form = _form(template)
    except InvalidInput as fault:
        return "; ".join(f"{place}: {reason}" for place, reason in fault.parameters.items())
    if ("file" in form.places) != by_file:
        return "file: " + ("no-place-in-template" if by_file else "not-of-this-pattern")
    if (form.category == _ACCOUNTING) != accounting:
        return "category: other-than-template"
    return None


def build(number: ArchivalNumber, *, template: str) -> str:
    """The number as written, such as `J019-ZY·YB04·2024·D10-00037`.

    Raises `InvalidInput("archival-number")` naming each part that cannot be written: a part that the template has no
    place for or that is missing, one of a wrong form, a running number below 1.
    """
    form = _form(template)
    values = _values(number)
    faults: dict[str, object] = {}
    for place in form.places:
        value = values.get(place)
        if value is None:
            faults[place] = "missing"
        elif isinstance(value, int) and place in _RUNNING:
            if value < 1:
                faults[place] = "below-one"
        elif not re.fullmatch(_PLACES[place], str(value)):
            faults[place] = "form"
    if number.series.file is not None and "file" not in form.places:
        faults["file"] = "no-place-in-template"
    if number.series.category != form.category:
        faults["category"] = "other-than-template"
    if faults:
        raise InvalidInput("archival-number", **faults)
    return template.format_map(values)


def parse(text: str, *, template: str) -> ArchivalNumber:
    """The parts of a number written by this template. Raises `InvalidInput("archival-number")` for any other text.

    The dots of other code pages, long dashes and full-width letters are brought to the form of the standards first.
    """
    form = _form(template)
    found = form.regex.fullmatch(normalise(text))
    if found is None:
        raise InvalidInput("archival-number", template="does-not-match")
    parts = found.groupdict()
    return ArchivalNumber(
        series=SeriesKey(
            fonds=parts["fonds"],
            category=form.category,
            group=parts.get("class") or parts["form"],
            year=int(parts["year"]),
            period=parts["ret"],
            file=int(parts["file"]) if "file" in parts else None,
        ),
        item=int(parts["item"]),
    )


def normalise(text: str) -> str:
    """The text with the dot U+00B7, ASCII hyphens and letters, and no blanks; Chinese characters stay."""
    return "".join(text.split()).translate(_WIDE).translate(_DASHES).translate(_DOTS)


def _values(number: ArchivalNumber) -> dict[str, str | int | None]:
    series = number.series
    return {
        "fonds": series.fonds,
        "class": series.group,
        "form": series.group,
        "year": series.year,
        "ret": series.period,
        "item": number.item,
        "file": series.file,
    }


@dataclass(frozen=True, slots=True)
class _Form:
    places: tuple[str, ...]
    category: str
    regex: re.Pattern[str]


@lru_cache(maxsize=64)
def _form(template: str) -> _Form:
    """What a template asks for. Raises `InvalidInput("number-template")` if a part of the series has no place."""
    places: list[str] = []
    pattern: list[str] = []
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError:  # braces that do not match
        raise InvalidInput("number-template", template="not-a-template") from None
    for literal, place, width, conversion in parts:
        pattern.append(re.escape(literal))
        if place is None:
            continue
        if place in places or not (place in _PLACES or place in _RUNNING):
            raise InvalidInput("number-template", **{place or "place": "unknown-or-twice"})
        if conversion or not _WIDTH.fullmatch(width or "") or (width and place not in _RUNNING):
            raise InvalidInput("number-template", **{place: "width"})
        places.append(place)
        pattern.append(f"(?P<{place}>{_running(width or '') if place in _RUNNING else _PLACES[place]})")
    category = re.search(r"\{fonds\}-([A-Z]{2})" + DOT, template)
    missing = {"fonds", "year", "ret", "item"} - set(places)
    if missing or category is None or ("class" in places) == ("form" in places):
        raise InvalidInput("number-template", template="a-part-of-the-series-has-no-place")
    return _Form(tuple(places), category.group(1), re.compile("".join(pattern)))


def _running(width: str) -> str:
    """Digits filled with zeros to the width, and more digits only where they are needed: one number, one writing."""
    digits = int(width.removesuffix("d") or "1") if width else 1
    return rf"(?!0+(?!\d))\d{{{digits}}}|[1-9]\d{{{digits},}}"


# ---------------------------------------------------------------- provisional numbers


def provisional(record: RecordId) -> str:
    """The number a record carries until it is filed: `P-` and 13 letters from its id, none of them 0, 1, 8 or 9.

    Always the same for one record, and never to be mistaken for an archival number.
    """
    letters = base64.b32encode(record.bytes).decode("ascii").rstrip("=")
    return f"P-{letters[-_PROVISIONAL_LETTERS:]}"


def is_provisional(code: str) -> bool:
    """Whether the code is a provisional number."""
    return PROVISIONAL.fullmatch(code) is not None


# ---------------------------------------------------------------- numbers of others


@dataclass(frozen=True, slots=True)
class RecognisedNumber:
    """A number written by a known rule, with the parts that the rule names (`fonds`, `category`, `year`, `item` …)."""

    pattern: str
    text: str
    parts: Mapping[str, str]


def recognise(text: str, *, patterns: Iterable[NumberPattern]) -> RecognisedNumber | None:
    """What kind of archival number the text is, by the first pattern that fits; None if it is none.

    For numbers stamped on paper or brought along by legacy holdings, in the forms that the table knows.
    """
    plain = normalise(text)
    for pattern in patterns:
        found = re.fullmatch(pattern.regex, plain) if pattern.regex is not None else None
        if found is not None:
            parts = {name: value for name, value in found.groupdict().items() if value is not None}
            return RecognisedNumber(pattern.code, plain, parts)
    return None
