"""TIFF 6.0 and BigTIFF directories: read without a decoder, so that loops, gaps and missing strips are seen.

Nothing is decoded here; `pictures` does that once the structure holds.
"""

import mmap
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from archive_app.core.errors import Refused
from ingest.opening.model import Limits

SUBFILE, WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER = 254, 256, 257, 258, 259, 262, 266
STRIP_OFFSETS, SAMPLES, ROWS_PER_STRIP, STRIP_LENGTHS, PLANAR = 273, 277, 278, 279, 284
TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_LENGTHS, JPEG_TABLES = 322, 323, 324, 325, 347
RAW, GROUP4, JPEG = 1, 4, 7

COMPRESSIONS: Final[Mapping[int, str]] = {
    1: "uncompressed",
    2: "CCITT RLE",
    3: "CCITT G3",
    4: "CCITT G4",
    5: "LZW",
    7: "JPEG",
    8: "deflate",
    32773: "PackBits",
    32946: "deflate",
    50000: "Zstandard",
    50001: "WebP",
}
#: bytes and `struct` letter of each field type
TYPES: Final[Mapping[int, tuple[int, str]]] = {
    1: (1, "B"), 2: (1, "B"), 3: (2, "H"), 4: (4, "I"), 5: (8, "II"), 6: (1, "b"), 7: (1, "B"), 8: (2, "h"),
    9: (4, "i"), 10: (8, "ii"), 11: (4, "f"), 12: (8, "d"), 13: (4, "I"), 16: (8, "Q"), 17: (8, "q"), 18: (8, "Q"),
}  # fmt: skip
_MOST_ENTRIES: Final = 4096
_MOST_STRIPS: Final = 1_000_000
_REDUCED, _MASK = 1, 4


@dataclass(frozen=True, slots=True)
class Entry:
    """One field: its type, count and the bytes of its value in the file's order."""

    type: int
    count: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Directory:
    """One image file directory."""

    order: str  # `<` or `>`
    entries: Mapping[int, Entry]
    end: int  # behind its own last byte and its fields' values

    def numbers(self, tag: int) -> tuple[int, ...]:
        """The whole numbers of a field, empty if it is absent."""
        entry = self.entries.get(tag)
        if entry is None:
            return ()
        size, letter = TYPES[entry.type]
        if letter not in {"B", "H", "I", "Q"}:
            raise Refused("damaged", part=f"TIFF tag {tag}")
        return struct.unpack(f"{self.order}{len(entry.value) // size}{letter}", entry.value)

    def number(self, tag: int, default: int | None = None) -> int:
        """The first number of a field. Raises `Refused("damaged")` if it is absent and has no default."""
        values = self.numbers(tag)
        if values:
            return values[0]
        if default is None:
            raise Refused("damaged", part=f"TIFF tag {tag}")
        return default

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.number(WIDTH), self.number(HEIGHT)

    @property
    def is_page(self) -> bool:
        """Thumbnails and masks are none."""
        return not self.number(SUBFILE, 0) & (_REDUCED | _MASK)

    @property
    def compression(self) -> int:
        return self.number(COMPRESSION, RAW)

    def pieces(self) -> list[tuple[int, int]]:
        """Offset and length of every strip or tile."""
        tiled = TILE_OFFSETS in self.entries
        offsets = self.numbers(TILE_OFFSETS if tiled else STRIP_OFFSETS)
        lengths = self.numbers(TILE_LENGTHS if tiled else STRIP_LENGTHS)
        if not offsets or len(offsets) != len(lengths):
            raise Refused("damaged", part="TIFF strips")
        return list(zip(offsets, lengths, strict=True))

    def rows_of(self, index: int) -> int:
        """Rows in the strip or tile with that index."""
        if TILE_OFFSETS in self.entries:
            return self.number(TILE_HEIGHT)
        height = self.size[1]
        rows = min(self.number(ROWS_PER_STRIP, height), height)
        index %= -(-height // rows)
        return min(rows, height - index * rows)


def end_of(found: Sequence[Directory]) -> int:
    """Behind the last byte that the directories speak of, themselves among it."""
    return max(max(directory.end, *(offset + size for offset, size in directory.pieces())) for directory in found)


def directories(data: mmap.mmap, limits: Limits) -> list[Directory]:
    """The chain of directories, each with all its strips inside the file. Raises `Refused`."""
    if len(data) < 8:  # noqa: PLR2004  the header
        raise Refused("truncated", part="TIFF header")
    order = "<" if data[:2] == b"II" else ">"
    big = struct.unpack_from(order + "H", data, 2)[0] == 43  # noqa: PLR2004  BigTIFF
    if big and (len(data) < 16 or struct.unpack_from(order + "HH", data, 4) != (8, 0)):  # noqa: PLR2004
        raise Refused("damaged", part="BigTIFF header")
    at = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)[0]
    seen: set[int] = set()
    found: list[Directory] = []
    while at:
        if at in seen:
            raise Refused("loop", part="TIFF directories")
        seen.add(at)
        if len(found) >= 2 * limits.pages:
            raise Refused("too-many-pages", pages=len(found), limit=limits.pages)
        try:
            directory, at = _directory(data, at, order, big=big)
        except struct.error as error:
            raise Refused("truncated", part="TIFF directory") from error
        _check(directory, len(data), limits)
        found.append(directory)
    if not any(directory.is_page for directory in found):
        raise Refused("no-pages")
    return found


def _directory(data: mmap.mmap, at: int, order: str, *, big: bool) -> tuple[Directory, int]:
    head, entry, inline, offset = ("Q", "HHQ", 8, "Q") if big else ("H", "HHI", 4, "I")
    (count,) = struct.unpack_from(order + head, data, at)
    if count > _MOST_ENTRIES:
        raise Refused("damaged", part="TIFF directory")
    at += struct.calcsize(order + head)
    width = struct.calcsize(order + entry) + inline
    entries = {}
    end = at + count * width + struct.calcsize(order + offset)
    for index in range(count):
        tag, kind, many = struct.unpack_from(order + entry, data, at + index * width)
        value_at = at + (index + 1) * width - inline
        size = TYPES.get(kind, (0, ""))[0] * many
        if not size:
            continue  # readers skip field types they do not know
        if size > inline:
            (value_at,) = struct.unpack_from(order + offset, data, value_at)
        if value_at + size > len(data):
            raise Refused("truncated", part=f"TIFF tag {tag}")
        entries[tag] = Entry(kind, many, data[value_at : value_at + size])
        end = max(end, value_at + size)
    (following,) = struct.unpack_from(order + offset, data, at + count * width)
    return Directory(order, entries, end), following


def _check(directory: Directory, length: int, limits: Limits) -> None:
    width, height = directory.size
    if not width or not height:
        raise Refused("damaged", part="TIFF size")
    if width * height > limits.page_pixels:
        raise Refused("too-many-pixels", width=width, height=height, limit=limits.page_pixels)
    if directory.compression not in COMPRESSIONS:
        raise Refused("unsupported-variant", kind=f"TIFF compression {directory.compression}")
    pieces = directory.pieces()
    if len(pieces) > _MOST_STRIPS:
        raise Refused("damaged", part="TIFF strips")
    if len(pieces) < _pieces_needed(directory):
        raise Refused("truncated", part="TIFF strips")
    if any(offset + size > length for offset, size in pieces):
        raise Refused("truncated", part="TIFF strips")
    if not all(size for _, size in pieces):
        raise Refused("missing-image", page="?")
    if directory.compression == RAW and sum(size for _, size in pieces) < _raw_length(directory):
        raise Refused("truncated", part="TIFF strips")


def _pieces_needed(directory: Directory) -> int:
    width, height = directory.size
    planes = directory.number(SAMPLES, 1) if directory.number(PLANAR, 1) == 2 else 1  # noqa: PLR2004  planes apart
    if TILE_OFFSETS in directory.entries:
        across, down = directory.number(TILE_WIDTH), directory.number(TILE_HEIGHT)
        if not across or not down:
            raise Refused("damaged", part="TIFF tiles")
        return planes * -(-width // across) * -(-height // down)
    rows = directory.number(ROWS_PER_STRIP, height)
    if not rows:
        raise Refused("damaged", part="TIFF strips")
    return planes * -(-height // min(rows, height))


def _raw_length(directory: Directory) -> int:
    width, height = directory.size
    bits = directory.numbers(BITS) or (1,)
    samples = directory.number(SAMPLES, 1)
    per_pixel = bits[0] * samples if len(bits) < samples else sum(bits[:samples])
    if directory.number(PHOTOMETRIC, 1) == 6:  # noqa: PLR2004  YCbCr is subsampled
        return 0
    if directory.number(PLANAR, 1) == 2:  # noqa: PLR2004  planes apart
        return samples * height * ((width * bits[0] + 7) // 8)
    return height * ((width * per_pixel + 7) // 8)
