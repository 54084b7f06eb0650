"""Where personal numbers stand in a text, by shape alone: they are found by keyed hash and whole (decision 20)."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from archive_app.core.numbers import compact, luhn_holds
from search.text import fold, is_row_of_years

CITIZEN = "citizen-number"
PHONE = "phone"
CARD = "bank-card"

HashNumber = Callable[[str], str]

_EDGE_BEFORE = "(?<![0-9a-z])"
_EDGE_AFTER = "(?![0-9a-z])"
_MONTH_DAY = "(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_SHAPES = (
    (CITIZEN, f"[1-9][0-9]{{5}}[ -]?(?:18|19|20)[0-9]{{2}}[ -]?{_MONTH_DAY}[ -]?[0-9]{{3}}[0-9x]"),
    (CITIZEN, f"[1-9][0-9]{{5}}[0-9]{{2}}{_MONTH_DAY}[0-9]{{3}}"),
    (PHONE, "(?:[+]?86[ -]?)?1[3-9][0-9](?:[0-9]{8}|[ -][0-9]{4}[ -][0-9]{4})"),
    (CARD, "(?:[0-9]{16,19}|[0-9]{4}(?:[ -][0-9]{4}){3}(?:[ -]?[0-9]{1,3})?)"),
)
_NUMBER = re.compile(
    _EDGE_BEFORE + "(?:" + "|".join(f"(?P<n{i}>{shape})" for i, (_, shape) in enumerate(_SHAPES)) + ")" + _EDGE_AFTER
)


@dataclass(frozen=True, slots=True)
class PersonalNumber:
    """A stretch of folded text that looks like a personal number; `number` is compact, upper case."""

    kind: str
    number: str
    start: int
    end: int


def find(folded: str) -> Iterator[PersonalNumber]:
    """Every citizen number (15 or 18 characters), mobile number and bank card (Luhn) in a folded text."""
    for match in _NUMBER.finditer(folded):
        kind = _SHAPES[int(str(match.lastgroup)[1:])][0]
        number = compact(match[0]).lstrip("+")
        if kind != CARD or (luhn_holds(number) and not is_row_of_years(match[0])):
            yield PersonalNumber(kind, number, match.start(), match.end())


def kind_of(text: str) -> str | None:
    """`citizen-number`, `phone` or `bank-card` if the whole text is such a number by its shape, else None."""
    folded = fold(text).strip()
    for found in find(folded):
        if (found.start, found.end) == (0, len(folded)):
            return found.kind
    return None
