"""Streams of a PDF: unpacked with a ceiling, and image data proven whole.

Renderers leave out a picture that they cannot read and say nothing; here its length and its codes are checked.
"""

import io
import re
import zlib
from typing import Final

import pikepdf
from PIL import Image

from archive_app.core.errors import Refused
from ingest.opening import fax, jpeg
from ingest.opening.jbig2 import check_segments
from ingest.opening.model import Limits

_PIECE: Final = 1 << 20
_PNG_PREDICTORS: Final = 10
_SPARE: Final = 1 << 20  # bytes behind the last row that some producers leave
_COMPONENTS: Final = {
    "/DeviceGray": 1, "/CalGray": 1, "/G": 1, "/DeviceRGB": 3, "/CalRGB": 3, "/RGB": 3, "/Lab": 3,
    "/DeviceCMYK": 4, "/CMYK": 4, "/Indexed": 1, "/I": 1, "/Separation": 1,
}  # fmt: skip
_PLACE: Final = re.compile(r"^/.*?(?=\(|: )")
_FLATE: Final = {"/FlateDecode", "/Fl"}


def filters(stream: pikepdf.Object) -> list[str]:
    """Names of the filters, first to undo first."""
    stated = stream.get("/Filter")
    if stated is None:
        return []
    return [str(name) for name in stated] if isinstance(stated, pikepdf.Array) else [str(stated)]


def inflate(raw: bytes, *, ceiling: int) -> tuple[bytes, bool]:
    """Inflated bytes and whether the end was reached. Raises `Refused("archive-bomb")` past the ceiling."""
    unpack, out = zlib.decompressobj(), bytearray()
    while raw:
        out += unpack.decompress(raw, _PIECE)
        if len(out) > ceiling:
            raise Refused("archive-bomb", limit=ceiling)
        if unpack.eof or not unpack.unconsumed_tail:
            break
        raw = unpack.unconsumed_tail
    return bytes(out), unpack.eof


def content(stream: pikepdf.Object, *, ceiling: int) -> bytes:
    """The unpacked bytes of a content stream. Raises `Refused` (`archive-bomb`, `damaged`)."""
    names = filters(stream)
    raw = bytes(stream.get_raw_stream_buffer())
    if not raw:
        return raw
    if names and set(names) <= _FLATE:
        for _ in names:
            try:
                raw, ended = inflate(raw, ceiling=ceiling)
            except zlib.error as error:
                raise Refused("damaged", part="PDF content", detail=str(error)[:80]) from error
            if not ended:
                raise Refused("truncated", part="PDF content")
        return raw
    if names[:1] and names[0] in _FLATE and len(names) > 1:
        inflate(raw, ceiling=ceiling)
    if len(raw) > ceiling:
        raise Refused("archive-bomb", limit=ceiling)
    unpacked = _unpacked(stream) if names else raw
    if len(unpacked) > ceiling:
        raise Refused("archive-bomb", limit=ceiling)
    return unpacked


def check_image(stream: pikepdf.Object, *, page: int, limits: Limits) -> tuple[int, int]:
    """Width and height of an image XObject whose data is whole.

    Raises `Refused`: `damaged-image`, `too-many-pixels`, `archive-bomb`.
    """
    try:
        width, height = int(stream["/Width"]), int(stream["/Height"])
    except (KeyError, TypeError, ValueError) as error:
        raise Refused("damaged-image", page=page, part="size") from error
    if width < 1 or height < 1:
        raise Refused("damaged-image", page=page, part="size")
    if width * height > limits.page_pixels:
        raise Refused("too-many-pixels", page=page, width=width, height=height, limit=limits.page_pixels)
    try:
        _check_data(stream, width, height)
    except Refused as refusal:
        if refusal.code in {"archive-bomb", "unsupported-variant"}:
            raise
        raise Refused("damaged-image", page=page, cause=refusal.code, **refusal.parameters) from refusal
    except (pikepdf.PdfError, zlib.error, OSError, SyntaxError, ValueError, TypeError, KeyError) as error:
        said = _PLACE.sub("", str(error))  # the reader begins with the place of the file
        raise Refused("damaged-image", page=page, detail=f"{type(error).__name__}: {said}"[:120]) from error
    return width, height


def _check_data(stream: pikepdf.Object, width: int, height: int) -> None:
    names = filters(stream)
    raw = bytes(stream.get_raw_stream_buffer())
    row = (width * _bits(stream) + 7) // 8
    while names and names[0] in _FLATE and len(names) > 1:
        raw, _ = inflate(raw, ceiling=row * height + _SPARE)
        names = names[1:]
    match names:
        case ["/DCTDecode" | "/DCT"]:
            walked = jpeg.walk(raw)
            if (walked.width, walked.height) != (width, height) and walked.height < height:
                raise Refused("damaged", part="JPEG size")
            jpeg.check_coefficients(raw)
        case ["/CCITTFaxDecode" | "/CCF"]:
            _check_fax(stream, raw, width, height)
        case ["/JPXDecode"]:
            with Image.open(io.BytesIO(raw)) as picture:
                picture.load()
        case ["/JBIG2Decode"]:
            check_segments(raw)
        case [name] if name in _FLATE:
            _check_rows(stream, raw, row, height)
        case []:
            _enough(len(raw), row * height)
        case _:
            _enough(len(_unpacked(stream)), row * height)


def _unpacked(stream: pikepdf.Object) -> bytes:
    """All filters undone, run lengths too, which the reader counts as special."""
    return bytes(stream.read_bytes(pikepdf.StreamDecodeLevel.specialized))


def _check_rows(stream: pikepdf.Object, raw: bytes, row: int, height: int) -> None:
    parameters = _parameters(stream)
    predictor = int(parameters.get("/Predictor", 1)) if parameters is not None else 1
    expected = height * (row + (predictor >= _PNG_PREDICTORS))
    # Only counted, not kept: a scan's rows may be a hundred megabytes.
    unpack, length = zlib.decompressobj(), 0
    while raw:
        length += len(unpack.decompress(raw, _PIECE))
        if length > expected * 2 + _SPARE:
            raise Refused("archive-bomb", limit=expected)
        if unpack.eof or not unpack.unconsumed_tail:
            break
        raw = unpack.unconsumed_tail
    _enough(length, expected)


def _enough(length: int, expected: int) -> None:
    if length < expected:
        raise Refused("truncated", part="rows", bytes=length, expected=expected)


def _parameters(stream: pikepdf.Object) -> pikepdf.Object | None:
    stated = stream.get("/DecodeParms", stream.get("/DP"))
    if isinstance(stated, pikepdf.Array):
        found = [one for one in stated if isinstance(one, pikepdf.Dictionary)]
        return found[-1] if found else None
    return stated if isinstance(stated, pikepdf.Dictionary) else None


def _check_fax(stream: pikepdf.Object, raw: bytes, width: int, height: int) -> None:
    parameters = _parameters(stream)
    k = int(parameters.get("/K", 0)) if parameters is not None else 0
    columns = int(parameters.get("/Columns", 1728)) if parameters is not None else 1728
    if columns < width:
        raise Refused("damaged", part="CCITT columns")
    aligned = parameters is not None and bool(parameters.get("/EncodedByteAlign", False))
    if k < 0 and not aligned:
        fax.check_group4(raw, width=columns, height=height)
    elif not raw:
        raise Refused("truncated", part="CCITT")


def _bits(stream: pikepdf.Object) -> int:
    if bool(stream.get("/ImageMask", stream.get("/IM", False))):
        return 1
    depth = int(stream.get("/BitsPerComponent", stream.get("/BPC", 8)))
    return depth * _components(stream.get("/ColorSpace", stream.get("/CS")))


def _components(space: pikepdf.Object | None) -> int:
    if space is None:
        return 1
    if not isinstance(space, pikepdf.Array):
        return _COMPONENTS.get(str(space), 1)
    kind = str(space[0])
    if kind == "/ICCBased":
        return int(space[1].get("/N", 1))
    if kind == "/DeviceN":
        return len(space[1])
    return _COMPONENTS.get(kind, 1)
