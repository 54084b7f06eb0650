"""A PDF's pages as people see them: drawn at 300 dpi with annotations and form fields, and their text."""

import contextlib
import ctypes
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c

from archive_app.core.errors import Refused
from ingest.opening.model import PAGE_DPI, Limits, PageShape, TextLine
from ingest.opening.samples import Samples

_SCALE: Final = PAGE_DPI / 72
_FLAGS: Final = pdfium_c.FPDF_ANNOT | pdfium_c.FPDF_REVERSE_BYTE_ORDER
_MOST_BAD: Final = 0.02  # share of characters without a meaning above which a text layer is unsound
_GAP: Final = 1.5  # a gap of this many character heights parts two lines that stand side by side
_PRIVATE: Final = range(0xE000, 0xF900)
_UNKNOWN: Final = 0xFFFD
_LAST: Final = 0x10FFFF

Handle = Any  # pypdfium2 has no type hints


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        document = pdfium.PdfDocument(path)
    except pdfium.PdfiumError as error:
        raise Refused(
            "encrypted" if "password" in str(error).lower() else "damaged", detail=str(error)[:120]
        ) from error
    try:
        yield document
    finally:
        document.close()


def _pixels(points: float) -> int:
    return max(1, round(points * _SCALE))


def shapes(path: Path, limits: Limits) -> tuple[PageShape, ...]:
    """Every page's size in pixels at 300 dpi, turned by `/Rotate`. Raises `Refused("too-many-pixels")`."""
    found = []
    with _opened(path) as document:
        for index in range(len(document)):
            width, height = (_pixels(side) for side in document.get_page_size(index))
            if width * height > limits.page_pixels:
                raise Refused("too-many-pixels", page=index + 1, width=width, height=height, limit=limits.page_pixels)
            found.append(PageShape(width=width, height=height, dpi=PAGE_DPI))
    return tuple(found)


def draw(path: Path, number: int, limits: Limits) -> tuple[Samples, tuple[TextLine, ...] | None]:
    """The page as it looks, and its text layer if that is sound."""
    with _opened(path) as document:
        if not 1 <= number <= len(document):
            raise Refused("no-such-page", page=number, pages=len(document))
        document.init_forms()
        page = document[number - 1]
        width, height = (_pixels(side) for side in page.get_size())
        if width * height > limits.page_pixels:
            raise Refused("too-many-pixels", page=number, width=width, height=height, limit=limits.page_pixels)
        bitmap = pdfium.PdfBitmap.new_native(width, height, pdfium_c.FPDFBitmap_BGR, rev_byteorder=True)
        bitmap.fill_rect((255, 255, 255, 255), 0, 0, width, height)
        where = (bitmap, page, 0, 0, width, height, 0, _FLAGS)
        pdfium_c.FPDF_RenderPageBitmap(*where)
        if document.formenv:
            pdfium_c.FPDF_FFLDraw(document.formenv, *where)
        samples: Samples = bitmap.to_numpy().copy()  # the bitmap's memory goes with it
        return samples, _text(page, width, height)


def _text(page: Handle, width: int, height: int) -> tuple[TextLine, ...] | None:
    textpage = page.get_textpage()
    gather = _Lines(page, textpage, width, height)
    count = textpage.count_chars()
    for index in range(count):
        gather.take(index)
    lines = gather.done()
    if not lines or gather.bad > _MOST_BAD * max(1, gather.good + gather.bad):
        return None
    return lines


class _Lines:
    """Characters in, lines out: a new one at each line end and at each wide gap."""

    def __init__(self, page: Handle, textpage: Handle, width: int, height: int) -> None:
        self.good = self.bad = 0
        self._page, self._textpage, self._size = page, textpage, (width, height)
        self._lines: list[TextLine] = []
        self._text: list[str] = []
        self._box: tuple[int, int, int, int] | None = None

    def take(self, index: int) -> None:
        code = pdfium_c.FPDFText_GetUnicode(self._textpage, index)
        if code in {10, 13}:
            self._close()
            return
        character = chr(code) if 0 < code <= _LAST else chr(_UNKNOWN)
        if character.isspace():
            if self._text:
                self._text.append(" ")
            return
        if code in _PRIVATE or code in {_UNKNOWN, 0xFFFE, 0xFFFF} or not 32 <= code <= _LAST:  # noqa: PLR2004
            self.bad += 1
        else:
            self.good += 1
        box = self._place(index)
        if self._box and box and self._apart(self._box, box):
            self._close()
        self._text.append(character)
        self._box = _union(self._box, box)

    def _place(self, index: int) -> tuple[int, int, int, int] | None:
        left, right, bottom, top = (ctypes.c_double() for _ in range(4))
        if not pdfium_c.FPDFText_GetCharBox(self._textpage, index, left, right, bottom, top):
            return None
        corners = [self._device(x.value, y.value) for x in (left, right) for y in (bottom, top)]
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        return min(xs), min(ys), max(xs), max(ys)

    def _device(self, x: float, y: float) -> tuple[int, int]:
        column, row = ctypes.c_int(), ctypes.c_int()
        pdfium_c.FPDF_PageToDevice(self._page, 0, 0, *self._size, 0, x, y, column, row)
        return column.value, row.value

    @staticmethod
    def _apart(line: tuple[int, int, int, int], box: tuple[int, int, int, int]) -> bool:
        upright = line[3] - line[1] <= line[2] - line[0] or box[0] >= line[2]
        tall = max(line[3] - line[1], box[3] - box[1], 1)
        return upright and box[0] - line[2] > _GAP * tall

    def _close(self) -> None:
        text = "".join(self._text).strip()
        if text and self._box:
            x, y, right, bottom = self._box
            clean = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            self._lines.append(TextLine(clean, (x, y, max(1, right - x), max(1, bottom - y))))
        self._text, self._box = [], None

    def done(self) -> tuple[TextLine, ...]:
        self._close()
        return tuple(self._lines)


def _union(
    line: tuple[int, int, int, int] | None, box: tuple[int, int, int, int] | None
) -> tuple[int, int, int, int] | None:
    if line is None or box is None:
        return line or box
    return min(line[0], box[0]), min(line[1], box[1]), max(line[2], box[2]), max(line[3], box[3])
