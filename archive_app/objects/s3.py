"""Write-once bytes on an S3 server: the object's name is `prefix/fonds/owner/sha256`, the key itself.

An object is complete when its name appears: that is the server's promise for both kinds of upload. SHA-256 travels in
its metadata, and SM3 where it is known before the bytes go; of what is larger it is computed while they go, and the row
has it. Where the bucket has versions, an overwrite from outside is a new version beside ours: the version that was read
back is named in the answer, and reads that name it are not misled. Where the bucket can lock, `protect` locks in
compliance mode; where it cannot, nothing is locked and the self-test says so. Nothing is public and no address is
signed for others: bytes pass through us.
"""

import io
import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property, partial
from pathlib import Path
from typing import BinaryIO, cast
from uuid import UUID

from minio.commonconfig import COMPLIANCE, GOVERNANCE, ComposeSource, CopySource
from minio.retention import Retention
from urllib3.response import BaseHTTPResponse

from archive_app.core.errors import Conflict, ContentMissing, FixityMismatch, Unavailable
from archive_app.core.ports import Clock, Digests, StoredObject, StoreKey, Warrant, WriteOnce
from archive_app.objects.digests import CHUNK, digests_of, sha256_beside, sha256_of
from archive_app.objects.naming import checked_fonds, key_of, parts_of
from archive_app.objects.s3_client import NAME_TAKEN, S3Address, S3Client, Version, wire_faults
from archive_app.objects.s3_reader import ObjectReader
from archive_app.objects.s3_self_test import S3SelfTest
from archive_app.objects.spool import Spool, Taken, disk_faults, write

_LOG = logging.getLogger("archive.store")
_MIB = 1 << 20
_MOST_PARTS = 10_000  # S3's own limit
_ROOM_LEFT = 64 * _MIB  # what a file on its way leaves free on the disk
_LOCK_MODE, _LOCK_UNTIL = "x-amz-object-lock-mode", "x-amz-object-lock-retain-until-date"
_SM3 = "x-amz-meta-sm3"
_ONCE = ".once"  # no fonds code begins with a dot


@dataclass(frozen=True, slots=True)
class Sizes:
    """How bytes are cut: memory for one upload is about three parts, and little for what goes whole."""

    whole: int = 256 * _MIB  # the most that is sent in one request
    part: int = 8 * _MIB
    parallel: int = 2  # parts on the wire at once
    copy: int = 5 << 30  # the most a server copies in one request


@dataclass(frozen=True, slots=True)
class Offers:
    """What the bucket can do."""

    versions: bool
    locks: bool
    once: bool  # whether a put may ask that nothing has its name yet


class S3Store:
    """`StorageBackend` on an S3 server. Threads may share one; after a fork each process makes its own.

    A lock ends at midnight UTC of its day, which in China is eight hours later than the day begins, never earlier.
    """

    def __init__(
        self, client: S3Client, address: S3Address, *, scratch: Path, clock: Clock, sizes: Sizes = Sizes()
    ) -> None:
        self._client = client
        self._bucket, self._prefix = address.bucket, address.prefix
        self._clock, self._sizes = clock, sizes
        self._spool = Spool(scratch / "objects")

    @cached_property
    def offers(self) -> Offers:
        """Asked once. Raises `Unavailable`, with `store-bucket-missing` where there is no bucket."""
        with wire_faults():
            return Offers(
                versions=self._client.versioned(),
                locks=self._client.locking(),
                once=self._client.names_once(self._prefix + _ONCE),
            )

    # ------------------------------------------------------------ in

    def put(self, source: BinaryIO, *, fonds: str, owner: UUID, limit: int) -> StoredObject:
        """As the port says. What stands under the key is read and compared; a version is put over damage only."""
        checked_fonds(fonds)
        with self._spool.taken(source, limit=limit) as taken:
            key = StoreKey(fonds=fonds, owner=owner, sha256=taken.sha256)
            new = taken.size <= self._sizes.whole and self.offers.once  # then the server itself looks what stands there
            present = None if new else self._standing(key, taken.size)
            return replace(present or self._uploaded(key, taken, new=new), sm3=taken.sm3.result())

    def adopt(self, key: StoreKey, *, owner: UUID, version_id: str | None = None) -> StoredObject:
        """Copied by the server, in ranges where it is too large for one request; a copy is compared by its size."""
        mine = StoreKey(fonds=key.fonds, owner=owner, sha256=key.sha256)
        source = self._present(key, version_id)
        if mine == key:
            return source
        present = self._standing(mine, source.size)
        if present is not None:
            return present
        name, origin = self._name(mine), self._name(key)
        with wire_faults(key, version_id=source.version_id):
            if source.size <= self._sizes.copy:
                copy = CopySource(self._bucket, origin, version_id=source.version_id)
                made = self._client.copy_object(self._bucket, name, copy)
            else:
                made = self._client.compose_object(
                    self._bucket, name, self._ranges(origin, source), metadata=dict(_metadata(key.sha256, source.sm3))
                )
        copied = self._present(mine, made.version_id)
        if copied.size != source.size:
            self._withdraw(copied)
            raise FixityMismatch(key=str(mine), size=copied.size)
        return copied

    def _ranges(self, name: str, source: StoredObject) -> list[ComposeSource]:
        step = self._sizes.copy
        return [
            ComposeSource(
                self._bucket, name, version_id=source.version_id, offset=start, length=min(step, source.size - start)
            )
            for start in range(0, source.size, step)
        ]

    def _standing(self, key: StoreKey, size: int) -> StoredObject | None:
        """What stands under the key already, if it is what its name says."""
        found = self.stat(key)
        if found is None:
            return None
        if found.size == size and self._sha256(found) == key.sha256:
            return found
        _LOG.error("store.damaged key=%s version=%s", key, found.version_id)
        if self.offers.versions:
            return None
        raise FixityMismatch(key=str(key), size=found.size)

    def _uploaded(self, key: StoreKey, taken: Taken, *, new: bool) -> StoredObject:
        """Upload and read back. Where the name is taken, or the upload failed on its way, what stands is looked at."""
        try:
            version_id = self._upload(key, taken, new=new)
        except Unavailable as fault:
            if fault.code != "store-unreachable" and fault.parameters.get("reason") not in NAME_TAKEN:
                raise
            present = self._standing(key, taken.size)
            if present is not None:
                return present
            version_id = self._upload(key, taken, new=False)
        reader, stored = self._opened(key, version_id)
        with reader:
            found = sha256_of(reader)
        if (found, stored.size) != (taken.sha256, taken.size):
            self._withdraw(stored)
            raise FixityMismatch(key=str(key), found=found, size=stored.size)
        return stored

    def _upload(self, key: StoreKey, taken: Taken, *, new: bool) -> str | None:
        name, noted = self._name(key), _metadata(taken.sha256, taken.sm3.result() if taken.little else None)
        if taken.size <= self._sizes.whole:
            with wire_faults():
                return _version(
                    self._client.send(name, taken.file, size=taken.size, sha256=taken.sha256, metadata=noted, new=new)
                )
        least = -(-taken.size // _MOST_PARTS)
        taken.file.seek(0)
        with wire_faults():
            made = self._client.put_object(
                self._bucket,
                name,
                taken.file,
                taken.size,
                metadata=dict(noted),
                part_size=max(self._sizes.part, -(-least // _MIB) * _MIB),
                num_parallel_uploads=self._sizes.parallel,
            )
        return _version(made.version_id)

    def _withdraw(self, damaged: StoredObject) -> None:
        with suppress(Unavailable), wire_faults():  # it is damaged all the same, and a later put writes over it
            self._client.remove_object(self._bucket, self._name(damaged.key), version_id=damaged.version_id)

    # ------------------------------------------------------------ out

    def open(self, key: StoreKey, *, version_id: str | None = None) -> BinaryIO:
        """Reads from the connection; a jump is a request of its own. All of it is of one version."""
        reader, _ = self._opened(key, version_id)
        return io.BufferedReader(cast("io.RawIOBase", reader), buffer_size=CHUNK // 4)

    @contextmanager
    def as_file(self, key: StoreKey, *, version_id: str | None = None) -> Iterator[Path]:
        """A copy in the scratch folder, compared with its digest on the way."""
        with self._spool.file() as (path, file):
            self._fetched(key, version_id, path.parent, file)
            yield path

    def _fetched(self, key: StoreKey, version_id: str | None, folder: Path, file: BinaryIO) -> None:
        reader, stored = self._opened(key, version_id)
        with reader:
            with disk_faults():
                if shutil.disk_usage(folder).free < stored.size + _ROOM_LEFT:
                    raise Unavailable("store-full", reason="scratch", size=stored.size)
            with sha256_beside() as digest:
                while piece := reader.read(CHUNK):
                    digest.update(piece)
                    write(file, piece)
                found = digest.finish()
        if found != key.sha256:
            raise FixityMismatch(key=str(key), found=found)
        os.fchmod(file.fileno(), 0o440)

    def stat(self, key: StoreKey, *, version_id: str | None = None) -> StoredObject | None:
        try:
            return self._present(key, version_id)
        except ContentMissing:
            return None

    def digest(self, key: StoreKey, *, version_id: str | None = None) -> Digests:
        reader, _ = self._opened(key, version_id)
        with reader:
            return digests_of(reader)

    def keys(self) -> Iterator[StoreKey]:
        """Keys of the current objects, in the order of their names."""
        with wire_faults():
            for name in self._client.names(self._prefix):
                key = key_of(name.removeprefix(self._prefix))
                if key is not None:
                    yield key

    def _sha256(self, stored: StoredObject) -> str:
        reader, _ = self._opened(stored.key, stored.version_id)
        with reader:
            return sha256_of(reader)

    def _opened(self, key: StoreKey, version_id: str | None) -> tuple[BinaryIO, StoredObject]:
        """A reader of one version, and what its server says of it."""
        answer = self._answer(key, version_id, 0)
        stored = _described(key, answer.headers)
        pinned = partial(self._answer, key, stored.version_id, same=answer.headers.get("etag"))
        patience = self._client.patience
        reader = ObjectReader(pinned, answer, size=stored.size, tries=patience.tries, pause=patience.pause)
        return cast("BinaryIO", reader), stored

    def _answer(
        self, key: StoreKey, version_id: str | None, offset: int, *, same: str | None = None
    ) -> BaseHTTPResponse:
        name = self._name(key)
        with wire_faults(key, version_id=version_id):
            return self._client.get_object(
                self._bucket,
                name,
                offset=offset,
                version_id=version_id,
                request_headers={"If-Match": same} if same else None,
            )

    def _present(self, key: StoreKey, version_id: str | None = None) -> StoredObject:
        """What the server says of the object. Raises `ContentMissing`."""
        name = self._name(key)
        _ = self.offers  # the answer to a HEAD does not tell a missing bucket from a missing object
        with wire_faults(key, version_id=version_id):
            return _described(key, self._headers(name, version_id))

    def _headers(self, name: str, version_id: str | None) -> Mapping[str, str]:
        found = self._client.stat_object(self._bucket, name, version_id=version_id)
        return cast("Mapping[str, str]", found.metadata)

    # ------------------------------------------------------------ keeping and ending

    def protect(self, key: StoreKey, *, until: date, version_id: str | None = None) -> date | None:
        """Lock the version in compliance mode; nobody can shorten that, the server's operator included."""
        name, end = self._name(key), datetime.combine(until, time(), UTC)
        locks = self.offers.locks
        with wire_faults(key, version_id=version_id):
            headers = self._headers(name, version_id)
            present = _locked_until(headers)
            if present is not None and present >= end:
                if headers[_LOCK_MODE] == COMPLIANCE:
                    return _day(present)
                end = present  # a weaker lock by the bucket's own rule: as long, but one that holds
            if not locks or end <= self._clock.now():
                return _day(present) if present else None
            weak = headers.get(_LOCK_MODE) == GOVERNANCE
            self._client.retain(name, headers["x-amz-version-id"], Retention(COMPLIANCE, end), bypass=weak)
        return _day(end)

    def destroy(self, warrant: Warrant) -> None:
        """Remove every version and delete mark; before the first is touched all are asked for their locks."""
        name = self._name(warrant.key)
        with wire_faults():
            present = list(self._client.versions(name))
        for version in present if self.offers.locks else ():
            self._refuse_locked(version)
        # What hides the object goes first and the current version last: until the end the key is listed.
        marks = [version for version in present if version.mark]
        for version in [*marks, *(version for version in reversed(present) if not version.mark)]:
            self._remove(version)

    def _remove(self, version: Version) -> None:
        try:
            with wire_faults():
                self._client.remove_object(self._bucket, version.name, version_id=version.ident or None)
        except Unavailable:
            self._refuse_locked(version, now=datetime.min.replace(tzinfo=UTC))  # the server's clock goes before ours
            raise

    def _refuse_locked(self, version: Version, *, now: datetime | None = None) -> None:
        """Raises `Conflict("locked")` where the version is locked."""
        if version.mark:
            return
        with wire_faults():
            headers = self._headers(version.name, version.ident or None)
        end = _locked_until(headers)
        if end is not None and (now or self._clock.now()) < end:
            raise Conflict("locked", until=_day(end).isoformat())

    def sweep(self, *, older_than: timedelta) -> int:
        """Give up uploads in parts that were begun longer ago and never ended.

        MinIO lists none of them under a prefix, and lets them go after a day by itself.
        """
        swept = self._spool.sweep()
        before = self._clock.now() - older_than
        with wire_faults():
            stale = [upload for upload in self._client.uploads(self._prefix) if upload.begun < before]
            for upload in stale:
                self._client.give_up(upload)
        return swept + len(stale)

    def self_test(self) -> WriteOnce:
        """Tried on one object a day, which is locked for a day and let go afterwards."""
        return S3SelfTest(self._client, self._prefix, today=self._clock.today()).run()

    def _name(self, key: StoreKey) -> str:
        return self._prefix + "/".join(parts_of(key))


def _metadata(sha256: str, sm3: str | None) -> dict[str, str]:
    return {"sha256": sha256} | ({"sm3": sm3} if sm3 else {})


def _described(key: StoreKey, headers: Mapping[str, str]) -> StoredObject:
    end = _locked_until(headers)
    return StoredObject(
        key=key,
        size=int(headers["content-length"]),
        sm3=headers.get(_SM3),
        stored_at=parsedate_to_datetime(headers["last-modified"]).astimezone(UTC),
        version_id=_version(headers.get("x-amz-version-id")),
        retain_until=_day(end) if end else None,
    )


def _version(ident: str | None) -> str | None:
    """`null` is the version of a bucket without versions: naming it pins nothing."""
    return None if ident in {None, "", "null"} else ident


def _locked_until(headers: Mapping[str, str]) -> datetime | None:
    text = headers.get(_LOCK_UNTIL)
    return datetime.fromisoformat(text) if text and headers.get(_LOCK_MODE) else None


def _day(end: datetime) -> date:
    """The first day on which it may go."""
    end = end.astimezone(UTC)
    return end.date() if end.time() == time() else end.date() + timedelta(days=1)


__all__ = ["Offers", "S3Store", "Sizes"]
