"""The folders of the embedded index: which generation is in force, who may write, and how a new one takes over.

`CURRENT` names the generation in force and is replaced in one step, so a reader in any process sees the old one or the
new one, and a process that dies at any moment leaves one of them in force. The next writer sweeps what is left over.
"""

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from archive_app.core.errors import Unavailable

_POLL_S = 0.02


@contextlib.contextmanager
def index_errors() -> Iterator[None]:
    """Lets no exception of the engine or of its files out: they become `Unavailable("index-failed")`."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise Unavailable("index-failed") from error


@contextlib.contextmanager
def locked(path: Path, *, wait_s: float, otherwise: str) -> Iterator[None]:
    """Hold an exclusive lock that ends with the process. Raises `Unavailable(otherwise)` after `wait_s` seconds."""
    with index_errors():
        path.parent.mkdir(parents=True, exist_ok=True)
        held = path.open("w")
    with held as file:
        until = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() >= until:
                    raise Unavailable(otherwise) from error
                time.sleep(_POLL_S)
        yield


class Generations:
    """The generations below one folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.pointer = path / "CURRENT"
        self.building = path / "building"
        self.journal = path / "journal.jsonl"

    def writing(self, *, wait_s: float) -> contextlib.AbstractContextManager[None]:
        """The one writer of all processes."""
        return locked(self.path / "writer.lock", wait_s=wait_s, otherwise="index-busy")

    def rebuilding(self) -> contextlib.AbstractContextManager[None]:
        """The one rebuild of all processes."""
        return locked(self.path / "rebuild.lock", wait_s=0, otherwise="index-rebuild-running")

    @index_errors()
    def current(self) -> Path | None:
        """The folder in force, or None before the first one."""
        try:
            return self.path / self.pointer.read_text().strip()
        except FileNotFoundError:
            return None

    @index_errors()
    def begin(self) -> Path:
        """An empty folder for the next generation. The caller holds the rebuild or the writer lock."""
        self.abandon()
        self.building.mkdir(parents=True)
        return self.building

    def abandon(self) -> None:
        """Remove an unfinished generation and what was kept for it."""
        shutil.rmtree(self.building, ignore_errors=True)
        self.journal.unlink(missing_ok=True)

    def is_rebuilding(self) -> bool:
        """Whether a live process builds the next generation; sweeps one that was left behind by a dead process."""
        if not self.building.exists():
            return False
        try:
            with self.rebuilding():
                self.abandon()
        except Unavailable:
            return True
        return False

    @index_errors()
    def promote(self) -> Path:
        """Put the built generation in force and remove the others. The caller holds the writer lock."""
        numbers = [int(p.name.partition("-")[2]) for p in self.path.glob("generation-*")]
        target = self.path / f"generation-{max(numbers, default=0) + 1:06d}"
        self.building.rename(target)
        draft = self.path / "CURRENT.draft"
        write_durably(draft, target.name)
        sync_folder(self.path)  # the folder has its name before anything points to it
        draft.replace(self.pointer)
        sync_folder(self.path)
        self.journal.unlink(missing_ok=True)
        for other in self.path.glob("generation-*"):
            if other != target:
                shutil.rmtree(other, ignore_errors=True)
        return target


def write_durably(path: Path, content: str) -> None:
    """Write a small file so that it outlives a power cut."""
    with path.open("w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Make the names in a folder outlive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@index_errors()
def append_act(path: Path, act: Mapping[str, object]) -> None:
    """Add one act as a line of JSON, durably. It has a line of its own even if the last writer died within one."""
    with path.open("a", encoding="utf-8") as file:
        file.write(f"\n{json.dumps(act, default=str)}\n")
        file.flush()
        os.fsync(file.fileno())


def acts(path: Path) -> Iterator[Mapping[str, Any]]:
    """The whole acts in order. A torn one is passed over: its writer died before it could say that it was written."""
    if not path.exists():
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                act = json.loads(line)
            except json.JSONDecodeError:  # torn, or the blank line before each act
                continue
            yield act
