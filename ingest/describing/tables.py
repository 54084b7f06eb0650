"""Tables: a row of labels and the rows of cells beneath it, also where they go on over the next page.

Columns are the spaces between the middles of the gaps of the header; a cell belongs where its middle is.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from archive_app.core.numbers import find_capitals
from ingest.describing.labelled import has_label
from ingest.describing.layout import Piece, UprightPage, part, rows
from ingest.describing.terms import Terms, bare_label

_FEWEST_LABELS: Final = 2
_SIDE_BY_SIDE: Final = 2  # known labels next to each other make a header; in a form, values stand between
_LONGEST_HEADING: Final = 14  # characters
_TOTAL: Final = re.compile(r"^(?:价税|本页|金额)?(?:合计|小计|总计|累计)$")


@dataclass(frozen=True, slots=True)
class Column:
    """A column: the field keys its heading may stand for, none if it is not known, and its span in shares of width."""

    keys: tuple[str, ...]
    left: float
    right: float


@dataclass(frozen=True, slots=True)
class TableRow:
    """The cells of one row that stand in known columns."""

    page: UprightPage
    cells: tuple[tuple[tuple[str, ...], Piece], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table with the pieces that it takes from its pages, header included."""

    columns: tuple[Column, ...]
    rows: tuple[TableRow, ...]
    used: frozenset[Piece]

    @property
    def keys(self) -> frozenset[str]:
        """Every field key that a column may stand for."""
        return frozenset(key for column in self.columns for key in column.keys)


def tables(pages: Sequence[UprightPage], terms: Terms) -> tuple[Table, ...]:
    """Every table of the pages, in order. A page without a header of its own goes on with the last table before it."""
    found: list[Table] = []
    for page in pages:
        all_rows = rows(page.pieces)
        starts = [place for place, row in enumerate(all_rows) if _is_header(row, terms)]
        if not starts and found:
            more = tuple(_body(all_rows, page, found[-1].columns, terms))
            if more and _goes_on(more, found[-1]):
                last = found[-1]
                used = frozenset(cell for row in more for _, cell in row.cells)
                found[-1] = Table(last.columns, (*last.rows, *more), last.used | used)
        for start, end in pairwise([*starts, len(all_rows)]):
            columns = _columns(all_rows[start], page, terms)
            body = tuple(_body(all_rows[start + 1 : end], page, columns, terms))
            used = frozenset(all_rows[start]) | {cell for row in body for _, cell in row.cells}
            found.append(Table(columns, body, frozenset(used)))
    return tuple(found)


def _goes_on(more: Sequence[TableRow], table: Table) -> bool:
    """Whether rows on a page without a header fill the table's columns as its own rows do."""
    usual = max((len(row.cells) for row in table.rows), default=2)
    return max(len(row.cells) for row in more) >= max(2, usual - 1)


def _is_header(row: Sequence[Piece], terms: Terms) -> bool:
    known = [terms.label_of(piece.text) is not None for piece in row]
    if sum(known) < _FEWEST_LABELS or not all(_may_head(piece) for piece in row):
        return False
    side_by_side = sum(one and other for one, other in pairwise(known))
    return side_by_side >= _SIDE_BY_SIDE or (side_by_side >= 1 and _names_people(row, terms))


def _names_people(row: Sequence[Piece], terms: Terms) -> bool:
    return {"person_name", "certno"} <= {key for piece in row for key in _keys_of(piece, terms)}


def _keys_of(heading: Piece, terms: Terms) -> tuple[str, ...]:
    label = terms.label_of(heading.text)
    return terms.keys[label] if label else ()


def _may_head(piece: Piece) -> bool:
    text = piece.text
    return len(text) <= _LONGEST_HEADING and not any(character.isdigit() for character in text) and ":" not in text


def _columns(header: Sequence[Piece], page: UprightPage, terms: Terms) -> tuple[Column, ...]:
    edges = [0.0, *((one.right + other.left) / 2 / page.width for one, other in pairwise(header)), 1.0]
    keys = [_keys_of(piece, terms) for piece in header]
    return tuple(Column(found, left, right) for found, (left, right) in zip(keys, pairwise(edges), strict=True))


def _body(
    body: Sequence[Sequence[Piece]], page: UprightPage, columns: Sequence[Column], terms: Terms
) -> Iterator[TableRow]:
    """The rows up to the first that holds a label of its own; rows of totals are left out."""
    for row in body:
        if any(_TOTAL.search(bare_label(piece.text)) or find_capitals(piece.text) for piece in row):
            continue
        if any(has_label(piece, terms) for piece in row):
            return
        cells = [cell for piece in row for cell in _cells(piece, page, columns)]
        known = tuple((keys, piece) for keys, piece in cells if keys)
        if len(known) >= min(2, sum(bool(column.keys) for column in columns)):
            yield TableRow(page, known)


def _cells(piece: Piece, page: UprightPage, columns: Sequence[Column]) -> Iterator[tuple[tuple[str, ...], Piece]]:
    """The piece with its column; a piece that runs over several columns is cut at its blanks."""
    words = piece.text.split(" ")
    margin = piece.height * 0.5
    spanned = sum(
        column.left * page.width < piece.right - margin and column.right * page.width > piece.left + margin
        for column in columns
    )
    if spanned <= 1 or len(words) == 1:
        yield _keys_at(piece, page, columns), piece
        return
    start = 0
    for word in words:
        if word:
            cut = part(piece, start, start + len(word), page=page)
            yield _keys_at(cut, page, columns), cut
        start += len(word) + 1


def _keys_at(piece: Piece, page: UprightPage, columns: Sequence[Column]) -> tuple[str, ...]:
    across = piece.middle[0] / page.width
    return next((column.keys for column in columns if column.left <= across < column.right), ())
