"""Red stamps: round ones of agencies and hospitals, oval ones of receipts, with worn ink."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

FontOf = Callable[[str, int], ImageFont.FreeTypeFont]


@dataclass(frozen=True, slots=True)
class Seal:
    """A stamp of invented text. `radius` in points; an oval is flattened; `wear` is the share of missing ink."""

    text: str
    caption: str = ""
    radius: float = 52
    oval: bool = False
    wear: float = 0.12
    tilt: float = 0.0
    seed: int = 1
    face: str = "serif"


def seal_picture(seal: Seal, scale: float, font_of: FontOf) -> Image.Image:
    """The stamp in RGBA with its own edges, at `scale` pixels a point."""
    radius = round(seal.radius * scale)
    side = radius * 2 + 8
    middle = side / 2
    picture = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    ink = (205, 32, 38, 225)
    draw.ellipse((4, 4, side - 4, side - 4), outline=ink, width=max(2, round(radius * 0.05)))
    size = round(radius * (0.30 if len(seal.text) <= 12 else 0.24))
    face = font_of(seal.face, size)
    reach = radius * 0.76
    span = math.radians(min(280, 19 * len(seal.text) + 30))
    for place, character in enumerate(seal.text):
        angle = -span / 2 + span * (place / max(1, len(seal.text) - 1))
        glyph = Image.new("RGBA", (size * 2, size * 2), (0, 0, 0, 0))
        ImageDraw.Draw(glyph).text((size, size), character, font=face, fill=ink, anchor="mm")
        glyph = glyph.rotate(-math.degrees(angle), Image.Resampling.BICUBIC)
        x, y = middle + reach * math.sin(angle), middle - reach * math.cos(angle)
        picture.alpha_composite(glyph, (max(0, round(x - size)), max(0, round(y - size))))
    if seal.oval:
        picture = picture.resize((side, round(side * 0.66)), Image.Resampling.LANCZOS)
        draw, middle_y = ImageDraw.Draw(picture), picture.height * 0.6
    else:
        _star(draw, middle, middle, radius * 0.28, ink)
        middle_y = middle + radius * 0.55
    if seal.caption:
        small = font_of(seal.face, round(radius * 0.2))
        ImageDraw.Draw(picture).text((middle, middle_y), seal.caption, font=small, fill=ink, anchor="mm")
    return _worn(picture, seal).rotate(seal.tilt, Image.Resampling.BICUBIC, expand=True)


def _star(draw: ImageDraw.ImageDraw, x: float, y: float, radius: float, ink: tuple[int, int, int, int]) -> None:
    points = []
    for corner in range(10):
        reach = radius if corner % 2 == 0 else radius * 0.38
        angle = math.pi * corner / 5
        points.append((x + reach * math.sin(angle), y - reach * math.cos(angle)))
    draw.polygon(points, fill=ink)


def _worn(picture: Image.Image, seal: Seal) -> Image.Image:
    random = np.random.default_rng(seal.seed)
    coarse = random.random((picture.height // 6 + 1, picture.width // 6 + 1))
    mask = Image.fromarray((255 * np.clip((coarse - seal.wear) * 6, 0.25, 1)).astype(np.uint8))
    mask = mask.resize(picture.size, Image.Resampling.BICUBIC)
    alpha = np.asarray(picture.getchannel("A"), dtype=np.uint16) * np.asarray(mask, dtype=np.uint16) // 255
    picture.putalpha(Image.fromarray(alpha.astype(np.uint8)))
    return picture
