"""The job `record.describe` (著录): boundaries, type, class, values and parties of a record whose pages are read."""

from uuid import uuid4

import sqlalchemy as sa

from archive_app.core.following import refresh_job, release_intake_job
from archive_app.core.model import Field, IntakeFile, Page, Record
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import Action, IntakeOutcome, PageState, RecordId, RecordState, Viewer
from ingest.arranging import Group, arrange
from ingest.describing.boundaries import boundaries
from ingest.describing.describe import describe
from ingest.describing.model import Description, ReadPage
from ingest.kept_lines import line_from
from ingest.parties import link_parties
from ingest.workshop import Workshop

#: Why a person looks at a record from which a page was taken out to be scanned again; it stays until the page is back.
AWAITED = "page-awaited"


def catalogue(workshop: Workshop, viewer: Viewer, record_id: RecordId) -> None:
    """Describe one record; a stack with certain boundaries is split first, and each part described on its own."""
    with workshop.reading(viewer) as unit:
        record = unit.get(Record, record_id)
        if record.state != RecordState.READ:
            return
        rows = unit.all(sa.select(Page).where(Page.record_id == record_id).order_by(Page.number))
        pages = tuple(read_page_of(row) for row in rows)
        idents = tuple(row.id for row in rows)
        failed = any(row.state == PageState.FAILED for row in rows)
        decided = record.boundaries_set
    if not decided and not failed and len(pages) > 1:
        groups = boundaries(pages, workshop.tables)
        if len(groups) > 1:
            places = dict(zip((page.number for page in pages), idents, strict=True))
            _split(workshop, viewer, record_id, [tuple(places[number] for number in group) for group in groups])
            return
    description = describe(pages, workshop.tables, today=workshop.clock.today())
    with workshop.unit(viewer) as unit:
        record = unit.get(Record, record_id)
        if record.state == RecordState.READ:
            extra = [*kept_reasons(record), *(["page-failed"] if failed else [])]
            apply(unit, record, description, extra=extra, workshop=workshop)


def kept_reasons(record: Record) -> list[str]:
    """Why a person must look at the record whatever it is described as."""
    return [reason for reason in record.review if reason == AWAITED]


def read_page_of(row: Page) -> ReadPage:
    """A page row as describing takes it in; a failed page has no lines."""
    return ReadPage(
        number=row.number,
        width=row.width,
        height=row.height,
        rotation=row.rotation,
        lines=tuple(line_from(line) for line in row.lines),
    )


def _split(workshop: Workshop, viewer: Viewer, record_id: RecordId, groups: list[tuple[object, ...]]) -> None:
    plan = [Group(group, record_id if place == 0 else None) for place, group in enumerate(groups)]  # type: ignore[arg-type]
    arrange(workshop, viewer, plan)


def apply(unit: Unit, record: Record, description: Description, *, extra: list[str], workshop: Workshop) -> None:
    """Write a description into a record: columns, values, parties; then review or described."""
    unit.require(Action.RECORD_REVIEW, record)
    is_new = record.version == 1  # nobody has said anything of it yet
    if record.level != description.level:
        record.level = description.level
        unit.flush()  # children carry the level: the database moves it on to those that are there
    if not is_new:
        unit.remove(Action.RECORD_REVIEW, *unit.all(sa.select(Field).where(Field.record_id == record.id)))
    unit.add(Action.RECORD_REVIEW, *_fields(record, description))
    differing = link_parties(unit, record, description.parties, hasher=workshop.hasher, is_new=is_new)
    # The record itself comes last: what is asked before would write it several times.
    record.type_code = description.type.type if description.type else None
    record.type_confidence = description.type_confidence
    record.type_reasons = list(description.type_reasons)
    record.class_code = description.class_code
    record.title = description.title[:300] or record.title
    record.formed_on = description.formed_on
    record.document_number = description.document_number
    record.review = list(dict.fromkeys([*extra, *description.review, *differing]))
    if record.state == RecordState.CAPTURED:  # its page was read a moment ago
        unit.move(record, RecordState.READ)
    unit.move(record, RecordState.REVIEW if record.review else RecordState.DESCRIBED)
    unit.note(
        "record:described",
        "record",
        record.id,
        type=record.type_code,
        score=record.type_confidence,
        review=record.review,
    )
    unit.later(refresh_job(record.id))
    _release_intake(unit, record)


def _fields(record: Record, description: Description) -> list[Field]:
    return [
        Field(
            id=uuid4(),
            record_id=record.id,
            fonds_id=record.fonds_id,
            level=record.level,
            position=position,
            name=value.key,
            value=value.value,
            as_read=value.as_read,
            page=value.page,
            row=value.row,
            box=list(value.box),
            confidence=value.confidence,
            checks=[{"id": check.id, "passed": check.passed} for check in value.checks],
            state=value.state,
        )
        for position, value in enumerate(description.fields)
    ]


def _release_intake(unit: Unit, record: Record) -> None:
    """A single-record file is its own master: the intake's hold on the bytes ends. A stack is kept for its children."""
    if record.intake_file_id is None:
        return
    kept = sa.select(IntakeFile.id).where(
        IntakeFile.id == record.intake_file_id,
        IntakeFile.outcome == IntakeOutcome.ACCEPTED,
        IntakeFile.bytes_kept,
    )
    if unit.rows(kept):
        siblings = unit.count(sa.select(Record.id).where(Record.intake_file_id == record.intake_file_id))
        if siblings == 1:
            unit.later(release_intake_job(record.intake_file_id))
