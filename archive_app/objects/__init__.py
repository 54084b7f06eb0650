"""Where the bytes of records are kept: adapters of the `StorageBackend` port; the one on S3 is in `s3`."""

from archive_app.objects.digests import Digester, digests_of
from archive_app.objects.folder import FolderStore

__all__ = ["Digester", "FolderStore", "digests_of"]
