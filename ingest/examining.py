"""The job `intake.examine`: a file that arrived is opened in a child, and becomes accepted, duplicate or refused.

An accepted file becomes one record with its pages; its bytes are adopted under the record's own key before the row is
written. Boundaries inside a stack are drawn later, when the pages are read; until then its bytes stay as they arrived.
A file of one page is its own master, and its bytes as they arrived are let go at once.
"""

from dataclasses import dataclass
from uuid import UUID, uuid5

import sqlalchemy as sa

from archive_app.core.archival_number import provisional
from archive_app.core.errors import Refused
from archive_app.core.model import Batch, Component, Fonds, IntakeFile, Page, Record
from archive_app.core.ports import Job, StoredObject, Warrant
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import (
    Action,
    ComponentKind,
    IntakeOutcome,
    Lane,
    Level,
    RecordId,
    RecordState,
    Viewer,
)
from ingest.opening.model import Examination
from ingest.viewing_copies import ViewingCopy, component_of, make_copy, seen_through
from ingest.workshop import Workshop, intake_key


@dataclass(frozen=True, slots=True)
class _Arrived:
    id: UUID
    fonds: str
    sha256: str
    path: str
    version_id: str | None


def examine(workshop: Workshop, viewer: Viewer, file_id: UUID) -> None:
    """Examine one file; done already is done."""
    with workshop.reading(viewer) as unit:
        row = unit.get(IntakeFile, file_id)
        arrived = _Arrived(row.id, unit.get(Fonds, row.fonds_id).code, row.sha256, row.path, row.version_id)
        is_new = row.outcome == IntakeOutcome.RECEIVED
        let_go = row.outcome == IntakeOutcome.ACCEPTED and not row.bytes_kept
        earlier = _equal(unit, row) if is_new else None
    if let_go:  # its worker may have died between the row and the bytes
        _let_go(workshop, arrived)
    if not is_new:
        return
    if earlier is not None:
        _end(workshop, viewer, arrived, IntakeOutcome.DUPLICATE, equals=earlier)
        return
    key = intake_key(arrived.fonds, arrived.id, arrived.sha256)
    # The same id at every attempt: a crash between bytes and row leaves nothing that a second attempt does not use.
    record_id = RecordId(uuid5(arrived.id, "record"))
    try:
        with workshop.store.as_file(key, version_id=arrived.version_id) as path:
            found = workshop.opener().examine(path, name=arrived.path)
            copy = make_copy(workshop, path, found, fonds=arrived.fonds, owner=record_id)
    except Refused as refusal:
        _end(workshop, viewer, arrived, IntakeOutcome.REFUSED, refusal=refusal)
        return
    with workshop.locks.holding(arrived.id, record_id):
        master = workshop.store.adopt(key, owner=record_id, version_id=arrived.version_id)
        with workshop.unit(viewer) as unit:
            row = unit.get(IntakeFile, file_id)
            if row.outcome == IntakeOutcome.RECEIVED:
                earlier = _equal(unit, row)
                if earlier is None:
                    _accept(unit, row, record_id, master, found, copy=copy)
                    let_go = not row.bytes_kept
        if let_go:
            _let_go(workshop, arrived)
    if earlier is not None:
        _end(workshop, viewer, arrived, IntakeOutcome.DUPLICATE, equals=earlier)


def _let_go(workshop: Workshop, arrived: _Arrived) -> None:
    """Its bytes as they arrived are not needed any more: the row says so already."""
    key = intake_key(arrived.fonds, arrived.id, arrived.sha256)
    workshop.store.destroy(Warrant(key, "its record has a master of its own", arrived.id, arrived.version_id))


def _equal(unit: Unit, row: IntakeFile) -> UUID | None:
    """An accepted file of the same fonds with the same bytes."""
    found = unit.rows(
        sa.select(IntakeFile.id).where(
            IntakeFile.fonds_id == row.fonds_id,
            IntakeFile.sha256 == row.sha256,
            IntakeFile.outcome == IntakeOutcome.ACCEPTED,
            IntakeFile.id != row.id,
        )
    )
    return found[0][0] if found else None


def _end(
    workshop: Workshop,
    viewer: Viewer,
    arrived: _Arrived,
    outcome: IntakeOutcome,
    *,
    equals: UUID | None = None,
    refusal: Refused | None = None,
) -> None:
    """Write down a duplicate or a refusal. A refused file's bytes stay in quarantine; a duplicate's are released."""
    with workshop.unit(viewer) as unit:
        row = unit.get(IntakeFile, arrived.id)
        if row.outcome != IntakeOutcome.RECEIVED:
            return
        unit.require(Action.INTAKE_WRITE, row)
        row.outcome, row.equals_file_id = outcome, equals
        if refusal is not None:
            row.reason, row.reason_facts = refusal.code, dict(refusal.parameters)
        unit.note(f"intake:{outcome}", "intake-file", row.id, reason=row.reason, equals=str(equals) if equals else None)
        if outcome == IntakeOutcome.DUPLICATE:
            unit.later(release_job(row.id))


def release_job(file_id: UUID) -> Job:
    """The job that lets go of an intake file's bytes once nothing needs them."""
    return Job("intake.release", {"file": str(file_id)}, key=f"release:{file_id}", lane=Lane.LIGHT)


def _accept(
    unit: Unit,
    row: IntakeFile,
    record_id: RecordId,
    master: StoredObject,
    examined: Examination,
    *,
    copy: ViewingCopy | None,
) -> None:
    batch = unit.get(Batch, row.batch_id)
    found = seen_through(examined, copy)
    unit.require(Action.INTAKE_WRITE, row)
    row.outcome, row.media_type, row.format = IntakeOutcome.ACCEPTED, found.media_type, found.format
    row.pages, row.notes = len(found.pages), list(found.notes)
    now = unit.clock.now()
    record = Record(
        id=record_id,
        fonds_id=row.fonds_id,
        # Until it is read nobody knows what it says: it is kept at the level most papers here have.
        level=Level.SENSITIVE,
        code=provisional(record_id),
        title=row.path.rsplit("/", 1)[-1][:300],
        state=RecordState.CAPTURED,
        batch_id=batch.id,
        box_id=batch.box_id,
        intake_file_id=row.id,
        created_at=now,
    )
    component = Component(
        id=uuid5(record_id, master.key.sha256),
        record_id=record_id,
        fonds_id=row.fonds_id,
        level=record.level,
        kind=ComponentKind.MASTER,
        sha256=master.key.sha256,
        sm3=row.sm3,
        size=master.size,
        media_type=found.media_type,
        format=found.format,
        version_id=master.version_id,
        name=row.path.rsplit("/", 1)[-1][:255],
        notes=list(found.notes),
        created_at=now,
    )
    pages = [
        Page(
            id=uuid5(record_id, f"page {number}"),
            record_id=record_id,
            fonds_id=row.fonds_id,
            level=record.level,
            number=number,
            component_id=component.id,
            master_page=number,
            width=shape.width,
            height=shape.height,
            dpi=shape.dpi,
            has_picture=found.has_picture,
        )
        for number, shape in enumerate(found.pages, start=1)
    ]
    unit.add(Action.INTAKE_WRITE, record)
    unit.flush()
    unit.add(Action.INTAKE_WRITE, component)
    if copy is not None:
        unit.add(Action.INTAKE_WRITE, component_of(unit, record, copy, master_sha256=component.sha256))
    unit.flush()
    unit.add(Action.INTAKE_WRITE, *pages)
    unit.note("intake:accepted", "intake-file", row.id, pages=len(pages), format=found.format)
    unit.note("record:captured", "record", record_id, sha256=master.key.sha256, intake_file=str(row.id))
    if len(pages) == 1:  # which cannot be a stack
        row.bytes_kept = False
        unit.note("intake:released", "intake-file", row.id)
    unit.later(*(read_job(page.id) for page in pages))


def read_job(page_id: UUID) -> Job:
    """The job that reads one page."""
    return Job("page.read", {"page": str(page_id)}, key=f"read:{page_id}", lane=Lane.OCR)
