"""From a decoded picture to the two things a page is used as: eight-bit RGB pixels and a small JPEG."""

from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import simplejpeg  # type: ignore[import-untyped]  # its wheel has no type hints
from numpy.typing import NDArray
from PIL import Image

VIEW_LONG_SIDE: Final = 2000
VIEW_QUALITY: Final = 80
_BAND: Final = 64  # rows converted at a time: they stay in the processor's cache, and no page is in memory twice
_HALVED: Final = 2  # from here on whole blocks of pixels are averaged first: interpolating alone would skip some

Samples = NDArray[np.uint8]

cv2.setNumThreads(1)


def view_of(picture: Image.Image) -> bytes:
    """A JPEG of at most 2000 pixels on the long side, grey if the page is grey."""
    scale = max(picture.size) / VIEW_LONG_SIDE
    size = (max(1, round(picture.width / scale)), max(1, round(picture.height / scale)))
    if picture.mode == "1":
        picture = picture.convert("L")
    if scale >= _HALVED:
        picture = picture.reduce(int(scale))
    samples = _samples(picture)
    if scale > 1:
        shrunk = cv2.resize(samples, size, interpolation=cv2.INTER_LINEAR)
        samples = shrunk.astype(np.uint8, copy=False).reshape(*shrunk.shape[:2], samples.shape[2])
    grey = samples.shape[2] == 1
    encoded: Any = simplejpeg.encode_jpeg(
        samples, VIEW_QUALITY, colorspace="GRAY" if grey else "RGB", colorsubsampling="Gray" if grey else "420"
    )
    return bytes(encoded)


def write_pixels(picture: Image.Image, target: Path | int) -> None:
    """Write height x width x 3 bytes, RGB, row by row; over what an open file held before."""
    with open(target, "wb", closefd=isinstance(target, Path)) as stream:
        stream.seek(0)
        for top in range(0, picture.height, _BAND):
            band = picture.crop((0, top, picture.width, min(picture.height, top + _BAND)))
            stream.write(_coloured(_samples(band)).data)


def _samples(picture: Image.Image) -> Samples:
    """Height x width x 1 (grey) or 3 (RGB), in one piece."""
    grey = picture.mode in {"1", "L"}
    wanted = "L" if grey else "RGB"
    found = np.asarray(picture if picture.mode == wanted else picture.convert(wanted))
    return np.ascontiguousarray(found.reshape(picture.height, picture.width, 1 if grey else 3))


def _coloured(samples: Samples) -> Samples:
    return samples if samples.shape[2] != 1 else np.asarray(cv2.cvtColor(samples, cv2.COLOR_GRAY2RGB), dtype=np.uint8)
