"""PNG (ISO/IEC 15948): every chunk's check sum holds and the pixel data has exactly the length the header asks for.

Pillow does not verify the check sums of image data and fills missing rows in silence.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from archive_app.core.errors import Refused
from ingest.opening import trailing

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_SAMPLES: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS: Final = {0: {1, 2, 4, 8, 16}, 2: {8, 16}, 3: {1, 2, 4, 8}, 4: {8, 16}, 6: {8, 16}}
_COLOUR_NAMES: Final = {0: "grey", 2: "RGB", 3: "palette", 4: "grey+alpha", 6: "RGBA"}
#: x start, y start, x step, y step of the seven Adam7 passes
_ADAM7: Final = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_PIECE: Final = 1 << 20
_PALETTE: Final = 3
_LAST_FILTER: Final = 4


@dataclass(frozen=True, slots=True)
class Header:
    """IHDR."""

    width: int
    height: int
    depth: int
    colour: int
    interlaced: int

    @property
    def name(self) -> str:
        """For people, such as `RGB 8 bit, interlaced`."""
        return f"{_COLOUR_NAMES[self.colour]} {self.depth} bit" + (", interlaced" if self.interlaced else "")

    def data_length(self) -> int:
        """How many bytes the filtered rows of the whole picture have."""
        passes = _ADAM7 if self.interlaced else ((0, 0, 1, 1),)
        total = 0
        for x, y, dx, dy in passes:
            columns, rows = -((x - self.width) // dx), -((y - self.height) // dy)
            if columns > 0 and rows > 0:
                total += rows * (1 + (columns * self.depth * _SAMPLES[self.colour] + 7) // 8)
        return total


def check(path: Path, *, page_pixels: int) -> tuple[Header, tuple[str, ...]]:
    """Header and notes of a whole PNG. Raises `Refused`."""
    with path.open("rb") as stream:
        if stream.read(8) != _SIGNATURE:
            raise Refused("damaged", part="signature")
        header: Header | None = None
        data: _Data | None = None
        palette = False
        for kind, piece in _pieces(stream):
            if header is None or data is None:
                header = _header(kind, piece, page_pixels)
                data = _Data(header)
            elif kind == b"IHDR":
                raise Refused("damaged", part="IHDR")
            elif kind == b"acTL":
                raise Refused("animated", frames=int.from_bytes(piece[:4], "big"))
            elif kind == b"IDAT":
                data.take(piece)
            palette |= kind == b"PLTE"
        if header is None or data is None:
            raise Refused("truncated", part="IHDR")
        data.end()
        if header.colour == _PALETTE and not palette:
            raise Refused("damaged", part="PLTE")
        return header, trailing.check(stream.read(trailing.PADDING + 1))


class _Data:
    """Inflates the picture's data piece by piece, counting, keeping nothing."""

    def __init__(self, header: Header) -> None:
        self._left = header.data_length()
        self._row = 1 + (header.width * header.depth * _SAMPLES[header.colour] + 7) // 8
        self._to_filter = 0 if not header.interlaced else self._left  # bytes until the next row's filter type
        self._inflate = zlib.decompressobj()

    def take(self, piece: bytes) -> None:
        try:
            while piece:
                out = self._inflate.decompress(piece, _PIECE)
                self._check_filters(out)
                self._left -= len(out)
                if self._left < 0:
                    raise Refused("damaged", part="IDAT", detail="more data than rows")
                if not out and self._inflate.unconsumed_tail == piece:
                    break
                piece = self._inflate.unconsumed_tail
        except zlib.error as error:
            raise Refused("damaged", part="IDAT", detail=str(error)[:120]) from error

    def _check_filters(self, out: bytes) -> None:
        if max(out[self._to_filter :: self._row], default=0) > _LAST_FILTER:
            raise Refused("damaged", part="IDAT", detail="filter type")
        behind = len(out) - self._to_filter
        self._to_filter = -behind % self._row if behind > 0 else -behind

    def end(self) -> None:
        if self._left or not self._inflate.eof:
            raise Refused("truncated", part="IDAT")


def _header(kind: bytes, body: bytes, page_pixels: int) -> Header:
    if kind != b"IHDR" or len(body) != 13:  # noqa: PLR2004  fixed by the standard
        raise Refused("damaged", part="IHDR")
    width, height, depth, colour, compression, filtering, interlaced = struct.unpack(">IIBBBBB", body)
    if not width or not height or depth not in _DEPTHS.get(colour, set()) or compression or filtering or interlaced > 1:
        raise Refused("damaged", part="IHDR")
    if width * height > page_pixels:
        raise Refused("too-many-pixels", width=width, height=height, limit=page_pixels)
    return Header(width, height, depth, colour, interlaced)


def _pieces(stream: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Chunks up to IEND with their check sum verified; large ones in pieces."""
    while True:
        head = stream.read(8)
        if len(head) < 8:  # noqa: PLR2004  length and type
            raise Refused("truncated", part="IEND")
        length, kind = struct.unpack(">I4s", head)
        if not kind.isalpha():
            raise Refused("damaged", part="chunk")
        crc, left, first = zlib.crc32(kind), length, True
        while left or first:
            piece = stream.read(min(left, _PIECE))
            if len(piece) < min(left, _PIECE):
                raise Refused("truncated", part=kind.decode("ascii"))
            crc, left = zlib.crc32(piece, crc), left - len(piece)
            if kind != b"IEND" and (first or kind == b"IDAT"):
                yield kind, piece
            first = False
        stated = stream.read(4)
        if len(stated) < 4:  # noqa: PLR2004  the check sum
            raise Refused("truncated", part=kind.decode("ascii"))
        if int.from_bytes(stated, "big") != crc:
            raise Refused("damaged", part=kind.decode("ascii"), detail="check sum")
        if kind == b"IEND":
            return
