"""Filing (归档): the retention rule is stamped, the due date computed, and the archival number given once.

Numbers run per (fonds, category, class, year, period), are taken inside the filing transaction under a lock, and are
never used twice: a filing that fails gives its number back because nothing of it was committed.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from archive_app.core.archival_number import ArchivalNumber, SeriesKey, build, template_for
from archive_app.core.errors import ArchiveError, Conflict, IllegalTransition, InvalidInput, NotFound
from archive_app.core.following import refresh_job
from archive_app.core.model import Batch, Field, Fonds, NumberSeries, Record
from archive_app.core.numbers import parse_date
from archive_app.core.ports import Job
from archive_app.core.reference import ReferenceTables
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import Action, RecordId, RecordState
from retention.schedule import Due, due


@dataclass(frozen=True, slots=True)
class FiledBatch:
    """What a filing of a whole batch did, and what it left for which reason."""

    filed: tuple[RecordId, ...]
    left: tuple[tuple[RecordId, str], ...]


def due_of(
    unit: Unit,
    record: Record,
    tables: ReferenceTables,
    *,
    formed_on: dt.date | None = None,
    ended: tuple[str, ...] | None = None,
) -> Due:
    """The end of the record's term, from class, type and dates. Raises `InvalidInput` where the class is missing.

    `formed_on` and `ended` (values of `effective_to`) stand for what the record says, where it is asked what would be.
    """
    if record.class_code is None:
        raise InvalidInput(class_="missing")
    rule = tables.rule_for(record.class_code, type_code=record.type_code)
    if ended is None:
        rows = unit.rows(
            sa.select(Field.value)
            .where(Field.record_id == record.id, Field.name == "effective_to")
            .order_by(Field.position)
        )
        ended = tuple(row[0] for row in rows)
    written = parse_date(ended[-1]) if ended else None
    agreed = written.as_date() if written else None
    return due(rule, formed_on=formed_on or record.formed_on, agreement_ended_on=agreed)


def file_record(unit: Unit, record_id: RecordId, *, tables: ReferenceTables) -> Record:
    """File one record that is described. Raises `IllegalTransition`, `InvalidInput` naming what is missing."""
    record = unit.get(Record, record_id)
    unit.require(Action.RECORD_FILE, record)
    if record.state != RecordState.DESCRIBED:
        raise IllegalTransition(from_=record.state.value, to=RecordState.FILED.value)
    missing = {
        name: "missing"
        for name, value in (("type", record.type_code), ("class", record.class_code), ("formed_on", record.formed_on))
        if value is None
    }
    if missing:
        raise InvalidInput("not-ready-to-file", **missing)
    term = due_of(unit, record, tables)
    record.code = _number(unit, record, tables)  # first: it writes, and the row is to be written once
    record.retention_rule, record.retention_basis = term.rule, term.basis
    record.retention_outcome, record.due_on = term.outcome.value, term.due
    record.filed_at, record.filed_by = unit.clock.now(), unit.viewer.user_id
    unit.move(record, RecordState.FILED)
    unit.note(
        "record:filed", "record", record.id, code=record.code, rule=term.rule,
        due=term.due.isoformat() if term.due else None,
    )  # fmt: skip
    unit.later(
        refresh_job(record.id),
        Job("store.protect", {"record": str(record.id)}, key=f"protect:{record.id}"),
    )
    return record


def _number(unit: Unit, record: Record, tables: ReferenceTables) -> str:
    # One filing of a fonds at a time: series are begun once, and who wants several waits for nobody in a circle.
    fonds = unit.first(sa.select(Fonds).where(Fonds.id == record.fonds_id).with_for_update(key_share=True))
    if fonds is None:
        raise NotFound(kind="fonds")
    if record.class_code is None or record.formed_on is None:
        raise Conflict("not-ready-to-file")
    node = tables.classes.of(record.class_code)
    rule = tables.rule_for(record.class_code, type_code=record.type_code)
    series = SeriesKey.of(fonds.code, node=node, rule=rule, year=record.formed_on.year)
    key = str(series)
    statement = sa.select(NumberSeries).where(NumberSeries.key == key)
    row = unit.first(statement.execution_options(populate_existing=True))
    if row is None:
        row = NumberSeries(key=key, last=0)
        unit.add(Action.RECORD_FILE, row)
    unit.require(Action.RECORD_FILE, row)
    row.last += 1
    unit.flush()
    return build(
        ArchivalNumber(series=series, item=row.last), template=template_for(series, patterns=tables.number_patterns)
    )


def file_clear(unit: Unit, batch_id: UUID, *, tables: ReferenceTables) -> FiledBatch:
    """File every described record of a batch; what is not ready is left and named."""
    batch = unit.get(Batch, batch_id)
    unit.require(Action.RECORD_FILE)
    unit.rows(sa.select(Batch.id).where(Batch.id == batch.id).with_for_update())  # who files it too waits here
    statement = (
        sa.select(Record)
        .where(Record.batch_id == batch.id, Record.state == RecordState.DESCRIBED)
        .order_by(Record.formed_on, Record.created_at, Record.id)
    )
    filed, left = [], []
    for record in unit.all(statement):
        missing = reason_not_ready(unit, record, tables)
        if missing is not None:
            left.append((record.id, missing))
            continue
        file_record(unit, record.id, tables=tables)
        filed.append(record.id)
    unit.note("batch:filed", "batch", batch.id, filed=len(filed), left=len(left))
    return FiledBatch(tuple(filed), tuple(left))


def reason_not_ready(unit: Unit, record: Record, tables: ReferenceTables) -> str | None:
    """Why a described record cannot be filed yet; None if it can."""
    for name, value in (("type", record.type_code), ("class", record.class_code), ("formed-on", record.formed_on)):
        if value is None:
            return f"{name}-missing"
    try:
        due_of(unit, record, tables)
    except ArchiveError as fault:
        return fault.code
    return None


def explain(unit: Unit, record: Record, tables: ReferenceTables) -> dict[str, Any]:
    """Which rule decides, on what basis, from when, and when its term ends."""
    term = due_of(unit, record, tables)
    return {
        "record": str(record.id),
        "rule": term.rule,
        "basis": term.basis,
        "trigger": term.trigger.value,
        "from": term.from_.isoformat() if term.from_ else None,
        "due": term.due.isoformat() if term.due else None,
        "outcome": term.outcome.value,
        "state": term.state.value,
        "holds": [],
    }
