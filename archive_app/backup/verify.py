"""`archive backup verify`: a snapshot is read back whole, and everything in it is computed again."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass

from archive_app.backup import rows
from archive_app.backup.manifest import Manifest, ObjectEntry, TableDump, read_list, read_manifest
from archive_app.backup.run import Progress
from archive_app.backup.vault import Vault
from archive_app.core import audit
from archive_app.core.errors import ContentMissing, FixityMismatch, NotFound, Unavailable
from archive_app.core.ports import Signer

_LEAVES = "audit_leaf"


@dataclass(frozen=True, slots=True)
class BackupFault:
    """Something wrong in a backup: the file of the place, or the table, and what."""

    where: str
    what: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What reading a snapshot back found. `signed`: by this archive's key; None where there is no key to ask."""

    snapshot: str
    rows: int
    objects: int
    bytes: int
    seconds: float
    signed: bool | None
    missing: tuple[str, ...]  # lost in the archive before the backup was made
    faults: tuple[BackupFault, ...]

    def as_json(self) -> dict[str, object]:
        """For scripts."""
        return {
            "snapshot": self.snapshot, "rows": self.rows, "objects": self.objects, "bytes": self.bytes,
            "seconds": round(self.seconds, 1), "signed": self.signed, "missing_in_archive": list(self.missing),
            "faults": [{"where": fault.where, "what": fault.what} for fault in self.faults],
        }  # fmt: skip


def chosen(vault: Vault, snapshot: str | None) -> str:
    """The snapshot asked for, or the newest. Raises `NotFound` for an unknown one, `Unavailable` if none is there."""
    present = vault.snapshots()
    if not present:
        raise Unavailable("backup-without-snapshot")
    if snapshot is None:
        return present[-1]
    if snapshot not in present:
        raise NotFound(kind="snapshot")
    return snapshot


def verify(vault: Vault, snapshot: str, *, signer: Signer | None, progress: Progress) -> Verified:
    """Read back every part, list, object and key; count rows, recompute digests and the audit log's tree."""
    began = time.monotonic()
    try:
        manifest = read_manifest(vault, snapshot)
    except (ContentMissing, FixityMismatch) as fault:
        faults = (_fault(fault, f"snapshots/{snapshot}.json"),)
        return Verified(snapshot, 0, 0, 0, time.monotonic() - began, None, (), faults)
    check = _Check(vault, manifest, progress)
    check.tables()
    check.objects()
    check.keys()
    signed = None if signer is None else audit.signed_by(signer, manifest.head)
    if signed is False:
        check.faults.append(BackupFault("head", "the log's head is not signed by this archive's key"))
    return Verified(
        snapshot=snapshot, rows=check.rows, objects=check.count, bytes=check.bytes, seconds=time.monotonic() - began,
        signed=signed, missing=manifest.missing, faults=tuple(check.faults),
    )  # fmt: skip


class _Check:
    """One pass over a snapshot; it goes on after a fault, so that all are named at once."""

    def __init__(self, vault: Vault, manifest: Manifest, progress: Progress) -> None:
        self._vault, self._manifest, self._progress = vault, manifest, progress
        self.faults: list[BackupFault] = []
        self.rows = self.count = self.bytes = 0

    def tables(self) -> None:
        """Every row is parsed; counts and digests are those of the manifest."""
        for table in self._manifest.tables:
            tally = rows.Tally()
            lines = tally.over(self._parsed(table))
            if table.shape.name == _LEAVES:
                self._log(table, lines)
            else:
                for _ in lines:
                    pass
            self.rows += tally.rows
            if (tally.rows, tally.digest()) != (table.rows, table.digest):
                what = f"{tally.rows} rows read back of {table.rows}, or others than were dumped"
                self.faults.append(BackupFault(f"table {table.shape.name}", what))

    def _parsed(self, table: TableDump) -> Iterator[bytes]:
        for digest, count in table.parts:
            name = self._vault.name("parts", digest)
            found = 0
            try:
                for line in rows.lines_of(self._vault.read("parts", digest), name):
                    rows.parsed(table.shape, line)
                    found += 1
                    yield line
            except (ContentMissing, FixityMismatch) as fault:
                self.faults.append(_fault(fault, name))
            else:
                if found != count:
                    self.faults.append(BackupFault(name, f"{found} rows instead of {count}"))
            self._progress("rows", self.rows + found, self._manifest.rows)

    def _log(self, table: TableDump, lines: Iterator[bytes]) -> None:
        place = [name for name, _ in table.shape.columns].index("leaf")
        size, root = audit.root_of(str(json.loads(line)[place]) for line in lines)
        head = self._manifest.head
        if (size, root) != (head.size, head.root):
            self.faults.append(BackupFault(f"table {_LEAVES}", f"{size} leaves whose root is not the head's"))

    def objects(self) -> None:
        """Every object is read; its digest is the one in its key, and its size the row's."""
        known_lost = set(self._manifest.missing)
        for digest, count in self._manifest.lists:
            name = self._vault.name("lists", digest)
            try:
                entries = read_list(self._vault, digest)
            except (ContentMissing, FixityMismatch) as fault:
                self.faults.append(_fault(fault, name))
                continue
            if len(entries) != count:
                self.faults.append(BackupFault(name, f"{len(entries)} objects instead of {count}"))
            for entry in entries:
                if str(entry.key) not in known_lost:
                    self._object(entry)
                self._progress("objects", self.count, self._manifest.objects)

    def _object(self, entry: ObjectEntry) -> None:
        name = self._vault.name("objects", entry.key.sha256)
        self.count += 1
        size = 0
        try:
            for piece in self._vault.read("objects", entry.key.sha256):
                size += len(piece)
        except (ContentMissing, FixityMismatch) as fault:
            self.faults.append(_fault(fault, name, of=str(entry.key)))
            return
        self.bytes += size
        if size != entry.size:
            self.faults.append(BackupFault(name, f"{size} bytes instead of {entry.size}"))

    def keys(self) -> None:
        """Key files, where the backup has them."""
        for file, digest in self._manifest.keys.items():
            try:
                for _ in self._vault.read("keys", digest):
                    pass
            except (ContentMissing, FixityMismatch) as fault:
                self.faults.append(_fault(fault, self._vault.name("keys", digest), of=file))


def _fault(fault: ContentMissing | FixityMismatch, name: str, *, of: str = "") -> BackupFault:
    what = "missing" if isinstance(fault, ContentMissing) else "damaged"
    return BackupFault(name, f"{what}: {of}" if of else what)
