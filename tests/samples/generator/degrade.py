"""What scanners, copiers, fax machines and years do to a sheet. Everything follows from the seed."""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter


@dataclass(frozen=True, slots=True)
class Wear:
    """How one sheet came through. `mode`: colour, grey or bilevel; angles in degrees, anticlockwise."""

    dpi: int = 200
    mode: str = "grey"
    skew: float = 0.0
    noise: float = 0.0
    blur: float = 0.0
    contrast: float = 1.0
    yellow: float = 0.0
    specks: int = 0
    holes: bool = False
    shadow: float = 0.0
    fold: bool = False
    rotation: int = 0
    jpeg: int = 62
    fax: bool = False
    seed: int = 1


def worn(image: Image.Image, wear: Wear) -> Image.Image:
    """The sheet as the scanner delivers it, in mode RGB, L or 1."""
    random = np.random.default_rng(wear.seed)
    if wear.holes:
        _punch(image)
    if wear.fold:
        _fold(image)
    if wear.skew:
        image = image.rotate(wear.skew, Image.Resampling.BICUBIC, fillcolor=(255, 255, 255))
    if wear.blur:
        image = image.filter(ImageFilter.GaussianBlur(wear.blur))
    pixels = _aged(np.asarray(image, dtype=np.float32), wear, random)
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    if wear.specks:
        _speckle(image, wear.specks, random)
    if wear.mode != "colour":
        image = image.convert("L")
    if wear.fax:
        small = (image.width, round(image.height * 0.49))
        image = image.resize(small, Image.Resampling.BILINEAR).resize(image.size, Image.Resampling.NEAREST)
    if wear.mode == "bilevel":
        image = image.point(lambda level: 255 if level > 158 else 0).convert("1")
    if wear.rotation:
        image = image.rotate(wear.rotation, expand=True)
    return image


def _aged(pixels: np.ndarray, wear: Wear, random: np.random.Generator) -> np.ndarray:
    if wear.contrast != 1.0:
        pixels = 236 - (255 - pixels) * wear.contrast
    if wear.yellow:
        paper = np.array([1.0, 1.0 - 0.05 * wear.yellow, 1.0 - 0.2 * wear.yellow], dtype=np.float32)
        pixels = pixels * paper - 6 * wear.yellow
    if wear.shadow:
        ramp = 1 - wear.shadow * np.clip(1 - np.arange(pixels.shape[1]) / (pixels.shape[1] * 0.12), 0, 1)
        pixels = pixels * ramp[None, :, None].astype(np.float32)
    if wear.noise:
        pixels = pixels + random.normal(0, wear.noise, pixels.shape[:2])[:, :, None].astype(np.float32)
    return pixels


def _punch(image: Image.Image) -> None:
    draw = ImageDraw.Draw(image)
    radius = image.width * 0.013
    for share in (0.37, 0.63):
        x, y = image.width * 0.033, image.height * share
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(60, 58, 56))


def _fold(image: Image.Image) -> None:
    draw = ImageDraw.Draw(image)
    for offset, level in ((0, 205), (2, 232)):
        y = image.height // 2 + offset
        draw.line((0, y, image.width, y + 3), fill=(level, level, level), width=2)


def _speckle(image: Image.Image, count: int, random: np.random.Generator) -> None:
    draw = ImageDraw.Draw(image)
    for _ in range(count):
        x, y = random.integers(0, image.width), random.integers(0, image.height)
        size = float(random.uniform(0.6, 2.2))
        draw.ellipse((x - size, y - size, x + size, y + size), fill=(70, 68, 66))
