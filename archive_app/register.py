"""The register of destructions as a file of lines, each of which carries the digest of the line before it.

It lies apart from database and backups (`ARCHIVE_REGISTER_URL`), because it must outlive both: a restore reads it to
keep destroyed what was destroyed. A last line that a crash cut short was never answered as durable and is cut off.
"""

import errno
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

from archive_app.core.errors import IntegrityFailure, InvalidInput, Unavailable
from archive_app.core.ports import Destruction, StoreKey
from archive_app.core.settings import Settings
from archive_app.core.vocabulary import RecordId

_FILE = "destructions.jsonl"
_FIRST = "0" * 64
_LONGEST = 1 << 16  # bytes of a line at most


class FileRegister:
    """`DestructionRegister` in a folder; any number of processes append."""

    def __init__(self, folder: Path) -> None:
        self._path = folder.absolute() / _FILE

    def note(self, *destructions: Destruction) -> None:
        with self._appending() as file:
            previous = _tail(file)
            for one in destructions:
                line = _line(one, previous)
                file.write(line)
                previous = hashlib.sha256(line).hexdigest()
            file.flush()
            os.fsync(file.fileno())

    def entries(self) -> Iterator[Destruction]:
        previous = _FIRST
        with _translated():
            if not self._path.exists():
                return
            with self._path.open("rb") as file:
                for number, line in enumerate(file, start=1):
                    if not line.endswith(b"\n"):
                        return  # was being written when its process died
                    yield _entry(line, previous, number)
                    previous = hashlib.sha256(line).hexdigest()

    @contextmanager
    def _appending(self) -> Iterator[BinaryIO]:
        """The file alone, at its end."""
        with _translated():
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            number = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            with os.fdopen(number, "r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield file


def register_of(settings: Settings) -> FileRegister:
    """The register of the settings, `HOME/register` by default. Raises `InvalidInput` for an unknown address."""
    if settings.register_url is None:
        return FileRegister(settings.home / "register")
    scheme, _, place = settings.register_url.partition("://")
    if scheme != "file" or not place.startswith("/"):
        raise InvalidInput("settings-invalid", ARCHIVE_REGISTER_URL="file:///folder")
    return FileRegister(Path(place))


def _tail(file: BinaryIO) -> str:
    """The digest of the last whole line; what a crash left after it is cut off."""
    size = file.seek(0, os.SEEK_END)
    start = max(0, size - _LONGEST)
    file.seek(start)
    whole, newline, _ = file.read().rpartition(b"\n")
    end = start + len(whole) + len(newline)
    file.seek(end)
    file.truncate()
    return hashlib.sha256(whole.rpartition(b"\n")[2] + newline).hexdigest() if newline else _FIRST


def _line(one: Destruction, previous: str) -> bytes:
    facts = {
        "at": one.at.isoformat(),
        "fonds": one.key.fonds,
        "owner": str(one.key.owner),
        "sha256": one.key.sha256,
        "record": str(one.record) if one.record else None,
        "reason": one.reason,
        "approval": str(one.approval),
        "previous": previous,
    }
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _entry(line: bytes, previous: str, number: int) -> Destruction:
    try:
        found: dict[str, Any] = json.loads(line)
        if found["previous"] != previous:
            raise IntegrityFailure("register-damaged", line=number)
        key = StoreKey(found["fonds"], UUID(found["owner"]), found["sha256"])
        record = RecordId(UUID(found["record"])) if found["record"] else None
        return Destruction(
            key, datetime.fromisoformat(found["at"]), found["reason"], UUID(found["approval"]), record=record
        )
    except (ValueError, KeyError, TypeError) as fault:
        raise IntegrityFailure("register-damaged", line=number) from fault


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        raise Unavailable("register-failed", reason=errno.errorcode.get(fault.errno or 0, "unknown")) from fault
