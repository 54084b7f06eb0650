"""What a line says: text, confidence and where along the line each character stands.

Lines are read in batches of few different shapes, because the runtimes keep memory for every shape they meet.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from archive_app.core.ports import Bitmap
from ingest.ocr.detection import Quad, sides
from ingest.ocr.networks import RECOGNITION_MODEL, Floats, Runtime, load_network

HEIGHT: Final = 48  # of the network's input
STEP: Final = 8  # input columns per output column

#: Widths offered to the network. A line is padded to the next one, and squeezed into the last.
WIDTHS: Final = (160, 320, 480, 640, 960, 1280, 1920, 2560, 3200)
BATCH_WIDTH: Final = 1920  # of all lines of a batch together: bounds the output, 75 kB per 8 columns

TALL: Final = 1.5  # a box so much higher than wide holds a line that runs downwards


@dataclass(frozen=True, slots=True)
class Character:
    """One character and the part of the line it takes, as fractions of the line's length."""

    text: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What one line says. `confidence` is the characters' mean, 0..1, and 0 where nothing was read."""

    characters: tuple[Character, ...]
    confidence: float

    @property
    def text(self) -> str:
        return "".join(character.text for character in self.characters)


class Recogniser:
    """Reads lines cut from a bitmap."""

    def __init__(self, *, runtime: Runtime) -> None:
        network = load_network(RECOGNITION_MODEL, runtime=runtime)
        self._run = network.run
        self._alphabet = ("", *network.alphabet, " ")  # 0 is the blank between characters

    def read(self, image: Bitmap, quads: Sequence[Quad]) -> list[Reading]:
        """One reading for each outline, whose first edge runs along the text."""
        readings: list[Reading | None] = [None] * len(quads)
        for width, indices in batches([line_width(quad) for quad in quads]):
            lines = [line_image(image, quads[index], width=width) for index in indices]
            batch = np.zeros((len(lines), 3, HEIGHT, width), np.float32)
            for row, line in zip(batch, lines, strict=True):
                row[:, :, : line.shape[1]] = line.transpose(2, 0, 1) / np.float32(127.5) - np.float32(1)
            output = self._run(batch)
            for index, line, columns in zip(indices, lines, output, strict=True):
                readings[index] = self._decoded(columns, columns_used=line.shape[1] / STEP)
        return [reading for reading in readings if reading is not None]

    def _decoded(self, columns: Floats, *, columns_used: float) -> Reading:
        """Collapse repeats and blanks (CTC); a character ends half way to the next one."""
        best = columns.argmax(axis=1)
        peaks = np.flatnonzero((best != 0) & (best != np.concatenate(([0], best[:-1]))))
        if not len(peaks):
            return Reading(characters=(), confidence=0.0)
        confidences = columns[peaks, best[peaks]]
        centres = (peaks + 0.5) / columns_used
        middles = (centres[1:] + centres[:-1]) / 2
        edges = np.clip(np.concatenate(([0.0], middles, [1.0])), 0.0, 1.0)
        characters = tuple(
            Character(
                text=self._alphabet[best[peak]],
                start=float(edges[i]),
                end=float(edges[i + 1]),
                confidence=float(confidences[i]),
            )
            for i, peak in enumerate(peaks)
        )
        return Reading(characters=characters, confidence=float(confidences.mean()))


def along_text(quad: Quad) -> Quad:
    """The same outline with the first edge along the text: a tall box is taken to run downwards."""
    width, height = sides(quad)
    return np.roll(quad, -1, axis=0) if height >= TALL * width else quad


def line_width(quad: Quad) -> int:
    """How wide the line is once it is as high as the network's input."""
    length, height = sides(quad)
    return max(1, round(length / height * HEIGHT))


def batches(widths: Sequence[int]) -> Iterator[tuple[int, list[int]]]:
    """Group lines by the width they are padded to: (width, indices), each group within `BATCH_WIDTH`.

    >>> list(batches([100, 300, 150]))
    [(160, [0, 2]), (320, [1])]
    """
    groups: dict[int, list[int]] = {}
    for index in sorted(range(len(widths)), key=lambda i: widths[i]):
        groups.setdefault(next((w for w in WIDTHS if w >= widths[index]), WIDTHS[-1]), []).append(index)
    for width, indices in groups.items():
        size = max(1, BATCH_WIDTH // width)
        for start in range(0, len(indices), size):
            yield width, indices[start : start + size]


def line_image(image: Bitmap, quad: Quad, *, width: int) -> Bitmap:
    """The line straightened, `HEIGHT` pixels high and at most `width` wide, in BGR as the network was trained."""
    length, height = sides(quad)
    size = (round(length), round(height))
    corners = np.array([[0, 0], [size[0], 0], [size[0], size[1]], [0, size[1]]], np.float32)
    left, top = np.maximum(np.floor(quad.min(axis=0)).astype(int) - 2, 0)
    right, bottom = np.ceil(quad.max(axis=0)).astype(int) + 3
    part = image[top:bottom, left:right, ::-1]
    transform = cv2.getPerspectiveTransform((quad - (left, top)).astype(np.float32), corners)
    straight = cv2.warpPerspective(
        np.ascontiguousarray(part), transform, size, borderMode=cv2.BORDER_REPLICATE, flags=cv2.INTER_CUBIC
    )
    return np.asarray(cv2.resize(straight, (min(width, line_width(quad)), HEIGHT)), np.uint8)
