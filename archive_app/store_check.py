"""Rows against bytes, both ways: what is named and missing, what is altered, and what is kept and named by nobody."""

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import uuid4

import sqlalchemy as sa

from archive_app.core.errors import ContentMissing
from archive_app.core.model import Component, Fonds, IntakeFile
from archive_app.core.ports import StoreKey, Warrant
from archive_app.core.unit import Unit
from archive_app.wiring import Archive

#: Younger strays may belong to work that has stored its bytes and not yet written its row.
STRAY_AFTER = dt.timedelta(days=1)


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


def check(
    archive: Archive, *, read_bytes: bool = False, sweep: bool = False, progress: Callable[[int], object] | None = None
) -> StoreCheck:
    """Compare; with `read_bytes` read everything again; with `sweep` let go of old strays after one more look."""
    present = {str(key): key for key in archive.store.keys()}  # noqa: SIM118 - the port's method
    named = _named(archive)
    missing, altered = [], []
    for count, (text, key) in enumerate(named.items(), start=1):
        if text not in present and archive.store.stat(key) is None:
            missing.append(text)
        elif read_bytes and not _sound(archive, key):
            altered.append(text)
        if progress:
            progress(count)
    strays = [key for text, key in present.items() if text not in named]
    swept = _sweep(archive, strays) if sweep else 0
    return StoreCheck(len(named), len(present), tuple(missing), tuple(altered), tuple(map(str, strays)), swept)


def _sound(archive: Archive, key: StoreKey) -> bool:
    try:
        return archive.store.digest(key).sha256 == key.sha256
    except ContentMissing:
        return False


def _named(archive: Archive) -> dict[str, StoreKey]:
    with archive.reading(archive.own_work("store-check")) as unit:
        return {str(key): key for key in _keys(unit)}


def _keys(unit: Unit) -> Iterator[StoreKey]:
    fonds = {row[0]: row[1] for row in unit.rows(sa.select(Fonds.id, Fonds.code))}
    for row in unit.stream(sa.select(Component.fonds_id, Component.record_id, Component.sha256)):
        yield StoreKey(fonds[row[0]], row[1], row[2])
    arrived = sa.select(IntakeFile.fonds_id, IntakeFile.id, IntakeFile.sha256).where(IntakeFile.bytes_kept)
    for fonds_id, owner, sha256 in unit.stream(arrived):
        yield StoreKey(fonds[fonds_id], owner, sha256)


def _sweep(archive: Archive, strays: list[StoreKey]) -> int:
    named = _named(archive)
    swept = 0
    for key in strays:
        found = archive.store.stat(key)
        if found is None or str(key) in named or archive.clock.now() - found.stored_at < STRAY_AFTER:
            continue
        archive.store.destroy(Warrant(key, "no row names it", uuid4(), found.version_id))
        swept += 1
    return swept
