"""How parent and child talk: frames of a four-byte big-endian length and JSON, never objects that run code."""

import json
import struct
from collections.abc import Mapping
from typing import IO, Any, Final

Message = Mapping[str, Any]

_LENGTH: Final = struct.Struct(">I")
#: A page of dense text is about 20 KB; whatever is longer than this did not come from our child.
LONGEST: Final = 256 << 20


def frame(message: Message) -> bytes:
    """The bytes of one message."""
    body = json.dumps(message, ensure_ascii=False, default=str, separators=(",", ":")).encode("utf-8", "replace")
    return _LENGTH.pack(len(body)) + body


def receive(stream: IO[bytes]) -> Message | None:
    """The next message of a blocking stream, None at its end. Raises `EOFError` inside a frame."""
    frames = Frames()
    while (message := frames.next()) is None:
        piece = stream.read(frames.wanted)
        if not piece:
            if frames.pending:
                raise EOFError
            return None
        frames.feed(piece)
    return message


class Frames:
    """Puts messages together from pieces of any size. Raises `ValueError` for what no child of ours would send."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    @property
    def pending(self) -> bool:
        """Whether a frame has begun."""
        return bool(self._bytes)

    @property
    def wanted(self) -> int:
        """How many bytes the present frame still lacks, as far as is known."""
        if len(self._bytes) < _LENGTH.size:
            return _LENGTH.size - len(self._bytes)
        return _LENGTH.size + self._length() - len(self._bytes)

    def feed(self, piece: bytes) -> None:
        """Take what has arrived."""
        self._bytes += piece

    def next(self) -> Message | None:
        """A whole message, if there is one."""
        if len(self._bytes) < _LENGTH.size or self.wanted > 0:
            return None
        end = _LENGTH.size + self._length()
        message = json.loads(self._bytes[_LENGTH.size : end])
        del self._bytes[:end]
        if not isinstance(message, dict):
            raise ValueError(type(message))  # noqa: TRY004  nonsense on the wire is one thing to the reader
        return message

    def _length(self) -> int:
        (length,) = _LENGTH.unpack_from(self._bytes)
        if length > LONGEST:
            raise ValueError(length)
        return int(length)
