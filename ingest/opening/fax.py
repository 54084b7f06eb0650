"""CCITT Group 4 (ITU-T T.6): decoders go on in silence after damage, so their rows are encoded again and compared."""

import io
from collections.abc import Sequence
from typing import Final

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
_STRIP_OFFSETS, _STRIP_LENGTHS = 273, 279
_GROUP4: Final = 4  # COMPRESSION_CCITT_T6


def straight(data: bytes, *, fill_order: int) -> bytes:
    """The bits, most significant first."""
    return data.translate(_REVERSED) if fill_order == 2 else data  # noqa: PLR2004  TIFF FillOrder


def check_group4(data: bytes, *, width: int, height: int) -> None:
    """Raises `Refused("damaged")`."""
    rows = np.asarray(imagecodecs.ccittfax4_decode(data, height=height, width=width)).astype(bool)
    check_strips(rows, [data], rows_per_strip=height)


def check_strips(rows: NDArray[np.bool_], strips: Sequence[bytes], *, rows_per_strip: int) -> None:
    """Whether these strips hold these rows, the last one fewer. Raises `Refused("damaged")`."""
    encoded = _encoded(rows, rows_per_strip)
    if len(encoded) != len(strips) or not all(map(_says, strips, encoded)):
        raise Refused("damaged", part="CCITT G4")


def _says(data: bytes, again: bytes) -> bool:
    if data.startswith(again[:-_END_OF_BLOCK]):
        return True
    return abs(len(data.rstrip(b"\0")) - len(again)) <= max(2, _SLACK * len(again)) and _ends(data)


def _encoded(rows: NDArray[np.bool_], rows_per_strip: int) -> list[bytes]:
    out = bytes(imagecodecs.tiff_encode(rows, compression=_GROUP4, rowsperstrip=rows_per_strip))
    with Image.open(io.BytesIO(out)) as written:
        tags = written.tag_v2 if isinstance(written, TiffImageFile) else {}
        places = zip(tags[_STRIP_OFFSETS], tags[_STRIP_LENGTHS], strict=True)
        return [out[offset : offset + length] for offset, length in places]


def _ends(data: bytes) -> bool:
    tail = data.rstrip(b"\0")[-6:]
    return _END in "".join(f"{byte:08b}" for byte in tail)
