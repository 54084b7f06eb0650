"""Every `StorageBackend` keeps its promises."""

import errno
import hashlib
import io
import os
import tracemalloc
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import services
from cryptography.hazmat.primitives import hashes
from s3_stores import an_s3_store
from storing import BYTES, LIMIT, TODAY, StoppedClock, Zeros, put, read, warrant

from archive_app.core.errors import Conflict, ContentMissing, InvalidInput, Refused
from archive_app.core.ports import StorageBackend, StoreKey
from archive_app.objects import FolderStore, digests_of


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture(
    params=[
        "folder",
        pytest.param("minio", marks=pytest.mark.services),
        pytest.param("versitygw", marks=pytest.mark.services),
    ]
)
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: StoppedClock) -> StorageBackend:
    if request.param == "folder":
        return FolderStore(tmp_path / "store", clock=clock)
    return an_s3_store(services.s3(request.param), tmp_path, clock)


@pytest.fixture
def room(store: StorageBackend) -> int:
    """Bytes of memory that a put may take, whatever the size of the file."""
    return 6 << 20 if isinstance(store, FolderStore) else 24 << 20


def absent_key() -> StoreKey:
    return StoreKey("HZ01", uuid4(), "0" * 64)


class Torn(io.BytesIO):
    """Gives some bytes and then fails, as a broken upload does."""

    def read(self, _size: int | None = -1) -> bytes:
        piece = super().read(10)
        if not piece:
            raise ConnectionResetError(errno.ECONNRESET, "torn")
        return piece


class TestStorageBackend:
    def test_what_was_put_is_read_back_byte_for_byte(self, store: StorageBackend):
        assert read(store, put(store)) == BYTES

    @pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3 << 20])
    def test_any_size_comes_back(self, store: StorageBackend, size: int):
        content = os.urandom(size)
        assert read(store, put(store, content)) == content

    def test_the_key_is_fonds_owner_and_sha256(self, store: StorageBackend):
        owner = uuid4()
        assert put(store, owner=owner) == StoreKey("HZ01", owner, hashlib.sha256(BYTES).hexdigest())

    def test_put_tells_size_both_digests_and_time(self, store: StorageBackend):
        sm3 = hashes.Hash(hashes.SM3())
        sm3.update(BYTES)
        stored = store.put(io.BytesIO(BYTES), fonds="HZ01", owner=uuid4(), limit=LIMIT)
        assert (stored.size, stored.sm3) == (len(BYTES), sm3.finalize().hex())
        assert stored.stored_at.utcoffset() == timedelta(0)
        assert stored.retain_until is None

    def test_stat_tells_what_put_told(self, store: StorageBackend):
        stored = store.put(io.BytesIO(BYTES), fonds="HZ01", owner=uuid4(), limit=LIMIT)
        found = store.stat(stored.key)
        assert found is not None
        assert (found.key, found.size, found.version_id) == (stored.key, stored.size, stored.version_id)
        assert found.sm3 in {stored.sm3, None}

    def test_putting_twice_is_once(self, store: StorageBackend):
        owner = uuid4()
        assert put(store, owner=owner) == put(store, owner=owner)
        assert len(list(store.keys())) == 1

    def test_a_reader_can_be_wound_back(self, store: StorageBackend):
        with store.open(put(store)) as reader:
            reader.seek(5)
            assert reader.read(3) == BYTES[5:8]
            reader.seek(0)
            assert reader.read() == BYTES

    def test_as_file_gives_a_path_with_the_bytes(self, store: StorageBackend):
        with store.as_file(put(store)) as path:
            assert path.read_bytes() == BYTES

    def test_digest_reads_the_bytes_again(self, store: StorageBackend):
        assert store.digest(put(store)) == digests_of(io.BytesIO(BYTES))

    def test_absent_bytes_are_missing_not_empty(self, store: StorageBackend):
        key = absent_key()
        assert store.stat(key) is None
        with pytest.raises(ContentMissing):
            store.open(key)
        with pytest.raises(ContentMissing):
            store.digest(key)
        with pytest.raises(ContentMissing), store.as_file(key):
            pytest.fail("a path was given for absent bytes")
        with pytest.raises(ContentMissing):
            store.adopt(key, owner=uuid4())
        with pytest.raises(ContentMissing):
            store.protect(key, until=TODAY)
        assert list(store.keys()) == []

    def test_keys_lists_every_key_once(self, store: StorageBackend):
        owner = uuid4()
        expected = {put(store, bytes([n]), owner=owner) for n in range(5)}
        expected |= {put(store, b"same"), put(store, b"same"), put(store, b"same", fonds="A")}
        listed = list(store.keys())
        assert set(listed) == expected
        assert len(listed) == len(expected) == 8

    def test_too_many_bytes_are_refused_and_leave_nothing(self, store: StorageBackend):
        with pytest.raises(Refused, match="too-large"):
            store.put(io.BytesIO(BYTES), fonds="HZ01", owner=uuid4(), limit=len(BYTES) - 1)
        assert list(store.keys()) == []

    def test_exactly_the_limit_is_taken(self, store: StorageBackend):
        assert store.put(io.BytesIO(BYTES), fonds="HZ01", owner=uuid4(), limit=len(BYTES)).size == len(BYTES)

    def test_an_endless_source_is_given_up_at_the_limit(self, store: StorageBackend):
        source = Zeros(1 << 40)
        with pytest.raises(Refused, match="too-large"):
            store.put(source, fonds="HZ01", owner=uuid4(), limit=3 << 20)
        assert (1 << 40) - source.left <= 5 << 20

    def test_a_torn_source_leaves_nothing_and_its_error_is_not_ours(self, store: StorageBackend):
        with pytest.raises(ConnectionResetError):
            store.put(Torn(BYTES), fonds="HZ01", owner=uuid4(), limit=LIMIT)
        assert list(store.keys()) == []

    def test_memory_does_not_grow_with_the_file(self, store: StorageBackend, room: int):
        size = 4 * room
        source = Zeros(size)
        tracemalloc.start()
        try:
            stored = store.put(source, fonds="HZ01", owner=uuid4(), limit=LIMIT)
            store.digest(stored.key)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert stored.size == size
        assert source.most <= 1 << 20
        assert peak < room

    @pytest.mark.parametrize("fonds", ["", "..", "../X", "a", "A/B", "A" * 17, "A\0", "A\n", ".spool"])
    def test_what_is_no_fonds_code_makes_no_path(self, store: StorageBackend, fonds: str):
        key = StoreKey(fonds, uuid4(), "0" * 64)
        with pytest.raises(InvalidInput):
            store.put(io.BytesIO(BYTES), fonds=fonds, owner=uuid4(), limit=LIMIT)
        with pytest.raises(InvalidInput):
            store.open(key)
        with pytest.raises(InvalidInput):
            store.destroy(warrant(key))

    @pytest.mark.parametrize("sha256", ["", "../../x", "A" * 64, "0" * 63, "0" * 64 + "\n", "0" * 64 + ".until"])
    def test_what_is_no_digest_makes_no_path(self, store: StorageBackend, sha256: str):
        with pytest.raises(InvalidInput):
            store.open(StoreKey("HZ01", uuid4(), sha256))


class TestAdopt:
    def test_another_owner_has_the_same_bytes_under_its_own_key(self, store: StorageBackend):
        key, owner = put(store), uuid4()
        adopted = store.adopt(key, owner=owner)
        assert adopted.key == StoreKey(key.fonds, owner, key.sha256)
        assert adopted.size == len(BYTES)
        assert read(store, adopted.key) == BYTES

    def test_adopting_twice_is_once(self, store: StorageBackend):
        key, owner = put(store), uuid4()
        assert store.adopt(key, owner=owner) == store.adopt(key, owner=owner)
        assert len(list(store.keys())) == 2

    def test_an_owner_may_adopt_its_own(self, store: StorageBackend):
        key = put(store)
        assert store.adopt(key, owner=key.owner).key == key
        assert list(store.keys()) == [key]

    def test_destroying_the_one_leaves_the_other(self, store: StorageBackend):
        key = put(store)
        adopted = store.adopt(key, owner=uuid4()).key
        store.destroy(warrant(key))
        assert store.stat(key) is None
        assert read(store, adopted) == BYTES

    def test_a_lock_on_the_one_does_not_bind_the_other(self, store: StorageBackend):
        key = put(store)
        adopted = store.adopt(key, owner=uuid4()).key
        store.protect(adopted, until=TODAY + timedelta(days=9))
        store.destroy(warrant(key))
        with pytest.raises(Conflict):
            store.destroy(warrant(adopted))


class TestDestroy:
    def test_destroyed_bytes_are_gone(self, store: StorageBackend):
        key, other = put(store), put(store, b"other")
        store.destroy(warrant(key))
        assert store.stat(key) is None
        assert list(store.keys()) == [other]

    def test_absent_bytes_are_no_error(self, store: StorageBackend):
        key = put(store)
        store.destroy(warrant(key))
        store.destroy(warrant(key))
        store.destroy(warrant(absent_key()))

    def test_bytes_may_come_again_after_their_end(self, store: StorageBackend):
        key = put(store)
        store.destroy(warrant(key))
        assert put(store, owner=key.owner) == key
        assert read(store, key) == BYTES


class TestLock:
    def test_a_locked_object_is_not_destroyed_before_its_day(self, store: StorageBackend):
        key = put(store)
        store.protect(key, until=TODAY + timedelta(days=2))
        with pytest.raises(Conflict, match="locked"):
            store.destroy(warrant(key))
        assert read(store, key) == BYTES

    def test_stat_tells_the_day(self, store: StorageBackend):
        key = put(store)
        store.protect(key, until=TODAY + timedelta(days=400))
        found = store.stat(key)
        assert found is not None
        assert found.retain_until == TODAY + timedelta(days=400)

    def test_a_lock_is_made_longer_but_never_shorter(self, store: StorageBackend):
        key = put(store)
        for days in (100, 50, 300, 200):
            store.protect(key, until=TODAY + timedelta(days=days))
        found = store.stat(key)
        assert found is not None
        assert found.retain_until == TODAY + timedelta(days=300)

    def test_a_lock_is_no_key(self, store: StorageBackend):
        key = put(store)
        store.protect(key, until=TODAY + timedelta(days=2))
        assert list(store.keys()) == [key]

    def test_the_end_of_a_lock_is_not_inherited_by_bytes_that_come_again(
        self, store: StorageBackend, clock: StoppedClock
    ):
        key = put(store)
        store.protect(key, until=TODAY)
        store.destroy(warrant(key))
        clock.day = TODAY - timedelta(days=1)
        put(store, owner=key.owner)
        store.destroy(warrant(key))
        assert store.stat(key) is None
