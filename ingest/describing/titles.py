"""Which lines of a page may be its title, and how well such a line fits a known title.

Print under seals and poor copies are misread, so a few wrong characters are allowed, fewer the shorter the title is.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import floor
from statistics import median
from typing import Final

from rapidfuzz.distance import Levenshtein

from archive_app.core.vocabulary import Box
from ingest.describing.layout import Piece, UprightPage, plain, rows

_HEAD: Final = 0.34  # of the page's height: titles stand in the upper third
_FEWEST_ROWS: Final = 6  # on slips and cards the head may reach further down
_LONGEST_PREFIX: Final = 26  # characters of place and agency before the title proper
_PROMINENT: Final = 0.75
_LIKE_A_TITLE: Final = re.compile(r"[㐀-鿿]{2,30}[表单书函证件票告录册簿协议据明报目封]")
#: What may stand before a title without being part of it.
_PLACE_OR_AGENCY: Final = re.compile(r"(?:[㐀-鿿]{2,12}?(?:省|市|县|区|州|盟|旗|局|中心|医院|公司))*")
_SHORT: Final = 4  # characters: titles up to this length must match exactly
_LEAST_LIKENESS: Final = 0.8
_SIGNS: Final = 0x7F
_NOT_A_TITLE: Final = re.compile(r"[。，；《》?？!！]|^[\d一二三四五六七八九十]+[、.]|[:：]")
_TRIMMINGS: Final = re.compile(
    r"^(?:票据名称|文件名称|题名|标题) ?:|"
    r"\([^()]*\)?$|^附(?:件|表)?\d*[:：]?|第?[一二三四五六]联$|(?:存根|正本|副本|续表|复印件)$|\s"
)


@dataclass(frozen=True, slots=True)
class HeadLine:
    """A line in the head of a page; `prominence` is 0 to 1 for size, middle and height on the page."""

    text: str
    page: int
    box: Box  # upright
    prominence: float
    compared: str  # the text as titles are compared with it; empty if it cannot be one
    characters: frozenset[str]  # of `compared`
    without: int  # signs of no character of `compared`, see `_signs`


@dataclass(frozen=True, slots=True)
class _Title:
    """A known title as it is compared: all but `wrong` of its characters stand in every line that fits it."""

    title: str
    words: str
    characters: frozenset[str]
    signs: int
    wrong: int


@dataclass(frozen=True, slots=True)
class TitleMatch:
    """How a head line fits a known title."""

    title: str
    line: HeadLine
    likeness: float  # 1 is exact
    coverage: float  # share of the line that the title takes


def head_lines(page: UprightPage) -> tuple[HeadLine, ...]:
    """The lines that may be a title, from top to bottom; pieces of one row and two rows that follow are also joined."""
    all_rows = rows(page.pieces)
    if not all_rows:
        return ()
    usual = median(piece.height for piece in page.pieces)
    within = [row for row in all_rows if row[0].top <= page.height * _HEAD]
    head = all_rows[: max(len(within), _FEWEST_ROWS)]
    found = [_line(row, page, usual) for row in head]
    found += [_line((piece,), page, usual) for row in head if len(row) > 1 for piece in row]
    found += [
        _line((*upper, *lower), page, usual)
        for upper, lower in pairwise(head)
        if len(upper) == len(lower) == 1 and _alike(upper[0], lower[0])
    ]
    return tuple(found)


def _alike(upper: Piece, lower: Piece) -> bool:
    return 0.7 < upper.height / max(1, lower.height) < 1.4 and abs(upper.middle[0] - lower.middle[0]) < upper.height * 2  # noqa: PLR2004


def _line(pieces: Iterable[Piece], page: UprightPage, usual: float) -> HeadLine:
    pieces = tuple(pieces)
    left, top = min(p.left for p in pieces), min(p.top for p in pieces)
    right, bottom = max(p.right for p in pieces), max(p.bottom for p in pieces)
    size = max(p.height for p in pieces) / max(1.0, usual)
    off_middle = abs((left + right) / 2 - page.width / 2) / max(1, page.width)
    high = 1 - top / max(1, page.height)
    prominence = 0.45 * min(1.0, max(0.0, (size - 0.8) / 0.6)) + 0.3 * max(0.0, 1 - off_middle / 0.25) + 0.25 * high
    text = "".join(p.text for p in pieces)
    compared = _compared(text)
    box = (left, top, right - left, bottom - top)
    characters = frozenset(compared)
    return HeadLine(text, page.number, box, prominence, compared, characters, ~_signs(characters))


def _compared(text: str) -> str:
    text = bare(text)
    return "" if _NOT_A_TITLE.search(text) else folded(text)


def bare(text: str) -> str:
    """A line without what is printed around a title: bracketed remarks, annex numbers, copy names, blanks."""
    previous = ""
    while text != previous:
        previous, text = text, _TRIMMINGS.sub("", text)
    return text


def matches(lines: Iterable[HeadLine], titles: Iterable[str]) -> Iterator[TitleMatch]:
    """Every sufficiently good fit of a line with a title: the line ends with the title, after place and agency."""
    known = tuple(_known(title) for title in titles)
    for line in lines:
        without = line.without
        for title in known:
            if (
                (title.signs & without).bit_count() <= title.wrong
                and len(title.characters - line.characters) <= title.wrong
                and (match := _match(line, title))
            ):
                yield match


def _signs(characters: Iterable[str]) -> int:
    """A bit for each character, which others may share: two sets that differ in signs differ in as many characters."""
    signs = 0
    for character in characters:
        signs |= 1 << (ord(character) & _SIGNS)
    return signs


@lru_cache(maxsize=4096)
def _known(title: str) -> _Title:
    words = folded(title)
    characters = frozenset(words)
    wrong = 0 if len(words) <= _SHORT else floor((1 - _LEAST_LIKENESS) * (len(words) + 1) + 1e-9)
    return _Title(title, words, characters, _signs(characters), min(wrong, len(characters) - 1))


@lru_cache(maxsize=4096)
def folded(text: str) -> str:
    """A title as it is compared: plain, without blanks and without the brackets themselves."""
    return re.sub(r"[\s()〔〕\[\]]", "", plain(text))


def _match(line: HeadLine, title: _Title) -> TitleMatch | None:
    text, words = line.compared, title.words
    if not -1 <= len(text) - len(words) <= _LONGEST_PREFIX:
        return None
    rest = text[: max(0, len(text) - len(words))]
    coverage = 1.0 if _PLACE_OR_AGENCY.fullmatch(rest) else min(1.0, len(words) / len(text))
    if text.endswith(words):
        return TitleMatch(title.title, line, 1.0, coverage)
    if len(words) <= _SHORT:
        return None
    lengths = range(len(words) - 1, min(len(text), len(words) + 1) + 1)
    best = max(Levenshtein.normalized_similarity(text[-length:], words) for length in lengths)
    return TitleMatch(title.title, line, best, coverage) if best >= _LEAST_LIKENESS else None


def printed_title(page: UprightPage, reasons: Iterable[str]) -> str | None:
    """The title as printed: the line on which the type was recognised, else a line that looks like one."""
    lines = head_lines(page)
    known = next((reason.partition(":")[2] for reason in reasons if reason.startswith("title")), None)
    if known:
        fits = list(matches(lines, (known,)))
        best = max(fits, key=lambda match: (match.likeness, match.line.prominence), default=None)
        if best:
            return bare(best.line.text) if best.likeness == 1 else known
    likely = [line for line in lines if line.prominence >= _PROMINENT and _LIKE_A_TITLE.fullmatch(folded(line.text))]
    most = max(likely, key=lambda line: line.prominence, default=None)
    return bare(most.text) or None if most else None
