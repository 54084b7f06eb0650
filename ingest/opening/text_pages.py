"""Documents that have words but no picture are laid on sheets of A4 so that every line has a page and a place."""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Final

from archive_app.core.vocabulary import Box
from ingest.opening.model import PAGE_DPI, PageShape, TextLine

WIDTH, HEIGHT = 2480, 3508  # A4 at 300 dpi
SHAPE: Final = PageShape(width=WIDTH, height=HEIGHT, dpi=PAGE_DPI)
_MARGIN: Final = 150
_LINE: Final = 58
_SIZE: Final = 42  # height of a character, which is also the width of a Han character
LINES_A_PAGE: Final = (HEIGHT - 2 * _MARGIN) // _LINE
_GAP: Final = 64  # between columns
_ASCII: Final = 0x7F


def laid_out(parts: Iterable[Sequence[str | Sequence[str]]]) -> list[tuple[TextLine, ...]]:
    """Sheets of lines. Each part begins a new sheet; a part that is too long goes on on the next.

    A row given as its cells has a line for each, in columns as wide as the part's widest cell of that column.
    """
    sheets: list[tuple[TextLine, ...]] = []
    for part in parts:
        rows = [_cells(line) for line in part]
        rows = [row for row in rows if any(row)]
        lefts = _columns(rows)
        starts = range(0, max(1, len(rows)), LINES_A_PAGE)
        sheets.extend(_sheet(rows[start : start + LINES_A_PAGE], lefts) for start in starts)
    return sheets


def _cells(line: str | Sequence[str]) -> list[str]:
    return [line.strip()] if isinstance(line, str) else [cell.strip() for cell in line]


def _columns(rows: Sequence[Sequence[str]]) -> list[int]:
    """Left edges of the columns. A row of one cell, such as a title, runs over all of them.

    Columns that would not fit on the sheet are all made narrower; the words in them are then set as small.
    """
    several = [row for row in rows if sum(map(bool, row)) > 1]
    widths = [
        max((_width(row[place]) for row in several if place < len(row) and row[place]), default=0) + _GAP
        for place in range(max(map(len, rows), default=1))
    ]
    shrink = min(1.0, (WIDTH - 2 * _MARGIN) / max(1, sum(widths)))
    return [_MARGIN + int(edge * shrink) for edge in accumulate(widths, initial=0)]


def _sheet(rows: Sequence[Sequence[str]], lefts: Sequence[int]) -> tuple[TextLine, ...]:
    return tuple(
        TextLine(text, _box(text, number, place, lefts, is_alone=sum(map(bool, row)) == 1))
        for number, row in enumerate(rows)
        for place, text in enumerate(row)
        if text
    )


def _box(text: str, row: int, place: int, lefts: Sequence[int], *, is_alone: bool) -> Box:
    room = WIDTH - _MARGIN - lefts[place] if is_alone else lefts[place + 1] - lefts[place] - 1
    return (lefts[place], _MARGIN + row * _LINE, max(1, min(_width(text), room)), _SIZE)


def _width(text: str) -> int:
    wide = sum(_SIZE if ord(character) > _ASCII else _SIZE // 2 for character in text)
    return max(1, min(wide, WIDTH - 2 * _MARGIN))
