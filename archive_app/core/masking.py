"""Personal values as people without the right to unmask may see them.

Masking fails closed: what is not recognised is hidden whole, and inside free text every run of 11 or more digits goes,
also one that blanks, hyphens or a line end cut in pieces.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from archive_app.core.numbers import BANK_CARD, PHONE, compact
from archive_app.core.vocabulary import IdentifierKind

NAME: Final = "name"
STAR: Final = "*"

_CARD_KINDS: Final = frozenset({BANK_CARD})
_LONGEST_SHOWN: Final = 4
_SHORTEST_FRAGMENT: Final = 6  # a birth date or half a number already tells who it is

_DIGIT: Final = r"[\dOoIl|]"
_GAP: Final = r"(?:[\s\-‐‑–—_·]{1,3}|[.,:](?!\d\d(?!\d)))?"
_LONG_RUN: Final = re.compile(rf"(?=\d|[OoIl|]\d){_DIGIT}(?:{_GAP}{_DIGIT}){{10,}}(?:{_GAP}[Xx](?![A-Za-z]))?")
_FEWEST_DIGITS: Final = 9  # a run may hold letters that OCR put in place of digits, but not consist of them
_DAY_OR_TIME: Final = re.compile(
    r"(?:18|19|20)\d\d[-.](?:0?[1-9]|1[0-2])[-.](?:0?[1-9]|[12]\d|3[01])|[0-2]?\d:\d\d(?::\d\d)?"
)
_CITIZEN: Final = re.compile(r"\d{17}[\dX]|\d{15}")
_MOBILE: Final = re.compile(r"(?:\+?86)?1[3-9]\d{9}")
#: In rosters a name stands before its number. What ends like a label of numbers is no name.
_BEFORE_NUMBER: Final = re.compile(
    rf"(?<![一-鿿·])([一-鿿·]{{2,15}}(?<![号码证话机卡]))(?=[\s,，、|]{{1,3}}{_DIGIT}(?:{_GAP}{_DIGIT}){{14}})"
)
_NUMBER_RUN: Final = re.compile(rf"\d(?:{_GAP}[\dXx]){{{_SHORTEST_FRAGMENT - 1},}}")


@dataclass(frozen=True, slots=True)
class PersonalValue:
    """A value to be hidden wherever it stands in a text. `kind` as in `mask`."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class Masking:
    """How the words of one record reach one viewer: `masked` hides values in a text; `withheld`: no text at all."""

    masked: Callable[[str], str]
    withheld: bool = False

    def title(self, title: str, *, code: str) -> str:
        """The title, or the record's number where nobody has said yet whose names stand in it."""
        return code if self.withheld else self.masked(title)


def mask(kind: str, value: str) -> str:
    """The masked form of one value.

    `citizen-number` 110105********1234, `phone` 138****5678, `bank-card` the last four, `name` 张*明; any other kind,
    and any value that has not the form of its kind, becomes stars alone.
    """
    plain = compact(value)
    if kind == IdentifierKind.CITIZEN and _CITIZEN.fullmatch(plain):
        return plain[:6] + STAR * (len(plain) - 10) + plain[-_LONGEST_SHOWN:]
    if kind == PHONE and _MOBILE.fullmatch(plain):
        return plain[-11:-8] + STAR * 4 + plain[-_LONGEST_SHOWN:]
    if kind in _CARD_KINDS and len(plain) >= 2 * _LONGEST_SHOWN:
        return STAR * 4 + plain[-_LONGEST_SHOWN:]
    if kind == NAME:
        return mask_name(value)
    return STAR * max(len(value.strip()), 3)


def mask_name(name: str) -> str:
    """A name with only its ends left: 张明 → 张*, 张小明 → 张*明, 阿卜杜拉·买买提 → 阿*****提."""
    letters = "".join(name.split())
    if len(letters) <= 1:
        return STAR
    if len(letters) == 2:  # noqa: PLR2004 surname and one character
        return letters[0] + STAR
    return letters[0] + STAR * (len(letters) - 2) + letters[-1]


def mask_text(text: str, *, values: Iterable[PersonalValue] = ()) -> str:
    """The text with every personal number and every known value masked; nothing else moves.

    Hidden are: each run of 11 or more digits (a citizen number, a phone number, a card or anything else), also in
    full-width digits, with letters read in place of digits, or with gaps; each of `values` as written or with blanks in
    it; each piece of six or more digits of a known number; and a name, known or not, right before a number of 15 or
    more digits. Dates and times on their own stay.
    """
    text = _BEFORE_NUMBER.sub(lambda found: mask_name(found.group(1)), text)
    for known in sorted(values, key=lambda value: -len(value.value)):
        text = _mask_known(text, known)
    return _LONG_RUN.sub(lambda found: _mask_run(found.group(0)), text)


def _mask_run(run: str) -> str:
    if sum(character.isdigit() for character in run) < _FEWEST_DIGITS:
        return run
    if all(_DAY_OR_TIME.fullmatch(part) for part in run.split()):
        return run
    plain = compact(run)
    kept_front = 6 if _CITIZEN.fullmatch(plain) else 3 if _MOBILE.fullmatch(plain) else 0
    return _star_out(run, front=kept_front, back=_LONGEST_SHOWN)


def _star_out(run: str, *, front: int, back: int) -> str:
    """Stars for all letters and digits but the first `front` and last `back`; gaps stay, so that boxes still fit."""
    places = [place for place, character in enumerate(run) if character.isalnum() or character == "|"]
    hidden = set(places[front : len(places) - back])
    return "".join(STAR if place in hidden else character for place, character in enumerate(run))


def _mask_known(text: str, known: PersonalValue) -> str:
    value = "".join(unicodedata.normalize("NFKC", known.value).split())
    if not value:
        return text
    spaced = re.compile(r"\s*".join(re.escape(character) for character in value), re.IGNORECASE)
    masked = mask(known.kind, value)
    text = spaced.sub(lambda _: masked, text)
    number = compact(value)
    if sum(character.isdigit() for character in number) < _SHORTEST_FRAGMENT:
        return text
    return _NUMBER_RUN.sub(lambda run: _hide_if_part(run.group(0), number), text)


def _hide_if_part(run: str, number: str) -> str:
    return _star_out(run, front=0, back=0) if compact(run) in number else run
