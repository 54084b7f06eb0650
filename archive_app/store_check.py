"""Rows against bytes, both ways: what is named and missing, what is altered, and what is kept and named by nobody.

Ten million keys do not fit into memory: both sides are dealt into files by the first bits of the owner, and compared
file by file.
"""

import datetime as dt
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TextIO
from uuid import UUID, uuid4

import sqlalchemy as sa

from archive_app.core.errors import ContentMissing
from archive_app.core.model import Component, Fonds, IntakeFile
from archive_app.core.ports import StoreKey, Warrant
from archive_app.core.unit import Unit
from archive_app.wiring import Archive

#: Younger strays may belong to work that has stored its bytes and not yet written its row.
STRAY_AFTER = dt.timedelta(days=1)
_HANDS = 7  # bits of the owner: 128 files a side, 80,000 keys each for ten million


class _Pinned(NamedTuple):
    """What a row says of its bytes beside their key."""

    version_id: str | None = None
    sm3: str | None = None


Named = tuple[StoreKey, _Pinned]


@dataclass(frozen=True, slots=True)
class StoreCheck:
    """What was compared and found."""

    rows: int
    objects: int
    missing: tuple[str, ...]
    altered: tuple[str, ...]
    strays: tuple[str, ...]
    swept: int

    def as_json(self) -> dict[str, object]:
        """Counts, and the keys of what is wrong."""
        return {
            "rows": self.rows,
            "objects": self.objects,
            "missing": list(self.missing),
            "altered": list(self.altered),
            "strays": list(self.strays),
            "swept": self.swept,
        }


@dataclass(slots=True)
class _Found:
    rows: int = 0
    objects: int = 0
    missing: list[str] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)
    strays: list[StoreKey] = field(default_factory=list)


def check(
    archive: Archive, *, read_bytes: bool = False, sweep: bool = False, progress: Callable[[int], object] | None = None
) -> StoreCheck:
    """Compare; with `read_bytes` read everything again; with `sweep` let go of old strays after one more look."""
    found = _Found()
    with tempfile.TemporaryDirectory(dir=archive.scratch, prefix="check-") as folder:
        present = _dealt(Path(folder, "present"), ((key, _Pinned()) for key in archive.store.keys()))  # noqa: SIM118
        named = _dealt(Path(folder, "named"), _named(archive))
        for ours, theirs in zip(named, present, strict=True):
            _compare(archive, dict(_read(ours)), dict(_read(theirs)), found, read_bytes=read_bytes, progress=progress)
    swept = _sweep(archive, found.strays) if sweep else 0
    return StoreCheck(
        found.rows, found.objects, tuple(found.missing), tuple(found.altered), tuple(map(str, found.strays)), swept
    )


def _compare(
    archive: Archive,
    named: dict[StoreKey, _Pinned],
    present: dict[StoreKey, _Pinned],
    found: _Found,
    *,
    read_bytes: bool,
    progress: Callable[[int], object] | None,
) -> None:
    for key, pinned in named.items():
        found.rows += 1
        if key not in present and archive.store.stat(key, version_id=pinned.version_id) is None:
            found.missing.append(str(key))
        elif read_bytes and not _sound(archive, key, pinned):
            found.altered.append(str(key))
        if progress:
            progress(found.rows)
    found.objects += len(present)
    found.strays += [key for key in present if key not in named]


def _sound(archive: Archive, key: StoreKey, pinned: _Pinned) -> bool:
    """Whether the bytes have both digests: that of their key, and that of the row where it has one."""
    try:
        read = archive.store.digest(key, version_id=pinned.version_id)
    except ContentMissing:
        return False
    return read.sha256 == key.sha256 and pinned.sm3 in (None, read.sm3)


def _dealt(folder: Path, keys: Iterable[Named]) -> list[Path]:
    """One side in files by the first bits of the owner; a file that got nothing is not there."""
    folder.mkdir()
    paths = [folder / f"{hand:03}" for hand in range(1 << _HANDS)]
    hands: dict[int, TextIO] = {}
    with ExitStack() as stack:
        for key, pinned in keys:
            hand = key.owner.int >> (128 - _HANDS)
            if hand not in hands:
                hands[hand] = stack.enter_context(paths[hand].open("w", encoding="ascii"))
            hands[hand].write(
                f"{key.fonds} {key.owner.hex} {key.sha256} {pinned.version_id or ''} {pinned.sm3 or ''}\n"
            )
    return paths


def _read(path: Path) -> Iterator[Named]:
    if not path.exists():
        return
    with path.open(encoding="ascii") as lines:
        for line in lines:
            fonds, owner, sha256, version_id, sm3 = line.rstrip("\n").split(" ")
            yield StoreKey(fonds, UUID(owner), sha256), _Pinned(version_id or None, sm3 or None)


def _named(archive: Archive) -> Iterator[Named]:
    with archive.reading(archive.own_work("store-check")) as unit:
        fonds = {row[0]: row[1] for row in unit.rows(sa.select(Fonds.id, Fonds.code))}
        of_records = sa.select(
            Component.fonds_id, Component.record_id, Component.sha256, Component.version_id, Component.sm3
        )
        of_files = sa.select(
            IntakeFile.fonds_id, IntakeFile.id, IntakeFile.sha256, IntakeFile.version_id, IntakeFile.sm3
        )
        for statement in (of_records, of_files.where(IntakeFile.bytes_kept)):
            for fonds_id, owner, sha256, version_id, sm3 in unit.stream(statement):
                yield StoreKey(fonds[fonds_id], owner, sha256), _Pinned(version_id, sm3)


def _is_named(unit: Unit, key: StoreKey) -> bool:
    """Whether a row names it now: strays are few, rows are many."""
    kept = sa.select(Component.id).where(Component.record_id == key.owner, Component.sha256 == key.sha256)
    arrived = sa.select(IntakeFile.id).where(
        IntakeFile.id == key.owner, IntakeFile.sha256 == key.sha256, IntakeFile.bytes_kept
    )
    return bool(unit.rows(kept.limit(1)) or unit.rows(arrived.limit(1)))


def _sweep(archive: Archive, strays: list[StoreKey]) -> int:
    swept = archive.store.sweep(older_than=STRAY_AFTER)
    for key in strays:
        found = archive.store.stat(key)
        if found is None or archive.clock.now() - found.stored_at < STRAY_AFTER:
            continue
        with archive.reading(archive.own_work("store-check")) as unit:
            named = _is_named(unit, key)
        if not named:
            archive.store.destroy(Warrant(key, "no row names it", uuid4(), found.version_id))
            swept += 1
    return swept
