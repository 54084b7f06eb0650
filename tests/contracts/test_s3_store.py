"""The S3 store keeps its promises against overwriting from outside, lost servers, cuts and damage on the wire."""

import hashlib
import io
import os
import sys
import time
import tracemalloc
from collections.abc import Iterator, Mapping
from dataclasses import astuple
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import pytest
import services
from minio.commonconfig import COMPLIANCE, GOVERNANCE
from minio.error import S3Error
from minio.retention import Retention
from s3_stores import HASTE, SMALL_PARTS, a_client, an_address, an_s3_store
from services import S3Server
from storing import BYTES, LIMIT, TODAY, StoppedClock, Zeros, put, read, warrant

from archive_app.clock import SystemClock
from archive_app.core.errors import Conflict, ContentMissing, FixityMismatch, InvalidInput, Unavailable
from archive_app.objects.digests import digests_of
from archive_app.objects.s3 import S3Store, Sizes
from archive_app.objects.s3_bucket import prepare
from archive_app.objects.s3_client import S3Address, S3Client
from archive_app.objects.s3_self_test import S3SelfTest

sys.path.insert(0, str(Path(__file__).parent.parent / "faults"))
from proxy import FaultProxy

pytestmark = pytest.mark.services
ATTEMPTS = ["shorten-lock", "lower-mode", "suspend-versioning", "overwrite", "delete-version"]


@pytest.fixture
def address(server: S3Server) -> S3Address:
    return an_address(server)


@pytest.fixture
def store(server: S3Server, address: S3Address, tmp_path: Path) -> S3Store:
    return an_s3_store(server, tmp_path, StoppedClock(), address=address)


@pytest.fixture
def outside(server: S3Server, address: S3Address) -> S3Client:
    """Somebody with the same credentials who does not go through the store."""
    return a_client(server, address)


@pytest.fixture
def proxy(server: S3Server) -> Iterator[FaultProxy]:
    host, _, port = server.endpoint.rpartition("/")[2].partition(":")
    with FaultProxy(host, int(port)) as proxy:
        yield proxy


@pytest.fixture
def shaky(server: S3Server, proxy: FaultProxy, address: S3Address, tmp_path: Path) -> S3Store:
    """The same place, through the proxy."""
    through = S3Address(proxy.address, secure=False, bucket=address.bucket, prefix=address.prefix)
    return an_s3_store(server, tmp_path, StoppedClock(), address=through)


def overwrite(outside: S3Client, address: S3Address, key: object, content: bytes = b"forged") -> None:
    outside.put_object(address.bucket, f"{address.prefix}{key}", io.BytesIO(content), len(content))


class TestVersions:
    def test_reads_that_pin_the_version_are_not_misled_by_an_overwrite(
        self, store: S3Store, outside: S3Client, address: S3Address
    ):
        stored = store.put(io.BytesIO(BYTES), fonds="HZ01", owner=uuid4(), limit=LIMIT)
        overwrite(outside, address, stored.key)
        with store.open(stored.key, version_id=stored.version_id) as reader:
            assert reader.read() == BYTES
        assert store.digest(stored.key, version_id=stored.version_id).sha256 == stored.key.sha256
        with pytest.raises(FixityMismatch), store.as_file(stored.key):
            pytest.fail("forged bytes were given out")

    def test_a_put_over_foreign_bytes_is_a_new_version(self, store: S3Store, outside: S3Client, address: S3Address):
        key = put(store)
        overwrite(outside, address, key)
        assert put(store, owner=key.owner) == key
        assert read(store, key) == BYTES

    def test_what_was_hidden_from_outside_is_still_read_by_its_version(
        self, store: S3Store, outside: S3Client, address: S3Address
    ):
        stored = store.put(io.BytesIO(BYTES), fonds="HZ01", owner=uuid4(), limit=LIMIT)
        outside.remove_object(address.bucket, f"{address.prefix}{stored.key}")
        assert store.stat(stored.key) is None
        assert store.stat(stored.key, version_id=stored.version_id) == stored

    def test_destroy_takes_every_version_and_mark(self, store: S3Store, outside: S3Client, address: S3Address):
        key = put(store)
        overwrite(outside, address, key)
        outside.remove_object(address.bucket, f"{address.prefix}{key}")
        store.destroy(warrant(key))
        assert list(outside.versions(f"{address.prefix}{key}")) == []

    def test_a_version_that_never_was_is_missing(self, store: S3Store):
        key = put(store)
        with pytest.raises(ContentMissing):
            store.open(key, version_id=str(uuid4()))

    def test_where_nothing_has_versions_damage_is_not_written_over(self, server: S3Server, tmp_path: Path):
        address = an_address(server, locks=False)
        store = an_s3_store(server, tmp_path, StoppedClock(), address=address)
        key = put(store)
        overwrite(a_client(server, address), address, key)
        with pytest.raises(FixityMismatch):
            put(store, owner=key.owner)
        assert store.protect(key, until=TODAY + timedelta(days=9)) is None


class Heedless(S3Client):
    """As before a server that does not know `If-None-Match`."""

    def send(
        self,
        name: str,
        body: BinaryIO,
        *,
        size: int,
        sha256: str,
        metadata: Mapping[str, str],
        new: bool = False,  # noqa: ARG002
    ) -> str | None:
        return super().send(name, body, size=size, sha256=sha256, metadata=metadata)


class TestNames:
    @pytest.mark.parametrize("kind", [S3Client, Heedless])
    @pytest.mark.parametrize("size", [100, 5 << 20, 11 << 20])
    def test_what_is_put_twice_has_one_version(
        self, server: S3Server, address: S3Address, tmp_path: Path, kind: type[S3Client], size: int
    ):
        client = kind(address, access_key=server.access_key, secret_key=server.secret_key, patience=HASTE)
        store = S3Store(client, address, scratch=tmp_path, clock=StoppedClock(), sizes=SMALL_PARTS)
        assert store.offers.once == (kind is S3Client)
        content, owner = os.urandom(size), uuid4()
        key = put(store, content, owner=owner)
        assert put(store, content, owner=owner) == key
        assert len(list(client.versions(f"{address.prefix}{key}"))) == 1

    def test_bytes_other_than_those_that_were_digested_are_refused(
        self, store: S3Store, outside: S3Client, address: S3Address
    ):
        with pytest.raises(S3Error):
            outside.send(
                f"{address.prefix}x",
                io.BytesIO(b"forged"),
                size=6,
                sha256=hashlib.sha256(b"true\n").hexdigest(),
                metadata={},
            )
        assert list(store.keys()) == []
        assert list(outside.names(address.prefix)) == []


class TestLocks:
    def test_a_lock_that_is_over_lets_go(self, store: S3Store, outside: S3Client, address: S3Address, tmp_path: Path):
        key = put(store)
        end = datetime.fromtimestamp(int(SystemClock("UTC").now().timestamp()) + 3, UTC)
        outside.set_object_retention(address.bucket, f"{address.prefix}{key}", Retention(COMPLIANCE, end))
        real = S3Store(outside, address, scratch=tmp_path, clock=SystemClock("UTC"))
        with pytest.raises(Conflict, match="locked"):
            real.destroy(warrant(key))
        for _ in range(200):
            try:
                real.destroy(warrant(key))
            except Conflict:
                time.sleep(0.1)
                continue
            break
        assert store.stat(key) is None

    def test_a_lock_by_governance_is_made_one_that_holds(self, store: S3Store, outside: S3Client, address: S3Address):
        key = put(store)
        name, end = f"{address.prefix}{key}", SystemClock("UTC").now() + timedelta(days=30)
        outside.set_object_retention(address.bucket, name, Retention(GOVERNANCE, end))
        store.protect(key, until=TODAY + timedelta(days=5))
        found = outside.get_object_retention(address.bucket, name)
        assert found is not None
        assert found.mode == COMPLIANCE


class TestSizes:
    def test_a_large_put_takes_little_memory(self, server: S3Server, address: S3Address, tmp_path: Path):
        store = an_s3_store(server, tmp_path, StoppedClock(), address=address, sizes=Sizes())
        tracemalloc.start()
        try:
            stored = store.put(Zeros(200 << 20), fonds="HZ01", owner=uuid4(), limit=LIMIT)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert stored.size == 200 << 20
        assert peak < 64 << 20

    def test_what_is_too_large_for_one_copy_is_copied_in_ranges(self, store: S3Store):
        content = os.urandom(11 << 20)
        stored = store.put(io.BytesIO(content), fonds="HZ01", owner=uuid4(), limit=LIMIT)
        adopted = store.adopt(stored.key, owner=uuid4(), version_id=stored.version_id)
        assert read(store, adopted.key) == content

    @pytest.mark.parametrize("size", [1 << 20, 5 << 20, 17 << 20])  # little, held in memory, held in a file
    def test_both_digests_are_told_whether_or_not_the_server_keeps_both(self, store: S3Store, size: int):
        content = os.urandom(size)
        stored = store.put(io.BytesIO(content), fonds="HZ01", owner=uuid4(), limit=LIMIT)
        again = store.put(io.BytesIO(content), fonds="HZ01", owner=stored.key.owner, limit=LIMIT)
        assert (stored.key.sha256, stored.sm3, stored.size) == astuple(digests_of(io.BytesIO(content)))
        assert again == stored


class TestWire:
    def test_an_upload_that_is_cut_off_leaves_nothing_or_is_made_again(
        self, shaky: S3Store, store: S3Store, proxy: FaultProxy
    ):
        _ = shaky.offers
        proxy.mode = "reset"
        with pytest.raises(Unavailable, match="store-unreachable"):
            put(shaky, os.urandom(11 << 20))
        assert list(store.keys()) == []
        proxy.heal()
        assert read(store, put(shaky)) == BYTES

    def test_a_reader_goes_on_where_it_was_cut(self, shaky: S3Store, proxy: FaultProxy):
        content = os.urandom(3 << 20)
        key = put(shaky, content)
        with shaky.open(key) as reader:
            start = reader.read(100_000)
            proxy.mode = "cut"
            proxy.heal()
            assert start + reader.read() == content

    def test_a_server_that_hangs_is_given_up(self, shaky: S3Store, proxy: FaultProxy):
        key = put(shaky)
        proxy.mode = "hang"
        with pytest.raises(Unavailable, match="store-unreachable"):
            shaky.stat(key)

    @pytest.mark.parametrize("direction", ["up", "down"])
    def test_damage_on_the_wire_is_noticed(self, shaky: S3Store, store: S3Store, proxy: FaultProxy, direction: str):
        content = os.urandom(1 << 20)
        _ = shaky.offers
        proxy.misbehave("corrupt", after=100_000, only=direction)  # type: ignore[arg-type]  # past all headers
        with pytest.raises((Unavailable, FixityMismatch)):
            put(shaky, content)
        assert list(store.keys()) == []

    def test_uploads_never_ended_are_swept_once_they_are_old(self, tmp_path: Path):
        server = (
            services.versitygw()
        )  # MinIO lists uploads by their whole name only, and lets them go after a day itself
        address = an_address(server)
        store, outside = an_s3_store(server, tmp_path, StoppedClock(), address=address), a_client(server, address)
        outside._create_multipart_upload(address.bucket, f"{address.prefix}left", {})
        assert store.sweep(older_than=timedelta(days=9)) == 0
        assert store.sweep(older_than=timedelta(days=-9)) == 1
        assert list(outside.uploads(address.prefix)) == []

    def test_a_stranger_is_refused_by_name(self, server: S3Server, address: S3Address, tmp_path: Path):
        stranger = S3Client(address, access_key=server.access_key, secret_key="wrong", patience=HASTE)
        with pytest.raises(Unavailable, match="store-refused"):
            put(S3Store(stranger, address, scratch=tmp_path, clock=StoppedClock()))


class TestBucket:
    def test_a_missing_bucket_is_named_and_made(self, server: S3Server, tmp_path: Path):
        endpoint = server.endpoint.rpartition("/")[2]
        address = S3Address.of(f"s3+http://{endpoint}/made-{uuid4().hex[:12]}")
        client = a_client(server, address)
        with pytest.raises(Unavailable, match="store-bucket-missing"):
            put(S3Store(client, address, scratch=tmp_path, clock=StoppedClock()))
        first, again = prepare(client), prepare(client)
        assert (first.made, first.versions, first.locks, first.todo) == (True, True, True, ())
        assert (again.made, again.versions, again.locks) == (False, True, True)

    def test_a_bucket_without_locks_is_told_what_to_do(self, server: S3Server):
        found = prepare(a_client(server, an_address(server, locks=False)))
        assert not found.locks
        assert "object lock" in found.todo[-1]

    @pytest.mark.parametrize(
        "url", ["s3+http://u:p@h/b", "s3://h/b", "s3+http://h", "s3+http://h/b?x", "s3+http://h/b/../c"]
    )
    def test_what_is_no_address_is_refused(self, url: str):
        with pytest.raises(InvalidInput, match="settings-invalid"):
            S3Address.of(url)


class TestSelfTest:
    def test_a_store_that_locks_holds_against_everything(self, store: S3Store):
        found = store.self_test()
        assert [attempt.name for attempt in found.attempts] == ATTEMPTS
        assert found.holds, found

    def test_one_object_a_day_is_made(self, store: S3Store, outside: S3Client, address: S3Address):
        store.self_test()
        store.self_test()
        (name,) = outside.names(address.prefix)
        assert [version.mark for version in outside.versions(name)] == [False]
        assert list(store.keys()) == []

    def test_what_gets_through_is_named(self, outside: S3Client, address: S3Address):
        found = S3SelfTest(outside, address.prefix, today=TODAY, mode=GOVERNANCE).run()
        assert not found.holds
        assert "lower-mode" in {attempt.name for attempt in found.attempts if not attempt.held}

    def test_a_bucket_without_locks_is_not_write_once(self, server: S3Server, tmp_path: Path):
        store = an_s3_store(server, tmp_path, StoppedClock(), address=an_address(server, locks=False))
        found = store.self_test()
        assert (found.holds, found.locks) == (False, False)
