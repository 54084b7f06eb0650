"""`archive backup restore`: a snapshot becomes an archive in an empty home, on any database and store."""

from collections.abc import Iterator, Mapping, Sequence

from archive_app.backup import rows
from archive_app.backup.landing import Landed, land
from archive_app.backup.manifest import Manifest, ObjectEntry, read_list, read_manifest
from archive_app.backup.places import place_of
from archive_app.backup.rows import Shape
from archive_app.backup.run import Progress
from archive_app.backup.vault import Vault, open_vault
from archive_app.backup.verify import chosen
from archive_app.core.audit import TreeHead
from archive_app.core.settings import Settings


class SnapshotOrigin:
    """`Origin` that is a snapshot of a backup."""

    def __init__(self, vault: Vault, manifest: Manifest) -> None:
        self._vault, self._manifest = vault, manifest
        self._dumps = {table.shape.name: table for table in manifest.tables}

    @property
    def name(self) -> str:
        return self._manifest.snapshot

    @property
    def revision(self) -> str:
        return self._manifest.revision

    @property
    def head(self) -> TreeHead:
        return self._manifest.head

    @property
    def shapes(self) -> Sequence[Shape]:
        return [table.shape for table in self._manifest.tables]

    @property
    def object_count(self) -> int:
        return self._manifest.objects

    @property
    def missing(self) -> frozenset[str]:
        return frozenset(self._manifest.missing)

    def lines(self, shape: Shape) -> Iterator[bytes]:
        for digest, _ in self._dumps[shape.name].parts:
            yield from rows.lines_of(self._vault.read("parts", digest), self._vault.name("parts", digest))

    def digest(self, shape: Shape) -> str | None:
        return self._dumps[shape.name].digest

    def objects(self) -> Iterator[ObjectEntry]:
        for digest, _ in self._manifest.lists:
            yield from read_list(self._vault, digest)

    def content(self, entry: ObjectEntry) -> Iterator[bytes]:
        return self._vault.read("objects", entry.key.sha256)

    def key_files(self) -> Mapping[str, bytes]:
        return {name: b"".join(self._vault.read("keys", digest)) for name, digest in self._manifest.keys.items()}

    def unchanged(self) -> None:
        """A snapshot never changes."""


def restore(settings: Settings, *, snapshot: str | None, progress: Progress) -> Landed:
    """Restore the snapshot, or the newest, into the home of the settings. Raises as `land` and `open_vault` do."""
    vault = open_vault(place_of(settings), settings.backup_key)
    manifest = read_manifest(vault, chosen(vault, snapshot))
    return land(SnapshotOrigin(vault, manifest), settings, progress=progress)
