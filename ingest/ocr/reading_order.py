"""The order in which lines are read: down the page in rows, cells left to right, and columns of prose one by one.

It works on boxes whose tilt has been taken out, so that a skewed scan keeps its rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

COLUMN_LINES: Final = 5  # a column of prose has at least so many lines
PROSE_ASPECT: Final = 8.0  # and most of them are so much wider than high; table cells seldom are
ROW_OVERLAP: Final = 0.5  # of the lower box's height, for two boxes to stand in one row


@dataclass(frozen=True, slots=True)
class Extent:
    """An upright box: left, top, right, bottom."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def aspect(self) -> float:
        return (self.right - self.left) / max(1.0, self.bottom - self.top)


def reading_order(extents: Sequence[Extent]) -> list[int]:
    """Indices of the boxes in the order they are read.

    >>> reading_order([Extent(50, 0, 90, 10), Extent(0, 1, 40, 11), Extent(0, 20, 40, 30)])
    [1, 0, 2]
    """
    bands = _bands(extents)
    order: list[int] = []
    while bands:
        columns, used = _columns(bands, extents)
        if columns:
            for column in columns:
                order += [column[i] for i in reading_order([extents[i] for i in column])]
        else:
            used = 1
            order += _rows(bands[0], extents)
        bands = bands[used:]
    return order


def _bands(extents: Sequence[Extent]) -> list[list[int]]:
    """Groups of boxes between which a level white line runs over the whole width, from the top."""
    bands: list[list[int]] = []
    bottom = float("-inf")
    for index in sorted(range(len(extents)), key=lambda i: extents[i].top):
        extent = extents[index]
        slack = (extent.bottom - extent.top) * 0.25
        if extent.top + slack >= bottom:
            bands.append([])
        bands[-1].append(index)
        bottom = max(bottom, extent.bottom - slack)
    return bands


def _columns(bands: list[list[int]], extents: Sequence[Extent]) -> tuple[list[list[int]], int]:
    """Columns of prose at the head of these bands, left to right, with the number of bands they take; else none."""
    taken: list[int] = []
    best: tuple[list[list[int]], int] = ([], 0)
    for used, band in enumerate(bands, 1):
        taken += band
        columns = _split_at_gutters(taken, extents)
        if len(columns) < 2:  # noqa: PLR2004  # one column is none
            break
        if all(_is_prose(column, extents) for column in columns):
            best = (columns, used)
    return best


def _split_at_gutters(indices: list[int], extents: Sequence[Extent]) -> list[list[int]]:
    columns: list[list[int]] = []
    right = float("-inf")
    for index in sorted(indices, key=lambda i: extents[i].left):
        extent = extents[index]
        if extent.left >= right:
            columns.append([])
        columns[-1].append(index)
        right = max(right, extent.right)
    return columns


def _is_prose(column: list[int], extents: Sequence[Extent]) -> bool:
    return len(column) >= COLUMN_LINES and median(extents[i].aspect for i in column) >= PROSE_ASPECT


def _rows(band: list[int], extents: Sequence[Extent]) -> list[int]:
    rows: list[list[int]] = []
    for index in sorted(band, key=lambda i: extents[i].top + extents[i].bottom):
        if rows and _share_row(extents[rows[-1][-1]], extents[index]):
            rows[-1].append(index)
        else:
            rows.append([index])
    return [index for row in rows for index in sorted(row, key=lambda i: extents[i].left)]


def _share_row(one: Extent, other: Extent) -> bool:
    overlap = min(one.bottom, other.bottom) - max(one.top, other.top)
    return overlap >= ROW_OVERLAP * min(one.bottom - one.top, other.bottom - other.top)
