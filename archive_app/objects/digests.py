"""SHA-256 and SM3 of a stream in one pass and in constant memory."""

from typing import BinaryIO

from cryptography.hazmat.primitives import hashes

from archive_app.core.ports import Digests

#: Bytes read at a time: large enough for the disk, small enough for any number of workers.
CHUNK = 1 << 20


class Digester:
    """Takes bytes piece by piece; `finish` may be called once."""

    def __init__(self) -> None:
        self._sha256 = hashes.Hash(hashes.SHA256())
        self._sm3 = hashes.Hash(hashes.SM3())
        self.size = 0

    def update(self, piece: bytes) -> None:
        self._sha256.update(piece)
        self._sm3.update(piece)
        self.size += len(piece)

    def finish(self) -> Digests:
        """Both digests as lower-case hex, and the number of bytes."""
        return Digests(sha256=self._sha256.finalize().hex(), sm3=self._sm3.finalize().hex(), size=self.size)


def digests_of(source: BinaryIO) -> Digests:
    """The digests of everything from the stream's present position to its end."""
    digester = Digester()
    while piece := source.read(CHUNK):
        digester.update(piece)
    return digester.finish()


def sha256_of(source: BinaryIO) -> str:
    """SHA-256 alone, a quarter of the work: enough to tell whether bytes are still the ones that were taken."""
    digest = hashes.Hash(hashes.SHA256())
    while piece := source.read(CHUNK):
        digest.update(piece)
    return digest.finalize().hex()
