"""Labels printed with wide gaps (`名  称`, `合  计`) and read in pieces, are put together first."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from ingest.describing.layout import Piece, UprightPage, below, joined, rows
from ingest.describing.terms import Terms

_LONGEST: Final = 4  # characters of a label that is printed with gaps
_WIDEST_GAP: Final = 5.0  # in heights
_NEXT_LINE: Final = 0.6  # heights down to the second line of a label
_ONE_HAN: Final = re.compile(r"[㐀-鿿]")


def with_whole_labels(page: UprightPage, terms: Terms) -> UprightPage:
    """The page with single characters side by side joined where they make a known label together."""
    pieces: list[Piece] = []
    for row in rows(_stacked(page.pieces, terms)):
        place = 0
        while place < len(row):
            count = _label_length(row[place:], terms)
            pieces.append(joined(row[place : place + count]) if count > 1 else row[place])
            place += count
    return UprightPage(page.number, page.width, page.height, page.rotation, tuple(pieces))


def _stacked(pieces: Sequence[Piece], terms: Terms) -> list[Piece]:
    """The pieces with labels that stand in two lines of one cell (`统一社会信用` over `代码`) as one."""
    found, taken = [], set()
    for piece in pieces:
        lower = below(piece, pieces, reach=_NEXT_LINE) if not terms.is_exact(piece.text) else None
        if lower and lower not in taken and terms.is_exact(piece.text + lower.text):
            taken.add(lower)
            found.append(joined((piece, lower)))
        else:
            found.append(piece)
    return [piece for piece in found if piece not in taken]


def _label_length(row: Sequence[Piece], terms: Terms) -> int:
    """How many pieces from the first make one label: 1 unless they do."""
    for count in range(min(_LONGEST, len(row)), 1, -1):
        some = row[:count]
        if not all(_ONE_HAN.fullmatch(piece.text) for piece in some[:-1]):
            continue
        if any(other.left - one.right > one.height * _WIDEST_GAP for one, other in pairwise(some)):
            continue
        head, _, _ = "".join(piece.text for piece in some).partition(":")
        if terms.is_exact(head):
            return count
    return 1
