"""`DestructionRegister` as one file of lines in a folder.

A last line that a crash cut short was never answered as durable and is cut off.
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from archive_app.core.errors import Unavailable
from archive_app.core.ports import Destruction
from archive_app.register.chain import FIRST, chained, digest_of, entries_of

_FILE = "destructions.jsonl"
_LONGEST = 1 << 16  # bytes of a line at most


class FileRegister:
    """Any number of processes append, on this machine or on others that share the disk with its locks."""

    def __init__(self, folder: Path) -> None:
        self._path = folder.absolute() / _FILE

    def note(self, *destructions: Destruction) -> None:
        with self._appending() as file:
            file.writelines(chained(destructions, _tail(file)))
            file.flush()
            os.fsync(file.fileno())

    def entries(self) -> Iterator[Destruction]:
        with _translated():
            if not self._path.exists():
                return
            with self._path.open("rb") as file:
                # A last line without an end was being written when its process died.
                yield from entries_of(line for line in file if line.endswith(b"\n"))

    @contextmanager
    def _appending(self) -> Iterator[BinaryIO]:
        """The file alone, at its end."""
        with _translated():
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            number = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            with os.fdopen(number, "r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield file


def _tail(file: BinaryIO) -> str:
    """The digest of the last whole line; what a crash left after it is cut off."""
    size = file.seek(0, os.SEEK_END)
    start = max(0, size - _LONGEST)
    file.seek(start)
    whole, newline, _ = file.read().rpartition(b"\n")
    end = start + len(whole) + len(newline)
    file.seek(end)
    file.truncate()
    return digest_of(whole.rpartition(b"\n")[2] + newline) if newline else FIRST


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        raise Unavailable("register-failed", reason=errno.errorcode.get(fault.errno or 0, "unknown")) from fault
