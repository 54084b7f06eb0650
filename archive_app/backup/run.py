"""`archive backup run`: rows in one look, then every object those rows name, and the manifest last.

Bytes are copied after the rows were read, so they are at least as new. An object that went meanwhile because its rows
went is no loss: the rows are read anew, until rows and bytes agree. An object that rows still name and that is not
there, or is not what its digest says, is named in the report and in the manifest; everything else is backed up.
"""

import datetime as dt
import hashlib
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from archive_app import __version__, database
from archive_app.backup import history, rows
from archive_app.backup.hands import together
from archive_app.backup.manifest import Manifest, ObjectEntry, TableDump, lists_of, packed, read_list, read_manifest
from archive_app.backup.pieces import pieces_of
from archive_app.backup.places import BackupPlace, place_of
from archive_app.backup.source import (
    expected_rows,
    named_objects,
    one_look,
    reading_engine,
    rules_in,
    still_named,
    tree_head,
)
from archive_app.backup.vault import Vault, open_vault
from archive_app.core.errors import ArchiveError, ContentMissing, FixityMismatch, Unavailable
from archive_app.core.ports import StoreKey
from archive_app.locks import alone, alone_among_machines
from archive_app.wiring import Archive

#: What is done, how much of it, and of how much (None: not known).
Progress = Callable[[str, int, int | None], object]
_ROUNDS = 5
_DRAFTS = "drafts"
_LOCK = 1  # among what runs once at a time in one database


def _silent(_what: str, _done: int, _total: int | None) -> None:
    return


@dataclass(frozen=True, slots=True)
class Backup:
    """A snapshot that counts. `apart` are files that this backup does not hold and that must be kept elsewhere."""

    snapshot: str
    rows: int
    objects: int
    bytes: int
    copied: int
    copied_bytes: int
    seconds: float
    encrypted: bool
    missing: tuple[str, ...]
    altered: tuple[str, ...]
    apart: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Whether everything that rows name was there, as its digest says."""
        return not (self.missing or self.altered)

    def as_json(self) -> dict[str, object]:
        """For scripts."""
        return {
            "snapshot": self.snapshot, "rows": self.rows, "objects": self.objects, "bytes": self.bytes,
            "copied": self.copied, "copied_bytes": self.copied_bytes, "seconds": round(self.seconds, 1),
            "encrypted": self.encrypted, "missing": list(self.missing), "altered": list(self.altered),
            "keep_separately": list(self.apart),
        }  # fmt: skip


@dataclass(slots=True)
class Draft:
    """A snapshot under way: its rows are there, objects up to place `offset` of list `next` too."""

    manifest: Manifest
    run: UUID
    round: int = 1
    next: int = 0
    offset: int = 0
    copied: int = 0
    copied_bytes: int = 0
    gone: list[str] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """As it waits for the next step."""
        return {
            "manifest": self.manifest.as_json(), "run": str(self.run), "round": self.round, "next": self.next,
            "offset": self.offset, "copied": self.copied, "copied_bytes": self.copied_bytes, "gone": self.gone,
            "altered": self.altered,
        }  # fmt: skip

    @classmethod
    def of(cls, found: Any, name: str) -> "Draft":  # noqa: ANN401 - JSON
        """From the place."""
        facts = {key: found[key] for key in ("round", "next", "offset", "copied", "copied_bytes", "gone", "altered")}
        return cls(manifest=Manifest.of(found["manifest"], name), run=UUID(found["run"]), **facts)


def run(archive: Archive, *, thorough: bool = False, anew: bool = False, progress: Progress = _silent) -> Backup:
    """Make a snapshot. `thorough` looks for each object in the place; `anew` begins in a place that was emptied.

    Raises `UnderWay("backup-running")`, `Unavailable` if the place fails, is full, lost or needs another key.
    """
    began = time.monotonic()
    with the_only_one(archive) as still_alone:
        vault = vault_for_writing(archive, anew=anew)
        with written_down(archive) as ident:
            draft = begin(archive, vault, ident, progress=progress)
            while not advance(archive, vault, draft, thorough=thorough, progress=progress):
                pass
            still_alone()
            return finish(archive, vault, draft, seconds=time.monotonic() - began)


@contextmanager
def the_only_one(archive: Archive) -> Iterator[Callable[[], None]]:
    """No other run of this archive on any machine that shares its database. Raises `UnderWay("backup-running")`.

    What it gives raises `Unavailable` if that is no longer sure: asked before anything counts or goes.
    """
    if archive.engine.dialect.name == "postgresql":
        engine = database.make_lone_engine(archive.settings.database_url)
        with alone_among_machines(engine, _LOCK, otherwise="backup-running") as still_alone:
            yield still_alone
    else:
        with alone(archive.settings.home / "locks" / "backup.lock", otherwise="backup-running") as still_alone:
            yield still_alone


@contextmanager
def written_down(archive: Archive, ident: UUID | None = None) -> Iterator[UUID]:
    """A run with its row: one that fails says why."""
    clock = archive.clock
    ident = ident or history.began(archive.engine, "backup", history.place_name(archive.settings), now=clock.now())
    try:
        yield ident
    except Exception as fault:
        said = str(fault) if isinstance(fault, ArchiveError) else type(fault).__name__  # a foreign text may be personal
        history.ended(archive.engine, ident, now=clock.now(), outcome="failed", fault=said[:500])
        raise


def vault_for_writing(archive: Archive, *, anew: bool = False) -> Vault:
    """The vault of the settings. A place that held backups and is empty now is lost, not new: perhaps not mounted."""
    settings = archive.settings
    place = place_of(settings)
    known = history.succeeded(archive.engine, history.place_name(settings))
    try:
        vault = open_vault(place, settings.backup_key, rate=settings.backup_rate, create=anew or not known)
    except Unavailable as fault:
        if fault.code == "backup-place-empty":
            raise Unavailable("backup-place-lost", place=history.place_name(settings)) from fault
        raise
    place.sweep()
    return vault


def begin(archive: Archive, vault: Vault, ident: UUID, *, progress: Progress = _silent) -> Draft:
    """Dump rows, names of objects and keys in one look."""
    now = archive.clock.now()
    snapshot = f"{now.astimezone(dt.UTC):%Y%m%dT%H%M%S%fZ}-{secrets.token_hex(2)}"
    return Draft(_dump(archive, vault, snapshot, progress), run=ident)


def _dump(archive: Archive, vault: Vault, snapshot: str, progress: Progress) -> Manifest:
    def keep_part(lines: Sequence[bytes]) -> tuple[str, int]:
        part = rows.part(lines)
        vault.keep("parts", part.digest, [part.content])
        return part.digest, part.rows

    engine = reading_engine(archive.settings)
    try:
        with one_look(engine) as connection:
            now, expected = archive.clock.now(), expected_rows(connection)
            head = tree_head(archive, connection)
            tables, done = [], 0
            for shape in rows.shapes():
                tally, parts = rows.Tally(), []
                cutting = closing(rows.cuts(tally.over(rows.lines(connection, shape))))
                with cutting as cuts, closing(together(keep_part, cuts)) as keeping:
                    for _, part in keeping:
                        parts.append(part)
                        progress("rows", done + tally.rows, expected)
                done += tally.rows
                tables.append(TableDump(shape, tally.rows, tally.digest(), tuple(parts)))
            lists, objects, size = [], 0, 0
            for entries in lists_of(named_objects(connection)):
                content, digest = packed(entries)
                vault.keep("lists", digest, [content])
                lists.append((digest, len(entries)))
                objects, size = objects + len(entries), size + sum(entry.size for entry in entries)
            return Manifest(
                snapshot=snapshot, made_at=now.isoformat(timespec="seconds"), version=__version__,
                revision=str(database.current(engine)), tables=tuple(tables), lists=tuple(lists), objects=objects,
                bytes=size, head=head, settings=archive.settings.shown(), rules=rules_in(connection),
                keys=_keep_keys(archive, vault),
            )  # fmt: skip
    finally:
        engine.dispose()


def _keep_keys(archive: Archive, vault: Vault) -> dict[str, str]:
    """The archive's keys, if nobody can read them there."""
    if not vault.encrypted:
        return {}
    kept = {}
    for path in sorted(archive.settings.keys.glob("[!.]*")):
        content = path.read_bytes()
        kept[path.name] = hashlib.sha256(content).hexdigest()
        vault.keep("keys", kept[path.name], [content])
    return kept


def advance(
    archive: Archive, vault: Vault, draft: Draft, *, thorough: bool = False, seconds: float | None = None,
    progress: Progress = _silent,
) -> bool:  # fmt: skip
    """Copy objects, for so many seconds at most. True when all are there and agree with the rows."""
    until = None if seconds is None else time.monotonic() + seconds
    known = set() if thorough else _known_lists(vault)
    done = sum(count for _, count in draft.manifest.lists[: draft.next])
    for digest, count in draft.manifest.lists[draft.next :]:
        if digest not in known:
            waiting = read_list(vault, digest)[draft.offset :]
            with closing(together(lambda entry: _copied(archive, vault, entry), waiting)) as copying:
                for entry, outcome in copying:
                    _count(draft, entry, outcome)
                    progress("objects", done + draft.offset, draft.manifest.objects)
                    if until is not None and time.monotonic() > until:
                        return False
        done += count
        draft.next, draft.offset = draft.next + 1, 0
        progress("objects", done, draft.manifest.objects)
    return _settled(archive, vault, draft, progress)


def _known_lists(vault: Vault) -> set[str]:
    """Lists of the newest snapshot: everything they name is in the place."""
    present = vault.snapshots()
    if not present:
        return set()
    newest = read_manifest(vault, present[-1])
    return set() if newest.missing else {digest for digest, _ in newest.lists}


def _copied(archive: Archive, vault: Vault, entry: ObjectEntry) -> str:
    """Copy one object, unless it is there: `known`, `copied`, `gone` or `altered`."""
    try:
        if vault.has("objects", entry.key.sha256):
            return "known"
        with archive.store.open(entry.key, version_id=entry.version_id) as file:
            vault.keep("objects", entry.key.sha256, pieces_of(file))
    except ContentMissing:
        return "gone"
    except FixityMismatch:
        return "altered"
    return "copied"


def _count(draft: Draft, entry: ObjectEntry, outcome: str) -> None:
    draft.offset += 1
    if outcome == "gone":
        draft.gone.append(str(entry.key))
    elif outcome == "altered":
        draft.altered.append(str(entry.key))
    elif outcome == "copied":
        draft.copied += 1
        draft.copied_bytes += entry.size


def _settled(archive: Archive, vault: Vault, draft: Draft, progress: Progress) -> bool:
    """Whether rows and bytes agree; if not, the rows are dumped again and what is new is copied next."""
    engine = reading_engine(archive.settings)
    try:
        lost = [text for text in draft.gone if still_named(engine, _key(text))]
    finally:
        engine.dispose()
    if len(lost) == len(draft.gone) or draft.round >= _ROUNDS:
        missing = tuple(sorted({*draft.gone, *draft.altered}))
        draft.manifest = replace(draft.manifest, missing=missing)
        return True
    draft.manifest = _dump(archive, vault, draft.manifest.snapshot, progress)
    draft.round, draft.next, draft.offset, draft.gone, draft.altered = draft.round + 1, 0, 0, [], []
    return False


def _key(text: str) -> StoreKey:
    fonds, owner, sha256 = text.split("/")
    return StoreKey(fonds, UUID(owner), sha256)


def finish(archive: Archive, vault: Vault, draft: Draft, *, seconds: float) -> Backup:
    """Write the manifest: the snapshot counts."""
    manifest = draft.manifest
    vault.complete(manifest.snapshot, manifest.as_json())
    forget_drafts(vault)
    apart = () if vault.encrypted else tuple(str(path) for path in sorted(archive.settings.keys.glob("[!.]*")))
    made = Backup(
        snapshot=manifest.snapshot, rows=manifest.rows, objects=manifest.objects, bytes=manifest.bytes,
        copied=draft.copied, copied_bytes=draft.copied_bytes, seconds=seconds, encrypted=vault.encrypted,
        missing=tuple(draft.gone), altered=tuple(draft.altered), apart=apart,
    )  # fmt: skip
    history.ended(
        archive.engine, draft.run, now=archive.clock.now(), outcome="done" if made.sound else "found",
        snapshot=made.snapshot, rows=made.rows, objects=made.objects, bytes=made.bytes,
        copied_bytes=made.copied_bytes, fault=None if made.sound else "objects missing or altered in the archive",
    )  # fmt: skip
    return made


# ---------------------------------------------------------------- drafts, for work in steps


def save_draft(vault: Vault, draft: Draft) -> None:
    """Let the next step go on from here."""
    vault.write_json(_draft(draft.manifest.snapshot), draft.as_json())


def read_draft(vault: Vault, snapshot: str) -> Draft | None:
    """The draft, or None if it is there no more."""
    try:
        return Draft.of(vault.read_json(_draft(snapshot)), snapshot)
    except ContentMissing:
        return None


def drafts(vault: Vault) -> list[str]:
    """Snapshots under way, newest first."""
    names = (name.rpartition("/")[2].removesuffix(".json") for name in vault.place.list(_DRAFTS))
    return sorted(names, reverse=True)


def forget_drafts(vault: Vault) -> None:
    """Drafts are of no use once a snapshot is complete."""
    place: BackupPlace = vault.place
    for name in list(place.list(_DRAFTS)):
        place.remove(name)


def _draft(snapshot: str) -> str:
    return f"{_DRAFTS}/{snapshot}.json"
