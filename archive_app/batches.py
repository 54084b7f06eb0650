"""What became of a batch: one line a file in the contract's shape, a summary, and whether work is still under way."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute

from archive_app.core.model import Batch, Fonds, IntakeFile, Page, QueuedJob, Record
from archive_app.core.unit import Sessions, Unit
from archive_app.core.vocabulary import IntakeOutcome, JobState, RecordState
from ingest.intake import Balance, balance
from ingest.reasons import message

_PART = 500  # ids in one statement


@dataclass(frozen=True, slots=True)
class Earlier:
    """The file that was taken in before, which a duplicate equals, with the records it became."""

    id: UUID
    file: str
    batch: UUID
    number: str
    records: tuple[UUID, ...]

    def as_json(self) -> dict[str, object]:
        """As a report gives it."""
        return {"file": self.file, "batch": str(self.batch), "records": [str(record) for record in self.records]}


@dataclass(frozen=True, slots=True)
class FileLine:
    """One file of the report."""

    id: UUID
    file: str
    outcome: IntakeOutcome
    reason: str | None
    message: str
    digest: str
    pages: int | None
    records: tuple[UUID, ...]
    size: int
    format: str | None
    notes: tuple[str, ...]
    equals: Earlier | None
    in_quarantine: bool

    def as_json(self) -> dict[str, object]:
        """As the contract gives it; a duplicate also with what it `equals`."""
        facts: dict[str, object] = {
            "file": self.file,
            "outcome": self.outcome.value,
            "reason": self.reason,
            "message": self.message,
            "digest": f"sha256:{self.digest}",
            "pages": self.pages,
            "records": [str(record) for record in self.records],
        }
        if self.equals:
            facts["equals"] = self.equals.as_json()
        return facts


@dataclass(frozen=True, slots=True)
class Report:
    """The batch as it stands."""

    batch: Batch
    files: tuple[FileLine, ...]
    balance: Balance

    def summary(self) -> dict[str, object]:
        """The closing line of the contract."""
        found = self.balance
        return {
            "summary": {
                "accepted": found.accepted,
                "duplicate": found.duplicate,
                "refused": found.refused,
                "pages": found.pages,
                "records": found.records,
            },
            "batch": str(self.batch.id),
        }


def report(unit: Unit, batch_id: UUID, *, language: str = "en") -> Report:
    """The report of a batch in the viewer's scope. Raises `NotFound`."""
    batch = unit.get(Batch, batch_id)
    rows = unit.all(sa.select(IntakeFile).where(IntakeFile.batch_id == batch_id).order_by(IntakeFile.sequence))
    records = _records(unit, Record.batch_id == batch_id)
    earlier = _earlier(unit, [row.equals_file_id for row in rows if row.equals_file_id])
    lines = tuple(_line(row, records.get(row.id, ()), earlier.get(row.equals_file_id), language) for row in rows)
    return Report(batch, lines, balance(unit, batch))


def _records(unit: Unit, where: sa.ColumnElement[bool]) -> dict[UUID, tuple[UUID, ...]]:
    """The records of each intake file, as far as the viewer may see them."""
    found: dict[UUID, tuple[UUID, ...]] = {}
    statement = sa.select(Record.intake_file_id, Record.id).where(where, Record.state != RecordState.WITHDRAWN)
    for file_id, record_id in unit.rows(statement.order_by(Record.created_at, Record.code)):
        if file_id is not None:
            found[file_id] = (*found.get(file_id, ()), record_id)
    return found


def _earlier(unit: Unit, idents: Sequence[UUID]) -> dict[UUID | None, Earlier]:
    """Of these intake files those that the viewer may see."""
    found: dict[UUID | None, Earlier] = {}
    for start in range(0, len(idents), _PART):
        part = idents[start : start + _PART]
        records = _records(unit, Record.intake_file_id.in_(part))
        statement = (
            sa.select(IntakeFile.id, IntakeFile.path, Batch.id, Batch.number)
            .join(Batch, Batch.id == IntakeFile.batch_id)
            .where(IntakeFile.id.in_(part))
        )
        for ident, path, batch, number in unit.rows(statement):
            found[ident] = Earlier(ident, path, batch, number, records.get(ident, ()))
    return found


def _line(row: IntakeFile, records: tuple[UUID, ...], equals: Earlier | None, language: str) -> FileLine:
    return FileLine(
        id=row.id,
        file=row.path,
        outcome=row.outcome,
        reason=row.reason or ("duplicate" if row.outcome == IntakeOutcome.DUPLICATE else None),
        message=_message(row, equals, language),
        digest=row.sha256,
        pages=row.pages,
        records=records,
        size=row.size,
        format=row.format,
        notes=tuple(row.notes),
        equals=equals,
        in_quarantine=row.outcome == IntakeOutcome.REFUSED and row.bytes_kept,
    )


def _message(row: IntakeFile, equals: Earlier | None, language: str) -> str:
    zh = language.startswith("zh")
    if row.outcome == IntakeOutcome.REFUSED and row.reason:
        return message(row.reason, language, row.reason_facts)
    if row.outcome == IntakeOutcome.DUPLICATE:
        which = f"（批次 {equals.number}，{equals.file}）" if equals else ""
        if zh:
            return f"与已入库的文件{which}逐字节相同，未重复入库。"
        which = f": {equals.file} of batch {equals.number}" if equals else ""
        return f"Equal, byte for byte, to a file taken in before{which}."
    if row.outcome == IntakeOutcome.ACCEPTED:
        return "已入库。" if zh else "Taken in."
    return "等待检查。" if zh else "Waiting to be examined."


@dataclass(frozen=True, slots=True)
class Work:
    """Jobs of a batch that are under way, and those given up with their reasons."""

    waiting: int
    buried: tuple[tuple[str, str], ...]
    pages_done: int
    pages: int


def work_of(unit: Unit, sessions: Sessions, batch_id: UUID) -> Work:
    """What is still to do for a batch."""
    unit.get(Batch, batch_id)
    files = [row[0] for row in unit.rows(sa.select(IntakeFile.id).where(IntakeFile.batch_id == batch_id))]
    records = [row[0] for row in unit.rows(sa.select(Record.id).where(Record.batch_id == batch_id))]
    pages = unit.rows(
        sa.select(Page.id, Page.state).join(Record, Record.id == Page.record_id).where(Record.batch_id == batch_id)
    )
    keys = [f"{what}:{ident}" for ident in files for what in ("examine", "release")]
    keys += [f"read:{row[0]}" for row in pages]
    keys += [f"{what}:{ident}" for ident in records for what in ("describe", "refresh")]
    waiting, buried = _jobs(sessions, keys)
    return Work(waiting, tuple(buried), sum(row[1] != "waiting" for row in pages), len(pages))


def _jobs(sessions: Sessions, keys: Sequence[str]) -> tuple[int, list[tuple[str, str]]]:
    waiting, buried = 0, []
    table = QueuedJob.__table__
    with sessions.reading() as session:
        for start in range(0, len(keys), _PART):
            statement = sa.select(table.c.name, table.c.state, table.c.reason).where(
                table.c.key.in_(keys[start : start + _PART]), table.c.state != JobState.DONE
            )
            for name, state, reason in session.connection().execute(statement):
                if state == JobState.BURIED:
                    buried.append((name, reason or ""))
                else:
                    waiting += 1
    return waiting, buried


def named(fonds: str, number: str) -> str:
    """A batch as people call it: numbers begin anew in each fonds."""
    return f"{fonds} · {number}"


@dataclass(frozen=True, slots=True)
class Running:
    """A batch that is worked on: how many of its papers (`all`: files not examined yet, and records) are not done."""

    batch: UUID
    name: str
    left: int
    all: int


def running(unit: Unit, sessions: Sessions) -> tuple[Running, ...]:
    """Batches of the viewer's scope with files to examine or records to read, newest first; none if no job waits."""
    table = QueuedJob.__table__
    with sessions.reading() as session:
        waits = sa.select(table.c.id).where(table.c.state.in_([JobState.QUEUED, JobState.LEASED])).limit(1)
        if session.connection().execute(waits).first() is None:
            return ()  # what is left then was given up, and waits for a person
    unread = Record.state.in_([RecordState.CAPTURED, RecordState.READ])
    left = _by_batch(unit, sa.select(Record.batch_id, sa.func.count()).where(unread), Record.batch_id)
    unexamined = sa.select(IntakeFile.batch_id, sa.func.count()).where(IntakeFile.outcome == IntakeOutcome.RECEIVED)
    files = _by_batch(unit, unexamined, IntakeFile.batch_id)
    batches = unit.all(sa.select(Batch).where(Batch.id.in_([*left, *files])).order_by(Batch.created_at.desc()))
    records = _by_batch(
        unit,
        sa.select(Record.batch_id, sa.func.count()).where(
            Record.batch_id.in_([batch.id for batch in batches]), Record.state != RecordState.WITHDRAWN
        ),
        Record.batch_id,
    )
    codes = {row[0]: row[1] for row in unit.rows(sa.select(Fonds.id, Fonds.code))}
    return tuple(
        Running(
            batch.id,
            named(codes[batch.fonds_id], batch.number),
            left.get(batch.id, 0) + files.get(batch.id, 0),
            records.get(batch.id, 0) + files.get(batch.id, 0),
        )
        for batch in batches
    )


def _by_batch(unit: Unit, statement: "sa.Select[Any, int]", column: "InstrumentedAttribute[Any]") -> dict[UUID, int]:
    return {row[0]: row[1] for row in unit.rows(statement.group_by(column)) if row[0] is not None}
