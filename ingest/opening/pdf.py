"""PDF (ISO 32000): proven whole and without active content before it is drawn.

The file must stand as it was written: an index that has to be rebuilt, a picture that is named but absent, or a stream
that ends early is refused, although renderers would show something.
"""

import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

import pikepdf

from archive_app.core.errors import Refused
from ingest.opening import pdf_active, pdf_draw, pdf_fonts, pdf_streams, trailing
from ingest.opening.model import Examination, Limits

_TAIL: Final = 2048
_HEAD: Final = 1024
_PIECE: Final = 1 << 20
_WINDOW: Final = 16 << 20
_MAPPED: Final = 64 << 20  # larger files are read, not mapped: pages of a mapping count as the child's memory
_OBJECT_STREAM: Final = re.compile(rb"/Type\s*/(?:ObjStm|XRef)\b")
_HEAD_OF_STREAM: Final = re.compile(rb"stream\r?\n")
_DO: Final = re.compile(rb"/([^\s/<>\[\](){}%]+)\s+Do\b")
_PAINTS_WITH: Final = re.compile(rb"/([^\s/<>\[\](){}%]+)\s+(?:scn|SCN)\b")
_SHOWS_TEXT: Final = re.compile(rb"(?:\)|>|\])\s*(?:Tj|TJ|'|\")")
_INVISIBLE: Final = re.compile(rb"\b3\s+Tr\b")
_ESCAPE: Final = re.compile(r"#([0-9A-Fa-f]{2})")
_LINEAR_LENGTH: Final = re.compile(rb"/Linearized\b[^>]*?/L\s+(\d{1,15})\b")
_DEEPEST: Final = 24
_SCAN_PIXELS: Final = 300_000  # a picture of this size is a page, smaller ones are seals and logos

Progress = Callable[[], None]


def examine(path: Path, limits: Limits, progress: Progress) -> Examination:
    """Structure, content and every picture of the whole file. Raises `Refused`."""
    notes = _check_outside(path, limits)
    with _opened(path) as document:
        if document.is_encrypted:
            raise Refused("encrypted")
        pages = _pages(document, limits)
        notes += pdf_active.check(document)
        walk = _Walk(limits)
        kinds = set()
        for number, page in enumerate(pages, start=1):
            kinds.add(walk.page(page, number))
            progress()
        notes += tuple(sorted(walk.notes))
        notes += (kinds.pop() if len(kinds) == 1 else "mixed",)
        version = document.pdf_version
    shapes = pdf_draw.shapes(path, limits)
    if len(shapes) != len(pages):
        raise Refused("damaged", part="PDF pages", seen=len(shapes), expected=len(pages))
    return Examination(media_type="application/pdf", format=f"PDF {version}", pages=shapes, notes=notes)


@contextmanager
def _opened(path: Path) -> Iterator[pikepdf.Pdf]:
    try:
        mode = pikepdf.AccessMode.default if path.stat().st_size <= _MAPPED else pikepdf.AccessMode.stream
        with pikepdf.open(path, attempt_recovery=False, suppress_warnings=True, access_mode=mode) as document:
            yield document
    except pikepdf.PasswordError as error:
        raise Refused("encrypted") from error
    except pikepdf.PdfError as error:
        code = "loop" if "oop detected" in str(error) else "damaged"
        raise Refused(code, detail=str(error).replace(str(path), "")[:160]) from error


def _check_outside(path: Path, limits: Limits) -> tuple[str, ...]:
    """What can be told from the bytes alone: an end, nothing hidden behind, no packed indexes that burst."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
        made_for = _LINEAR_LENGTH.search(head)
        if made_for and int(made_for[1]) > size:  # its first end mark stands near its beginning
            raise Refused("truncated", part="/Linearized")
        stream.seek(max(0, size - trailing.PADDING - _TAIL))
        tail = stream.read()
        end = tail.rfind(b"%%EOF")
        if end < 0:
            raise Refused("truncated", part="%%EOF")
        rest = tail[end + 5 :]
        notes = trailing.check(rest) if rest.strip() else ()
        if head.find(b"%PDF-") > 0:
            notes += ("leading-bytes",)
        for place in _object_streams(stream):
            _check_object_stream(stream, place, limits)
    return notes


def _object_streams(stream: BinaryIO) -> list[int]:
    """Where the packed data of each object stream begins; read in windows, so that size costs no memory."""
    found, start = set(), 0
    while True:
        stream.seek(start)
        window = stream.read(_WINDOW)
        for match in _OBJECT_STREAM.finditer(window):
            head = _HEAD_OF_STREAM.search(window, match.end(), match.end() + _HEAD)
            if head:
                found.add(start + head.end())
        if len(window) < _WINDOW:
            return sorted(found)
        start += _WINDOW - 2 * _HEAD


def _check_object_stream(stream: BinaryIO, at: int, limits: Limits) -> None:
    unpack, length = zlib.decompressobj(), 0
    stream.seek(at)
    try:
        while not unpack.eof and (piece := unpack.unconsumed_tail or stream.read(_PIECE)):
            length += len(unpack.decompress(piece, _PIECE))
            if length > limits.text_bytes:
                raise Refused("archive-bomb", limit=limits.text_bytes)
    except zlib.error:
        return  # not deflated, or damaged: opening the file will tell


def _pages(document: pikepdf.Pdf, limits: Limits) -> list[pikepdf.Page]:
    try:
        stated = int(document.Root.Pages.Count)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Refused("damaged", part="PDF page tree") from error
    if stated > limits.pages:
        raise Refused("too-many-pages", pages=stated, limit=limits.pages)
    _check_tree(document.Root.Pages, limits)
    pages = list(document.pages)
    if not pages:
        raise Refused("no-pages")
    if stated != len(pages):
        raise Refused("damaged", part="PDF page tree", seen=len(pages), expected=stated)
    return pages


def _check_tree(root: pikepdf.Object, limits: Limits) -> None:
    """Every child is there, and none is its own ancestor."""
    seen: set[tuple[int, int]] = set()
    waiting, leaves = [root], 0
    while waiting:
        node = waiting.pop()
        if not isinstance(node, pikepdf.Dictionary):
            raise Refused("damaged", part="PDF page tree")
        if node.objgen in seen and node.objgen != (0, 0):
            raise Refused("loop", part="PDF page tree")
        seen.add(node.objgen)
        children = node.get("/Kids")
        if children is None:
            leaves += 1
            if leaves > limits.pages:
                raise Refused("too-many-pages", pages=leaves, limit=limits.pages)
        elif isinstance(children, pikepdf.Array):
            waiting.extend(children)
        else:
            raise Refused("damaged", part="PDF page tree")


def _named(things: Any, raw: bytes) -> Any:  # noqa: ANN401 - what a dictionary of a PDF gives, or None
    """What a content stream calls by that name, with or without escapes."""
    thing = things.get("/" + _ESCAPE.sub(lambda code: chr(int(code[1], 16)), raw.decode("latin-1")))
    return things.get("/" + raw.decode("utf-8", "replace")) if thing is None else thing


class _Walk:
    """Goes through what each page shows; shared pictures are looked at once."""

    def __init__(self, limits: Limits) -> None:
        self.notes: set[str] = set()
        self._limits = limits
        self._sizes: dict[tuple[int, int], int] = {}
        self._largest = 0

    def page(self, page: pikepdf.Page, number: int) -> str:
        """Check one page and say whether it is `scanned`, `born-digital`, `mixed` or `blank`."""
        self._largest = 0
        text = self._content(self._contents(page), page.resources, number, ())
        for annotation in page.obj.get("/Annots", ()):
            self._annotation(annotation, number)
        scanned = self._largest >= _SCAN_PIXELS
        if scanned:
            return "mixed" if text else "scanned"
        return "born-digital" if text else "scanned" if self._largest else "blank"

    def _contents(self, page: pikepdf.Page) -> bytes:
        stated = page.obj.get("/Contents")
        streams = list(stated) if isinstance(stated, pikepdf.Array) else [] if stated is None else [stated]
        out = bytearray()
        for stream in streams:
            if not isinstance(stream, pikepdf.Stream):
                raise Refused("damaged", part="PDF content")
            out += pdf_streams.content(stream, ceiling=self._limits.text_bytes - len(out)) + b"\n"
        return bytes(out)

    def _content(self, data: bytes, resources: pikepdf.Object, number: int, above: tuple[tuple[int, int], ...]) -> bool:
        """Whether visible text is shown."""
        if len(above) > _DEEPEST:
            raise Refused("loop", part="PDF forms")
        if isinstance(resources, pikepdf.Dictionary) and pdf_fonts.lacks_any(resources):
            self.notes.add("fonts:not-embedded")
        text = bool(_SHOWS_TEXT.search(data)) and not _INVISIBLE.search(data)
        drawn: Any = resources.get("/XObject", {}) if isinstance(resources, pikepdf.Dictionary) else {}
        for raw in set(_DO.findall(data)):
            thing = _named(drawn, raw)
            if not isinstance(thing, pikepdf.Stream):
                raise Refused("missing-image", page=number)
            text |= self._drawn(thing, resources, number, above)
        tiles: Any = resources.get("/Pattern", {}) if isinstance(resources, pikepdf.Dictionary) else {}
        for raw in set(_PAINTS_WITH.findall(data)):
            tile = _named(tiles, raw)
            if isinstance(tile, pikepdf.Stream):
                text |= self._drawn(tile, resources, number, above)
        return text

    def _drawn(
        self, thing: pikepdf.Object, resources: pikepdf.Object, number: int, above: tuple[tuple[int, int], ...]
    ) -> bool:
        key = thing.objgen
        if str(thing.get("/Subtype")) == "/Image":
            if key not in self._sizes:
                width, height = pdf_streams.check_image(thing, page=number, limits=self._limits)
                mask = thing.get("/SMask", thing.get("/Mask"))
                if isinstance(mask, pikepdf.Stream):
                    pdf_streams.check_image(mask, page=number, limits=self._limits)
                self._sizes[key] = width * height
            self._largest = max(self._largest, self._sizes[key])
            return False
        if key in above:
            raise Refused("loop", part="PDF forms")
        inner = thing.get("/Resources", resources)
        data = pdf_streams.content(thing, ceiling=self._limits.text_bytes)
        return self._content(data, inner, number, (*above, key))

    def _annotation(self, annotation: pikepdf.Object, number: int) -> None:
        if not isinstance(annotation, pikepdf.Dictionary):
            return
        kind = str(annotation.get("/Subtype"))
        if kind == "/Ink":
            self.notes.add("ink-annotations")
        elif kind not in {"/Link", "/Widget", "/Popup"}:
            self.notes.add("annotations")
        look: Any = annotation.get("/AP", {})
        normal = look.get("/N") if isinstance(look, pikepdf.Dictionary) else None
        if isinstance(normal, pikepdf.Stream):
            self._drawn(normal, pikepdf.Dictionary(), number, ())
