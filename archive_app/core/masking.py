"""Personal values as people without the right to unmask may see them.

Masking fails closed: what is not recognised is hidden whole, and inside free text every run of 11 or more digits goes,
also one that blanks, hyphens or a line end cut in pieces.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
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
#: Characters without a shape (soft hyphens, joiners, marks of direction): word processors leave them anywhere.
_SHAPELESS: Final = "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
_UNSEEN: Final = re.compile(rf"[\s{_SHAPELESS}]")
_GAP: Final = rf"(?:[\s\-‐‑–—_·{_SHAPELESS}]{{1,3}}|[.,:](?!\d\d(?!\d)))?"
_LONG_RUN: Final = re.compile(rf"(?=\d|[OoIl|]\d){_DIGIT}(?:{_GAP}{_DIGIT}){{10,}}(?:{_GAP}[Xx](?![A-Za-z]))?")
_FEWEST_DIGITS: Final = 9  # a run may hold letters that OCR put in place of digits, but not consist of them
_DAY_OR_TIME: Final = re.compile(
    r"(?:18|19|20)\d\d[-.](?:0?[1-9]|1[0-2])[-.](?:0?[1-9]|[12]\d|3[01])|[0-2]?\d:\d\d(?::\d\d)?"
)
_CITIZEN: Final = re.compile(r"\d{17}[\dX]|\d{15}")
_MOBILE: Final = re.compile(r"(?:\+?86)?1[3-9]\d{9}")
#: In rosters a name stands before its number. What ends like a label of numbers is no name.
_BEFORE_NUMBER: Final = re.compile(
    rf"(?<![一-鿿·])([一-鿿·]{{2,15}}(?<![号码证话机卡]))(?=[\s,，、|{_SHAPELESS}]{{1,3}}{_DIGIT}(?:{_GAP}{_DIGIT}){{14}})"
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
    """The text with every personal number and every known value masked; nothing else moves, and line ends stay.

    Hidden are: each run of 11 or more digits (a citizen number, a phone number, a card or anything else), also in
    full-width digits, with letters read in place of digits, or with gaps, seen or not; each of `values` as written,
    with blanks in it, in letters of another width, or cut by line ends between which other words stand; each piece of
    six or more digits of a known number; and a name, known or not, right before a number of 15 or more digits. Dates
    and times on their own stay.
    """
    text = _BEFORE_NUMBER.sub(lambda found: mask_name(found.group(1)), text)
    known = sorted(values, key=lambda value: -len(value.value))
    text = _mask_known(text, known) if known else text
    numbers = [number for one in known if sum(map(str.isdigit, number := compact(one.value))) >= _SHORTEST_FRAGMENT]
    if numbers:
        text = _NUMBER_RUN.sub(lambda run: _hide_if_part(run.group(0), numbers), text)
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


@dataclass(frozen=True, slots=True)
class _Letters:
    """A text as it is compared: all of it seen, one width and case. `at`: where each letter stands in the text."""

    text: str
    at: tuple[int, ...]
    lines: tuple[tuple[int, int], ...]  # start and end of each line that has letters

    @classmethod
    def of(cls, text: str) -> "_Letters":
        letters: list[str] = []
        at: list[int] = []
        lines, began = list[tuple[int, int]](), 0
        for place, character in enumerate(text):
            if character == "\n" and len(at) > began:
                lines.append((began, len(at)))
                began = len(at)
            if not _UNSEEN.match(character):
                folded = unicodedata.normalize("NFKD", character).casefold()  # so each accent is a letter of its own
                letters.append(folded)
                at += [place] * len(folded)
        if len(at) > began:
            lines.append((began, len(at)))
        return cls("".join(letters), tuple(at), tuple(lines))

    def whole(self, wanted: str) -> Iterator[tuple[int, int]]:
        start = self.text.find(wanted)
        while start >= 0:
            yield start, start + len(wanted)
            start = self.text.find(wanted, start + len(wanted))

    def in_pieces(self, wanted: str) -> Iterator[tuple[int, int]]:
        """Its pieces where a line ends within it and goes on further below: cells of a form are read line by line."""
        head = wanted[:_SHORTEST_FRAGMENT]
        if head not in self.text:
            return
        missing: set[str] = set()  # what is still to come of one that began further up
        for start, end in self.lines:
            line = self.text[start:end]
            for rest in tuple(missing):
                if line.startswith(rest):
                    yield start, start + len(rest)
                    missing.remove(rest)
                elif rest.startswith(line):
                    yield start, end
                    missing.remove(rest)
                    missing.add(rest[len(line) :])
            began = max(start, end - len(wanted) + 1)
            while (began := self.text.find(head, began, end)) >= 0 and not wanted.startswith(self.text[began:end]):
                began += 1
            if began >= 0:
                yield began, end
                missing.add(wanted[end - began :])


def _mask_known(text: str, known: Sequence[PersonalValue]) -> str:
    letters = _Letters.of(text)
    shown: dict[int, tuple[int, str]] = {}  # of each stretch that is hidden: where it ends, and what stands there
    taken = bytearray(len(letters.text))

    def hide(start: int, end: int, masked: str) -> None:
        if any(taken[start:end]):  # by another value: what is left of this one goes letter by letter
            for place in range(start, end):
                if not taken[place]:
                    hide(place, place + 1, STAR)
            return
        taken[start:end] = b"\1" * (end - start)
        first, last = letters.at[start], letters.at[end - 1] + 1
        stretch = last, masked + "\n" * text.count("\n", first, last)
        shown[first] = max(shown.get(first, stretch), stretch)  # one character may be several letters

    for start, end, masked in _places(letters, known):
        hide(start, end, masked)
    parts, last = list[str](), 0
    for first in sorted(shown):
        parts += [text[last:first], shown[first][1]]
        last = max(last, shown[first][0])
    return "".join([*parts, text[last:]])


def _places(letters: _Letters, known: Iterable[PersonalValue]) -> Iterator[tuple[int, int, str]]:
    """Where each value stands, from letter to letter, and what is to stand there."""
    for one in known:
        wanted = _Letters.of(one.value).text
        if wanted:
            masked = mask(one.kind, unicodedata.normalize("NFKC", "".join(one.value.split())))
            yield from ((start, end, masked) for start, end in letters.whole(wanted))
        if len(wanted) > _SHORTEST_FRAGMENT:
            yield from ((start, end, STAR * (end - start)) for start, end in letters.in_pieces(wanted))


def _hide_if_part(run: str, numbers: Sequence[str]) -> str:
    piece = compact(_UNSEEN.sub("", run))
    return _star_out(run, front=0, back=0) if any(piece in number for number in numbers) else run
