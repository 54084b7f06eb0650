"""Raster files: how many pages they have, how large, and each page's pixels with the orientation applied."""

from pathlib import Path

from PIL import Image, ImageOps

from archive_app.core.errors import Refused
from ingest.opening.model import Examination, Limits, PageShape

Image.MAX_IMAGE_PIXELS = None  # the archive's own limit is checked before any pixel is decoded

_TURNED = {5, 6, 7, 8}  # EXIF orientations that swap width and height
_ORIENTATION = 0x0112


def _dpi(image: Image.Image) -> int | None:
    stated = image.info.get("dpi")
    if not stated:
        return None
    dpi = round(float(stated[0]))
    return dpi if 30 <= dpi <= 4800 else None  # noqa: PLR2004  outside of this it is a default, not a measurement


def _shape(image: Image.Image, limits: Limits) -> PageShape:
    width, height = image.size
    if width * height > limits.page_pixels:
        raise Refused("too-many-pixels", width=width, height=height, limit=limits.page_pixels)
    if image.getexif().get(_ORIENTATION) in _TURNED:
        width, height = height, width
    return PageShape(width=width, height=height, dpi=_dpi(image))


def examine(path: Path, media_type: str, limits: Limits) -> Examination:
    """Shapes of all pages."""
    with Image.open(path) as image:
        frames = getattr(image, "n_frames", 1)
        if frames > limits.pages:
            raise Refused("too-many-pages", pages=frames, limit=limits.pages)
        shapes = []
        for index in range(frames):
            image.seek(index)
            shapes.append(_shape(image, limits))
        return Examination(media_type=media_type, format=str(image.format), pages=tuple(shapes))


def decode(path: Path, number: int, limits: Limits) -> tuple[Image.Image, int | None]:
    """The picture of a page, upright by EXIF, with its stated dpi."""
    with Image.open(path) as image:
        image.seek(number - 1)
        _shape(image, limits)
        dpi = _dpi(image)
        image.load()
        upright = ImageOps.exif_transpose(image)
        return upright, dpi
