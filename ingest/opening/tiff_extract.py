"""Pages of a TIFF copied into a TIFF of their own: strips and tiles byte for byte, fields as they are."""

import mmap
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final

from archive_app.core.errors import Refused
from ingest.opening import tiff
from ingest.opening.model import Limits

#: Fields whose value is a place in the old file (EXIF, GPS, thumbnails): not of the page's picture.
_PLACES: Final = {330, 34665, 34853, 40965, 288, 289, 513, 514, 519, 520, 521}
_BIG: Final = 0xF0000000  # from here on offsets need BigTIFF


def extract(path: Path, pages: Sequence[int], target: Path, limits: Limits) -> None:
    """Write the pages, numbered from 1, in that order. Raises `Refused("no-such-page")`."""
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        found = [directory for directory in tiff.directories(data, limits) if directory.is_page]
        for number in pages:
            if not 1 <= number <= len(found):
                raise Refused("no-such-page", page=number, pages=len(found))
        chosen = [found[number - 1] for number in pages]
        big = sum(length for directory in chosen for _, length in directory.pieces()) > _BIG
        with target.open("wb") as out:
            _Writer(out, chosen[0].order, big=big).write(data, chosen)


class _Writer:
    def __init__(self, out: BinaryIO, order: str, *, big: bool) -> None:
        self._out, self._order, self._big = out, order, big
        self._offset, self._inline = ("Q", 8) if big else ("I", 4)
        self._link = 8 if big else 4  # where the offset of the next directory is to be written

    def write(self, data: mmap.mmap, chosen: Sequence[tiff.Directory]) -> None:
        mark = b"II" if self._order == "<" else b"MM"
        head = struct.pack(self._order + ("HHHQ" if self._big else "HI"), *((43, 8, 0, 0) if self._big else (42, 0)))
        self._out.write(mark + head)
        for directory in chosen:
            self._page(data, directory)

    def _page(self, data: mmap.mmap, directory: tiff.Directory) -> None:
        places = []
        for offset, length in directory.pieces():
            self._align()
            places.append(self._out.tell())
            self._out.write(data[offset : offset + length])
        tiled = tiff.TILE_OFFSETS in directory.entries
        entries = {tag: entry for tag, entry in directory.entries.items() if tag not in _PLACES}
        kind = 16 if self._big else 4
        packed = struct.pack(f"{self._order}{len(places)}{self._offset}", *places)
        entries[tiff.TILE_OFFSETS if tiled else tiff.STRIP_OFFSETS] = tiff.Entry(kind, len(places), packed)
        self._directory(entries)

    def _directory(self, entries: dict[int, tiff.Entry]) -> None:
        rows = []
        for tag in sorted(entries):
            entry = entries[tag]
            value = entry.value
            if len(value) > self._inline:
                self._align()
                value = struct.pack(self._order + self._offset, self._append(entry.value))
            rows.append(
                struct.pack(f"{self._order}HH{self._offset}", tag, entry.type, entry.count)
                + value.ljust(self._inline, b"\0")
            )
        self._align()
        here = self._out.tell()
        self._out.write(struct.pack(self._order + ("Q" if self._big else "H"), len(rows)) + b"".join(rows))
        link = self._out.tell()
        self._out.write(b"\0" * self._inline)
        self._out.seek(self._link)
        self._out.write(struct.pack(self._order + self._offset, here))
        self._out.seek(0, 2)
        self._link = link

    def _append(self, value: bytes) -> int:
        at = self._out.tell()
        self._out.write(value)
        return at

    def _align(self) -> None:
        self._out.write(b"\0" * (-self._out.tell() % 8))
