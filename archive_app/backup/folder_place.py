"""`BackupPlace` in a folder, such as a mounted disk: a file gets its name when it is whole and on the disk."""

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from archive_app.backup.pieces import PIECE
from archive_app.core.errors import ContentMissing, InvalidInput, Unavailable
from archive_app.durable import settle

_DRAFTS = ".drafts"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class FolderPlace:
    """Files below `root`, readable by their owner only. One run writes at a time (see `run`); any number read."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()

    def put(self, name: str, pieces: Iterable[bytes]) -> int:
        target = self._path(name)
        drafts = self._root / _DRAFTS
        if "/" in name and not self._root.is_dir():
            raise Unavailable("backup-place-lost", place=str(self._root))  # a disk that went is not made anew here
        with _translated():
            for folder in (drafts, target.parent):
                _make(folder)
        draft = drafts / uuid4().hex
        written = 0
        try:
            with _translated():
                number = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            with os.fdopen(number, "wb", buffering=0) as file:
                for piece in pieces:  # its own errors pass through unchanged
                    rest = memoryview(piece)
                    with _translated():
                        while rest:
                            rest = rest[file.write(rest) :]
                    written += len(piece)
                with _translated():
                    os.fsync(file.fileno())
            with _translated():
                draft.replace(target)
                settle(target.parent)
        finally:
            draft.unlink(missing_ok=True)
        return written

    def get(self, name: str) -> Iterator[bytes]:
        path = self._path(name)
        with _translated(name):
            file = path.open("rb")
        with file:
            while True:
                with _translated(name):
                    piece = file.read(PIECE)
                if not piece:
                    return
                yield piece

    def size(self, name: str) -> int | None:
        try:
            with _translated(name):
                return self._path(name).stat().st_size
        except ContentMissing:
            return None

    def list(self, prefix: str) -> Iterator[str]:
        with _translated():
            for folder, _, files in os.walk(self._path(prefix)):
                yield from ((Path(folder) / file).relative_to(self._root).as_posix() for file in files)

    def remove(self, name: str) -> None:
        with _translated():
            self._path(name).unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what killed runs left unfinished. The caller is the one run that writes."""
        with _translated():
            for draft in (self._root / _DRAFTS).glob("*"):
                draft.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        """Raises `InvalidInput` for a name that leads out of the place."""
        path = self._root / name
        if name.startswith("/") or ".." in Path(name).parts:
            raise InvalidInput(name="not a name of the backup")
        return path


@contextmanager
def _translated(name: str | None = None) -> Iterator[None]:
    """The system's errors in the archive's words; with a name, an absent file is `ContentMissing`."""
    try:
        yield
    except OSError as fault:
        if name is not None and fault.errno == errno.ENOENT:
            raise ContentMissing("backup-missing", name=name) from fault
        code = "backup-place-full" if fault.errno in _FULL else "backup-place-failed"
        raise Unavailable(code, reason=errno.errorcode.get(fault.errno or 0, "unknown")) from fault


def _make(folder: Path) -> None:
    """The folder and those above it, for their owner only: `parents=True` would open them to all."""
    if not folder.is_dir():
        _make(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        settle(folder.parent)
