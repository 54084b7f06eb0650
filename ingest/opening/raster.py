"""From any decoded picture to the two things a page is used as: eight-bit RGB pixels and a small JPEG."""

import io
from typing import Final

import numpy as np
from PIL import Image

from archive_app.core.ports import Bitmap

VIEW_LONG_SIDE: Final = 2000
VIEW_QUALITY: Final = 80


def view_of(image: Image.Image) -> bytes:
    """A JPEG of at most 2000 pixels on the long side, grey if the page is grey."""
    grey = image.mode in {"1", "L"}
    picture = image.convert("L") if grey else image.convert("RGB")
    scale = max(picture.size) / VIEW_LONG_SIDE
    if scale > 1:
        size = (max(1, round(picture.width / scale)), max(1, round(picture.height / scale)))
        picture = picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=1.5)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=VIEW_QUALITY)
    return out.getvalue()


def bitmap_of(image: Image.Image) -> Bitmap:
    """Eight-bit RGB pixels, height x width x 3."""
    return np.asarray(image.convert("RGB"), dtype=np.uint8)
