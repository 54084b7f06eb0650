"""From decoded pixels to the two things a page is used as: RGB pixels and a small JPEG."""

from io import FileIO
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import simplejpeg  # type: ignore[import-untyped]  # its wheel has no type hints

from ingest.opening.samples import Samples, shaped

VIEW_LONG_SIDE: Final = 2000
VIEW_QUALITY: Final = 80
_BAND: Final = 64  # rows made colours at a time: they stay in the processor's cache

cv2.setNumThreads(1)


def view_of(samples: Samples) -> bytes:
    """A JPEG of at most 2000 pixels on the long side, grey if the page is grey."""
    height, width, channels = samples.shape
    scale = max(width, height) / VIEW_LONG_SIDE
    if scale > 1:
        samples = _shrunk(samples, (max(1, round(width / scale)), max(1, round(height / scale))), blocks=int(scale))
    grey = channels == 1
    encoded: Any = simplejpeg.encode_jpeg(
        samples, VIEW_QUALITY, colorspace="GRAY" if grey else "RGB", colorsubsampling="Gray" if grey else "420"
    )
    return bytes(encoded)


def _shrunk(samples: Samples, size: tuple[int, int], *, blocks: int) -> Samples:
    """Of that width and height; first whole blocks of pixels are averaged: interpolating alone would skip some."""
    height, width = (max(1, side // blocks) for side in samples.shape[:2])
    if blocks > 1:
        whole = samples[: height * blocks, : width * blocks]
        samples = np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    return shaped(np.asarray(cv2.resize(samples, size, interpolation=cv2.INTER_LINEAR), np.uint8))


def write_pixels(samples: Samples, target: Path | int) -> None:
    """Write height x width x 3 bytes, RGB, row by row; over what an open file held before."""
    with open(target, "wb", closefd=isinstance(target, Path), buffering=0) as stream:
        stream.seek(0)
        rows = _BAND if samples.shape[2] == 1 else len(samples)
        for top in range(0, len(samples), rows):
            _write_all(stream, _coloured(samples[top : top + rows]).data.cast("B"))


def _write_all(stream: FileIO, rest: memoryview) -> None:
    while rest:
        rest = rest[stream.write(rest) :]


def _coloured(samples: Samples) -> Samples:
    return samples if samples.shape[2] != 1 else np.asarray(cv2.cvtColor(samples, cv2.COLOR_GRAY2RGB), dtype=np.uint8)
