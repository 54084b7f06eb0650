"""The due list (到期清单): filed records whose retention period has ended, soonest first."""

import datetime as dt
from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from archive_app import disclosure
from archive_app.core.errors import NotFound
from archive_app.core.model import Record
from archive_app.core.reference import ReferenceTables
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import Action, RecordId, RecordState

_PART = 500


def due_records(unit: Unit, tables: ReferenceTables, *, before: dt.date | None = None) -> Iterator[dict[str, object]]:
    """Records of the viewer's scope that are due before that day, or by today; in order of their due date.

    Permanent records, and those whose period has not begun, have no due date and are never listed. Raises `NotFound`
    for who may not read records.
    """
    if not unit.viewer.may(Action.RECORD_READ):
        raise NotFound(kind="record")
    day = before or unit.clock.today() + dt.timedelta(days=1)
    last: tuple[dt.date, RecordId] | None = None
    count = 0
    while part := _part(unit, day, last):
        shown = disclosure.titled(unit, tables, part, of=lambda row: (row[0], row[2]))
        for (ident, code, _, due, outcome, rule), title in shown:
            # Holds come with disposal: until then nothing can be placed under one.
            yield {
                "record": str(ident), "code": code, "title": title, "due": due.isoformat(),
                "outcome": outcome, "rule": rule, "holds": 0,
            }  # fmt: skip
        count += len(shown)
        last = (part[-1][3], part[-1][0])
    unit.note("retention:due-listed", "user", unit.viewer.user_id, before=day.isoformat(), count=count)


_Row = tuple[RecordId, str, str, dt.date, str | None, str | None]


def _part(unit: Unit, day: dt.date, last: tuple[dt.date, RecordId] | None) -> Sequence[_Row]:
    """The next rows after `last`: read by position, so that the millionth part costs what the first one costs."""
    due = Record.due_on
    statement = (
        sa.select(Record.id, Record.code, Record.title, due, Record.retention_outcome, Record.retention_rule)
        .where(Record.state == RecordState.FILED, due < day)
        .order_by(due, Record.id)
        .limit(_PART)
    )
    if last is not None:
        statement = statement.where(sa.tuple_(due, Record.id) > last)
    return [(row[0], row[1], row[2], row[3], row[4], row[5]) for row in unit.rows(statement) if row[3] is not None]
