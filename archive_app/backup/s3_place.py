"""`BackupPlace` in a bucket: objects below a prefix, by the `minio` client, sent in parts of bounded memory."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import urllib3
from minio import Minio
from minio.error import MinioException, S3Error

from archive_app.backup.pieces import PIECE, PieceReader
from archive_app.core.errors import ContentMissing, Unavailable

_PART = 16 << 20  # 10,000 of them at most: objects up to 156 GiB
_ABSENT = {"NoSuchKey", "NoSuchObject", "NotFound", "404"}
_FULL = {"XMinioStorageFull", "QuotaExceeded", "InsufficientStorage"}
_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class S3Credentials:
    """Who we are to the server, and whose certificate it must show."""

    access_key: str | None
    secret_key: str | None
    ca: str | None = None

    def __repr__(self) -> str:
        return "S3Credentials(********)"


class S3Place:
    """`s3+https://host:port/bucket/prefix`; plain `s3+http` for a server on this very machine."""

    def __init__(self, url: str, credentials: S3Credentials, *, region: str) -> None:
        parts = urlsplit(url)
        bucket, _, prefix = parts.path.strip("/").partition("/")
        self._bucket, self._prefix = bucket, f"{prefix}/" if prefix else ""
        timeout = urllib3.Timeout(connect=10.0, read=_TIMEOUT_S)
        retry = urllib3.Retry(total=4, backoff_factor=0.3, status_forcelist=(500, 502, 503, 504))
        pool = urllib3.PoolManager(
            timeout=timeout, retries=retry, cert_reqs="CERT_REQUIRED", ca_certs=credentials.ca or None, maxsize=4
        )
        self._client = Minio(
            parts.netloc,
            access_key=credentials.access_key,
            secret_key=credentials.secret_key,
            secure=parts.scheme == "s3+https",
            region=region,
            http_client=pool,
        )

    def put(self, name: str, pieces: Iterable[bytes]) -> int:
        stream = PieceReader(pieces)
        with _translated(name, stream):
            self._client.put_object(self._bucket, self._prefix + name, stream.as_file(), -1, part_size=_PART)
        return stream.given

    def get(self, name: str) -> Iterator[bytes]:
        with _translated(name):
            answer = self._client.get_object(self._bucket, self._prefix + name)
        try:
            while True:
                with _translated(name):
                    piece = answer.read(PIECE)
                if not piece:
                    return
                yield piece
        finally:
            answer.close()
            answer.release_conn()

    def size(self, name: str) -> int | None:
        try:
            with _translated(name):
                return self._client.stat_object(self._bucket, self._prefix + name).size
        except ContentMissing:
            return None

    def list(self, prefix: str) -> Iterator[str]:
        with _translated(prefix):
            for one in self._client.list_objects(self._bucket, self._prefix + prefix.rstrip("/") + "/", recursive=True):
                yield str(one.object_name).removeprefix(self._prefix)

    def remove(self, name: str) -> None:
        with _translated(name):
            self._client.remove_object(self._bucket, self._prefix + name)

    def sweep(self) -> None:
        """Nothing: an upload that did not end has no name, and the client ends what fails."""


@contextmanager
def _translated(name: str, stream: PieceReader | None = None) -> Iterator[None]:
    """The client's errors in the archive's words."""
    try:
        yield
    except S3Error as fault:
        if fault.code in _ABSENT:
            raise ContentMissing("backup-missing", name=name) from fault
        raise Unavailable(
            "backup-place-full" if fault.code in _FULL else "backup-place-failed", reason=fault.code
        ) from fault
    except (MinioException, urllib3.exceptions.HTTPError, OSError) as fault:
        if stream is not None and stream.fault is not None:
            raise stream.fault from fault
        raise Unavailable("backup-place-failed", reason=type(fault).__name__) from fault
