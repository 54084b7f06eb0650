"""An archive lands in an empty home: out of a snapshot, or out of another archive that is moved.

Until it has ended, a file in the home and a row in the database keep everybody out. It goes on where it stood when it
is run again: each table is one transaction, compared before it is committed; objects that are there are read and
compared, not copied again.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.orm import Session

from archive_app import database, schema
from archive_app.backup import history, rows
from archive_app.backup.hands import together
from archive_app.backup.manifest import ObjectEntry
from archive_app.backup.pieces import PieceReader
from archive_app.backup.replay import replay
from archive_app.backup.rows import Shape
from archive_app.backup.run import Progress
from archive_app.backup.source import owner_engine
from archive_app.core import audit
from archive_app.core.audit import TreeHead
from archive_app.core.errors import AuditBroken, Conflict, FixityMismatch, IntegrityFailure, Unavailable
from archive_app.core.model import AuditHead, BackupRun, Component, IntakeFile, QueuedJob, User
from archive_app.core.settings import Settings
from archive_app.core.vocabulary import JobState
from archive_app.durable import write_private
from archive_app.keys import KeyFiles
from archive_app.wiring import RESTORING, Archive
from search import sync

_MAY_BE_THERE = frozenset({"keys", "register", RESTORING})  # what an empty home may hold
_UPDATES = 500


class Origin(Protocol):
    """Where an archive comes from."""

    @property
    def name(self) -> str:
        """The snapshot's id, or what stands for a moved archive."""

    @property
    def revision(self) -> str:
        """Of the schema that the rows have."""

    @property
    def head(self) -> TreeHead:
        """Signed, of the audit log among the rows."""

    @property
    def shapes(self) -> Sequence[Shape]:
        """Tables in the order of loading."""

    @property
    def object_count(self) -> int: ...

    @property
    def missing(self) -> frozenset[str]:
        """Keys of objects that were lost before."""

    def lines(self, shape: Shape) -> Iterator[bytes]:
        """The table's rows."""

    def digest(self, shape: Shape) -> str | None:
        """What the digest over the rows must be, where it is known before they are read."""

    def objects(self) -> Iterator[ObjectEntry]:
        """Every object that rows name."""

    def content(self, entry: ObjectEntry) -> Iterator[bytes]:
        """An object's bytes."""

    def key_files(self) -> Mapping[str, bytes]:
        """Key files by name; none where the backup was not encrypted."""

    def unchanged(self) -> None:
        """Asked at the end. Raises `Conflict("source-changed")` if what was copied is no more what there is."""


@dataclass(frozen=True, slots=True)
class Landed:
    """An archive that is whole again. `replayed`: records and files that stay destroyed."""

    origin: str
    home: Path
    database: str
    rows: int
    objects: int
    bytes: int
    missing: tuple[str, ...]
    replayed: int
    indexed: int
    size: int
    root: str
    seconds: float

    def as_json(self) -> dict[str, object]:
        """For scripts."""
        return {
            "snapshot": self.origin, "home": str(self.home), "database": self.database, "rows": self.rows,
            "objects": self.objects, "bytes": self.bytes, "missing": list(self.missing), "replayed": self.replayed,
            "indexed": self.indexed, "log": {"size": self.size, "root": self.root},
            "seconds": round(self.seconds, 1),
        }  # fmt: skip


def land(origin: Origin, settings: Settings, *, progress: Progress) -> Landed:
    """Bring the archive up in the home, database, store and index of the settings, and compare everything.

    Raises `Conflict("home-not-empty")`, `("database-not-empty")`, `("store-not-empty")`,
    `("keys-of-another-archive")`, `("backup-newer")`, `Unavailable("keys-not-in-backup")`, and `FixityMismatch` or
    `AuditBroken` for what differs.
    """
    began = time.monotonic()
    archive = Archive(settings)
    engine = owner_engine(settings)
    try:
        resumed = _begun(settings, origin.name)
        landing = _Landing(origin, archive, engine, progress, resumed=resumed)
        return landing.run(began)
    finally:
        engine.dispose()
        archive.close()


def _begun(settings: Settings, origin: str) -> bool:
    """Whether a former try from the same origin began it. Raises `Conflict` for a home that holds anything else."""
    home, marker = settings.home, settings.home / RESTORING
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if marker.exists():
        begun_with = marker.read_text(encoding="utf-8").strip()
        if begun_with != origin:
            raise Conflict("home-not-empty", home=str(home), begun_with=begun_with)
        return True
    found = sorted(path.name for path in home.iterdir() if path.name not in _MAY_BE_THERE)
    if found:
        raise Conflict("home-not-empty", home=str(home), holds=", ".join(found[:5]))
    return False


def _tally(lines: Iterator[bytes]) -> rows.Tally:
    tally = rows.Tally()
    for _ in tally.over(lines):
        pass
    return tally


class _Landing:
    """The steps, in their order."""

    def __init__(
        self, origin: Origin, archive: Archive, engine: sa.Engine, progress: Progress, *, resumed: bool
    ) -> None:
        self._origin, self._archive, self._engine = origin, archive, engine
        self._progress, self._resumed = progress, resumed
        self._rows = self._objects = self._bytes = 0

    def run(self, began: float) -> Landed:
        """All of it."""
        archive, settings = self._archive, self._archive.settings
        self._claim()
        self._keys()
        run = history.began(
            self._engine, "restore", self._origin.name, now=archive.clock.now(), snapshot=self._origin.name
        )
        for shape in self._origin.shapes:
            self._table(shape)
        archive.upgrade_database()
        self._copy_objects()
        self._unlock()
        size, root = self._log()
        replayed = self._replay()
        self._queue_again()
        indexed = sync.rebuild(
            archive.reading(archive.own_work("index")), archive.index, hasher=archive.hasher,
            progress=self._indexed,
        )  # fmt: skip
        compared = sync.compare(archive.reading(archive.own_work("index")), archive.index)
        if not compared.equal:
            raise IntegrityFailure("index-differs", records=compared.records, indexed=compared.indexed)
        self._origin.unchanged()
        history.ended(
            self._engine, run, now=archive.clock.now(), outcome="done", rows=self._rows, objects=self._objects,
            bytes=self._bytes,
        )  # fmt: skip
        (settings.home / RESTORING).unlink()
        return Landed(
            origin=self._origin.name, home=settings.home, database=self._engine.dialect.name, rows=self._rows,
            objects=self._objects, bytes=self._bytes, missing=tuple(sorted(self._origin.missing)), replayed=replayed,
            indexed=indexed, size=size, root=root, seconds=time.monotonic() - began,
        )  # fmt: skip

    def _indexed(self, done: int, total: int) -> None:
        self._progress("index", done, total)

    def _claim(self) -> None:
        """Database and store are empty, or ours from a former try: mark the home, and make the tables."""
        revision = self._origin.revision
        if revision not in database.revisions():
            raise Conflict("backup-newer", revision=revision)
        current = database.current(self._engine)
        if current is not None and not (self._resumed and self._ours()):
            raise Conflict("database-not-empty", revision=current)
        if not self._resumed:
            if next(iter(self._archive.store.keys()), None) is not None:
                raise Conflict("store-not-empty")
            write_private(self._archive.settings.home / RESTORING, f"{self._origin.name}\n".encode())
        schema.upgrade(self._engine, revision)  # a try that was killed may have stopped between two revisions

    def _ours(self) -> bool:
        """Whether the database was being filled from this origin, or nothing was put into it yet."""
        run, user = BackupRun.__table__, User.__table__
        begun = sa.select(run.c.id).where(run.c.kind == "restore", run.c.snapshot == self._origin.name)
        with self._engine.connect() as connection:
            nobody = connection.execute(sa.select(user.c.id).limit(1)).first() is None
            return nobody or connection.execute(begun.limit(1)).first() is not None

    def _keys(self) -> None:
        folder = self._archive.settings.keys
        for name, content in self._origin.key_files().items():
            path = folder / name
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not path.exists():
                write_private(path, content)
        files = KeyFiles.of(folder)
        absent = [str(path) for path in (files.signing, files.hashing, files.session) if not path.exists()]
        if absent:
            raise Unavailable("keys-not-in-backup", files=", ".join(absent))
        if not audit.signed_by(self._archive.signer, self._origin.head):
            raise Conflict("keys-of-another-archive", folder=str(folder))

    def _table(self, shape: Shape) -> None:
        """One table, in one transaction: loaded, read again, compared."""
        with self._engine.begin() as connection:
            if not (self._resumed and self._is_there(connection, shape)):
                self._fill(connection, shape)
        self._progress("rows", self._rows, None)

    def _is_there(self, connection: sa.Connection, shape: Shape) -> bool:
        """Whether a former try had filled the table."""
        kept, wanted = _tally(rows.lines(connection, shape)), self._origin.digest(shape)
        if kept.digest() != (wanted or _tally(self._origin.lines(shape)).digest()):
            return False
        self._rows += kept.rows
        return True

    def _fill(self, connection: sa.Connection, shape: Shape) -> None:
        sent = rows.Tally()
        passes = count()

        def source() -> Iterator[bytes]:
            lines = self._origin.lines(shape)
            return lines if next(passes) else sent.over(lines)  # counted once, however often it is read

        if shape.name == AuditHead.__tablename__:
            rows.replace(connection, shape, source)
        else:
            connection.execute(sa.delete(shape.table()))
            rows.load(connection, shape, source)
        kept = _tally(rows.lines(connection, shape))
        wanted = self._origin.digest(shape) or sent.digest()
        if (kept.rows, kept.digest()) != (sent.rows, wanted):
            raise FixityMismatch("restore-differs", table=shape.name, rows=kept.rows, expected=sent.rows)
        self._rows += kept.rows

    def _copy_objects(self) -> None:
        """Everything that rows name and nobody destroyed; the store reads back what it takes."""
        gone = {str(one.key) for one in self._archive.register.entries()} | self._origin.missing
        moved: list[tuple[ObjectEntry, str | None]] = []
        standing = (entry for entry in self._origin.objects() if str(entry.key) not in gone)
        with closing(together(self._copy, standing)) as copying:
            for entry, version_id in copying:
                self._objects, self._bytes = self._objects + 1, self._bytes + entry.size
                if version_id != entry.version_id:
                    moved.append((entry, version_id))
                if len(moved) >= _UPDATES:
                    self._note_versions(moved)
                    moved = []
                self._progress("objects", self._objects, self._origin.object_count)
        self._note_versions(moved)

    def _copy(self, entry: ObjectEntry) -> str | None:
        """Gives the version the store holds."""
        store, key = self._archive.store, entry.key
        found = store.stat(key) if self._resumed else None
        if found is not None and store.digest(key, version_id=found.version_id).sha256 == key.sha256:
            return found.version_id
        content = PieceReader(self._origin.content(entry)).as_file()
        stored = store.put(content, fonds=key.fonds, owner=key.owner, limit=entry.size)
        if stored.key != key:
            raise FixityMismatch("restore-differs", key=str(key))
        return stored.version_id

    def _note_versions(self, moved: list[tuple[ObjectEntry, str | None]]) -> None:
        """Rows name the version that their new store has."""
        with self._engine.begin() as connection:
            for entry, version_id in moved:
                component, arrived = Component.__table__, IntakeFile.__table__
                of_record = (component.c.record_id == entry.key.owner, component.c.sha256 == entry.key.sha256)
                of_arrival = (arrived.c.id == entry.key.owner, arrived.c.sha256 == entry.key.sha256)
                for table, where in ((component, of_record), (arrived, of_arrival)):
                    connection.execute(sa.update(table).where(*where).values(version_id=version_id))  # type: ignore[arg-type]

    def _unlock(self) -> None:
        """Locks were the old store's: the night locks anew what is due to be locked in this one."""
        component = Component.__table__
        with self._engine.begin() as connection:
            connection.execute(
                sa.update(component)  # type: ignore[arg-type]  # a Table at run time
                .where(component.c.locked_until.is_not(None))
                .values(locked_until=None)
            )

    def _log(self) -> tuple[int, str]:
        """The audit log verifies, and is the origin's or an extension of it. Gives its size and root."""
        with self._engine.connect() as connection, Session(connection) as session:
            found = audit.verify(session, against=self._origin.head)
        if found.faults:
            first = found.faults[0]
            raise AuditBroken(faults=len(found.faults), index=first.index, what=first.what)
        return found.size, found.root

    def _replay(self) -> int:
        archive = self._archive
        with self._engine.begin() as connection, Session(connection) as session:
            changed = replay(session, archive.register.entries(), now=archive.clock.now())
            session.flush()
        return changed

    def _queue_again(self) -> None:
        """Whoever held a job does not any more, and no broker knows of it."""
        job = QueuedJob.__table__
        with self._engine.begin() as connection:
            connection.execute(
                sa.update(job)  # type: ignore[arg-type]  # a Table at run time
                .where(job.c.state.in_((JobState.QUEUED, JobState.LEASED)))
                .values(state=JobState.QUEUED, lease_until=None, worker=None, published_at=None)
            )
