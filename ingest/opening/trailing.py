"""What may follow the end of a picture: padding is harmless, a second file is not."""

from typing import Final

from archive_app.core.errors import Refused

PADDING: Final = 64 << 10
#: So far behind the end another file begins, where data that only some readers know may follow too.
NEAR: Final = 4 << 10
_BLANK: Final = b"\x00\xff\r\n\t \x1a"

_OTHER_FILES: Final[tuple[tuple[bytes, str], ...]] = (
    (b"PK\x03\x04", "ZIP"),
    (b"PK\x05\x06", "ZIP"),
    (b"%PDF-", "PDF"),
    (b"Rar!\x1a\x07", "RAR"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (b"<html", "HTML"),
    (b"<HTML", "HTML"),
    (b"<!DOCTYPE html", "HTML"),
    (b"<!doctype html", "HTML"),
    (b"<script", "HTML"),
    (b"<?php", "PHP"),
    (b"#!/", "script"),
    (b"ftyp", "MP4"),
    (b"\x7fELF", "ELF"),
    (b"This program cannot be run in DOS mode", "EXE"),
)


def check(rest: bytes) -> tuple[str, ...]:
    """Notes about bytes after the end. Raises `Refused("polyglot")` or `Refused("trailing-data")`."""
    if not rest:
        return ()
    refuse_other_file(rest)
    if len(rest) <= PADDING and not rest.strip(_BLANK):
        return ("padding",)
    raise Refused("trailing-data", size=len(rest))


def refuse_other_file(data: bytes) -> None:
    """Raises `Refused("polyglot")` if another kind of file begins in these bytes."""
    for signature, kind in _OTHER_FILES:
        if signature in data:
            raise Refused("polyglot", kind=kind)
