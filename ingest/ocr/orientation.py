"""Which way up a bitmap is: outlines tell lying from standing lines, and reading a few lines tells the rest.

The wheel's text-line model knows only 0 and 180 degrees, so candidates are compared by the confidence with which a
small sample of lines is read. An upright page is settled by its first sample, whose readings are kept.
"""

from collections.abc import Callable, Sequence
from typing import Final, Literal

import numpy as np

from archive_app.core.ports import Bitmap
from ingest.ocr.detection import Quad, sides
from ingest.ocr.recognition import HEIGHT, Reading, line_width

Rotation = Literal[0, 90, 180, 270]

SAMPLE: Final = 6  # lines read in each candidate direction
SURE: Final = 0.9  # mean confidence at which no other direction is tried
LEGIBLE: Final = 0.6  # below it, standing lines are taken for columns of upright characters
ELONGATED: Final = 2.0  # how much longer than high an outline is that tells a direction
SAMPLE_WIDTH: Final = 640  # longest line worth sampling, at the recogniser's height

#: How often the corners are passed on, for the first edge to run along the text of a bitmap that needs this rotation.
CORNERS_PASSED: Final[dict[Rotation, int]] = {0: 0, 90: 1, 180: 2, 270: -1}


def find_rotation(
    quads: Sequence[Quad], read: Callable[[Sequence[Quad]], list[Reading]]
) -> tuple[Rotation, dict[int, Reading]]:
    """Degrees clockwise that bring the bitmap upright, with the readings of the sample if that is 0.

    `read` reads lines whose first edge runs along the text.
    """
    standing = lines_stand(quads)
    sample = _sample(quads, standing=standing)
    candidates: tuple[Rotation, ...] = (90, 270) if standing else (0, 180)
    best: tuple[float, Rotation, list[Reading]] = (-1.0, 0, [])
    for rotation in candidates:
        readings = read([np.roll(quads[index], CORNERS_PASSED[rotation], axis=0) for index in sample])
        score = legibility(readings)
        if score > best[0]:
            best = (score, rotation, readings)
        if score >= SURE:
            break
    score, rotation, readings = best
    if standing and score < LEGIBLE:
        return 0, {}
    return rotation, dict(zip(sample, readings, strict=True)) if rotation == 0 else {}


def lines_stand(quads: Sequence[Quad]) -> bool:
    """Whether most of the text, by length, runs up or down the bitmap."""
    lying = standing = 0.0
    for quad in quads:
        width, height = sides(quad)
        if width >= ELONGATED * height:
            lying += width
        elif height >= ELONGATED * width:
            standing += height
    return standing > lying


def legibility(readings: Sequence[Reading]) -> float:
    """Mean confidence over all characters read, 0..1."""
    confidences = [character.confidence for reading in readings for character in reading.characters]
    return float(np.mean(confidences)) if confidences else 0.0


def turned(image: Bitmap, rotation: Rotation) -> Bitmap:
    """The bitmap after a clockwise rotation."""
    return np.ascontiguousarray(np.rot90(image, -rotation // 90))


def turned_back(quad: Quad, rotation: Rotation, *, height: int, width: int) -> Quad:
    """Points of the rotated bitmap in the pixels of the one as given, `height` x `width`."""
    x, y = quad[:, 0], quad[:, 1]
    match rotation:
        case 0:
            return quad
        case 90:
            return np.stack([y, height - x], axis=1)
        case 180:
            return np.stack([width - x, height - y], axis=1)
        case 270:
            return np.stack([width - y, x], axis=1)


def _sample(quads: Sequence[Quad], *, standing: bool) -> list[int]:
    """The longest lines that are cheap to read and run in the page's main direction."""

    def length(index: int) -> float:
        quad = np.roll(quads[index], 1, axis=0) if standing else quads[index]
        width = line_width(quad)
        return -1.0 / width if width > SAMPLE_WIDTH else width if width >= ELONGATED * HEIGHT else 0.0

    return sorted(range(len(quads)), key=length, reverse=True)[:SAMPLE]
