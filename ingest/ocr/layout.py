"""From outlines and readings to the page's lines and words, with boxes in whole pixels of the bitmap as given."""

import math
import unicodedata
from collections.abc import Iterator, Sequence
from statistics import median
from typing import Final

import numpy as np

from archive_app.core.ports import OcrLine, OcrWord
from archive_app.core.vocabulary import Box
from ingest.ocr.detection import Quad
from ingest.ocr.reading_order import Extent, reading_order
from ingest.ocr.recognition import Character, Reading

ROUNDING: Final = 0.01  # of a pixel, that interpolated corners may be off


def is_han(character: str) -> bool:
    """Whether the character stands for itself as a word: a Han ideograph, also beyond the basic plane."""
    return unicodedata.name(character, "").startswith("CJK ") and unicodedata.category(character) == "Lo"


def line_of(reading: Reading, quad: Quad, *, height: int, width: int) -> OcrLine:
    """The line with its words; `quad` has its first edge along the text."""
    words = tuple(_words(reading.characters, quad, height=height, width=width))
    return OcrLine(
        text=reading.text.strip(),
        box=box_around(quad, height=height, width=width),
        confidence=reading.confidence,
        words=words,
    )


def box_around(points: Quad, *, height: int, width: int) -> Box:
    """The smallest upright box of whole pixels around the points, at least one pixel each way, inside the bitmap."""
    left, top = np.floor(points.min(axis=0) + ROUNDING).astype(int).tolist()
    right, bottom = np.ceil(points.max(axis=0) - ROUNDING).astype(int).tolist()
    left, top = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
    right, bottom = min(max(right, left + 1), width), min(max(bottom, top + 1), height)
    return left, top, right - left, bottom - top


def order_of(quads: Sequence[Quad]) -> list[int]:
    """Indices in reading order, for outlines on an upright bitmap, with the page's tilt taken out."""
    tilt = _tilt(quads)
    turn = np.array([[math.cos(tilt), -math.sin(tilt)], [math.sin(tilt), math.cos(tilt)]], np.float32)
    return reading_order([_extent(quad @ turn) for quad in quads])


def _tilt(quads: Sequence[Quad]) -> float:
    """Median slope of the lying lines, in radians, downwards to the right."""
    edges = [quad[1] - quad[0] for quad in quads]
    slopes = [math.atan2(edge[1], edge[0]) for edge in edges if edge[0] > 2 * abs(edge[1])]
    return median(slopes) if slopes else 0.0


def _extent(quad: Quad) -> Extent:
    left, top = quad.min(axis=0).tolist()
    right, bottom = quad.max(axis=0).tolist()
    return Extent(left, top, right, bottom)


def _words(characters: Sequence[Character], quad: Quad, *, height: int, width: int) -> Iterator[OcrWord]:
    for group in _grouped(characters):
        start, end = group[0].start, group[-1].end
        part = np.stack([_along(quad[0], quad[1], start), _along(quad[0], quad[1], end)])
        part = np.concatenate([part, [_along(quad[3], quad[2], end), _along(quad[3], quad[2], start)]])
        yield OcrWord(
            text="".join(character.text for character in group),
            box=box_around(part, height=height, width=width),
            confidence=sum(character.confidence for character in group) / len(group),
        )


def _along(start: Quad, end: Quad, fraction: float) -> Quad:
    return start + (end - start) * np.float32(fraction)


def _grouped(characters: Sequence[Character]) -> Iterator[list[Character]]:
    """Each Han character alone, other characters up to the next blank or Han character together."""
    group: list[Character] = []
    for character in characters:
        alone = is_han(character.text)
        if group and (alone or character.text.isspace()):
            yield group
            group = []
        if alone:
            yield [character]
        elif not character.text.isspace():
            group.append(character)
    if group:
        yield group
