"""SHA-256 and SM3 of a stream in one pass and in bounded memory.

Processors have instructions for SHA-256; SM3 has none and takes four times as long. Both let other threads run
meanwhile: of a stream of more than one piece they are computed beside the reading and the writing.
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
_BEHIND = 2  # pieces that wait for their digest


class Digest:
    """One digest of what it is given piece by piece, by a thread of its own from the second piece on.

    `finish` may be called once, within the block.
    """

    def __init__(self, algorithm: hashes.HashAlgorithm) -> None:
        self._digest = hashes.Hash(algorithm)
        self._beside: ThreadPoolExecutor | None = None
        self._waiting: deque[Future[None]] = deque()
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._beside is not None:
            self._beside.shutdown(cancel_futures=True)

    def update(self, piece: bytes) -> None:
        if self._beside is None and self._size and self._size + len(piece) > CHUNK:
            self._beside = ThreadPoolExecutor(1, "digest")
        self._size += len(piece)
        if self._beside is None:
            self._digest.update(piece)
            return
        if len(self._waiting) == _BEHIND:
            self._waiting.popleft().result()
        self._waiting.append(self._beside.submit(self._digest.update, piece))

    def finish(self) -> str:
        """As lower-case hex."""
        for waiting in self._waiting:
            waiting.result()
        return self._digest.finalize().hex()


def sha256_beside() -> Digest:
    """SHA-256 alone, a quarter of the work: enough to tell whether bytes are still the ones that were taken."""
    return Digest(hashes.SHA256())


class Digester:
    """Takes bytes piece by piece; `finish` may be called once, within the block."""

    def __init__(self) -> None:
        self._sha256 = hashes.Hash(hashes.SHA256())
        self._sm3 = Digest(hashes.SM3())
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sm3.__exit__(kind, fault, trace)

    def update(self, piece: bytes) -> None:
        self._sm3.update(piece)
        self._sha256.update(piece)
        self.size += len(piece)

    def finish(self) -> Digests:
        """Both digests as lower-case hex, and the number of bytes."""
        return Digests(sha256=self._sha256.finalize().hex(), sm3=self._sm3.finish(), size=self.size)


def digests_of(source: BinaryIO) -> Digests:
    """The digests of everything from the stream's present position to its end."""
    with Digester() as digester:
        while piece := source.read(CHUNK):
            digester.update(piece)
        return digester.finish()


def sha256_of(source: BinaryIO) -> str:
    """SHA-256 of everything from the stream's present position to its end."""
    with sha256_beside() as digest:
        while piece := source.read(CHUNK):
            digest.update(piece)
        return digest.finish()


def sm3_of(pieces: Iterable[bytes | memoryview]) -> str:
    """SM3 alone."""
    digest = hashes.Hash(hashes.SM3())
    for piece in pieces:
        digest.update(piece)
    return digest.finalize().hex()
