"""PDF: its pages drawn at 300 dpi, with their own text."""

from pathlib import Path

import pikepdf
import pypdfium2 as pdfium
from PIL import Image

from archive_app.core.errors import Refused
from ingest.opening.model import PAGE_DPI, Examination, Limits, PageShape

_SCALE = PAGE_DPI / 72


def _pixels(points: float) -> int:
    return max(1, -int(-points * _SCALE // 1))


def examine(path: Path, media_type: str, limits: Limits) -> Examination:
    """Structure of the whole file."""
    try:
        with pikepdf.open(path) as document:
            version = document.pdf_version
    except pikepdf.PasswordError as error:
        raise Refused("encrypted") from error
    except pikepdf.PdfError as error:
        raise Refused("damaged", detail=str(error)[:200]) from error
    document = pdfium.PdfDocument(path)
    try:
        if len(document) > limits.pages:
            raise Refused("too-many-pages", pages=len(document), limit=limits.pages)
        shapes = []
        for index in range(len(document)):
            width, height = (_pixels(side) for side in document.get_page_size(index))
            if width * height > limits.page_pixels:
                raise Refused("too-many-pixels", page=index + 1, width=width, height=height, limit=limits.page_pixels)
            shapes.append(PageShape(width=width, height=height, dpi=PAGE_DPI))
    finally:
        document.close()
    return Examination(media_type=media_type, format=f"PDF {version}", pages=tuple(shapes))


def draw(path: Path, number: int) -> Image.Image:
    """The page as it looks, at 300 dpi."""
    document = pdfium.PdfDocument(path)
    try:
        page = document[number - 1]
        drawn = page.render(scale=_SCALE, rev_byteorder=True, may_draw_forms=False)
        picture = drawn.to_pil()
        return picture if picture.mode in {"L", "RGB"} else picture.convert("RGB")
    finally:
        document.close()
