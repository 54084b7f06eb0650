"""A part that does not answer: work waits for it, goes on without it where it can, and catches up."""

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

import pytest
import sqlalchemy as sa
from houses import (
    a_batch,
    a_house,
    archivist,
    assert_balance_adds_up,
    assert_bytes_and_rows_agree,
    assert_index_and_log_are_whole,
    assert_nothing_is_stuck,
    receive,
    samples,
    work,
)

from archive_app.cli import ingesting
from archive_app.core.errors import Conflict, InvalidInput, Unavailable
from archive_app.core.model import IntakeFile, Record
from archive_app.core.ports import IndexDocument, SearchIndex, StorageBackend, StoredObject, StoreKey
from archive_app.core.vocabulary import IntakeOutcome, JobState, RecordId, RecordState
from archive_app.jobs import MAX_ATTEMPTS
from archive_app.wiring import Archive
from archive_app.worker import Worker
from ingest import intake
from ingest.examining import examine
from retention import filing
from search import sync


class FullStore:
    """The store, but without room for the next `times` objects."""

    def __init__(self, store: StorageBackend, *, times: int) -> None:
        self._store, self.times = store, times

    def put(self, source: BinaryIO, *, fonds: str, owner: UUID, limit: int) -> StoredObject:
        if self.times:
            self.times -= 1
            raise Unavailable("store-full", reason="ENOSPC")
        return self._store.put(source, fonds=fonds, owner=owner, limit=limit)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - everything else is the store's
        return getattr(self._store, name)


class DistantStore(FullStore):
    """The store, whose server does not answer the next `times` puts."""

    def put(self, source: BinaryIO, *, fonds: str, owner: UUID, limit: int) -> StoredObject:
        if self.times:
            source.read(10)  # a part of it was sent already
            self.times -= 1
            raise Unavailable("store-unreachable", reason="ConnectionRefused")
        return super().put(source, fonds=fonds, owner=owner, limit=limit)


class OvertakenStore(FullStore):
    """The store, and somebody who acts between the first look at bytes and what is made of them."""

    def __init__(self, store: StorageBackend, meanwhile: Callable[[], None]) -> None:
        super().__init__(store, times=0)
        self._meanwhile: list[Callable[[], None]] = [meanwhile]

    @contextmanager
    def as_file(self, key: StoreKey, **options: Any) -> Iterator[Path]:  # noqa: ANN401 - the store's
        with self._store.as_file(key, **options) as path:
            yield path
        if self._meanwhile:
            self._meanwhile.pop()()


class BrokenIndex:
    """The index, which does not answer while `down`, and never takes the records in `poison`."""

    def __init__(self, index: SearchIndex, *, down: bool = False, poison: frozenset[RecordId] = frozenset()) -> None:
        self._index, self.down, self.poison = index, down, poison

    def put(self, documents: Iterable[IndexDocument]) -> None:
        if self.down:
            raise Unavailable("index-failed")
        documents = list(documents)
        if any(document.record in self.poison for document in documents):
            raise ValueError
        self._index.put(documents)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - everything else is the index's
        return getattr(self._index, name)


def records(archive: Archive) -> list[Record]:
    with archive.reading(archivist(archive)) as unit:
        return list(unit.all(sa.select(Record).order_by(Record.title)))


def test_a_full_store_takes_nothing_in_and_the_file_can_be_fed_again(tmp_path: Path):
    with a_house(tmp_path) as archive:
        archive.store = FullStore(archive.store, times=1)  # type: ignore[assignment,method-assign]
        batch = a_batch(archive)
        with pytest.raises(Unavailable, match="store-full"):
            receive(archive, batch, *samples("0001"))
        with archive.reading(archivist(archive)) as unit:
            assert unit.count(sa.select(IntakeFile)) == 0
        receive(archive, batch, *samples("0001"))
        work(archive)
        assert_nothing_is_stuck(archive)
        assert_balance_adds_up(archive, batch, files=1)


def test_a_file_that_somebody_else_examined_meanwhile_is_done(tmp_path: Path):
    with a_house(tmp_path) as archive:

        def examine_it() -> None:
            examine(archive.workshop, archive.own_work("intake"), ident)

        archive.store = OvertakenStore(archive.store, examine_it)  # type: ignore[assignment,method-assign]
        (ident,) = receive(archive, a_batch(archive), *samples("0001"))
        examine_it()
        assert len(records(archive)) == 1
        work(archive)
        assert_nothing_is_stuck(archive)
        assert_bytes_and_rows_agree(archive)


def test_a_page_waits_while_the_store_is_full_and_is_read_afterwards(tmp_path: Path):
    with a_house(tmp_path) as archive:
        store = FullStore(archive.store, times=0)
        archive.store = store  # type: ignore[assignment,method-assign]
        receive(archive, a_batch(archive), *samples("0001"))
        store.times = MAX_ATTEMPTS - 1
        work(archive)
        assert store.times == 0
        assert_nothing_is_stuck(archive)
        assert_bytes_and_rows_agree(archive)


def test_a_server_that_is_away_for_long_uses_up_no_attempts(tmp_path: Path):
    with a_house(tmp_path) as archive:
        store = DistantStore(archive.store, times=0)
        archive.store = store  # type: ignore[assignment,method-assign]
        receive(archive, a_batch(archive), *samples("0001"))
        store.times = 5 * MAX_ATTEMPTS
        work(archive)
        assert store.times == 0
        assert_nothing_is_stuck(archive)


def test_an_ingest_waits_for_a_server_that_is_away_and_takes_in_each_file_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(ingesting.time, "sleep", lambda _seconds: None)
    with a_house(tmp_path) as archive:
        archive.store = DistantStore(archive.store, times=3)  # type: ignore[assignment,method-assign]
        batch, files = a_batch(archive), [(path, path.name) for path in samples("0001", "0002")]
        report = ingesting.take_in(archive, archivist(archive), batch, files, wait=False, quiet=True)
        assert [line.outcome for line in report.files] == [IntakeOutcome.ACCEPTED] * 2
        assert capsys.readouterr().err.count("waiting: store-unreachable") == 1
        work(archive)
        assert_nothing_is_stuck(archive)
        assert_balance_adds_up(archive, batch, files=2)


def test_an_ingest_that_waited_for_long_says_which_part_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ingesting, "_PATIENCE_SECONDS", 0.0)
    with a_house(tmp_path) as archive:
        archive.store = DistantStore(archive.store, times=1000)  # type: ignore[assignment,method-assign]
        files = [(path, path.name) for path in samples("0001")]
        with pytest.raises(Unavailable, match="store-unreachable"):
            ingesting.take_in(archive, archivist(archive), a_batch(archive), files, wait=False, quiet=True)


def test_the_reason_of_the_wait_is_told_with_the_job(tmp_path: Path):
    with a_house(tmp_path) as archive:
        store = FullStore(archive.store, times=0)
        archive.store = store  # type: ignore[assignment,method-assign]
        receive(archive, a_batch(archive), *samples("0001"))
        store.times = 1000
        work(archive)
        (job,) = archive.queue.list()
        assert (job.name, job.state) == ("page.read", JobState.BURIED)
        assert "store-full" in job.reason
        store.times = 0
        archive.queue.retry()
        work(archive)
        assert_nothing_is_stuck(archive)


def test_filing_goes_on_without_the_index_which_catches_up(tmp_path: Path):
    with a_house(tmp_path) as archive:
        index = BrokenIndex(archive.index)
        archive.index = index  # type: ignore[assignment,method-assign]
        batch = a_batch(archive)
        receive(archive, batch, *samples("0001", "0027", "0035"))
        work(archive)
        index.down = True
        with archive.unit(archivist(archive)) as unit:
            done = filing.file_clear(unit, batch, tables=archive.tables)
        assert done.filed
        worker = Worker(archive)
        while worker.step():
            pass
        waiting = archive.queue.list()
        assert {(row.name, row.state) for row in waiting} == {("search.refresh", JobState.QUEUED)}
        assert {row.reason for row in waiting} == {"index-failed"}
        stale = sync.compare(archive.reading(archive.own_work("index")), archive.index).stale
        assert sorted(stale) == sorted(done.filed)
        index.down = False
        work(archive)
        assert_nothing_is_stuck(archive)
        assert_index_and_log_are_whole(archive)


def test_a_record_that_the_index_never_takes_keeps_no_other_out(tmp_path: Path):
    with a_house(tmp_path) as archive:
        index = BrokenIndex(archive.index, down=True)
        archive.index = index  # type: ignore[assignment,method-assign]
        receive(archive, a_batch(archive), *samples("0001", "0027", "0035"))
        worker = Worker(archive)
        while worker.step():
            pass
        poisoned, *others = records(archive)
        index.down, index.poison = False, frozenset({poisoned.id})
        work(archive)
        (job,) = archive.queue.list()
        assert (job.name, job.state, job.reason) == ("search.refresh", JobState.BURIED, "ValueError")
        assert job.args == {"record": str(poisoned.id)}
        assert {ident for ident, _ in archive.index.versions()} == {record.id for record in others}


# ---------------------------------------------------------------- the balance through it all


def test_a_batch_is_not_signed_off_while_files_wait(tmp_path: Path):
    with a_house(tmp_path) as archive:
        batch = a_batch(archive)
        receive(archive, batch, *samples("0001", "0027", "0044", "0051"))
        with pytest.raises(Conflict, match="batch-still-working"), archive.unit(archivist(archive)) as unit:
            intake.sign_off(unit, batch)
        work(archive)
        assert_balance_adds_up(archive, batch, files=4)
        with archive.unit(archivist(archive)) as unit:
            intake.sign_off(unit, batch)
        with pytest.raises(Conflict, match="batch-signed-off"):
            receive(archive, batch, *samples("0035"))
        with pytest.raises(Conflict, match="batch-signed-off"), archive.unit(archivist(archive)) as unit:
            intake.sign_off(unit, batch)


def test_a_difference_to_what_was_declared_must_be_explained(tmp_path: Path):
    with a_house(tmp_path) as archive:
        viewer = archivist(archive)
        with archive.unit(viewer) as unit:
            declared = intake.Declared(files=2, pages=5, sheets=2)
            batch = intake.open_batch(unit, fonds_id=next(iter(viewer.fonds)), declared=declared).id
        receive(archive, batch, *samples("0001", "0031"))
        work(archive)
        with archive.reading(viewer) as unit:
            assert intake.balance(unit, unit.get(intake.Batch, batch)).differences == ("pages",)
        with pytest.raises(InvalidInput, match="difference"), archive.unit(viewer) as unit:
            intake.sign_off(unit, batch)
        with archive.unit(viewer) as unit:
            intake.sign_off(unit, batch, difference="两页空白,未扫描")


def test_the_same_file_twice_at_once_is_one_record_and_one_duplicate(tmp_path: Path):
    (sheet,) = samples("0001")
    with a_house(tmp_path) as archive:
        viewer, batch = archivist(archive), a_batch(archive)
        for name in ("a.jpg", "b/a.jpg", "a.jpg"):
            intake.receive(archive.workshop, viewer, batch, io.BytesIO(sheet.read_bytes()), path=name)
        work(archive)
        assert [record.state for record in records(archive)] != [RecordState.CAPTURED]
        assert len(records(archive)) == 1
        assert_balance_adds_up(archive, batch, files=2)
        assert_bytes_and_rows_agree(archive)


def test_the_memory_of_a_process_that_was_killed_is_given_back(tmp_path: Path):
    with a_house(tmp_path) as archive:
        archive.workshop.opener()
        mine = Path("/dev/shm", f"archive-{archive.scratch.stat().st_ino}")  # noqa: S108 - where pixels pass through
        left = mine / "999999999" / "pixels.rgb"  # no process has that number
        left.parent.mkdir()
        left.write_bytes(b"\0")
    with a_house(tmp_path, home=archive.settings.home) as again:
        again.workshop.opener()
        assert not left.parent.exists()
        assert mine.exists()
