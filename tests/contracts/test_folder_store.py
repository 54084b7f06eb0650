"""The folder store keeps its promises also when processes die, disks lie and many write at once."""

import errno
import fcntl
import hashlib
import io
import os
import resource
import signal
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import BinaryIO
from uuid import UUID, uuid4

import pytest
from storing import BYTES, LIMIT, TODAY, StoppedClock, Zeros, dying_before, put, read, warrant

from archive_app.core.errors import Conflict, FixityMismatch, Unavailable
from archive_app.core.ports import StorageBackend, StoreKey
from archive_app.objects import FolderStore, digests_of


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def folder(tmp_path: Path, clock: StoppedClock) -> FolderStore:
    return FolderStore(tmp_path / "store", clock=clock)


def files_under(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


class TestFolder:
    """What is true of files and folders only."""

    def test_the_path_is_the_key(self, folder: FolderStore, tmp_path: Path):
        key = put(folder)
        assert files_under(tmp_path) == [tmp_path / "store" / str(key)]

    def test_a_stored_file_is_for_reading_only(self, folder: FolderStore, tmp_path: Path):
        key = put(folder)
        assert (tmp_path / "store" / str(key)).stat().st_mode & 0o777 == 0o440

    def test_an_adopted_object_takes_no_room(self, folder: FolderStore, tmp_path: Path):
        key = put(folder)
        adopted = folder.adopt(key, owner=uuid4()).key
        assert (tmp_path / "store" / str(key)).samefile(tmp_path / "store" / str(adopted))

    @pytest.mark.parametrize("reason", [errno.EMLINK, errno.EPERM, errno.EXDEV])
    def test_where_links_are_used_up_the_bytes_are_copied_and_compared(
        self, folder: FolderStore, monkeypatch: pytest.MonkeyPatch, reason: int
    ):
        key = put(folder)
        link, refusals = os.link, [reason]

        def refuse_once(source: Path, target: Path) -> None:
            if refusals:
                raise OSError(refusals.pop(), "no link")
            link(source, target)

        monkeypatch.setattr(os, "link", refuse_once)
        adopted = folder.adopt(key, owner=uuid4()).key
        assert refusals == []
        assert read(folder, adopted) == BYTES

    def test_a_store_opened_again_has_everything(self, folder: FolderStore, tmp_path: Path, clock: StoppedClock):
        key = put(folder)
        folder.protect(key, until=TODAY + timedelta(days=3))
        again = FolderStore(tmp_path / "store", clock=clock)
        assert again.stat(key) == folder.stat(key)
        with pytest.raises(Conflict):
            again.destroy(warrant(key))

    def test_where_sm3_cannot_be_noted_stat_does_not_know_it(
        self, folder: FolderStore, monkeypatch: pytest.MonkeyPatch
    ):
        def unsupported(*_arguments: object) -> None:
            raise OSError(errno.ENOTSUP, "no attributes here")

        monkeypatch.setattr(os, "setxattr", unsupported)
        stored = folder.put(io.BytesIO(BYTES), fonds="HZ01", owner=uuid4(), limit=LIMIT)
        assert stored.sm3 == digests_of(io.BytesIO(BYTES)).sm3
        found = folder.stat(stored.key)
        assert found is not None
        assert found.sm3 is None

    def test_destroying_the_last_object_leaves_no_folder(self, folder: FolderStore, tmp_path: Path):
        key = put(folder)
        folder.protect(key, until=TODAY)
        folder.destroy(warrant(key))
        assert [path.name for path in (tmp_path / "store").iterdir()] == [".spool"]

    def test_without_a_clock_the_day_is_the_systems(self, tmp_path: Path):
        store = FolderStore(tmp_path)
        past, future = put(store, b"past"), put(store, b"future")
        store.protect(past, until=date(2020, 1, 1))
        store.protect(future, until=date(9999, 12, 31))
        store.destroy(warrant(past))
        with pytest.raises(Conflict):
            store.destroy(warrant(future))

    def test_on_its_day_it_may_go(self, folder: FolderStore, clock: StoppedClock):
        key = put(folder)
        folder.protect(key, until=TODAY + timedelta(days=30))
        clock.day = TODAY + timedelta(days=30)
        folder.destroy(warrant(key))
        assert folder.stat(key) is None

    def test_other_files_in_the_folder_are_no_keys(self, folder: FolderStore, tmp_path: Path):
        key = put(folder)
        (tmp_path / "store" / "lost+found").mkdir()
        (tmp_path / "store" / "HZ01" / "notes.txt").write_text("x")
        (tmp_path / "store" / "HZ01" / str(key.owner) / "copy of page").write_text("x")
        assert list(folder.keys()) == [key]


class TestDamage:
    def test_a_damaged_object_is_told_by_its_digest(self, folder: FolderStore, tmp_path: Path):
        key = put(folder)
        damage(tmp_path / "store" / str(key))
        assert folder.digest(key).sha256 != key.sha256

    def test_putting_over_a_damaged_object_is_refused_and_changes_nothing(self, folder: FolderStore, tmp_path: Path):
        key = put(folder)
        path = tmp_path / "store" / str(key)
        damage(path)
        before = path.read_bytes()
        with pytest.raises(FixityMismatch):
            put(folder, owner=key.owner)
        assert path.read_bytes() == before

    def test_a_disk_that_reads_back_other_bytes_gets_no_name(
        self, folder: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        sync = os.fsync

        def lie(number: int) -> None:
            sync(number)
            if Path(f"/proc/self/fd/{number}").readlink().parent == tmp_path / "store" / ".spool":
                os.pwrite(number, b"\0", 3)

        monkeypatch.setattr(os, "fsync", lie)
        with pytest.raises(FixityMismatch):
            put(folder)
        assert list(folder.keys()) == []
        assert files_under(tmp_path) == []

    @pytest.mark.parametrize("reason", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
    @pytest.mark.parametrize("step", ["fsync", "link", "mkdir", "fchmod"])
    def test_a_failing_disk_is_named_and_leaves_nothing(
        self, folder: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, reason: int
    ):
        def fail(*_arguments: object, **_named: object) -> None:
            raise OSError(reason, os.strerror(reason))

        monkeypatch.setattr(os, step, fail)
        full = reason in {errno.ENOSPC, errno.EDQUOT}
        with pytest.raises(Unavailable, match="store-full" if full else "store-failed"):
            put(folder)
        assert list(folder.keys()) == []
        assert files_under(tmp_path) == []

    def test_a_full_disk_is_named_and_leaves_nothing(self, folder: FolderStore, tmp_path: Path):
        in_a_child(lambda: put_with_room_for(folder, 2 << 20))
        assert files_under(tmp_path) == []

    def test_a_store_in_a_place_that_cannot_be_written_is_unavailable(self, tmp_path: Path):
        (tmp_path / "file").write_bytes(b"")
        with pytest.raises(Unavailable, match="store-failed"):
            FolderStore(tmp_path / "file" / "store")


class TestSpool:
    def test_what_a_dead_process_left_is_swept_at_the_next_start(self, folder: FolderStore, tmp_path: Path):
        in_a_child(lambda: put_and_die_while_reading(folder), ends=-signal.SIGKILL)
        assert len(files_under(tmp_path / "store" / ".spool")) == 1
        FolderStore(tmp_path / "store")
        assert files_under(tmp_path) == []

    def test_what_a_living_process_spools_is_left_alone(self, folder: FolderStore, tmp_path: Path):
        class Meanwhile(io.BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                FolderStore(tmp_path / "store")
                return super().read(size)

        key = folder.put(Meanwhile(BYTES), fonds="HZ01", owner=uuid4(), limit=LIMIT).key
        assert read(folder, key) == BYTES

    def test_a_sweep_between_making_and_locking_costs_nothing(
        self, folder: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        lock, sweeps = fcntl.flock, [True]

        def swept(file: BinaryIO, how: int) -> None:
            if how == fcntl.LOCK_EX and sweeps:
                sweeps.pop()
                FolderStore(tmp_path / "store")
            lock(file, how)

        monkeypatch.setattr(fcntl, "flock", swept)
        assert read(folder, put(folder)) == BYTES
        assert sweeps == []


STEPS = ("open", "fsync", "link", "unlink", "mkdir", "fchmod", "setxattr", "rmdir", "replace")


class TestKilled:
    """`kill -9` before each call that changes the disk: nothing, or the whole."""

    def test_killed_in_a_put_there_is_nothing_or_the_whole_object(self, tmp_path: Path):
        def act(store: FolderStore, owner: UUID) -> None:
            put(store, owner=owner)

        seen = set()
        for root, owner in killed_at_every_step(tmp_path, act):
            store = FolderStore(root)
            assert files_under(root / ".spool") == []
            keys = list(store.keys())
            assert len(keys) <= 1
            assert all(store.digest(key).sha256 == key.sha256 for key in keys)
            seen.add(len(keys))
            assert read(store, put(store, owner=owner)) == BYTES  # fed again, it is there once
            assert len(list(store.keys())) == 1
        assert seen == {0, 1}

    def test_killed_in_a_destroy_the_lock_never_goes_before_the_object(self, tmp_path: Path):
        def prepare(store: FolderStore, owner: UUID) -> None:
            store.protect(put(store, owner=owner), until=date(2020, 1, 1))

        def act(store: FolderStore, _owner: UUID) -> None:
            store.destroy(warrant(next(store.keys())))

        seen = set()
        for root, owner in killed_at_every_step(tmp_path, act, prepare):
            store = FolderStore(root)
            key = StoreKey("HZ01", owner, hashlib.sha256(BYTES).hexdigest())
            found = store.stat(key)
            assert found is None or found.retain_until == date(2020, 1, 1)
            seen.add(found is None)
            store.destroy(warrant(key))
            assert files_under(root) == []
        assert seen == {False, True}

    def test_killed_in_a_protect_the_old_lock_or_the_new_one_holds(self, tmp_path: Path):
        old, new = date(2030, 1, 1), date(2031, 1, 1)

        def prepare(store: FolderStore, owner: UUID) -> None:
            store.protect(put(store, owner=owner), until=old)

        def act(store: FolderStore, _owner: UUID) -> None:
            store.protect(next(store.keys()), until=new)

        seen = set()
        for root, _owner in killed_at_every_step(tmp_path, act, prepare):
            store = FolderStore(root)
            found = store.stat(next(store.keys()))
            assert found is not None
            seen.add(found.retain_until)
        assert seen == {old, new}


class TestTogether:
    def test_processes_that_put_the_same_bytes_store_them_once(self, folder: FolderStore):
        owner, content = uuid4(), os.urandom(1 << 20)
        together(*[lambda: put(folder, content, owner=owner)] * 6)
        (key,) = folder.keys()
        assert read(folder, key) == content

    def test_putting_while_the_last_object_of_the_owner_is_destroyed_loses_nothing(self, folder: FolderStore):
        owner = uuid4()

        def put_many() -> None:
            for number in range(20):
                assert put(folder, b"kept %d" % number, owner=owner) in set(folder.keys())
                folder.destroy(warrant(StoreKey("HZ01", owner, hashlib.sha256(b"kept %d" % number).hexdigest())))
            put(folder, b"kept at last", owner=owner)

        def put_and_destroy() -> None:
            for _ in range(20):
                folder.destroy(warrant(put(folder, b"fleeting", owner=owner)))

        together(put_many, put_and_destroy)
        assert [read(folder, key) for key in folder.keys()] == [b"kept at last"]  # noqa: SIM118

    def test_a_folder_that_goes_between_making_and_using_it_is_made_again(
        self, folder: FolderStore, monkeypatch: pytest.MonkeyPatch
    ):
        link, times = os.link, [True, True]

        def link_too_late(source: Path, target: Path) -> None:
            if times:
                times.pop()
                target.parent.rmdir()
                target.parent.parent.rmdir()
            link(source, target)

        monkeypatch.setattr(os, "link", link_too_late)
        assert read(folder, put(folder)) == BYTES
        assert times == []

    def test_a_lock_on_a_folder_that_went_meanwhile_is_taken_anew(
        self, folder: FolderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        key = put(folder)
        owners_folder = (tmp_path / "store" / str(key)).parent
        lock, locked, times = fcntl.flock, [], [True]

        def lock_too_late(file: BinaryIO | int, how: int) -> None:
            if isinstance(file, int):
                locked.append(os.fstat(file).st_ino)
            if times:
                times.pop()
                folder.destroy(warrant(key))
                (tmp_path / "in the way").mkdir()  # the new folder shall not get the old one's number
                put(folder, owner=key.owner)
            lock(file, how)

        monkeypatch.setattr(fcntl, "flock", lock_too_late)
        folder.protect(key, until=TODAY + timedelta(days=1))
        assert locked[0] != locked[-1] == owners_folder.stat().st_ino

    def test_the_longest_of_concurrent_locks_holds(self, folder: FolderStore):
        key = put(folder)

        def protect(first: int) -> Callable[[], None]:
            def act() -> None:
                for days in range(first, 60, 4):
                    folder.protect(key, until=TODAY + timedelta(days=days))

            return act

        together(*[protect(first) for first in range(4)])
        found = folder.stat(key)
        assert found is not None
        assert found.retain_until == TODAY + timedelta(days=59)


def damage(path: Path) -> None:
    path.chmod(0o600)
    with path.open("r+b") as file:
        file.seek(4)
        file.write(b"\0")


def together(*acts: Callable[[], object]) -> None:
    processes = [get_context("fork").Process(target=act) for act in acts]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * len(processes)


def in_a_child(act: Callable[[], object], *, ends: int = 0) -> None:
    process = get_context("fork").Process(target=act)
    process.start()
    process.join()
    assert process.exitcode == ends


def put_with_room_for(store: StorageBackend, size: int) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    with pytest.raises(Unavailable, match="store-full"):
        store.put(Zeros(size + 1), fonds="HZ01", owner=uuid4(), limit=LIMIT)


def put_and_die_while_reading(store: StorageBackend) -> None:
    class Fatal(io.BytesIO):
        def read(self, _size: int | None = -1) -> bytes:
            if piece := super().read(5):
                return piece
            os.kill(os.getpid(), signal.SIGKILL)
            raise AssertionError

    store.put(Fatal(BYTES), fonds="HZ01", owner=uuid4(), limit=LIMIT)


def killed_at_every_step(
    tmp_path: Path,
    act: Callable[[FolderStore, UUID], None],
    prepare: Callable[[FolderStore, UUID], None] = lambda _store, _owner: None,
) -> Iterator[tuple[Path, UUID]]:
    """Stores in which `act` was killed just before its first, second, … change of the disk; at last unharmed."""
    for step in range(1000):
        root, owner = tmp_path / str(step), uuid4()
        store = FolderStore(root)
        prepare(store, owner)
        process = get_context("fork").Process(target=act_and_die, args=(partial(act, store, owner), step))
        process.start()
        process.join()
        yield root, owner
        if process.exitcode == 0:
            assert step > 3, "nothing was counted"
            return
        assert process.exitcode == -signal.SIGKILL


def act_and_die(act: Callable[[], None], step: int) -> None:
    """Run it in this process, which dies before the call with that number."""
    counted = dying_before(step)
    for name in STEPS:
        setattr(os, name, counted(getattr(os, name)))
    act()
