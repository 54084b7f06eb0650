"""SHA-256 and SM3 of a stream in one pass and in bounded memory.

Processors have instructions for SHA-256; SM3 has none and takes four times as long. Of a stream of more than one piece
it is therefore computed by a thread of its own, beside the reading, the writing and SHA-256.
"""

from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import BinaryIO, Self

from cryptography.hazmat.primitives import hashes

from archive_app.core.ports import Digests

#: Bytes read at a time: large enough for the disk, small enough for any number of workers.
CHUNK = 1 << 20
_BEHIND = 2  # pieces that wait for their SM3


class Digester:
    """Takes bytes piece by piece; `finish` may be called once, within the block."""

    def __init__(self) -> None:
        self._sha256 = hashes.Hash(hashes.SHA256())
        self._sm3 = hashes.Hash(hashes.SM3())
        self._beside: ThreadPoolExecutor | None = None
        self._waiting: deque[Future[None]] = deque()
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._beside is not None:
            self._beside.shutdown(cancel_futures=True)

    def update(self, piece: bytes) -> None:
        if self._beside is None and self.size and self.size + len(piece) > CHUNK:
            self._beside = ThreadPoolExecutor(1, "sm3")
        self.size += len(piece)
        if self._beside is None:
            self._sm3.update(piece)
        else:
            if len(self._waiting) == _BEHIND:
                self._waiting.popleft().result()
            self._waiting.append(self._beside.submit(self._sm3.update, piece))
        self._sha256.update(piece)

    def finish(self) -> Digests:
        """Both digests as lower-case hex, and the number of bytes."""
        for waiting in self._waiting:
            waiting.result()
        return Digests(sha256=self._sha256.finalize().hex(), sm3=self._sm3.finalize().hex(), size=self.size)


def digests_of(source: BinaryIO) -> Digests:
    """The digests of everything from the stream's present position to its end."""
    with Digester() as digester:
        while piece := source.read(CHUNK):
            digester.update(piece)
        return digester.finish()


def sha256_of(source: BinaryIO) -> str:
    """SHA-256 alone, a quarter of the work: enough to tell whether bytes are still the ones that were taken."""
    digest = hashes.Hash(hashes.SHA256())
    while piece := source.read(CHUNK):
        digest.update(piece)
    return digest.finalize().hex()


def sm3_of(pieces: Iterable[bytes | memoryview]) -> str:
    """SM3 alone."""
    digest = hashes.Hash(hashes.SM3())
    for piece in pieces:
        digest.update(piece)
    return digest.finalize().hex()
