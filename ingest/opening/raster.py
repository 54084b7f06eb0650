"""From a decoded picture to the two things a page is used as: eight-bit RGB pixels and a small JPEG."""

import io
from pathlib import Path
from typing import Final

from PIL import Image

VIEW_LONG_SIDE: Final = 2000
VIEW_QUALITY: Final = 80
_BAND: Final = 1024  # rows converted at a time: a page of 200 megapixels must not stand in memory twice


def view_of(picture: Image.Image) -> bytes:
    """A JPEG of at most 2000 pixels on the long side, grey if the page is grey."""
    scale = max(picture.size) / VIEW_LONG_SIDE
    if scale > 1:
        size = (max(1, round(picture.width / scale)), max(1, round(picture.height / scale)))
        if picture.mode == "1":
            picture = picture.convert("L")
        picture = picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=1.5)
    out = io.BytesIO()
    picture.convert("L" if picture.mode in {"1", "L"} else "RGB").save(out, "JPEG", quality=VIEW_QUALITY)
    return out.getvalue()


def write_pixels(picture: Image.Image, target: Path) -> None:
    """Write height x width x 3 bytes, RGB, row by row."""
    with target.open("wb") as stream:
        for top in range(0, picture.height, _BAND):
            band = picture.crop((0, top, picture.width, min(picture.height, top + _BAND)))
            stream.write((band if band.mode == "RGB" else band.convert("RGB")).tobytes())
