"""How parent and child talk: frames of a four-byte big-endian length and JSON, never objects that run code."""

import json
import struct
from collections.abc import Mapping
from typing import IO, Any

Message = Mapping[str, Any]

_LENGTH = struct.Struct(">I")
#: A page of dense text is about 20 KB; whatever is longer than this did not come from our child.
LONGEST = 256 << 20


def send(stream: IO[bytes], message: Message) -> None:
    """Write one frame and flush it."""
    body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    stream.write(_LENGTH.pack(len(body)) + body)
    stream.flush()


def receive(stream: IO[bytes]) -> Message | None:
    """The next frame, or None at the end of the stream. Raises `EOFError` inside a frame, `ValueError` for nonsense."""
    head = stream.read(_LENGTH.size)
    if not head:
        return None
    if len(head) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(head)
    if length > LONGEST:
        raise ValueError(length)
    body = stream.read(length)
    if len(body) < length:
        raise EOFError
    message = json.loads(body)
    if not isinstance(message, dict):
        raise TypeError(message)
    return message
