"""JBIG2 as it stands in PDF (ITU-T T.88): all segments and their data are there, a region among them."""

import struct
from typing import Final

from archive_app.core.errors import Refused

_UNKNOWN_LENGTH: Final = 0xFFFFFFFF
_REGIONS: Final = {4, 6, 7, 20, 22, 23, 36, 38, 39, 40, 42, 43}


def check_segments(data: bytes) -> None:
    """Walk the segments. Raises `Refused("truncated")` or `Refused("damaged")`."""
    at, regions = 0, 0
    while at < len(data):
        try:
            number, flags, referred = struct.unpack_from(">IBB", data, at)
            at += 5
            count = referred >> 5
            if count == 7:  # noqa: PLR2004  the long form
                count = struct.unpack_from(">I", data, at)[0] & 0x1FFFFFFF
                at += 4 + (count + 8) // 8
            else:
                at += 1
            at += count * (1 if number <= 256 else 2 if number <= 65536 else 4)  # noqa: PLR2004  T.88 7.2.5
            at += 4 if flags & 0x40 else 1
            (length,) = struct.unpack_from(">I", data, at)
            at += 4
        except struct.error as error:
            raise Refused("truncated", part="JBIG2 segment") from error
        regions += (flags & 0x3F) in _REGIONS
        if length == _UNKNOWN_LENGTH:
            break
        at += length
    if at > len(data):
        raise Refused("truncated", part="JBIG2 data")
    if not regions:
        raise Refused("damaged", part="JBIG2")
