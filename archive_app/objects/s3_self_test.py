"""What an S3 store lets through: tried on a scratch object with the archive's own credentials.

One object a day, locked in compliance mode until the day after tomorrow, is attacked; what counts is not the server's
answer but how the object stands afterwards. Objects of earlier days go when their locks are over.
"""

import io
import logging
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

from minio.commonconfig import COMPLIANCE, ENABLED, GOVERNANCE
from minio.error import S3Error
from minio.retention import Retention
from minio.versioningconfig import SUSPENDED, VersioningConfig

from archive_app.core.ports import Attempt, WriteOnce
from archive_app.objects.s3_client import S3Client, wire_faults

_LOG = logging.getLogger("archive.store")
_FOLDER = ".self-test/"  # no fonds code begins with a dot: nothing here is a key
_TRUE, _FALSE = b"kept", b"changed"


class S3SelfTest:
    """One run. Every attempt leaves the object as it was, if the store holds."""

    def __init__(self, client: S3Client, prefix: str, *, today: date, mode: str = COMPLIANCE) -> None:
        self._client, self._bucket = client, client.bucket
        self._mode = mode  # a test locks weakly to see that it is noticed
        self._folder = prefix + _FOLDER
        self._name = f"{self._folder}{today.isoformat()}"
        self._end = datetime.combine(today + timedelta(days=2), time(), UTC)
        self._ident, self._suspended = "", False

    def run(self) -> WriteOnce:
        """Raises `Unavailable` if the server does not answer or the object cannot be made."""
        with wire_faults():
            versions, locks = self._client.versioned(), self._client.locking()
            if not (versions and locks):
                return WriteOnce("s3", versions, locks)
            self._ident = self._standing() or self._made()
            attempts = (
                self._try("shorten-lock", self._shorten, self._locked),
                self._try("lower-mode", self._lower, self._locked),
                self._try("suspend-versioning", self._suspend, lambda: not self._suspended),
                self._try("overwrite", self._overwrite, self._readable),
                self._try("delete-version", self._delete, self._readable),
            )
            self._let_go_of_earlier_days()
        return WriteOnce("s3", versions, locks, attempts)

    def _standing(self) -> str | None:
        """The locked version of today, made by an earlier run."""
        for version in self._client.versions(self._name):
            if not version.mark and self._lock(version.ident) is not None:
                return version.ident
        return None

    def _made(self) -> str:
        made = self._client.put_object(self._bucket, self._name, io.BytesIO(_TRUE), len(_TRUE))
        ident = made.version_id or ""
        self._client.retain(self._name, ident, Retention(self._mode, self._end))
        return ident

    def _try(self, name: str, attack: Callable[[], object], stands: Callable[[], bool]) -> Attempt:
        try:
            attack()
            answer = "accepted"
        except S3Error as refusal:
            answer = refusal.code or "refused"
        held = stands()
        if not held:
            _LOG.error("store.not-write-once attempt=%s answer=%s", name, answer)
        return Attempt(name, held, answer)

    # ------------------------------------------------------------ attacks

    def _shorten(self) -> None:
        self._client.retain(self._name, self._ident, Retention(COMPLIANCE, self._end - timedelta(hours=12)))

    def _lower(self) -> None:
        self._client.retain(self._name, self._ident, Retention(GOVERNANCE, self._end), bypass=True)

    def _suspend(self) -> None:
        """Turned on again at once where it could be turned off: the archive is no worse off for asking."""
        self._client.set_bucket_versioning(self._bucket, VersioningConfig(SUSPENDED))
        self._suspended = not self._client.versioned()
        self._client.set_bucket_versioning(self._bucket, VersioningConfig(ENABLED))

    def _overwrite(self) -> None:
        """A new version beside the locked one is what a sound store makes of it; that one is taken away again."""
        made = self._client.put_object(self._bucket, self._name, io.BytesIO(_FALSE), len(_FALSE))
        if made.version_id and made.version_id != self._ident:
            self._client.remove_version(self._name, made.version_id)

    def _delete(self) -> None:
        self._client.remove_version(self._name, self._ident, bypass=True)

    # ------------------------------------------------------------ how it stands

    def _lock(self, ident: str) -> Retention | None:
        return self._client.get_object_retention(self._bucket, self._name, version_id=ident)

    def _locked(self) -> bool:
        lock = self._lock(self._ident)
        return lock is not None and lock.mode == COMPLIANCE and lock.retain_until_date >= self._end

    def _readable(self) -> bool:
        try:
            answer = self._client.get_object(self._bucket, self._name, version_id=self._ident)
        except S3Error:
            return False
        try:
            return answer.read() == _TRUE
        finally:
            answer.release_conn()

    def _let_go_of_earlier_days(self) -> None:
        for name in list(self._client.names(self._folder)):
            if name >= self._name:
                continue
            for version in self._client.versions(name):
                try:
                    self._client.remove_version(name, version.ident)
                except S3Error as refusal:
                    _LOG.info("store.self-test.kept name=%s answer=%s", name, refusal.code)  # its lock still runs


__all__ = ["S3SelfTest"]
