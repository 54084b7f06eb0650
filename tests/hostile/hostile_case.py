"""One file of the hostile collection: its name, its bytes, and how it must end."""

import io
import random
from dataclasses import dataclass

from PIL import Image, ImageDraw


@dataclass(frozen=True, slots=True)
class Case:
    """`reason` is the refusal that is due; None means the file is sound and must be accepted, with `note` if given."""

    name: str
    data: bytes
    reason: str | None = None
    note: str | None = None


def scan(mode: str = "RGB", size: tuple[int, int] = (240, 320)) -> Image.Image:
    """A small page with lines and a seal, always the same."""
    dice = random.Random(7)  # noqa: S311  a drawing, not a secret
    page = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(page)
    for y in range(10, size[1] - 8, 12):
        x = 10
        while x < size[0] - 30:
            width = dice.randrange(4, 24)
            pen.rectangle((x, y, x + width, y + 6), fill=(20, 20, dice.randrange(60)))
            x += width + 5
    if min(size) > 40:
        pen.ellipse((size[0] // 2, size[1] // 2, size[0] - 10, size[1] - 10), outline=(200, 20, 20), width=3)
    return page.convert(mode)


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    """The picture as a file."""
    out = io.BytesIO()
    picture.save(out, kind, **options)  # type: ignore[arg-type]
    return out.getvalue()
