"""A sheet of paper as a list of marks, drawn either into a bitmap of any resolution or into a PDF with a text layer.

Lengths are points (1/72 inch) from the top left corner; a text's place is the top left of its line.
"""

import functools
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from PIL import Image, ImageChops, ImageDraw, ImageFont
from reportlab.lib.colors import Color
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from tests.samples.generator.seals import Seal, seal_picture

Colour = tuple[int, int, int]
BLACK: Final[Colour] = (25, 25, 28)
A4: Final = (595.0, 842.0)
HALF: Final = (595.0, 421.0)
LANDSCAPE: Final = (842.0, 595.0)
BASELINE: Final = 0.86

Typeface = tuple[str, int]
_NOTO: Final = "/usr/share/fonts/opentype/noto/Noto"
_TRUETYPE: Final = "/usr/share/fonts/truetype/"
#: Debian: fonts-noto-cjk, fonts-wqy-zenhei, fonts-arphic-ukai, fonts-arphic-uming, fonts-lxgw-wenkai.
TYPEFACES: Final[dict[str, Typeface]] = {
    "serif": (f"{_NOTO}SerifCJK-Regular.ttc", 2),
    "serif-bold": (f"{_NOTO}SerifCJK-Bold.ttc", 2),
    "sans": (f"{_NOTO}SansCJK-Regular.ttc", 2),
    "sans-bold": (f"{_NOTO}SansCJK-Bold.ttc", 2),
    "zenhei": (f"{_TRUETYPE}wqy/wqy-zenhei.ttc", 0),
    "ukai": (f"{_TRUETYPE}arphic/ukai.ttc", 0),
    "uming": (f"{_TRUETYPE}arphic/uming.ttc", 0),
    "wenkai": (f"{_TRUETYPE}lxgw-wenkai/LXGWWenKai-Regular.ttf", 0),
    "wenkai-bold": (f"{_TRUETYPE}lxgw-wenkai/LXGWWenKai-Bold.ttf", 0),
}


@functools.lru_cache(maxsize=256)
def font(name: str, pixels: int) -> ImageFont.FreeTypeFont:
    """The typeface at a size in pixels. Raises `OSError` where its Debian package is missing."""
    path, index = TYPEFACES[name]
    return ImageFont.truetype(path, pixels, index=index)


def width(text: str, name: str, size: float) -> float:
    """The text's length in points."""
    return font(name, 100).getlength(text) * size / 100


@dataclass(frozen=True, slots=True)
class Text:
    x: float
    y: float
    size: float
    text: str
    face: str
    colour: Colour = BLACK


@dataclass(frozen=True, slots=True)
class Line:
    x1: float
    y1: float
    x2: float
    y2: float
    weight: float = 0.7
    colour: Colour = BLACK


@dataclass(frozen=True, slots=True)
class Patch:
    """A filled rectangle."""

    x: float
    y: float
    width: float
    height: float
    colour: Colour


@dataclass(frozen=True, slots=True)
class Stamp:
    """A seal with its middle at x, y; or a signature, written slanting."""

    x: float
    y: float
    seal: Seal


@dataclass(frozen=True, slots=True)
class Signature:
    x: float
    y: float
    size: float
    name: str
    face: str
    tilt: float = 4.0


Mark = Text | Line | Patch | Stamp | Signature


@dataclass(slots=True)
class Sheet:
    """One side of paper."""

    size: tuple[float, float]
    marks: list[Mark] = field(default_factory=list)


def bitmap(sheet: Sheet, dpi: int) -> Image.Image:
    """The clean sheet in RGB at this resolution."""
    scale = dpi / 72
    image = Image.new("RGB", (round(sheet.size[0] * scale), round(sheet.size[1] * scale)), (255, 255, 255))
    draw = ImageDraw.Draw(image)
    for mark in sheet.marks:
        match mark:
            case Text():
                face = font(mark.face, max(6, round(mark.size * scale)))
                place = (mark.x * scale, (mark.y + BASELINE * mark.size) * scale)
                draw.text(place, mark.text, fill=mark.colour, font=face, anchor="ls")
            case Line():
                ends = (mark.x1 * scale, mark.y1 * scale, mark.x2 * scale, mark.y2 * scale)
                draw.line(ends, fill=mark.colour, width=max(1, round(mark.weight * scale)))
            case Patch():
                corner = ((mark.x + mark.width) * scale, (mark.y + mark.height) * scale)
                draw.rectangle((mark.x * scale, mark.y * scale, *corner), fill=mark.colour)
            case Stamp() | Signature():
                picture, centre = _overlay(mark, scale)
                corner_x = round(centre[0] * scale - picture.width / 2)
                corner_y = round(centre[1] * scale - picture.height / 2)
                _press(image, picture, (corner_x, corner_y))
    return image


def _overlay(mark: Stamp | Signature, scale: float) -> tuple[Image.Image, tuple[float, float]]:
    if isinstance(mark, Stamp):
        return seal_picture(mark.seal, scale, font), (mark.x, mark.y)
    pixels = round(mark.size * scale)
    face = font(mark.face, pixels)
    picture = Image.new("RGBA", (round(face.getlength(mark.name) + pixels), pixels * 2), (0, 0, 0, 0))
    ink = ImageDraw.Draw(picture)
    ink.text((pixels // 2, pixels // 2), mark.name, font=face, fill=(28, 40, 110, 235))
    middle = (mark.x + width(mark.name, mark.face, mark.size) / 2, mark.y + mark.size / 2)
    return picture.rotate(mark.tilt, Image.Resampling.BICUBIC), middle


def _press(image: Image.Image, picture: Image.Image, corner: tuple[int, int]) -> None:
    """Ink darkens what is below it: print stays readable under a seal."""
    base = Image.new("RGB", picture.size, (255, 255, 255))
    base.paste(picture, mask=picture.getchannel("A"))
    area = (*corner, corner[0] + picture.width, corner[1] + picture.height)
    below = image.crop(area)
    image.paste(ImageChops.multiply(below, base), corner)


_PDF_FACES: Final = {"serif": "uming", "serif-bold": "zenhei", "sans": "zenhei", "sans-bold": "zenhei"}


def write_pdf_page(canvas: Canvas, sheet: Sheet) -> None:
    """Append the sheet to the PDF with real text in embedded TrueType faces."""
    high = sheet.size[1]
    canvas.setPageSize(sheet.size)
    for mark in sheet.marks:
        match mark:
            case Text():
                canvas.setFillColor(_shade(mark.colour))
                name = _pdf_font(_PDF_FACES.get(mark.face, mark.face))
                canvas.setFont(name, mark.size)
                canvas.drawString(mark.x, high - mark.y - BASELINE * mark.size, mark.text)
            case Line():
                canvas.setStrokeColor(_shade(mark.colour))
                canvas.setLineWidth(mark.weight)
                canvas.line(mark.x1, high - mark.y1, mark.x2, high - mark.y2)
            case Patch():
                canvas.setFillColor(_shade(mark.colour))
                canvas.rect(mark.x, high - mark.y - mark.height, mark.width, mark.height, stroke=0, fill=1)
            case Stamp() | Signature():
                picture, centre = _overlay(mark, 150 / 72)
                w, h = picture.width * 72 / 150, picture.height * 72 / 150
                at = (centre[0] - w / 2, high - centre[1] - h / 2)
                canvas.drawImage(ImageReader(picture), *at, width=w, height=h, mask="auto")
    canvas.showPage()


def _pdf_font(name: str) -> str:
    if name not in pdfmetrics.getRegisteredFontNames():
        path, index = TYPEFACES[name]
        pdfmetrics.registerFont(TTFont(name, path, subfontIndex=index))
    return name


def _shade(colour: Colour) -> Color:
    return Color(*(part / 255 for part in colour))


def born_digital(sheets: Sequence[Sheet]) -> bytes:
    """A PDF whose text layer is exactly what is printed; equal bytes for equal sheets."""
    target = io.BytesIO()
    canvas = Canvas(target, invariant=1)
    for sheet in sheets:
        write_pdf_page(canvas, sheet)
    canvas.save()
    return target.getvalue()
