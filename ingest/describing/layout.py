"""Where things stand on an upright page: pieces of text, the rows they form, and which piece is next to which.

Scans are often turned or a little askew, so neighbours are judged by overlap with the piece beside them, not by lines
across the whole page.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archive_app.core.ports import OcrLine
from archive_app.core.vocabulary import Box
from ingest.describing.model import ReadPage

_HAN: Final = r"[㐀-鿿豈-﫿〇（）：；，、]"
_BLANK_BETWEEN_HAN: Final = re.compile(rf"(?<={_HAN})\s+(?={_HAN})")
_STEEPEST: Final = 14  # of 250: scans more askew than 3 degrees are scanned again
_FEWEST_FOR_SLOPE: Final = 12  # pieces
_SHARED: Final = 0.5  # of height or width: what neighbours have in common
_WIDE: Final = frozenset("WF")


@dataclass(frozen=True, slots=True)
class Piece:
    """A line of text, or a part of one, on an upright page."""

    text: str  # NFKC, no blanks between Han characters
    as_read: str
    box: Box  # upright, rows made level
    source: Box  # on the page before its rotation
    confidence: float
    page: int

    @property
    def left(self) -> int:
        return self.box[0]

    @property
    def top(self) -> int:
        return self.box[1]

    @property
    def right(self) -> int:
        return self.box[0] + self.box[2]

    @property
    def bottom(self) -> int:
        return self.box[1] + self.box[3]

    @property
    def height(self) -> int:
        return self.box[3]

    @property
    def middle(self) -> tuple[float, float]:
        return self.box[0] + self.box[2] / 2, self.box[1] + self.box[3] / 2


@dataclass(frozen=True, slots=True)
class UprightPage:
    """A page turned upright, its pieces from top to bottom and left to right."""

    number: int
    width: int
    height: int
    rotation: int
    pieces: tuple[Piece, ...]


def plain(text: str) -> str:
    """NFKC, one kind of blank, none between Han characters or at the ends."""
    return _BLANK_BETWEEN_HAN.sub("", re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text))).strip()


def turned(box: Box, *, width: int, height: int, rotation: int) -> Box:
    """The box after its page of `width` x `height` pixels was turned clockwise by `rotation` degrees."""
    x, y, w, h = box
    match rotation % 360:
        case 90:
            return (height - y - h, x, h, w)
        case 180:
            return (width - x - w, height - y - h, w, h)
        case 270:
            return (y, width - x - w, h, w)
        case _:
            return box


def upright(page: ReadPage) -> UprightPage:
    """The page in upright coordinates with its rows made level; empty lines are left out."""
    is_lying = page.rotation % 180 == 90  # noqa: PLR2004 a quarter turn swaps the sides
    width, height = (page.height, page.width) if is_lying else (page.width, page.height)
    pieces = [_piece(page, line) for line in page.lines if line.text.strip()]
    slope = _slope(pieces)
    level = [replace(piece, box=_levelled(piece.box, slope=slope, width=width)) for piece in pieces]
    return UprightPage(page.number, width, height, page.rotation, tuple(one for row in rows(level) for one in row))


def _piece(page: ReadPage, line: OcrLine) -> Piece:
    box = turned(line.box, width=page.width, height=page.height, rotation=page.rotation)
    return Piece(plain(line.text), line.text, box, line.box, line.confidence, page.number)


def _levelled(box: Box, *, slope: float, width: int) -> Box:
    x, y, w, h = box
    return (x, y - round(slope * (x + w / 2 - width / 2)), w, h)


def _slope(pieces: Sequence[Piece]) -> float:
    """How far rows sink to the right, in pixels a pixel: where the middles of the pieces fall together best.

    A level page stays as it is unless another slope is clearly better.
    """
    if len(pieces) < _FEWEST_FOR_SLOPE:
        return 0.0
    bin_height = max(4.0, median(piece.height for piece in pieces) / 2)

    middles = np.array([piece.middle for piece in pieces])
    slopes = np.arange(-_STEEPEST, _STEEPEST + 1) / 250
    levels = (middles[:, 1] - slopes[:, None] * middles[:, 0]) / bin_height  # a row for each slope
    sharpness = _sharpness(levels) + _sharpness(levels + 0.5)
    best = max(range(len(slopes)), key=lambda place: (sharpness[place], -abs(slopes[place])))
    return float(slopes[best]) if sharpness[best] > 1.15 * sharpness[_STEEPEST] else 0.0


def _sharpness(levels: NDArray[np.float64]) -> NDArray[np.int64]:
    """For each row how far its values fall together: the sum of squares of how many share a whole number."""
    whole = np.floor(levels).astype(np.int64)
    whole -= whole.min()
    width = int(whole.max()) + 1
    counts = np.bincount((whole + np.arange(len(whole))[:, None] * width).ravel(), minlength=len(whole) * width)
    return np.asarray((counts.reshape(len(whole), width) ** 2).sum(axis=1), np.int64)


def rows(pieces: Iterable[Piece]) -> tuple[tuple[Piece, ...], ...]:
    """Pieces that stand side by side, top row first, each row from left to right."""
    found: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda piece: piece.left):
        row = _row_beside(piece, found)
        if row is not None and row[-1].right - piece.left < piece.height:
            row.append(piece)
        else:
            found.append([piece])
    return tuple(tuple(row) for row in sorted(found, key=lambda row: sum(p.middle[1] for p in row) / len(row)))


def _row_beside(piece: Piece, found: Iterable[list[Piece]]) -> list[Piece] | None:
    """The row whose last piece has most of its height in common with the piece, and at least half."""
    best, most = None, 0.0
    _, top, _, height = piece.box
    bottom = top + height
    for row in found:
        _, other, _, high = row[-1].box
        if other < bottom and other + high > top:  # asked of every pair: most rows are far above or below
            share = _beside(row[-1], piece)
            if share > most:
                best, most = row, share
    return best if most >= _SHARED else None


def _beside(one: Piece, other: Piece) -> float:
    """Share of the lower of two heights that both have in common."""
    _, top, _, height = one.box
    _, other_top, _, other_height = other.box
    if other_top + other_height <= top or other_top >= top + height:  # so are most
        return 0.0
    shared = min(top + height, other_top + other_height) - max(top, other_top)
    return shared / max(1, min(height, other_height))


def right_of(piece: Piece, pieces: Sequence[Piece]) -> Piece | None:
    """The nearest piece to the right at the same height."""
    edge = piece.right - piece.height // 2
    beside = [
        other for other in pieces if other.box[0] >= edge and other is not piece and _beside(piece, other) >= _SHARED
    ]
    return min(beside, key=lambda other: other.left, default=None)


def left_of(piece: Piece, pieces: Sequence[Piece]) -> Piece | None:
    """The nearest piece to the left at the same height."""
    edge = piece.left + piece.height // 2
    beside = [
        other
        for other in pieces
        if other.box[0] + other.box[2] <= edge and other is not piece and _beside(piece, other) >= _SHARED
    ]
    return max(beside, key=lambda other: other.right, default=None)


def below(piece: Piece, pieces: Sequence[Piece], *, reach: float = 3.0) -> Piece | None:
    """The nearest piece beneath, within `reach` heights, that shares half of the narrower width."""
    highest, lowest = piece.top + piece.height * 0.6, piece.bottom + piece.height * reach
    beneath = [
        other
        for other in pieces
        if highest <= other.box[1] <= lowest and other is not piece and _overlap_across(piece, other) >= _SHARED
    ]
    return min(beneath, key=lambda other: other.top, default=None)


def _overlap_across(one: Piece, other: Piece) -> float:
    left, _, width, _ = one.box
    other_left, _, other_width, _ = other.box
    shared = min(left + width, other_left + other_width) - max(left, other_left)
    return shared / max(1, min(width, other_width))


def joined(pieces: Sequence[Piece], *, between: str = "") -> Piece:
    """Pieces as one, in their order; as sure as the least sure of them."""
    return Piece(
        plain(between.join(one.text for one in pieces)),
        between.join(one.as_read for one in pieces),
        _around(one.box for one in pieces),
        _around(one.source for one in pieces),
        min(one.confidence for one in pieces),
        pieces[0].page,
    )


def _around(boxes: Iterable[Box]) -> Box:
    left, top, right, bottom = zip(*((x, y, x + w, y + h) for x, y, w, h in boxes), strict=True)
    return (min(left), min(top), max(right) - min(left), max(bottom) - min(top))


def part(piece: Piece, start: int, end: int, *, page: UprightPage) -> Piece:
    """The part of a piece from character `start` to `end` of its `text`; the box is cut in proportion to the type."""
    text = piece.text[start:end]
    lead = len(text) - len(text.lstrip())
    text = text.strip()
    start += lead
    end = start + len(text)
    widths = [2 if unicodedata.east_asian_width(character) in _WIDE else 1 for character in piece.text]
    total = max(1, sum(widths))
    left = piece.left + round(piece.box[2] * sum(widths[:start]) / total)
    right = piece.left + round(piece.box[2] * sum(widths[:end]) / total)
    box = (left, piece.top, max(1, right - left), piece.height)
    sides = (page.height, page.width) if page.rotation % 180 else (page.width, page.height)
    whole = turned(piece.source, width=sides[0], height=sides[1], rotation=page.rotation)
    cut = (left, whole[1], box[2], whole[3])
    source = turned(cut, width=page.width, height=page.height, rotation=-page.rotation % 360)
    return Piece(text, text, box, source, piece.confidence, piece.page)
