"""What is done with each kind of file: examined, opened page by page, cut, or copied for viewing."""

import shutil
import stat
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from archive_app.core.errors import Refused
from ingest.opening import (
    ofd,
    office,
    pdf,
    pdf_draw,
    pdf_extract,
    pictures,
    receipts,
    rendition,
    sniff,
    text_pages,
    tiff_extract,
)
from ingest.opening.model import PAGE_DPI, Examination, Limits, PageShape, TextLine
from ingest.opening.samples import Samples, samples_of

Progress = Callable[[], None]
_PICTURES: Final = {"image/jpeg", "image/png", "image/tiff", "image/bmp", "image/gif", "image/webp", "image/heic"}
_SUFFIXES: Final = {
    "image/jpeg": {"jpg", "jpeg", "jpe", "jfif"},
    "image/png": {"png"},
    "image/tiff": {"tif", "tiff"},
    "image/bmp": {"bmp", "dib"},
    "image/gif": {"gif"},
    "image/webp": {"webp"},
    "image/heic": {"heic", "heif", "hif"},
    sniff.PDF: {"pdf"},
    sniff.OFD: {"ofd"},
    sniff.XML: {"xml"},
    sniff.DOCX: {"docx"},
    sniff.XLSX: {"xlsx"},
}
_TEXTS: Final[dict[str, tuple[str, Callable[[Path, Limits], list[tuple[TextLine, ...]]]]]] = {
    sniff.XML: ("XML", receipts.sheets),
    sniff.DOCX: ("DOCX", office.word_sheets),
    sniff.XLSX: ("XLSX", office.workbook_sheets),
}


@dataclass(frozen=True, slots=True)
class Content:
    """A page as the child holds it: its picture, if the kind has one, its shape, and its own text."""

    picture: Samples | None
    shape: PageShape
    text: tuple[TextLine, ...] | None


def examine(path: Path, name: str, limits: Limits, progress: Progress) -> Examination:
    """Raises `Refused`."""
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        raise Refused("not-a-file")
    if status.st_size > limits.bytes:
        raise Refused("too-large", size=status.st_size, limit=limits.bytes)
    media_type = sniff.media_type_of(path)
    if media_type in _PICTURES:
        found = pictures.examine(path, media_type, limits, progress)
    elif media_type == sniff.PDF:
        found = pdf.examine(path, limits, progress)
    elif media_type == sniff.OFD:
        found = ofd.examine(path, limits)
    else:
        found = _examine_text(path, media_type, limits)
    return replace(found, notes=(*found.notes, *_notes_on_name(name, media_type)))


def _examine_text(path: Path, media_type: str, limits: Limits) -> Examination:
    notes = office.check(path, limits) if media_type != sniff.XML else ()
    format_name, sheets_of = _TEXTS[media_type]
    sheets = sheets_of(path, limits)
    if len(sheets) > limits.pages:
        raise Refused("too-many-pages", pages=len(sheets), limit=limits.pages)
    can_be_viewed = media_type != sniff.XML and rendition.program() is not None
    viewing = () if can_be_viewed else ("viewing-copy:none",)
    return Examination(
        media_type=media_type,
        format=format_name,
        pages=(text_pages.SHAPE,) * len(sheets),
        has_picture=False,
        notes=(*notes, *viewing),
    )


def _notes_on_name(name: str, media_type: str) -> tuple[str, ...]:
    notes = []
    base, dot, suffix = name.rpartition(".")
    if not (base and dot) or suffix.strip().lower() not in _SUFFIXES[media_type]:
        notes.append("name:extension")
    odd = any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co"} for character in name)
    if odd or "/" in name or "\\" in name or ".." in name:
        notes.append("name:odd")
    return tuple(notes)


def page(path: Path, media_type: str, number: int, limits: Limits) -> Content:
    """Page `number` from 1. Raises `Refused`."""
    if media_type in _PICTURES:
        picture, dpi = pictures.decode(path, media_type, number, limits)
        return Content(picture, pictures.shape_of(picture, dpi), None)
    if media_type == sniff.PDF:
        drawn, text = pdf_draw.draw(path, number, limits)
        return Content(drawn, pictures.shape_of(drawn, PAGE_DPI), text)
    if media_type == sniff.OFD:
        shape, lines, laid = ofd.page(path, number, limits)
        return Content(None if laid is None else samples_of(laid), shape, lines)
    sheets = _TEXTS[media_type][1](path, limits)
    if not 1 <= number <= len(sheets):
        raise Refused("no-such-page", page=number, pages=len(sheets))
    return Content(None, text_pages.SHAPE, sheets[number - 1])


def extract(path: Path, media_type: str, pages: Sequence[int], target: Path, limits: Limits) -> str:
    """Write those pages; returns the media type. Raises `Refused` (`no-such-page`, `cannot-extract`)."""
    if media_type == sniff.PDF:
        pdf_extract.extract(path, pages, target)
    elif media_type == "image/tiff":
        tiff_extract.extract(path, pages, target, limits)
    elif media_type in _PICTURES and list(pages) == [1]:
        shutil.copyfile(path, target)
    else:
        raise Refused("cannot-extract", media_type=media_type)
    return media_type
