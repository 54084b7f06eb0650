"""Where the bytes of records are kept: adapters of the `StorageBackend` port."""

from archive_app.objects.digests import Digester, digests_of
from archive_app.objects.folder import FolderStore
from archive_app.objects.s3 import S3Store
from archive_app.objects.s3_client import S3Address, S3Client

__all__ = ["Digester", "FolderStore", "S3Address", "S3Client", "S3Store", "digests_of"]
