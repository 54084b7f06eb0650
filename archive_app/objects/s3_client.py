"""The wire to an S3 server: address, patience, listings that every server's answers fit, faults in our words.

The requests themselves are made by the `minio` SDK. Every body carries a digest that the server checks: SHA-256 where
we know it, else what the SDK computes (SHA-256 of the payload over http, MD5 over https).
"""

import base64
import hashlib
import io
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, cast
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element, ParseError

import urllib3
from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException
from minio import Minio
from minio.commonconfig import COMPLIANCE
from minio.credentials.credentials import Credentials
from minio.error import MinioException, S3Error
from minio.helpers import genheaders, md5sum_hash
from minio.retention import Retention
from minio.xml import marshal

from archive_app.core.errors import ContentMissing, InvalidInput, Unavailable
from archive_app.core.ports import StoreKey

_SCHEMES = {"s3+https": True, "s3+http": False}
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")
_ABSENT = {"NoSuchKey", "NoSuchVersion"}
#: What servers say to a HEAD or GET of a version that is no object's: a delete marker, or an id of another form.
_NO_VERSION = {"MethodNotAllowed", "InvalidArgument", "BadRequest"}
_FULL = {"XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "QuotaExceeded", "InsufficientStorage"}
_STRANGER = {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "RequestTimeTooSkewed", "Unauthorized"}
#: What servers say to a put that asks for a new name where the name is taken, or being given.
NAME_TAKEN = {"PreconditionFailed", "ConditionalRequestConflict"}
_SIGNED = "x-amz-content-sha256"
_BLOCK = 1 << 20  # bytes of a file handed to the wire at a time
_AT_ONCE = 1000  # entries in one answer of a listing


@dataclass(frozen=True, slots=True)
class S3Address:
    """Where a store is: `s3+https://host:port/bucket[/prefix]`, or `s3+http` where nobody else is on the wire."""

    endpoint: str
    secure: bool
    bucket: str
    prefix: str = ""  # ends with a slash if there is one

    @classmethod
    def of(cls, url: str, *, setting: str = "ARCHIVE_STORE_URL") -> "S3Address":
        """Parse. Raises `InvalidInput` naming the setting; keys in an address are refused, they end in logs."""
        parts = urlsplit(url)
        bucket, _, prefix = parts.path.strip("/").partition("/")
        wrong = (
            parts.scheme not in _SCHEMES
            or not parts.hostname
            or parts.username is not None
            or parts.query
            or parts.fragment
            or not _BUCKET.fullmatch(bucket)
            or (prefix and (not _PREFIX.fullmatch(prefix) or ".." in prefix))
        )
        if wrong:
            raise InvalidInput("settings-invalid", **{setting: "not s3+https://host:port/bucket[/prefix] without keys"})
        return cls(parts.netloc, _SCHEMES[parts.scheme], bucket, f"{prefix}/" if prefix else "")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server is waited for, in seconds, and how often it is asked again after a fault that may pass."""

    connect: float = 5.0
    read: float = 60.0
    tries: int = 4
    pause: float = 0.3  # before the second try; twice as long before each further one


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an object, or a mark that it was deleted."""

    name: str
    ident: str
    mark: bool


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload in parts that was begun and not ended."""

    name: str
    ident: str
    begun: datetime


class S3Client(Minio):
    """The SDK's client for one bucket. Listings are parsed here: the SDK's own fail on versitygw's times."""

    def __init__(
        self,
        address: S3Address,
        *,
        access_key: str | None,
        secret_key: str | None,
        ca: str | None = None,
        region: str = "us-east-1",
        patience: Patience = Patience(),
    ) -> None:
        self.bucket = address.bucket
        self.patience = patience
        super().__init__(
            address.endpoint,
            access_key,
            secret_key or "",
            secure=address.secure,
            region=region,
            http_client=_pool(ca, patience),
        )

    def send(
        self,
        name: str,
        body: BinaryIO,
        *,
        size: int,
        sha256: str,
        metadata: Mapping[str, str],
        new: bool = False,
    ) -> str | None:
        """Put an object in one request that is signed with its digest: the server takes these bytes or none.

        With `new`, only where nothing has the name yet: otherwise the server answers one of `NAME_TAKEN`. Returns the
        version.
        """
        headers: dict[str, str | list[str] | tuple[str]] = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(size),
            _SIGNED: sha256,
        }
        if self._base_url.is_https:  # AWS asks for a digest of its own kind where the bucket locks by itself
            headers["x-amz-checksum-sha256"] = base64.b64encode(bytes.fromhex(sha256)).decode()
        if new:
            headers["If-None-Match"] = "*"
        headers |= {f"x-amz-meta-{key}": value for key, value in metadata.items()}
        body.seek(0)
        return self._put_object(self.bucket, name, cast("bytes", body), headers).version_id

    def _build_headers(
        self,
        host: str,
        headers: dict[str, str | list[str] | tuple[str]] | None = None,
        body: bytes | None = None,
        creds: Credentials | None = None,
    ) -> tuple[dict[str, str | list[str] | tuple[str]], datetime]:
        """The SDK's, but a body whose digest is known is not read for it."""
        known = (headers or {}).get(_SIGNED)
        built, date = super()._build_headers(host, headers, None if known else body, creds)
        return (built | {_SIGNED: known} if known else built), date

    def names_once(self, name: str) -> bool:
        """Whether the server keeps to `new`: tried with an empty object of that name, which stays."""
        for _ in range(2):
            try:
                made = self.send(name, io.BytesIO(), size=0, sha256=hashlib.sha256().hexdigest(), metadata={}, new=True)
            except S3Error as answer:
                if answer.code in NAME_TAKEN:
                    return True
                if answer.code == "NotImplemented":
                    return False
                raise
        self.remove_object(self.bucket, name, version_id=made)
        return False

    def names(self, prefix: str) -> Iterator[str]:
        """Names of the current objects, in order."""
        query = {"list-type": "2", "prefix": prefix}
        while True:
            page = self._page(query)
            for entry in page.iterfind("{*}Contents"):
                yield _text(entry, "Key")
            if _text(page, "IsTruncated") != "true":
                return
            query["continuation-token"] = _text(page, "NextContinuationToken", quoted=False)

    def versions(self, name: str) -> Iterator[Version]:
        """Every version of that object and every delete mark, newest first."""
        return (version for version in self.history(name) if version.name == name)

    def history(self, prefix: str, *, after: str | None = None) -> Iterator[Version]:
        """Versions and delete marks of all objects whose names begin so, behind a name; of each the newest first."""
        query = {"versions": "", "prefix": prefix} | ({"key-marker": after} if after else {})
        while True:
            page = self._page(query)
            for entry in page:
                kind = entry.tag.rpartition("}")[2]
                if kind in {"Version", "DeleteMarker"}:
                    yield Version(_text(entry, "Key"), _text(entry, "VersionId"), kind == "DeleteMarker")
            if _text(page, "IsTruncated") != "true":
                return
            query["key-marker"] = _text(page, "NextKeyMarker")
            query["version-id-marker"] = _text(page, "NextVersionIdMarker")

    def small(self, name: str, *, version_id: str | None = None) -> bytes:
        """The whole content of a small object."""
        return bytes(self._execute("GET", self.bucket, name, query_params=_of_version(version_id)).data)

    def put_new(self, name: str, content: bytes, *, locked_until: datetime | None = None) -> bool:
        """Put a small object, locked in compliance mode, where nothing stands under the name; False where it does."""
        headers: dict[str, str | list[str] | tuple[str]] = {
            "If-None-Match": "*", "Content-MD5": cast("str", md5sum_hash(content)),
        }  # fmt: skip
        if locked_until is not None:
            headers |= genheaders(None, None, None, Retention(COMPLIANCE, locked_until), legal_hold=False)
        try:
            self._execute("PUT", self.bucket, name, body=content, headers=headers)
        except S3Error as fault:
            if fault.code in NAME_TAKEN:
                return False
            raise
        return True

    def uploads(self, prefix: str) -> Iterator[Upload]:
        """Uploads in parts that were not ended."""
        query = {"uploads": "", "prefix": prefix}
        while True:
            page = self._page(query, limit="max-uploads")
            for entry in page.iterfind("{*}Upload"):
                begun = datetime.fromisoformat(_text(entry, "Initiated"))
                yield Upload(_text(entry, "Key"), _text(entry, "UploadId"), begun)
            if _text(page, "IsTruncated") != "true":
                return
            query["key-marker"] = _text(page, "NextKeyMarker")
            query["upload-id-marker"] = _text(page, "NextUploadIdMarker")

    def give_up(self, upload: Upload) -> None:
        """End an upload and let its parts go; one that is gone already is no error."""
        try:
            self._abort_multipart_upload(self.bucket, upload.name, upload.ident)
        except S3Error as fault:
            if fault.code != "NoSuchUpload":
                raise

    def retain(self, name: str, ident: str, retention: Retention, *, bypass: bool = False) -> None:
        """Set a version's lock; `bypass` asks to be let through a governance lock, which the SDK has no word for."""
        body = marshal(retention)
        headers: dict[str, str | list[str] | tuple[str]] = {"Content-MD5": cast("str", md5sum_hash(body))}
        query: dict[str, str | list[str] | tuple[str]] = {"retention": "", "versionId": ident}
        self._execute("PUT", self.bucket, name, body=body, headers=headers | _bypassing(bypass), query_params=query)

    def remove_version(self, name: str, ident: str, *, bypass: bool = False) -> None:
        """Remove one version for good."""
        self._execute("DELETE", self.bucket, name, headers=_bypassing(bypass), query_params={"versionId": ident})

    def versioned(self) -> bool:
        """Whether the bucket keeps what is overwritten."""
        return self.get_bucket_versioning(self.bucket).status == "Enabled"

    def locking(self) -> bool:
        """Whether the bucket can lock objects."""
        try:
            self._execute("GET", self.bucket, query_params={"object-lock": ""})
        except S3Error as fault:
            if fault.code in {"ObjectLockConfigurationNotFoundError", "NotImplemented", "MethodNotAllowed"}:
                return False
            raise
        return True

    def _page(self, query: dict[str, str], *, limit: str = "max-keys") -> Element:
        asked = {"encoding-type": "url", "delimiter": "", limit: str(_AT_ONCE), **query}
        answer = self._execute("GET", self.bucket, query_params=dict(asked))
        page: Element = ElementTree.fromstring(answer.data)
        return page


def _bypassing(bypass: bool) -> dict[str, str | list[str] | tuple[str]]:  # noqa: FBT001 - the one argument
    return {"x-amz-bypass-governance-retention": "true"} if bypass else {}


def _of_version(ident: str | None) -> dict[str, str | list[str] | tuple[str]]:
    return {"versionId": ident} if ident else {}


def _text(element: Element, name: str, *, quoted: bool = True) -> str:
    text = element.findtext(f"{{*}}{name}") or ""
    return unquote(text) if quoted else text


def _pool(ca: str | None, patience: Patience) -> urllib3.PoolManager:
    try:
        context = ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as fault:
        raise InvalidInput("settings-invalid", ARCHIVE_STORE_CA="not a file of certificates") from fault
    return urllib3.PoolManager(
        timeout=urllib3.Timeout(connect=patience.connect, read=patience.read),
        maxsize=16,
        blocksize=_BLOCK,
        ssl_context=context,
        retries=urllib3.Retry(
            total=patience.tries,
            redirect=0,
            backoff_factor=patience.pause,
            backoff_jitter=patience.pause,
            status_forcelist=(429, 500, 502, 503, 504),
            raise_on_status=False,  # the last answer names what is the matter
        ),
    )


@contextmanager
def wire_faults(key: StoreKey | None = None, *, version_id: str | None = None) -> Iterator[None]:
    """What the SDK and the wire raise, in the archive's words; with a key, an absent object is `ContentMissing`."""
    try:
        yield
    except S3Error as fault:
        code = fault.code or "unknown"
        if key is not None and (code in _ABSENT or (version_id is not None and code in _NO_VERSION)):
            raise ContentMissing(key=str(key)) from fault
        raise Unavailable(_word(code), reason=code) from fault
    except (MinioException, urllib3.exceptions.HTTPError) as fault:
        raise Unavailable("store-unreachable", reason=_kind(fault)) from fault
    except (ParseError, DefusedXmlException, ValueError) as fault:  # an answer that is none: damaged on its way
        raise Unavailable("store-failed", reason=_kind(fault)) from fault


def _word(code: str) -> str:
    if code == "NoSuchBucket":
        return "store-bucket-missing"
    if code in _FULL:
        return "store-full"
    return "store-refused" if code in _STRANGER else "store-failed"


def _kind(fault: Exception) -> str:
    cause = getattr(fault, "reason", None)
    return type(cause if isinstance(cause, Exception) else fault).__name__


__all__ = ["NAME_TAKEN", "Patience", "S3Address", "S3Client", "Upload", "Version", "wire_faults"]
