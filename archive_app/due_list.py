"""The due list (到期清单): filed records whose retention period has ended, soonest first."""

import datetime as dt
import heapq
from collections.abc import Iterator
from itertools import islice

import sqlalchemy as sa

from archive_app import disclosure
from archive_app.core.errors import NotFound
from archive_app.core.model import Record
from archive_app.core.reference import ReferenceTables
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import Action, FondsId, RecordId, RecordState

_PART = 500
_LEAST_OF_FONDS = 50  # rows read at a time of each of many fonds
#: Written out, as `ix_record_due` has it.
_FILED = Record.state == sa.literal_column(f"'{RecordState.FILED}'")


def due_records(unit: Unit, tables: ReferenceTables, *, before: dt.date | None = None) -> Iterator[dict[str, object]]:
    """Records of the viewer's scope that are due before that day, or by today; in order of their due date.

    Permanent records, and those whose period has not begun, have no due date and are never listed. Raises `NotFound`
    for who may not read records.
    """
    if not unit.viewer.may(Action.RECORD_READ):
        raise NotFound(kind="record")
    day = before or unit.clock.today() + dt.timedelta(days=1)
    count = 0
    fonds = unit.viewer.fonds
    most = max(_LEAST_OF_FONDS, _PART // max(1, len(fonds)))
    rows = heapq.merge(*(_of_fonds(unit, one, day, most) for one in fonds), key=_place)
    while part := tuple(islice(rows, _PART)):
        shown = disclosure.titled(unit, tables, part, of=lambda row: (row[0], row[2]))
        for (ident, code, _, due, outcome, rule), title in shown:
            # Holds come with disposal: until then nothing can be placed under one.
            yield {
                "record": str(ident), "code": code, "title": title, "due": due.isoformat(),
                "outcome": outcome, "rule": rule, "holds": 0,
            }  # fmt: skip
        count += len(shown)
    unit.note("retention:due-listed", "user", unit.viewer.user_id, before=day.isoformat(), count=count)


_Row = tuple[RecordId, str, str, dt.date, str | None, str | None]


def _place(row: _Row) -> tuple[dt.date, RecordId]:
    return row[3], row[0]


def _of_fonds(unit: Unit, fonds: FondsId, day: dt.date, most: int) -> Iterator[_Row]:
    """What is due in one fonds, so many rows at a time, by position: the millionth part costs what the first costs.

    Over several fonds no index has the order: all that is due would be sorted for every part.
    """
    due = Record.due_on
    statement = (
        sa.select(Record.id, Record.code, Record.title, due, Record.retention_outcome, Record.retention_rule)
        .where(Record.fonds_id == fonds, _FILED, due < day)
        .order_by(due, Record.id)
        .limit(most)
    )
    part = unit.rows(statement)
    while part:
        rows = [(row[0], row[1], row[2], row[3], row[4], row[5]) for row in part if row[3] is not None]
        yield from rows
        part = unit.rows(statement.where(sa.tuple_(due, Record.id) > _place(rows[-1])))
