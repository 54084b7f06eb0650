"""Locks on owners of bytes between processes of one machine: from the first byte stored to the row that names it.

Without them a release could look, find no row, and remove bytes that somebody has just stored and is about to name.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import UUID

from archive_app.core.errors import Conflict

_STRIPES = 64


class FileLocks:
    """`OwnerLocks` on files in a folder; a process that dies lets go of its locks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def holding(self, *owners: UUID) -> Iterator[None]:
        """Hold the owners' locks for the block. Always taken in one order, so that two never wait for each other."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with ExitStack() as stack:
            for stripe in sorted({owner.int % _STRIPES for owner in owners}):
                handle = os.open(self._folder / f"{stripe:02}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                stack.callback(os.close, handle)  # closing lets go
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield


@contextmanager
def alone(path: Path, *, otherwise: str) -> Iterator[None]:
    """Hold a lock that ends with the process. Raises `Conflict(otherwise)` at once where another process holds it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as fault:
            raise Conflict(otherwise) from fault
        yield
    finally:
        os.close(handle)
