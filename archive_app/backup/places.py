"""Where backups are put: the port `BackupPlace`, and which adapter an address names."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from archive_app.backup.folder_place import FolderPlace
from archive_app.backup.s3_place import S3Credentials, S3Place
from archive_app.core.errors import InvalidInput, Unavailable
from archive_app.core.settings import Settings


class BackupPlace(Protocol):
    """Files under names such as `objects/ab/abcd…`. Raises `Unavailable` if the place fails, is full or gone."""

    def put(self, name: str, pieces: Iterable[bytes]) -> int:
        """Write the file whole or not at all, and durably; gives its bytes. An error of `pieces` passes through."""

    def get(self, name: str) -> Iterator[bytes]:
        """The file, a piece at a time. Raises `ContentMissing`."""

    def size(self, name: str) -> int | None:
        """Bytes of the file, None if it is not there."""

    def list(self, prefix: str) -> Iterator[str]:
        """Names of files below the folder `prefix`, in no order."""

    def remove(self, name: str) -> None:
        """Take the file away; absent is no error."""

    def sweep(self) -> None:
        """Remove what killed runs left unfinished. The caller is the one run that writes."""


def place_of(settings: Settings) -> BackupPlace:
    """The place of the settings. Raises `Unavailable("backup-not-set-up")`, `InvalidInput` for an unknown address."""
    url = settings.backup_url
    if not url:
        raise Unavailable("backup-not-set-up")
    parts = urlsplit(url)
    if parts.scheme == "file":
        return FolderPlace(Path(parts.path))
    if parts.scheme in ("s3+https", "s3+http"):
        credentials = S3Credentials(settings.backup_access_key, settings.backup_secret_key, settings.store_ca)
        return S3Place(url, credentials, region=settings.store_region)
    raise InvalidInput("settings-invalid", ARCHIVE_BACKUP_URL="file:///folder or s3+https://host:port/bucket/prefix")
