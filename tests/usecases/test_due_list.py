"""The due list: what is due and filed, within the viewer's scope, soonest first and whole."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from factories import a_record, a_viewer, an_archive, everything, the_fonds

from archive_app import due_list
from archive_app.core.errors import NotFound
from archive_app.core.model import PartyLink, Record
from archive_app.core.vocabulary import Action, Level, PartyKind, PartyRole, RecordId, RecordState
from archive_app.wiring import Archive

TODAY = dt.date(2026, 3, 2)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    made = an_archive(tmp_path)
    yield made
    made.close()


def filed(
    archive: Archive, due: dt.date | None, *, fonds: str = "J001", state: RecordState = RecordState.FILED
) -> RecordId:
    with archive.unit(everything(archive)) as unit:
        record = a_record(unit, fonds=the_fonds(archive, fonds), state=state)
        unit.require(Action.RECORD_FILE, record)
        record.due_on, record.retention_rule, record.retention_outcome = due, "D10", "destroy"
        return record.id


def listed(archive: Archive, before: dt.date | None = None, **viewer: object) -> list[str]:
    by = a_viewer(**viewer) if viewer else everything(archive)  # type: ignore[arg-type]
    with archive.reading(by) as unit:
        return [str(row["record"]) for row in due_list.due_records(unit, archive.tables, before=before)]


def test_due_means_by_today_and_soonest_comes_first(archive: Archive) -> None:
    today, earlier = filed(archive, TODAY), filed(archive, TODAY - dt.timedelta(days=400))
    filed(archive, TODAY + dt.timedelta(days=1))
    filed(archive, None)  # permanent
    filed(archive, earlier_day := TODAY - dt.timedelta(days=500), state=RecordState.DESCRIBED)
    assert listed(archive) == [str(earlier), str(today)]
    assert listed(archive, before=TODAY) == [str(earlier)]
    assert listed(archive, before=earlier_day) == []


def test_a_list_longer_than_a_part_is_whole_and_in_order(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(due_list, "_PART", 3)
    days = [TODAY - dt.timedelta(days=number // 4) for number in range(11)]  # several of one day, across parts
    idents = {str(filed(archive, day)): day for day in days}
    found = listed(archive)
    assert sorted(found) == sorted(idents)
    assert [idents[one] for one in found] == sorted(days)


def test_the_lists_of_several_fonds_are_one_in_order(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(due_list, "_PART", 2)
    days = [TODAY - dt.timedelta(days=number // 3) for number in range(14)]
    idents = {str(filed(archive, day, fonds=f"J00{1 + number % 2}")): day for number, day in enumerate(days)}
    found = listed(archive)
    assert sorted(found) == sorted(idents)
    assert [(idents[one], one) for one in found] == sorted((day, one) for one, day in idents.items())


def test_a_part_is_found_by_its_fonds_and_place_and_nothing_is_sorted(tmp_path: Path) -> None:
    archive = an_archive(tmp_path, kind="sqlite")  # its plan does not depend on how many rows there are
    filed(archive, TODAY)
    asked: list[tuple[str, Any]] = []
    sa.event.listen(archive.engine, "before_cursor_execute", lambda *given: asked.append((given[2], given[3])))
    with archive.reading(everything(archive)) as unit:
        assert len(list(due_list.due_records(unit, archive.tables))) == 1
    with archive.engine.connect() as connection:
        parts = [(words, given) for words, given in asked if "record.due_on" in words]
        plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {words}", given).all() for words, given in parts]
    archive.close()
    assert len(plans) == 3  # one for each fonds, and one that finds no more
    for ((*_, step),) in plans:
        assert step.startswith("SEARCH record USING INDEX ix_record_due (fonds_id=? AND ")


def test_other_fonds_and_higher_levels_are_not_there(archive: Archive) -> None:
    own = filed(archive, TODAY)
    filed(archive, TODAY, fonds="J002")
    assert listed(archive, fonds=(the_fonds(archive),)) == [str(own)]
    assert listed(archive, fonds=(the_fonds(archive),), clearance=Level.INTERNAL) == []


def test_who_may_not_read_records_is_given_none(archive: Archive) -> None:
    with pytest.raises(NotFound), archive.reading(a_viewer(actions=frozenset(), fonds=(the_fonds(archive),))) as unit:
        list(due_list.due_records(unit, archive.tables))


def test_titles_are_masked_for_who_may_not_unmask(archive: Archive) -> None:
    ident = filed(archive, TODAY)
    with archive.unit(everything(archive)) as unit:
        record = unit.get(Record, ident)
        unit.require(Action.RECORD_CORRECT, record)
        record.title = "欧阳小满的住院费用结算单"
        link = PartyLink(
            record_id=ident, fonds_id=record.fonds_id, level=record.level, kind=PartyKind.PERSON,
            role=PartyRole.SUBJECT, name="欧阳小满",
        )  # fmt: skip
        unit.add(Action.RECORD_CORRECT, link)

    def title(actions: frozenset[Action]) -> object:
        with archive.reading(a_viewer(actions=actions, fonds=(the_fonds(archive),))) as unit:
            (row,) = due_list.due_records(unit, archive.tables)
        return row["title"]

    assert title(frozenset(Action)) == "欧阳小满的住院费用结算单"
    masked = title(frozenset(Action) - {Action.VALUE_UNMASK})
    assert "小满" not in str(masked)
    assert str(masked).endswith("的住院费用结算单")
