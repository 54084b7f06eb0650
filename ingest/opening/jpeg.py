"""JPEG (ITU-T T.81): is every segment and every coefficient there? Common decoders fill what is missing with grey.

The walk checks the segments, a strict decode checks the entropy-coded data.
"""

import struct
from dataclasses import dataclass
from typing import Final

import numpy as np
import simplejpeg  # type: ignore[import-untyped]  # its wheel has no type hints
from PIL import Image

from archive_app.core.errors import Refused
from ingest.opening import trailing
from ingest.opening.samples import Samples, samples_of

_SOI, _EOI, _SOS, _APP2, _APP14 = 0xD8, 0xD9, 0xDA, 0xE2, 0xEE
_FRAMES: Final = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_READ: Final = {0xC0: "baseline", 0xC1: "extended", 0xC2: "progressive"}
_SAMSUNG: Final = b"SEFT"
_GREY, _COLOUR, _INKS = 1, 3, 4
_MARK: Final = 0xFF
_GAP: Final = 64 << 10  # the most that may lie between two pictures of one file

_Frame = tuple[int, int, int, str]  # width, height, components, process


@dataclass(frozen=True, slots=True)
class Jpeg:
    """What the segments say; `end` is the offset behind the end marker."""

    width: int
    height: int
    components: int
    process: str
    adobe: bool
    end: int
    extra_pictures: bool


def walk(data: bytes | memoryview) -> Jpeg:
    """Follow every segment to the end marker. Raises `Refused` (`truncated`, `damaged`, `unsupported-variant`)."""
    data = bytes(data)
    if data[:2] != b"\xff\xd8":
        raise Refused("damaged", part="SOI")
    frame: _Frame | None = None
    at, adobe, extra, scans = 2, False, False, 0
    while True:
        marker, at = _marker(data, at)
        if marker == _EOI:
            break
        if at + 2 > len(data):
            raise Refused("truncated", part="segment")
        (length,) = struct.unpack_from(">H", data, at)
        body = data[at + 2 : at + length]
        if length < 2 or at + length > len(data):  # noqa: PLR2004  the length counts its own two bytes
            raise Refused("truncated", part="segment")
        if marker in _FRAMES:
            frame = _frame(marker, body, frame)
        adobe |= marker == _APP14 and body[:5] == b"Adobe"
        extra |= marker == _APP2 and body[:4] == b"MPF\x00"
        at += length
        if marker == _SOS:
            scans += 1
            at = _behind_entropy(data, at)
    if frame is None or not scans:
        raise Refused("truncated", part="SOS")
    width, height, components, process = frame
    return Jpeg(width, height, components, process, adobe, at, extra)


def _marker(data: bytes, at: int) -> tuple[int, int]:
    if at >= len(data):
        raise Refused("truncated", part="EOI")
    if data[at] != _MARK:
        raise Refused("damaged", part="marker")
    while at < len(data) and data[at] == _MARK:
        at += 1
    if at >= len(data):
        raise Refused("truncated", part="EOI")
    if data[at] in {0x00, _SOI}:
        raise Refused("damaged", part="marker")
    return data[at], at + 1


def _frame(marker: int, body: bytes, before: _Frame | None) -> _Frame:
    if before is not None:
        raise Refused("damaged", part="SOF")
    if marker not in _READ:
        raise Refused("unsupported-variant", kind=f"JPEG SOF{marker - 0xC0}")
    if len(body) < 6:  # noqa: PLR2004  precision, height, width, components
        raise Refused("damaged", part="SOF")
    precision, height, width, components = struct.unpack_from(">BHHB", body)
    if precision != 8 or not height or components not in {_GREY, _COLOUR, _INKS}:  # noqa: PLR2004  eight bits
        raise Refused("unsupported-variant", kind=f"JPEG {precision} bit, {components} components")
    if not width:
        raise Refused("damaged", part="SOF")
    return width, height, components, _READ[marker]


def _behind_entropy(data: bytes, at: int) -> int:
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            raise Refused("truncated", part="EOI")
        follower = data[at + 1]
        if follower == 0 or 0xD0 <= follower <= 0xD7:  # noqa: PLR2004  stuffed byte, restart markers
            at += 2
        elif follower == _MARK:
            at += 1
        else:
            return at


def notes_on_rest(data: bytes, jpeg: Jpeg) -> tuple[str, ...]:
    """Notes about what follows the end marker of a JPEG *file*. Raises `Refused`."""
    rest = data[jpeg.end :]
    if jpeg.extra_pictures and b"\xff\xd8\xff" in rest[:_GAP]:
        _further_pictures(rest)
        return ("extra-picture",)
    if rest.rstrip(b"\x00").endswith(_SAMSUNG) and b"ftyp" not in rest:
        return ("maker-trailer",)
    return trailing.check(rest)


def _further_pictures(rest: bytes) -> None:
    """Pictures that a multi-picture index (CIPA DC-007) announces, such as a phone's gain map, each whole."""
    while rest.strip(b"\x00\xff\r\n "):
        start = rest.find(b"\xff\xd8\xff")
        if start < 0 or start > _GAP:
            trailing.check(rest)
            return
        rest = rest[start + walk(rest[start:]).end :]


def pixels(data: bytes, jpeg: Jpeg) -> Samples:
    """Decode strictly. Plain CMYK is kept as it is; only Adobe's is stored inverted.

    Raises `Refused("damaged")` for any warning of the decoder.
    """
    space = {_GREY: "GRAY", _COLOUR: "RGB", _INKS: "CMYK"}[jpeg.components]
    try:
        samples: Samples = simplejpeg.decode_jpeg(data, colorspace=space)
    except ValueError as error:
        raise _refusal(error) from error
    if space != "CMYK":
        return samples
    inks = np.subtract(255, samples) if jpeg.adobe else samples
    return samples_of(Image.fromarray(inks, "CMYK").convert("RGB"))


def check_coefficients(data: bytes) -> None:
    """Read every coefficient, at an eighth of the size to save time. Raises `Refused("damaged")`."""
    try:
        components = simplejpeg.decode_jpeg_header(data)[2]
        space = {"Gray": "GRAY", "CMYK": "CMYK", "YCCK": "CMYK"}.get(components, "GRAY")
        simplejpeg.decode_jpeg(data, colorspace=space, fastdct=True, min_height=1, min_width=1)
    except (KeyError, ValueError) as error:
        raise _refusal(error) from error


def _refusal(error: Exception) -> Refused:
    """A file whose colours are sampled as TurboJPEG cannot read is sound all the same; it says so in words only.

    A way to sample that TurboJPEG knows, and its wrapper does not, is a `KeyError`.
    """
    if isinstance(error, KeyError) or "subsampling" in str(error):
        return Refused("unsupported-variant", kind="JPEG subsampling")
    return Refused("damaged", detail=str(error)[:120])
