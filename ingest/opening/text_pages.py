"""Documents that have words but no picture are laid on sheets of A4 so that every line has a page and a place."""

from collections.abc import Iterable, Sequence
from typing import Final

from ingest.opening.model import PAGE_DPI, PageShape, TextLine

WIDTH, HEIGHT = 2480, 3508  # A4 at 300 dpi
SHAPE: Final = PageShape(width=WIDTH, height=HEIGHT, dpi=PAGE_DPI)
_MARGIN: Final = 150
_LINE: Final = 58
_SIZE: Final = 42  # height of a character, which is also the width of a Han character
LINES_A_PAGE: Final = (HEIGHT - 2 * _MARGIN) // _LINE
_ASCII: Final = 0x7F


def laid_out(parts: Iterable[Sequence[str]]) -> list[tuple[TextLine, ...]]:
    """Sheets of lines. Each part begins a new sheet; a part that is too long goes on on the next."""
    sheets: list[tuple[TextLine, ...]] = []
    for part in parts:
        lines = [line.strip() for line in part if line.strip()]
        starts = range(0, max(1, len(lines)), LINES_A_PAGE)
        sheets.extend(_sheet(lines[start : start + LINES_A_PAGE]) for start in starts)
    return sheets


def _sheet(lines: Sequence[str]) -> tuple[TextLine, ...]:
    return tuple(
        TextLine(text, (_MARGIN, _MARGIN + row * _LINE, _width(text), _SIZE)) for row, text in enumerate(lines)
    )


def _width(text: str) -> int:
    wide = sum(_SIZE if ord(character) > _ASCII else _SIZE // 2 for character in text)
    return max(1, min(wide, WIDTH - 2 * _MARGIN))
