"""What crosses between the archive and the process that opens files: limits, shapes, an examination, an opened page."""

from dataclasses import dataclass

from archive_app.core.ports import Bitmap
from archive_app.core.vocabulary import Box

#: PDF and other page descriptions have no pixels of their own; they are drawn at this many dots per inch.
PAGE_DPI = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one file may cost before it is refused."""

    bytes: int = 4 << 30
    pages: int = 5000
    page_pixels: int = 200_000_000
    page_seconds: float = 60
    memory: int = 3 << 30  # address space of a child, in bytes
    text_bytes: int = 50 << 20  # unpacked text and mark-up of one document


@dataclass(frozen=True, slots=True, kw_only=True)
class PageShape:
    """Pixels of a page after EXIF orientation or `/Rotate`; a PDF's page at 300 dpi. `dpi` is None if not stated."""

    width: int
    height: int
    dpi: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """A file that is whole and harmless: what it is and which pages it has.

    `format` is for people, such as `TIFF 6.0, CCITT G4`. `has_picture` is False for kinds that hold text only.
    `notes` are machine codes of what is worth knowing, such as `born-digital` or `viewing-copy:none`.
    """

    media_type: str
    format: str
    pages: tuple[PageShape, ...]
    has_picture: bool = True
    notes: tuple[str, ...] = ()

    @property
    def shapes(self) -> tuple[tuple[int, int, int | None], ...]:
        """Width, height and dots per inch of each page."""
        return tuple((page.width, page.height, page.dpi) for page in self.pages)


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of a file's own text, its box in the page's pixels."""

    text: str
    box: Box


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedPage:
    """One page, decoded once: the bitmap for reading, a JPEG of at most 2000 pixels for viewing, and its own text.

    `bitmap` and `view` are None for kinds without a picture; `text_layer` is None where there is none or it is unsound.
    """

    number: int
    bitmap: "Bitmap | None"
    view: bytes | None
    width: int
    height: int
    dpi: int | None
    text_layer: tuple[TextLine, ...] | None = None
