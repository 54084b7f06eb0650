"""Masters of filed records are locked when they are filed, and again in time, for ever where nothing is due."""

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa
from houses import a_batch, a_house, archivist, receive, samples, work

from archive_app import keeping
from archive_app.core.errors import Conflict
from archive_app.core.model import Component, Record
from archive_app.core.ports import StoreKey, Warrant
from archive_app.core.vocabulary import ComponentKind
from archive_app.wiring import Archive
from retention import filing
from retention.locks import lock_end

TODAY = dt.date(2026, 11, 25)


@pytest.mark.parametrize(
    ("due", "end"),
    [
        (None, TODAY + dt.timedelta(days=400)),
        (TODAY + dt.timedelta(days=5000), TODAY + dt.timedelta(days=400)),
        (TODAY + dt.timedelta(days=30), TODAY + dt.timedelta(days=30)),
        (TODAY, None),
    ],
)
def test_a_lock_never_reaches_past_the_due_day_nor_past_400_days(due: dt.date | None, end: dt.date | None):
    assert lock_end(due, today=TODAY) == end


def masters(archive: Archive) -> list[tuple[StoreKey, dt.date | None]]:
    with archive.reading(archivist(archive)) as unit:
        rows = unit.rows(
            sa.select(Component.record_id, Component.sha256, Component.locked_until)
            .join(Record, Record.id == Component.record_id)
            .where(Component.kind == ComponentKind.MASTER, Record.filed_at.is_not(None))
        )
    return [(StoreKey("J019", owner, sha256), until) for owner, sha256, until in rows]


def test_filing_locks_the_masters_and_the_night_renews_them(tmp_path: Path):
    with a_house(tmp_path) as archive:
        batch = a_batch(archive)
        receive(archive, batch, *samples("0001", "0027", "0035"))
        work(archive)
        with archive.unit(archivist(archive)) as unit:
            assert filing.file_clear(unit, batch, tables=archive.tables).filed
        work(archive)
        locked = masters(archive)
        assert locked
        end = archive.clock.today() + dt.timedelta(days=400)
        for key, until in locked:
            assert until == end
            found = archive.store.stat(key)
            assert found is not None
            assert found.retain_until == end
            with pytest.raises(Conflict, match="locked"):
                archive.store.destroy(Warrant(key, "by mistake", key.owner))
        assert keeping.renew_locks(archive).locked == 0
        _move(archive, days=250)
        assert keeping.renew_locks(archive).locked == len(locked)
        assert {until for _, until in masters(archive)} == {end + dt.timedelta(days=250)}


def test_a_lock_that_nobody_renewed_is_an_alarm(tmp_path: Path):
    with a_house(tmp_path) as archive:
        batch = a_batch(archive)
        receive(archive, batch, *samples("0001"))
        work(archive)
        with archive.unit(archivist(archive)) as unit:
            filing.file_clear(unit, batch, tables=archive.tables)
        work(archive)
        assert keeping.locks_ending(archive) == 0
        _move(archive, days=310)
        assert keeping.locks_ending(archive) == len(masters(archive)) > 0


def test_what_the_self_test_found_is_remembered(tmp_path: Path):
    with a_house(tmp_path) as archive:
        assert keeping.last_test(archive) is None
        found = keeping.try_store(archive)
        last = keeping.last_test(archive)
        assert last is not None
        assert last.found == found
        assert not found.holds


def _move(archive: Archive, *, days: int) -> None:
    """Days pass without anything being done."""
    clock = archive.clock
    today = clock.today()
    clock.forward(days=days)  # type: ignore[attr-defined]  # the clock of the house
    clock.today = lambda: today + dt.timedelta(days=days)  # type: ignore[method-assign]
