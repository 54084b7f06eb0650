"""Where things stand on an upright page: pieces of text, the rows they form, and which piece is next to which.

Scans are often turned or a little askew, so neighbours are judged by overlap with the piece beside them, not by lines
across the whole page.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from archive_app.core.ports import OcrLine
from archive_app.core.vocabulary import Box
from ingest.describing.model import ReadPage

_HAN: Final = r"[㐀-鿿豈-﫿〇（）：；，、]"
_BLANK_BETWEEN_HAN: Final = re.compile(rf"(?<={_HAN})\s+(?={_HAN})")
_SHARED: Final = 0.5  # of height or width: what neighbours have in common
_WIDE: Final = frozenset("WF")


@dataclass(frozen=True, slots=True)
class Piece:
    """A line of text, or a part of one, on an upright page."""

    text: str  # NFKC, no blanks between Han characters
    as_read: str
    box: Box  # upright
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
    """The page in upright coordinates; empty lines are left out."""
    is_lying = page.rotation % 180 == 90  # noqa: PLR2004 a quarter turn swaps the sides
    pieces = [_piece(page, line) for line in page.lines if line.text.strip()]
    return UprightPage(
        page.number,
        width=page.height if is_lying else page.width,
        height=page.width if is_lying else page.height,
        rotation=page.rotation,
        pieces=tuple(piece for row in rows(pieces) for piece in row),
    )


def _piece(page: ReadPage, line: OcrLine) -> Piece:
    box = turned(line.box, width=page.width, height=page.height, rotation=page.rotation)
    return Piece(plain(line.text), line.text, box, line.box, line.confidence, page.number)


def rows(pieces: Iterable[Piece]) -> tuple[tuple[Piece, ...], ...]:
    """Pieces that stand side by side, top row first, each row from left to right."""
    found: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda piece: piece.left):
        best = max(found, key=lambda row: _beside(row[-1], piece), default=None)
        if best is not None and _beside(best[-1], piece) >= _SHARED and best[-1].right - piece.left < piece.height:
            best.append(piece)
        else:
            found.append([piece])
    return tuple(tuple(row) for row in sorted(found, key=lambda row: sum(p.middle[1] for p in row) / len(row)))


def _beside(one: Piece, other: Piece) -> float:
    """Share of the lower of two heights that both have in common."""
    shared = min(one.bottom, other.bottom) - max(one.top, other.top)
    return shared / max(1, min(one.height, other.height))


def right_of(piece: Piece, pieces: Sequence[Piece]) -> Piece | None:
    """The nearest piece to the right at the same height."""
    beside = [
        other
        for other in pieces
        if other is not piece and other.left >= piece.right - piece.height // 2 and _beside(piece, other) >= _SHARED
    ]
    return min(beside, key=lambda other: other.left, default=None)


def left_of(piece: Piece, pieces: Sequence[Piece]) -> Piece | None:
    """The nearest piece to the left at the same height."""
    beside = [
        other
        for other in pieces
        if other is not piece and other.right <= piece.left + piece.height // 2 and _beside(piece, other) >= _SHARED
    ]
    return max(beside, key=lambda other: other.right, default=None)


def below(piece: Piece, pieces: Sequence[Piece], *, reach: float = 3.0) -> Piece | None:
    """The nearest piece beneath, within `reach` heights, that shares half of the narrower width."""
    beneath = [
        other
        for other in pieces
        if other is not piece
        and other.top >= piece.top + piece.height * 0.6
        and other.top - piece.bottom <= piece.height * reach
        and _overlap_across(piece, other) >= _SHARED
    ]
    return min(beneath, key=lambda other: other.top, default=None)


def _overlap_across(one: Piece, other: Piece) -> float:
    shared = min(one.right, other.right) - max(one.left, other.left)
    return shared / max(1, min(one.box[2], other.box[2]))


def joined(pieces: Sequence[Piece], *, page: UprightPage, between: str = "") -> Piece:
    """Pieces as one, in their order; as sure as the least sure of them."""
    left, top = min(one.left for one in pieces), min(one.top for one in pieces)
    right, bottom = max(one.right for one in pieces), max(one.bottom for one in pieces)
    box = (left, top, right - left, bottom - top)
    return Piece(
        plain(between.join(one.text for one in pieces)),
        between.join(one.as_read for one in pieces),
        box,
        turned(box, width=page.width, height=page.height, rotation=-page.rotation % 360),
        min(one.confidence for one in pieces),
        page.number,
    )


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
    source = turned(box, width=page.width, height=page.height, rotation=-page.rotation % 360)
    return Piece(text, text, box, source, piece.confidence, piece.page)
