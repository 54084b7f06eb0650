"""What in a PDF could act: scripts, launch actions and attached programs are refused, the rest is noted."""

import re
from typing import Final

import pikepdf

from archive_app.core.errors import Refused

#: A quick look at an object's own text; only objects that match are walked.
_SUSPECT: Final = re.compile(rb"/(?:JS|JavaScript|Launch|XFA|RichMedia|ImportData|Movie|Rendition|3D|GoToE)\b")
_ACTIONS: Final = {"/JavaScript", "/Launch", "/ImportData", "/Rendition", "/Movie", "/GoToE"}
_ANNOTATIONS: Final = {"/RichMedia", "/Movie", "/3D", "/Screen"}
_DATA: Final = (b"<?xml", b"<", b"%PDF-", b"\xff\xd8\xff", b"\x89PNG", b"II*\x00", b"MM\x00*", b"{", b"[")
_DEEPEST: Final = 32


def check(document: pikepdf.Pdf) -> tuple[str, ...]:
    """Notes on attachments, forms and signatures. Raises `Refused`: `active-content`, `attachment`."""
    for thing in document.objects:
        if _SUSPECT.search(_own_text(thing)):
            _walk(thing, 0)
    return (*_attachments(document), *_forms(document))


def _own_text(thing: object) -> bytes:
    if not isinstance(thing, pikepdf.Object):
        return b""  # a number or truth value on its own, as a stream's length often is
    if isinstance(thing, pikepdf.Stream):
        return bytes(thing.stream_dict.unparse())
    return bytes(thing.unparse(resolved=True))


def _walk(thing: pikepdf.Object, depth: int) -> None:
    if depth > _DEEPEST:
        raise Refused("loop", part="PDF objects")
    if isinstance(thing, pikepdf.Array):
        for inner in thing:
            if not _elsewhere(inner):
                _walk(inner, depth + 1)
        return
    if not isinstance(thing, pikepdf.Dictionary | pikepdf.Stream):
        return
    _check_dictionary(thing)
    for inner in thing.values():
        if not _elsewhere(inner):
            _walk(inner, depth + 1)


def _elsewhere(thing: pikepdf.Object) -> bool:
    return isinstance(thing, pikepdf.Object) and bool(thing.is_indirect)


def _check_dictionary(thing: pikepdf.Object) -> None:
    action = str(thing.get("/S", ""))
    if action in _ACTIONS:
        raise Refused("active-content", kind=action.removeprefix("/"))
    if "/JS" in thing or "/JavaScript" in thing:
        raise Refused("active-content", kind="JavaScript")
    if "/XFA" in thing:
        raise Refused("active-content", kind="XFA")
    if str(thing.get("/Subtype", "")) in _ANNOTATIONS:
        raise Refused("active-content", kind=str(thing.Subtype).removeprefix("/"))


def _attachments(document: pikepdf.Pdf) -> tuple[str, ...]:
    """Electronic receipts carry their data as XML or OFD inside: data and documents are kept, programs are not."""
    number = 0
    for thing in document.objects:
        if not isinstance(thing, pikepdf.Stream) or str(thing.get("/Type", "")) != "/EmbeddedFile":
            continue
        number += 1
        start = bytes(thing.read_bytes()[:512]).lstrip(b"\xef\xbb\xbf \r\n\t")
        is_text = not any(byte < 9 for byte in start)  # noqa: PLR2004  control characters
        if start.startswith((b"MZ", b"\x7fELF", b"#!")) or not (start.startswith((*_DATA, b"PK\x03\x04")) or is_text):
            raise Refused("attachment")
    return (f"attachments:{number}",) if number else ()


def _forms(document: pikepdf.Pdf) -> tuple[str, ...]:
    form = document.Root.get("/AcroForm")
    if not isinstance(form, pikepdf.Dictionary):
        return ()
    signed = bool(int(form.get("/SigFlags", 0)) & 1)
    fields = len(form.get("/Fields", ()))
    return (*(("form-fields",) if fields else ()), *(("signed",) if signed else ()))
