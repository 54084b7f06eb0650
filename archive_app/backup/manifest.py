"""What a snapshot is: its manifest, and the lists of objects it names."""

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from archive_app.backup.rows import Shape
from archive_app.backup.vault import FORMAT, Vault
from archive_app.core.audit import TreeHead
from archive_app.core.errors import FixityMismatch, InvalidInput
from archive_app.core.ports import StoreKey

_CUT = "000"  # a list ends after an object whose digest ends so: on average every 4,096th
_MOST = 20_000


@dataclass(frozen=True, slots=True)
class ObjectEntry:
    """An object that rows name."""

    key: StoreKey
    size: int
    version_id: str | None

    def as_json(self) -> list[Any]:
        """As it stands in a list."""
        return [self.key.fonds, str(self.key.owner), self.key.sha256, self.size, self.version_id]

    @classmethod
    def of(cls, found: Any) -> "ObjectEntry":  # noqa: ANN401 - JSON
        """From a list."""
        return cls(StoreKey(found[0], UUID(found[1]), found[2]), int(found[3]), found[4])


@dataclass(frozen=True, slots=True)
class TableDump:
    """A table's rows: how many, the digest over all lines, and its parts in order."""

    shape: Shape
    rows: int
    digest: str
    parts: tuple[tuple[str, int], ...]  # digest and rows

    def as_json(self) -> dict[str, Any]:
        """For the manifest."""
        return {**self.shape.as_json(), "rows": self.rows, "digest": self.digest, "parts": self.parts}

    @classmethod
    def of(cls, found: Any) -> "TableDump":  # noqa: ANN401 - JSON
        """From the manifest."""
        parts = tuple((digest, int(rows)) for digest, rows in found["parts"])
        return cls(Shape.of(found), int(found["rows"]), found["digest"], parts)


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything a snapshot holds, by digest. `missing` objects were lost in the archive itself."""

    snapshot: str
    made_at: str
    version: str
    revision: str
    tables: tuple[TableDump, ...]
    lists: tuple[tuple[str, int], ...]  # digest and objects
    objects: int
    bytes: int
    head: TreeHead
    settings: dict[str, Any]  # secrets masked
    rules: tuple[tuple[str, str, str], ...]  # kind, version, digest; their texts are rows
    keys: dict[str, str] = field(default_factory=dict)  # file name -> digest; empty where the backup has no key
    missing: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(table.rows for table in self.tables)

    def as_json(self) -> dict[str, Any]:
        """As it is written."""
        head = self.head
        return {
            "format": FORMAT, "snapshot": self.snapshot, "made_at": self.made_at, "version": self.version,
            "revision": self.revision, "tables": [table.as_json() for table in self.tables], "lists": self.lists,
            "objects": self.objects, "bytes": self.bytes,
            "head": {"size": head.size, "root": head.root, "time": head.time, "key": head.key,
                     "signature": head.signature, "algorithm": head.algorithm},
            "settings": self.settings, "rules": self.rules, "keys": self.keys, "missing": self.missing,
        }  # fmt: skip

    @classmethod
    def of(cls, found: Any, name: str) -> "Manifest":  # noqa: ANN401 - JSON
        """Parse. Raises `InvalidInput` for another format, `FixityMismatch("backup-damaged")` for what is none."""
        try:
            if found["format"] != FORMAT:
                raise InvalidInput("backup-format-unknown", format=found["format"])
            return cls(
                snapshot=found["snapshot"], made_at=found["made_at"], version=found["version"],
                revision=found["revision"], tables=tuple(TableDump.of(one) for one in found["tables"]),
                lists=tuple((digest, int(count)) for digest, count in found["lists"]),
                objects=int(found["objects"]), bytes=int(found["bytes"]), head=TreeHead(**found["head"]),
                settings=found["settings"], rules=tuple((one[0], one[1], one[2]) for one in found["rules"]),
                keys=dict(found["keys"]), missing=tuple(found["missing"]),
            )  # fmt: skip
        except (KeyError, TypeError, ValueError, AttributeError) as fault:
            raise FixityMismatch("backup-damaged", name=name) from fault


def read_manifest(vault: Vault, snapshot: str) -> Manifest:
    """The manifest of a snapshot. Raises `ContentMissing`, `FixityMismatch("backup-damaged")`."""
    return Manifest.of(vault.manifest(snapshot), snapshot)


def lists_of(entries: Iterable[ObjectEntry]) -> Iterator[list[ObjectEntry]]:
    """Entries in order of their digest, cut where the digests say: what did not change is cut alike."""
    waiting: list[ObjectEntry] = []
    for entry in entries:
        waiting.append(entry)
        if entry.key.sha256.endswith(_CUT) or len(waiting) >= _MOST:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def packed(entries: list[ObjectEntry]) -> tuple[bytes, str]:
    """A list as it is written, and its digest."""
    lines = (json.dumps(entry.as_json(), separators=(",", ":")) for entry in entries)
    content = zlib.compress("\n".join(lines).encode(), 6)
    return content, hashlib.sha256(content).hexdigest()


def read_list(vault: Vault, digest: str) -> list[ObjectEntry]:
    """The objects of one list. Raises `ContentMissing`, `FixityMismatch("backup-damaged")`."""
    content = b"".join(vault.read("lists", digest))
    try:
        return [ObjectEntry.of(json.loads(line)) for line in zlib.decompress(content).splitlines()]
    except (zlib.error, ValueError, IndexError, TypeError) as fault:
        raise FixityMismatch("backup-damaged", name=vault.name("lists", digest)) from fault
