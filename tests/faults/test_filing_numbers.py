"""Archival numbers: each once, none left out, whoever files at the same time and whoever is killed doing it."""

import datetime as dt
import multiprocessing
import random
import re
import time
from collections.abc import Callable, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from uuid import UUID, uuid4

import databases
import pytest
import sqlalchemy as sa
from houses import a_batch, a_home, a_house, archivist, assert_index_and_log_are_whole, receive, samples, work

from archive_app.core.archival_number import provisional
from archive_app.core.errors import ArchiveError, Conflict, IllegalTransition, InvalidInput, StaleVersion
from archive_app.core.model import Batch, NumberSeries, Record
from archive_app.core.vocabulary import Action, Level, RecordId, RecordState
from archive_app.wiring import Archive
from ingest import reviewing
from retention import filing

RECORDS = 24
YEARS = range(2000, 2024)
_FILERS = 3


def described(archive: Archive, batch: UUID, *, how_many: int = RECORDS, year: int = 2024) -> list[RecordId]:
    """Clear records of one class and year: they all want numbers of one series."""
    viewer = archivist(archive)
    idents = [RecordId(uuid4()) for _ in range(how_many)]
    with archive.unit(viewer) as unit:
        for ident in idents:
            record = Record(
                id=ident, fonds_id=next(iter(viewer.fonds)), level=Level.SENSITIVE, code=provisional(ident),
                title="住院费用结算单", state=RecordState.DESCRIBED, batch_id=batch, type_code="SETTLE",
                class_code="YB03", formed_on=dt.date(year, 3, 4), created_at=archive.clock.now(),
            )  # fmt: skip
            unit.add(Action.RECORD_REVIEW, record)
    return idents


def numbers(archive: Archive) -> list[int]:
    """The running numbers that were given, sorted."""
    with archive.reading(archivist(archive)) as unit:
        codes = [row[0] for row in unit.rows(sa.select(Record.code).where(Record.state == RecordState.FILED))]
    return sorted(int(re.search(r"(\d+)$", code)[1]) for code in codes)  # type: ignore[index]


def last_given(archive: Archive) -> int:
    with archive.reading(archivist(archive)) as unit:
        return sum(row[0] for row in unit.rows(sa.select(NumberSeries.last)))


def _file_all(home: str, idents: Sequence[RecordId], seed: int) -> None:
    """File whatever of these is not filed yet, in an order of one's own."""
    archive = Archive(databases.settings(Path(home)))
    viewer = archivist(archive)
    order = list(idents)
    random.Random(seed).shuffle(order)  # noqa: S311 - an order, no secret
    for ident in order:
        try:
            with archive.unit(viewer) as unit:
                filing.file_record(unit, ident, tables=archive.tables)
        except (IllegalTransition, StaleVersion):
            continue  # another was quicker
    archive.close()


def _file_one_a_year(home: str, by_year: Sequence[Sequence[RecordId]], seed: int) -> None:
    """File one's own record of each year, year by year, as all others do."""
    archive = Archive(databases.settings(Path(home)))
    viewer = archivist(archive)
    for idents in by_year:
        with archive.unit(viewer) as unit:
            filing.file_record(unit, idents[seed], tables=archive.tables)
    archive.close()


def _file_batch(home: str, batch: UUID, _seed: int) -> None:
    archive = Archive(databases.settings(Path(home)))
    with archive.unit(archivist(archive)) as unit:
        filing.file_clear(unit, batch, tables=archive.tables)
    archive.close()


def _open_batches(home: str, how_many: int, _seed: int) -> None:
    archive = Archive(databases.settings(Path(home)))
    for _ in range(how_many):
        a_batch(archive)
    archive.close()


def _at_once(target: Callable[..., None], home: Path, *args: object) -> list[BaseProcess]:
    context = multiprocessing.get_context("fork")
    filers: list[BaseProcess] = [
        context.Process(target=target, args=(str(home), *args, seed)) for seed in range(_FILERS)
    ]
    for filer in filers:
        filer.start()
    return filers


def _ended(filers: list[BaseProcess]) -> None:
    for filer in filers:
        filer.join()  # as long as a busy machine takes: one that hangs is ended with the test
        assert filer.exitcode == 0


def test_processes_that_file_at_once_give_each_number_once_and_leave_none_out(tmp_path: Path):
    home = a_home(tmp_path)
    with a_house(tmp_path, home=home) as archive:
        idents = described(archive, a_batch(archive))
        archive.close()
        _ended(_at_once(_file_all, home, idents))
        assert numbers(archive) == list(range(1, RECORDS + 1))
        assert last_given(archive) == RECORDS
        work(archive)
        assert_index_and_log_are_whole(archive)


def test_series_that_several_begin_at_once_count_from_one_and_leave_none_out(tmp_path: Path):
    home = a_home(tmp_path)
    with a_house(tmp_path, home=home) as archive:
        batch = a_batch(archive)
        by_year = [described(archive, batch, how_many=_FILERS, year=year) for year in YEARS]
        archive.close()
        _ended(_at_once(_file_one_a_year, home, by_year))
        assert numbers(archive) == sorted(list(range(1, _FILERS + 1)) * len(YEARS))


def test_batches_opened_at_once_have_numbers_of_their_own(tmp_path: Path):
    home, each = a_home(tmp_path), 8
    _ended(_at_once(_open_batches, home, each))
    with a_house(tmp_path, home=home) as archive, archive.reading(archivist(archive)) as unit:
        given = sorted(row[0] for row in unit.rows(sa.select(Batch.number)))
    assert [number.partition("-")[2] for number in given] == [f"{n:03d}" for n in range(1, _FILERS * each + 1)]


def test_a_batch_filed_by_several_at_once_is_filed_once(tmp_path: Path):
    home = a_home(tmp_path)
    with a_house(tmp_path, home=home) as archive:
        batch = a_batch(archive)
        described(archive, batch)
        archive.close()
        _ended(_at_once(_file_batch, home, batch))
        assert numbers(archive) == list(range(1, RECORDS + 1))


@pytest.mark.prove
def test_filers_that_are_killed_leave_no_gap(tmp_path: Path, count: Callable[[int, int], int]):
    home = a_home(tmp_path)
    with a_house(tmp_path, home=home) as archive:
        batch = a_batch(archive)
        idents: list[RecordId] = []
        for _ in range(count(3, 40)):
            idents += described(archive, batch)
            archive.close()
            filers = _at_once(_file_all, home, idents)
            time.sleep(random.uniform(0.1, 0.5))  # noqa: S311 - a moment, no secret
            for filer in filers:
                filer.kill()
                filer.join()
            given = numbers(archive)
            assert given == list(range(1, len(given) + 1))
            assert last_given(archive) == len(given)
        archive.close()
        _ended(_at_once(_file_all, home, idents))
        assert numbers(archive) == list(range(1, len(idents) + 1))
        work(archive)
        assert_index_and_log_are_whole(archive)


def _file_and_fail(archive: Archive, ident: RecordId) -> None:
    with archive.unit(archivist(archive)) as unit:
        filing.file_record(unit, ident, tables=archive.tables)
        raise ZeroDivisionError


def test_a_filing_that_fails_gives_its_number_back(tmp_path: Path):
    with a_house(tmp_path) as archive:
        first, second, third = described(archive, a_batch(archive), how_many=3)
        viewer = archivist(archive)
        for ident in (first, second):
            with pytest.raises(ZeroDivisionError):
                _file_and_fail(archive, ident)
        for ident in (third, first, second):
            with archive.unit(viewer) as unit:
                filing.file_record(unit, ident, tables=archive.tables)
        assert numbers(archive) == [1, 2, 3]


def test_each_year_runs_its_own_numbers(tmp_path: Path):
    with a_house(tmp_path) as archive:
        batch = a_batch(archive)
        described(archive, batch, how_many=2, year=2023)
        described(archive, batch, how_many=3, year=2024)
        with archive.unit(archivist(archive)) as unit:
            filing.file_clear(unit, batch, tables=archive.tables)
        assert numbers(archive) == [1, 1, 2, 2, 3]


def test_a_batch_files_what_is_clear_and_names_what_it_leaves(tmp_path: Path):
    with a_house(tmp_path) as archive:
        batch = a_batch(archive)
        described(archive, batch, how_many=2)
        (undated,) = described(archive, batch, how_many=1)
        viewer = archivist(archive)
        with archive.unit(viewer) as unit:
            record = unit.get(Record, undated)
            unit.require(Action.RECORD_REVIEW, record)
            record.formed_on = None
        with archive.unit(viewer) as unit:
            done = filing.file_clear(unit, batch, tables=archive.tables)
        assert len(done.filed) == 2
        assert done.left == ((undated, "formed-on-missing"),)
        with pytest.raises(InvalidInput, match="not-ready-to-file"), archive.unit(viewer) as unit:
            filing.file_record(unit, undated, tables=archive.tables)
        with archive.unit(viewer) as unit:
            assert filing.file_clear(unit, batch, tables=archive.tables).filed == ()


def test_a_filed_record_is_not_filed_or_reviewed_again(tmp_path: Path):
    with a_house(tmp_path) as archive:
        (ident,) = described(archive, a_batch(archive), how_many=1)
        viewer = archivist(archive)
        with archive.unit(viewer) as unit:
            filing.file_record(unit, ident, tables=archive.tables)
        with pytest.raises(IllegalTransition), archive.unit(viewer) as unit:
            filing.file_record(unit, ident, tables=archive.tables)
        correction = reviewing.Correction(title="另一件")
        with pytest.raises(Conflict, match="filed"), archive.unit(viewer) as unit:
            reviewing.confirm(unit, ident, correction, tables=archive.tables, hasher=archive.hasher)
        assert numbers(archive) == [1]


def test_a_confirmation_of_what_another_changed_meanwhile_is_refused(tmp_path: Path):
    with a_house(tmp_path) as archive:
        receive(archive, a_batch(archive), *samples("0001"))
        work(archive)
        viewer = archivist(archive)
        with archive.reading(viewer) as unit:
            (record,) = unit.all(sa.select(Record))
            seen = record.version
        for title, outcome in (("甲的改动", None), ("乙的改动", StaleVersion)):
            try:
                with archive.unit(viewer) as unit:
                    correction = reviewing.Correction(title=title, version=seen)
                    reviewing.confirm(unit, record.id, correction, tables=archive.tables, hasher=archive.hasher)
                raised: type[ArchiveError] | None = None
            except StaleVersion:
                raised = StaleVersion
            assert raised is outcome
        with archive.reading(viewer) as unit:
            assert unit.get(Record, record.id).title == "甲的改动"
