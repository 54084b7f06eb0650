"""What the intake pages show: the list of batches, and one batch with its balance, its files and its work.

Plain values read inside a unit; nothing here knows a request.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from archive_app import batches
from archive_app.batches import FileLine, Report, Work
from archive_app.core.model import Batch, Box, Fonds, IntakeFile, Page, Record
from archive_app.core.unit import Sessions, Unit
from archive_app.core.vocabulary import Action, BatchState, FondsId, IntakeOutcome, PageState, RecordState, UserId
from ingest.intake import Balance

#: Files shown at a time; the balance above them is always that of the whole batch.
FILES_A_PAGE = 200
_LIST = 100
_COUNTED = ("files", "sheets", "sides", "pages")


@dataclass(frozen=True, slots=True)
class BatchLine:
    """A batch in the list."""

    id: UUID
    number: str
    fonds: str
    source: str | None
    operator_id: UserId
    state: BatchState
    counts: Mapping[IntakeOutcome, int]
    declared: int | None
    age: float  # seconds since it was opened

    @property
    def received(self) -> int:
        """Files that arrived."""
        return sum(self.counts.values())

    @property
    def adds_up(self) -> bool:
        """Whether nothing waits and as many files came as were declared."""
        waiting = self.counts.get(IntakeOutcome.RECEIVED, 0)
        return not waiting and self.declared in (None, self.received)


@dataclass(frozen=True, slots=True)
class RecordOfFile:
    """A record made from a file, as one line names it."""

    id: UUID
    code: str
    title: str
    state: RecordState
    has_picture: bool


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file with the records that it, or the file it equals, became. `stamp` changes whenever what is shown does."""

    line: FileLine
    records: tuple[RecordOfFile, ...]

    @property
    def stamp(self) -> str:
        """Equal stamps look equal."""
        made = ",".join(f"{one.code}:{one.state.value}:{one.has_picture:d}" for one in self.records)
        return f"{self.line.outcome.value}|{self.line.pages}|{self.line.in_quarantine:d}|{made}"

    @property
    def thumbnail(self) -> RecordOfFile | None:
        """The first record, if its first page has a picture."""
        return self.records[0] if self.records and self.records[0].has_picture else None


@dataclass(frozen=True, slots=True)
class Declaration:
    """One thing that was declared, beside what was found; sheets fit where each has one or two sides."""

    what: str
    declared: int | None
    found: int | None
    differs: bool


@dataclass(frozen=True, slots=True)
class BatchPage:
    """Everything the page of a batch shows."""

    batch: Batch
    fonds: str
    box: str | None
    balance: Balance
    work: Work
    rows: tuple[FileRow, ...]
    shown: IntakeOutcome | None
    start: int
    total: int  # files under the filter
    declarations: tuple[Declaration, ...]
    states: Mapping[RecordState, int]

    @property
    def is_open(self) -> bool:
        """Whether files may still come in."""
        return self.batch.state == BatchState.OPEN

    @property
    def is_working(self) -> bool:
        """Whether anything is still to be examined, read or described."""
        return bool(self.work.waiting or self.balance.waiting)

    @property
    def next_start(self) -> int | None:
        """Where the next part of the files begins."""
        after = self.start + FILES_A_PAGE
        return after if after < self.total else None


def batch_lines(unit: Unit) -> list[BatchLine]:
    """The newest batches of the viewer's scope, open ones first."""
    statement = (
        sa.select(Batch, Fonds.code)
        .join(Fonds, Fonds.id == Batch.fonds_id)
        .order_by(Batch.created_at.desc())
        .limit(_LIST)
    )
    opened = unit.rows(statement.where(Batch.state == BatchState.OPEN))
    found = [*opened, *unit.rows(statement.where(Batch.state != BatchState.OPEN))][:_LIST]
    counts = _counts(unit, [batch.id for batch, _ in found])
    now = unit.clock.now()
    return [
        BatchLine(
            id=batch.id,
            number=batch.number,
            fonds=fonds,
            source=batch.source,
            operator_id=batch.operator_id,
            state=batch.state,
            counts=counts.get(batch.id, {}),
            declared=batch.declared_files,
            age=(now - batch.created_at).total_seconds(),
        )
        for batch, fonds in found
    ]


def _counts(unit: Unit, batch_ids: Sequence[UUID]) -> dict[UUID, dict[IntakeOutcome, int]]:
    statement = (
        sa.select(IntakeFile.batch_id, IntakeFile.outcome, sa.func.count())
        .where(IntakeFile.batch_id.in_(batch_ids))
        .group_by(IntakeFile.batch_id, IntakeFile.outcome)
    )
    counts: dict[UUID, dict[IntakeOutcome, int]] = {}
    for batch_id, outcome, number in unit.rows(statement):
        counts.setdefault(batch_id, {})[outcome] = number
    return counts


def fonds_choices(unit: Unit) -> list[tuple[FondsId, str, str]]:
    """Id, code and name of the fonds the viewer may take in for."""
    statement = sa.select(Fonds.id, Fonds.code, Fonds.name).where(Fonds.id.in_(unit.viewer.fonds))
    return [(row[0], row[1], row[2]) for row in unit.rows(statement.order_by(Fonds.code))]


def batch_page(
    unit: Unit,
    sessions: Sessions,
    batch_id: UUID,
    *,
    language: str,
    shown: IntakeOutcome | None = None,
    start: int = 0,
) -> BatchPage:
    """The page of one batch. Raises `NotFound`."""
    report = batches.report(unit, batch_id, language=language)
    lines = [line for line in report.files if shown is None or line.outcome == shown]
    part = lines[start : start + FILES_A_PAGE]
    made = _records(unit, batch_id, [line.equals.id for line in part if line.equals])
    batch = report.batch
    return BatchPage(
        batch=batch,
        fonds=unit.get(Fonds, batch.fonds_id).code,
        box=unit.get(Box, batch.box_id).code if batch.box_id else None,
        balance=report.balance,
        work=batches.work_of(unit, sessions, batch_id),
        rows=tuple(FileRow(line, made.get(line.equals.id if line.equals else line.id, ())) for line in part),
        shown=shown,
        start=start,
        total=len(lines),
        declarations=_declarations(report),
        states=_states(unit, batch_id),
    )


def _records(unit: Unit, batch_id: UUID, others: Sequence[UUID]) -> dict[UUID, tuple[RecordOfFile, ...]]:
    """The records of each file, also of `others`; nothing for who may not read records, whose titles name persons."""
    if not (unit.viewer.may(Action.RECORD_READ) and unit.viewer.may(Action.VALUE_UNMASK)):
        return {}
    statement = (
        sa.select(
            Record.intake_file_id, Record.id, Record.code, Record.title, Record.state, Page.state, Page.has_picture
        )
        .outerjoin(Page, sa.and_(Page.record_id == Record.id, Page.number == 1))
        .where(
            sa.or_(Record.batch_id == batch_id, Record.intake_file_id.in_(others)),
            Record.state != RecordState.WITHDRAWN,
        )
        .order_by(Record.created_at, Record.code)
    )
    made: dict[UUID, list[RecordOfFile]] = {}
    for file_id, ident, code, title, state, page_state, has_picture in unit.rows(statement):
        if file_id is not None:
            drawn = bool(has_picture) and page_state not in (None, PageState.WAITING)
            made.setdefault(file_id, []).append(RecordOfFile(ident, code, title, state, drawn))
    return {file_id: tuple(records) for file_id, records in made.items()}


def _declarations(report: Report) -> tuple[Declaration, ...]:
    found = {"files": report.balance.received, "pages": report.balance.pages, "sides": report.balance.pages}
    differing = report.balance.differences
    return tuple(
        Declaration(what, getattr(report.balance.declared, what), found.get(what), what in differing)
        for what in _COUNTED
        if getattr(report.balance.declared, what) is not None
    )


def _states(unit: Unit, batch_id: UUID) -> dict[RecordState, int]:
    statement = sa.select(Record.state, sa.func.count()).where(
        Record.batch_id == batch_id, Record.state != RecordState.WITHDRAWN
    )
    return {row[0]: row[1] for row in unit.rows(statement.group_by(Record.state))}
