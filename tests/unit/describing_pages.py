"""Pages as an engine reads them, made by hand: a large title in the middle and rows of text beneath."""

from collections.abc import Sequence

from archive_app.core.numbers import citizen_check_digit
from archive_app.core.ports import OcrLine
from ingest.describing.layout import turned
from ingest.describing.model import ReadPage

WIDTH, HEIGHT = 2480, 3508

Row = Sequence[tuple[int, str]]


def line(text: str, x: int, y: int, *, size: int = 50, confidence: float = 0.98) -> OcrLine:
    width = sum(size if ord(character) > 255 else size // 2 for character in text)
    return OcrLine(text, (x, y, width, size), confidence)


def page(title: str, rows: Sequence[Row], *, number: int = 1, rotation: int = 0, sure: float = 0.98) -> ReadPage:
    """A page with rows of (x, text), 120 pixels apart; `rotation` turns it away from upright."""
    lines = [line(title, (WIDTH - 80 * len(title)) // 2, 260, size=80)] if title else []
    for place, row in enumerate(rows):
        lines += [line(text, x, 500 + 120 * place, confidence=sure) for x, text in row]
    if rotation == 0:
        return ReadPage(number, WIDTH, HEIGHT, 0, tuple(lines))
    back = tuple(
        OcrLine(one.text, turned(one.box, width=WIDTH, height=HEIGHT, rotation=-rotation % 360), one.confidence)
        for one in lines
    )
    width, height = (HEIGHT, WIDTH) if rotation % 180 else (WIDTH, HEIGHT)
    return ReadPage(number, width, height, rotation, back)


def a_number(serial: int, *, born: str = "19800101", region: str = "110105") -> str:
    """An invented citizen number that passes its check."""
    first17 = f"{region}{born}{serial:03}"
    return first17 + citizen_check_digit(first17)
