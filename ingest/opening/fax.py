"""CCITT Group 4 (ITU-T T.6): decoders go on in silence after damage, so their rows are encoded again and compared."""

import io
from typing import Any, Final

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from archive_app.core.errors import Refused

_REVERSED: Final = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
#: Encoders may choose other codes for the same rows; lengths then differ by little, after damage by much.
_SLACK: Final = 0.005
_END: Final = "000000000001" * 2
_END_OF_BLOCK: Final = 4  # bytes that hold the end-of-block code and its padding
_STRIP_OFFSETS, _ROWS_PER_STRIP, _STRIP_LENGTHS = 273, 278, 279


def straight(data: bytes, *, fill_order: int) -> bytes:
    """The bits, most significant first."""
    return data.translate(_REVERSED) if fill_order == 2 else data  # noqa: PLR2004  TIFF FillOrder


def check_group4(data: bytes, *, width: int, height: int) -> NDArray[Any]:
    """The decoded rows, height x width, 1 is black. Raises `Refused("damaged")`."""
    rows = np.asarray(imagecodecs.ccittfax4_decode(data, height=height, width=width))
    again = _encoded(rows)
    body = again[:-_END_OF_BLOCK]
    if data.startswith(body):
        return rows
    if abs(len(data.rstrip(b"\0")) - len(again)) <= max(2, _SLACK * len(again)) and _ends(data):
        return rows
    raise Refused("damaged", part="CCITT G4")


def _encoded(rows: NDArray[Any]) -> bytes:
    out = io.BytesIO()
    picture = Image.fromarray(rows.astype(bool))
    picture.save(out, "TIFF", compression="group4", tiffinfo={_ROWS_PER_STRIP: rows.shape[0]})
    with Image.open(out) as written:
        tags = written.tag_v2 if isinstance(written, TiffImageFile) else {}
        offset, length = tags[_STRIP_OFFSETS][0], tags[_STRIP_LENGTHS][0]
    return out.getvalue()[offset : offset + length]


def _ends(data: bytes) -> bool:
    tail = data.rstrip(b"\0")[-6:]
    return _END in "".join(f"{byte:08b}" for byte in tail)
