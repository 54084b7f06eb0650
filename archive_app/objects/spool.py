"""Files for bytes on their way: each is locked by the process that fills it, and swept once that process is gone."""

import errno
import fcntl
import io
import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from archive_app.core.errors import ContentMissing, Refused, Unavailable
from archive_app.core.ports import Digests, StoreKey
from archive_app.objects.digests import CHUNK, Digester, sha256_beside, sm3_of

_LITTLE = 4 << 20  # bytes whose SM3 is not worth a thread
_IN_MEMORY = 16 << 20  # bytes that need no file: a scan, however many are put at once
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True, slots=True)
class Taken:
    """Bytes that were taken in; who reads them winds them back first."""

    file: BinaryIO
    size: int
    sha256: str
    sm3: Future[str]
    little: bool  # SM3 is there already


class Spool:
    """A folder of such files. Raises `Unavailable` where it cannot be made or written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with disk_faults():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.sweep()

    @contextmanager
    def file(self) -> Iterator[tuple[Path, BinaryIO]]:
        """A new file under our lock for as long as we live; its name is gone afterwards."""
        with disk_faults():
            path, file = self._new()
        try:
            with file:
                yield path, file
        finally:
            path.unlink(missing_ok=True)

    @contextmanager
    def taken(self, source: BinaryIO, *, limit: int) -> Iterator[Taken]:
        """All of the source, in memory where there is room. SM3 of more than a little is computed beside the caller.

        The source's own errors pass through unchanged; past `limit` `Refused`.
        """
        with ExitStack() as stack:
            file: BinaryIO = io.BytesIO()
            sha256, size = stack.enter_context(sha256_beside()), 0
            while piece := source.read(CHUNK):
                sha256.update(piece)
                size += len(piece)
                if size > limit:
                    raise Refused("too-large", limit=limit)
                if isinstance(file, io.BytesIO) and size > _IN_MEMORY:
                    _, spooled = stack.enter_context(self.file())
                    write(spooled, file.getbuffer())
                    file = spooled
                write(file, piece)
            pieces = [file.getbuffer()] if isinstance(file, io.BytesIO) else _pieces(file.fileno())
            if little := size <= _LITTLE:
                sm3: Future[str] = Future()
                sm3.set_result(sm3_of(pieces))
            else:
                sm3 = stack.enter_context(ThreadPoolExecutor(1, "sm3")).submit(sm3_of, pieces)
            yield Taken(file, size, sha256.finish(), sm3, little)

    def _new(self) -> tuple[Path, BinaryIO]:
        while True:
            path = self._folder / uuid4().hex
            flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC
            file = os.fdopen(os.open(path, flags, 0o600), "w+b", buffering=0)
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.fstat(file.fileno()).st_nlink:  # a sweep may have come between making and locking
                return path, file
            file.close()

    def sweep(self) -> int:
        """Remove files that no living process holds, and count them."""
        swept = 0
        for entry in list(os.scandir(self._folder)):
            with suppress(FileNotFoundError), open(entry.path, "rb") as stale:  # noqa: PTH123
                try:
                    fcntl.flock(stale, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                os.unlink(entry.path)  # noqa: PTH108
                swept += 1
        return swept


def take(source: BinaryIO, file: BinaryIO, *, limit: int) -> Digests:
    """Copy to the file while digesting. The source's own errors pass through unchanged; past `limit` `Refused`."""
    with Digester() as digester:
        while piece := source.read(CHUNK):
            digester.update(piece)
            if digester.size > limit:
                raise Refused("too-large", limit=limit)
            write(file, piece)
        return digester.finish()


def _pieces(number: int) -> Iterator[bytes]:
    """All of the open file, whoever else reads it and wherever they are."""
    place = 0
    while piece := os.pread(number, CHUNK, place):
        place += len(piece)
        yield piece


def write(file: BinaryIO, piece: bytes | memoryview) -> None:
    """All of the piece. Raises `Unavailable`."""
    with disk_faults():
        rest = memoryview(piece)
        while rest:
            rest = rest[file.write(rest) :]


@contextmanager
def disk_faults(key: StoreKey | None = None) -> Iterator[None]:
    """The system's errors in the archive's words; with a key, an absent file is `ContentMissing`."""
    try:
        yield
    except FileNotFoundError as fault:
        if key is None:
            raise Unavailable("store-failed", reason=errno.errorcode.get(fault.errno or 0, "unknown")) from fault
        raise ContentMissing(key=str(key)) from fault
    except OSError as fault:
        code = "store-full" if fault.errno in _FULL else "store-failed"
        raise Unavailable(code, reason=errno.errorcode.get(fault.errno or 0, "unknown")) from fault
