"""`archive backup prune`: old snapshots are forgotten, and files go that no snapshot names any more."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from archive_app.backup.manifest import Manifest, read_list, read_manifest
from archive_app.backup.run import Progress, drafts, read_draft
from archive_app.backup.vault import KINDS, Vault

_SHORT = 16  # bytes of a name kept in memory: no two names are alike so far


def _alone() -> None:
    return


@dataclass(frozen=True, slots=True)
class Pruned:
    """What went."""

    snapshots: tuple[str, ...]
    files: int
    kept: int

    def as_json(self) -> dict[str, object]:
        """For scripts."""
        return {"forgotten": list(self.snapshots), "removed": self.files, "kept": self.kept}


def prune(vault: Vault, *, keep: int, still_alone: Callable[[], None] = _alone, progress: Progress) -> Pruned:
    """Keep the newest `keep` snapshots. No run writes meanwhile: the caller is asked before each file goes.

    A snapshot under way, between two steps, keeps what it has so far. Every manifest and list that stays is read first:
    if one is damaged nothing is removed.
    """
    present = vault.snapshots()
    staying, going = present[-keep:], present[:-keep]
    named: set[bytes] = set()
    for snapshot in staying:
        _collect(vault, read_manifest(vault, snapshot), named)
    for snapshot in drafts(vault):
        draft = read_draft(vault, snapshot)
        if draft is not None:
            _collect(vault, draft.manifest, named)
    for snapshot in going:
        vault.forget(snapshot)
    removed = kept = 0
    for kind in KINDS:
        for name in list(vault.place.list(kind)):
            if _short(name) in named:
                kept += 1
            else:
                still_alone()
                vault.place.remove(name)
                removed += 1
            progress(kind, removed + kept, None)
    return Pruned(tuple(going), removed, kept)


def _collect(vault: Vault, manifest: Manifest, named: set[bytes]) -> None:
    for table in manifest.tables:
        named.update(_short(vault.name("parts", digest)) for digest, _ in table.parts)
    named.update(_short(vault.name("keys", digest)) for digest in manifest.keys.values())
    for digest, _ in manifest.lists:
        name = _short(vault.name("lists", digest))
        if name not in named:
            named.add(name)
            named.update(_short(vault.name("objects", entry.key.sha256)) for entry in read_list(vault, digest))


def _short(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()[:_SHORT]
