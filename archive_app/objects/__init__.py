"""Where the bytes of records are kept: adapters of the `StorageBackend` port."""

from archive_app.objects.digests import Digester, digests_of
from archive_app.objects.folder import FolderStore

__all__ = ["Digester", "FolderStore", "digests_of"]
