"""GIF, BMP, WebP and HEIC: their outer structure, walked to the end, before any decoder sees them."""

import struct
from dataclasses import dataclass
from typing import Final

from archive_app.core.errors import Refused
from ingest.opening import trailing


@dataclass(frozen=True, slots=True)
class Outline:
    """Stated size (None where only the decoder knows), variant for people, notes."""

    size: tuple[int, int] | None
    variant: str
    notes: tuple[str, ...] = ()


def gif(data: bytes) -> Outline:
    """GIF87a and GIF89a with exactly one picture and the closing `;`."""
    if len(data) < 13:  # noqa: PLR2004  header and screen descriptor
        raise Refused("truncated", part="header")
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    at = 13 + _table(flags)
    frames = 0
    while True:
        kind = data[at : at + 1]
        if kind == b";":
            break
        if kind == b"!":
            at = _sub_blocks(data, at + 2)
        elif kind == b",":
            frames += 1
            if at + 10 > len(data):
                raise Refused("truncated", part="picture")
            at = _sub_blocks(data, at + 10 + _table(data[at + 9]) + 1)
        else:
            raise Refused("truncated" if not kind else "damaged", part="block")
    if frames > 1:
        raise Refused("animated", frames=frames)
    if not frames:
        raise Refused("no-pages")
    return Outline((width, height), data[3:6].decode("ascii"), trailing.check(data[at + 1 :]))


def _table(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _sub_blocks(data: bytes, at: int) -> int:
    while True:
        if at >= len(data):
            raise Refused("truncated", part="data")
        length = data[at]
        at += 1 + length
        if not length:
            return at


_BMP_RAW: Final = {0, 3, 6}


def bmp(data: bytes) -> Outline:
    """Windows bitmaps; the stated rows must all be in the file."""
    if len(data) < 30:  # noqa: PLR2004  smallest headers
        raise Refused("truncated", part="header")
    offset, header = struct.unpack_from("<II", data, 10)
    if header == 12:  # noqa: PLR2004  OS/2
        width, height, _, depth = struct.unpack_from("<HHHH", data, 18)
        compression = 0
    elif header in {40, 52, 56, 64, 108, 124} and len(data) >= 14 + header:
        width, height, _, depth, compression = struct.unpack_from("<iiHHI", data, 18)
    else:
        raise Refused("damaged", part="header")
    if width <= 0 or not height or depth not in {1, 4, 8, 16, 24, 32}:
        raise Refused("damaged", part="header")
    height = abs(height)
    notes: tuple[str, ...] = ()
    if compression in _BMP_RAW:
        end = offset + (width * depth + 31) // 32 * 4 * height
        if end > len(data):
            raise Refused("truncated", part="rows")
        notes = trailing.check(data[end:])
    return Outline((width, height), f"{depth} bit", notes)


def webp(data: bytes) -> Outline:
    """RIFF chunks of a still WebP."""
    if len(data) < 12:  # noqa: PLR2004  RIFF header
        raise Refused("truncated", part="header")
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise Refused("truncated", part="RIFF")
    at, pictures, frames, variant = 12, 0, 0, ""
    while at + 8 <= end:
        kind, length = struct.unpack_from("<4sI", data, at)
        at += 8 + length + (length & 1)
        if at > end + 1:
            raise Refused("truncated", part=kind.decode("ascii", "replace"))
        pictures += kind in {b"VP8 ", b"VP8L"}
        frames += kind == b"ANMF"
        variant = {b"VP8 ": "lossy", b"VP8L": "lossless"}.get(kind, variant)
    if frames:
        raise Refused("animated", frames=frames)
    if pictures != 1:
        raise Refused("damaged", part="VP8")
    return Outline(None, variant, trailing.check(data[end:]))


def _box(data: bytes, at: int) -> tuple[int, bytes]:
    try:
        size, kind = struct.unpack_from(">I4s", data, at)
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, at + 8)
    except struct.error as error:
        raise Refused("truncated", part="box") from error
    return size or len(data) - at, kind


def heif(data: bytes) -> Outline:
    """Top-level boxes (ISO/IEC 14496-12) of a still HEIC; every byte must belong to one."""
    at, kinds = 0, []
    while at < len(data):
        size, kind = _box(data, at)
        if not any(c.isalnum() for c in kind.decode("latin-1")):
            trailing.check(data[at:])
            break
        if size < 8:  # noqa: PLR2004  a box is at least its head
            raise Refused("damaged", part="box")
        if at + size > len(data):
            raise Refused("truncated", part=kind.decode("latin-1"))
        kinds.append(kind)
        at += size
    if b"meta" not in kinds:
        raise Refused("truncated", part="meta")
    if b"moov" in kinds:
        raise Refused("animated", frames="?")
    return Outline(None, data[8:12].decode("ascii", "replace"))
