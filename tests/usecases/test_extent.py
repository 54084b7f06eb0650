"""What a scope holds is the same number however it is counted."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from factories import EVERY_ACTION, NOON, a_page, a_record, a_user, a_viewer, an_archive, everything, the_fonds

from archive_app.core.model import Batch, IntakeFile
from archive_app.core.ports import ClaimedJob
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import Action, FondsId, IntakeOutcome, Lane, Level, RecordState
from archive_app.extent import Extent, arrivals, extent, sum_up
from archive_app.wiring import Archive

_STATES = (RecordState.REVIEW, RecordState.FILED, RecordState.WITHDRAWN)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    made = an_archive(tmp_path)
    with made.unit(everything(made)) as unit:
        for code, pages in (("J001", 1), ("J002", 2)):
            for level in Level:
                for state in _STATES:
                    record = a_record(unit, fonds=the_fonds(made, code), level=level, state=state)
                    for number in range(pages):
                        a_page(unit, record, number=number + 1)
    yield made
    made.close()


def summed_up(archive: Archive) -> None:
    job = ClaimedJob(a_viewer().user_id, "extent.sum", {}, None, Lane.LIGHT, 1, 1, NOON + dt.timedelta(minutes=1))
    sum_up(archive, job)


def seen(archive: Archive, fonds: tuple[FondsId, ...], clearance: Level, *, at_once: int) -> Extent:
    with archive.reading(a_viewer(actions=EVERY_ACTION, fonds=fonds, clearance=clearance)) as unit:
        return extent(unit, archive.sessions, at_once=at_once)


@pytest.mark.parametrize("clearance", Level)
@pytest.mark.parametrize("codes", [(), ("J001",), ("J002",), ("J001", "J002")])
def test_sums_are_what_is_counted_whoever_looks(archive: Archive, codes: tuple[str, ...], clearance: Level) -> None:
    summed_up(archive)
    fonds = tuple(the_fonds(archive, code) for code in codes)
    counted = seen(archive, fonds, clearance, at_once=10**9)
    taken = seen(archive, fonds, clearance, at_once=0)
    assert (taken.records, taken.filed, taken.pages) == (counted.records, counted.filed, counted.pages)
    assert (counted.at, taken.at) == (None, NOON)
    levels = 1 + list(Level).index(clearance)
    assert counted.filed == levels * len(codes)
    assert counted.records == 2 * counted.filed


def test_what_is_little_is_counted_at_once_though_there_are_sums(archive: Archive) -> None:
    both = (the_fonds(archive, "J001"), the_fonds(archive, "J002"))
    summed_up(archive)
    before = seen(archive, both, Level.HIGHLY_SENSITIVE, at_once=1000)
    with archive.unit(everything(archive)) as unit:
        a_record(unit, fonds=both[0])
    assert seen(archive, both, Level.HIGHLY_SENSITIVE, at_once=1000).records == before.records + 1


def a_file(unit: Unit, batch: Batch, *, sequence: int, outcome: IntakeOutcome, age: dt.timedelta) -> IntakeFile:
    made = IntakeFile(
        id=uuid4(), batch_id=batch.id, fonds_id=batch.fonds_id, sequence=sequence, path=f"{sequence}.jpg",
        sha256=f"{sequence:064}", size=1, outcome=outcome, created_at=NOON - age,
        reason="damaged" if outcome == IntakeOutcome.REFUSED else None,
    )  # fmt: skip
    unit.add(Action.INTAKE_WRITE, made)
    return made


def test_a_file_that_arrived_lately_counts_as_what_it_is_now(archive: Archive) -> None:
    batch = Batch(
        id=uuid4(), fonds_id=the_fonds(archive), number="2026-001", operator_id=a_user(archive), created_at=NOON
    )
    ages = (dt.timedelta(), dt.timedelta(days=1), dt.timedelta(days=2), dt.timedelta(days=300))
    outcomes = [outcome for outcome in IntakeOutcome for _ in ages]
    with archive.unit(everything(archive)) as unit:
        unit.add(Action.INTAKE_WRITE, batch)
        unit.flush()
        files = [
            a_file(unit, batch, sequence=number, outcome=outcome, age=ages[number % len(ages)])
            for number, outcome in enumerate(outcomes)
        ]
    summed_up(archive)
    waiting = next(one for one in files if one.outcome == IntakeOutcome.RECEIVED and one.created_at == NOON)
    with archive.unit(everything(archive)) as unit:
        row = unit.get(IntakeFile, waiting.id)
        unit.require(Action.INTAKE_WRITE, row)
        row.outcome = IntakeOutcome.ACCEPTED
    with archive.reading(archive.own_work("metrics")) as unit:
        taken = arrivals(unit, archive.sessions, at_once=0)
        assert taken == arrivals(unit, archive.sessions, at_once=10**9)
    assert taken["accepted", "none"] == len(ages) + 1
    assert taken["received", "none"] == len(ages) - 1
    assert taken["refused", "damaged"] == len(ages)
