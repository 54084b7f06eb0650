"""Write-once bytes in a folder: `root/fonds/owner/sha256`, the path being the key.

A file gets its name only when it is whole, on the disk and read back; a name is never given twice. Nothing is kept
beside the bytes but their SM3 digest (an extended attribute, where the file system has them) and, for locked objects,
the small file `sha256.until` with the first day on which they may go.
"""

import errno
import fcntl
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from archive_app.core.errors import Conflict, ContentMissing, FixityMismatch, Unavailable
from archive_app.core.ports import Clock, Digests, StoredObject, StoreKey, Warrant, WriteOnce
from archive_app.durable import settle
from archive_app.objects.digests import digests_of, sha256_of
from archive_app.objects.naming import FONDS, OWNER, SHA256, checked_fonds, parts_of
from archive_app.objects.spool import Spool, disk_faults, take

_SPOOL = ".spool"  # on the same file system: a name is given by a hard link
_UNTIL = ".until"
_SM3 = "user.archive.sm3"
_NO_ATTRIBUTES = {errno.ENOTSUP, errno.ENODATA, errno.ENOSPC, errno.EPERM, errno.EACCES}
_NO_MORE_LINKS = {errno.EMLINK, errno.EPERM, errno.ENOTSUP, errno.EXDEV}
_TRIES = 100  # against a `destroy` that removes the empty folder between making and using it


class FolderStore:
    """`StorageBackend` on a local file system with hard links; any number of processes may share it.

    The folder holds one version of a key, so `version_id` is None in its answers and not looked at in its arguments.
    Lock days are counted by `clock`; without one in UTC, which in China ends a lock eight hours later, never earlier.
    """

    def __init__(self, root: Path, *, clock: Clock | None = None) -> None:
        self._root = root.absolute()
        self._clock = clock
        self._spool = Spool(self._root / _SPOOL)

    # ------------------------------------------------------------ in

    def put(self, source: BinaryIO, *, fonds: str, owner: UUID, limit: int) -> StoredObject:
        """As the port says. An object found under the key already is read and compared, never replaced."""
        checked_fonds(fonds)
        with self._spool.file() as (path, spool):
            digests = take(source, spool, limit=limit)
            key = StoreKey(fonds=fonds, owner=owner, sha256=digests.sha256)
            with disk_faults():
                os.fchmod(spool.fileno(), 0o440)
                _note_sm3(spool.fileno(), digests.sm3)
                os.fsync(spool.fileno())
                self._compare(path, key, digests)  # before it has a name: a key never shows damaged bytes
                if not self._name(path, key):
                    self._compare(self._path(key), key, digests)
        return self._described(key, sm3=digests.sm3)

    def adopt(self, key: StoreKey, *, owner: UUID, version_id: str | None = None) -> StoredObject:  # noqa: ARG002
        """Give the bytes a second name by hard link; a full copy, compared, where links are used up."""
        mine = StoreKey(fonds=key.fonds, owner=owner, sha256=key.sha256)
        source = self._path(key)
        with disk_faults(key):
            try:
                self._name(source, mine)
            except OSError as fault:
                if fault.errno not in _NO_MORE_LINKS:
                    raise
                with source.open("rb") as reader:
                    self.put(reader, fonds=mine.fonds, owner=owner, limit=source.stat().st_size)
        return self._described(mine)

    # ------------------------------------------------------------ out

    def open(self, key: StoreKey, *, version_id: str | None = None) -> BinaryIO:  # noqa: ARG002
        with disk_faults(key):
            return self._path(key).open("rb")

    @contextmanager
    def as_file(self, key: StoreKey, *, version_id: str | None = None) -> Iterator[Path]:  # noqa: ARG002
        """The object's own path: who destroys and who reads agree by the lock of the key (decision 12)."""
        path = self._path(key)
        with disk_faults(key):
            path.stat()
        yield path

    def stat(self, key: StoreKey, *, version_id: str | None = None) -> StoredObject | None:  # noqa: ARG002
        try:
            return self._described(key)
        except ContentMissing:
            return None

    def digest(self, key: StoreKey, *, version_id: str | None = None) -> Digests:  # noqa: ARG002
        with disk_faults(key), self._path(key).open("rb") as reader:
            _forget(reader)
            return digests_of(reader)

    def keys(self) -> Iterator[StoreKey]:
        for fonds in _names(self._root, FONDS):
            for owner in _names(self._root / fonds, OWNER):
                for sha256 in _names(self._root / fonds / owner, SHA256):
                    yield StoreKey(fonds=fonds, owner=UUID(owner), sha256=sha256)

    # ------------------------------------------------------------ keeping and ending

    def protect(self, key: StoreKey, *, until: date, version_id: str | None = None) -> date:  # noqa: ARG002
        """Write the day beside the object: on that day it may go. A lock is only ever made longer."""
        path = self._path(key)
        with disk_faults(key), self._alone(path.parent):
            path.stat()
            present = _until(path)
            if present is not None and present >= until:
                return present
            self._write_until(path, until)
            return until

    def destroy(self, warrant: Warrant) -> None:
        """Remove the name, and with the last name the bytes. Raises `Conflict("locked")` before the lock's day."""
        path = self._path(warrant.key)
        with disk_faults():
            try:
                with self._alone(path.parent):
                    until = _until(path)
                    if until is not None and self._today() < until and path.exists():
                        raise Conflict("locked", until=until.isoformat())
                    path.unlink(missing_ok=True)
                    settle(path.parent)
                    _until_path(path).unlink(missing_ok=True)  # last: a crash must not leave an object without its lock
            except FileNotFoundError:
                return  # the owner has no folder: the bytes are absent
            _remove_if_empty(path.parent)
            _remove_if_empty(path.parent.parent)

    def sweep(self, *, older_than: timedelta) -> int:  # noqa: ARG002 - the lock on a spool file tells better than age
        return self._spool.sweep()

    def self_test(self) -> WriteOnce:
        """A folder keeps its locks against this program only: who may write to the disk may change everything."""
        return WriteOnce("folder", versions=False, locks=False)

    # ------------------------------------------------------------ steps

    def _compare(self, path: Path, key: StoreKey, expected: Digests) -> None:
        with path.open("rb") as reader:
            _forget(reader)
            found = sha256_of(reader)
            size = reader.tell()
        if (found, size) != (expected.sha256, expected.size):
            raise FixityMismatch(key=str(key), found=found, size=size)

    def _name(self, path: Path, key: StoreKey) -> bool:
        """Give the file its key, durably. False if the key is taken."""
        target = self._path(key)
        for _ in range(_TRIES):
            self._make_folder(target.parent)
            try:
                os.link(path, target)
                new = True
            except FileExistsError:
                new = False
            except FileNotFoundError:
                path.stat()  # it is the folder that went, not the source
                continue
            for folder in (target.parent, target.parent.parent, self._root):  # another's folder may not be settled yet
                settle(folder)
            return new
        raise Unavailable("store-failed", step="name")

    def _make_folder(self, folder: Path) -> None:
        for each in () if folder.is_dir() else (folder.parent, folder):
            with suppress(FileExistsError, FileNotFoundError):  # others make and remove folders too; we are asked again
                each.mkdir(mode=0o750)

    @contextmanager
    def _alone(self, folder: Path) -> Iterator[None]:
        """No other process or thread changes locks or destroys within this owner's folder."""
        while True:
            number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                fcntl.flock(number, fcntl.LOCK_EX)
                if os.fstat(number).st_ino == folder.stat().st_ino:  # not removed and made again meanwhile
                    yield
                    return
            finally:
                os.close(number)

    def _write_until(self, path: Path, until: date) -> None:
        with self._spool.file() as (note, spool):
            spool.write(until.isoformat().encode())
            os.fsync(spool.fileno())
            os.replace(note, _until_path(path))  # noqa: PTH105
            settle(path.parent)

    def _described(self, key: StoreKey, *, sm3: str | None = None) -> StoredObject:
        path = self._path(key)
        with disk_faults(key):
            facts = path.stat()
            return StoredObject(
                key=key,
                size=facts.st_size,
                sm3=sm3 or _noted_sm3(path),
                stored_at=datetime.fromtimestamp(facts.st_mtime, UTC),
                retain_until=_until(path),
            )

    def _path(self, key: StoreKey) -> Path:
        """Where the key is kept. Raises `InvalidInput` for anything that is not a key: no path leaves the root."""
        return self._root.joinpath(*parts_of(key))

    def _today(self) -> date:
        return self._clock.today() if self._clock else datetime.fromtimestamp(time.time(), UTC).date()


def _forget(reader: BinaryIO) -> None:
    """Ask the system to read from the disk rather than from its memory of the writing; it may decline."""
    os.posix_fadvise(reader.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _note_sm3(number: int, sm3: str) -> None:
    try:
        os.setxattr(number, _SM3, sm3.encode())
    except OSError as fault:
        if fault.errno not in _NO_ATTRIBUTES:
            raise


def _noted_sm3(path: Path) -> str | None:
    try:
        return os.getxattr(path, _SM3).decode()
    except OSError as fault:
        if fault.errno in _NO_ATTRIBUTES:
            return None
        raise


def _until_path(path: Path) -> Path:
    return path.with_name(path.name + _UNTIL)


def _until(path: Path) -> date | None:
    try:
        return date.fromisoformat(_until_path(path).read_text())
    except FileNotFoundError:
        return None


def _names(folder: Path, pattern: re.Pattern[str]) -> Iterator[str]:
    """Names of that form in the folder, one by one; a folder that went meanwhile has none."""
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if pattern.fullmatch(entry.name):
                yield entry.name


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError as fault:
        if fault.errno not in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT}:
            raise
    else:
        settle(folder.parent)


__all__ = ["FolderStore"]
