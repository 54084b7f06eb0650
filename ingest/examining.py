"""The job `intake.examine`: a file that arrived is opened in a child, and becomes accepted, duplicate or refused.

An accepted file becomes one record with its pages; its bytes are adopted under the record's own key before the row is
written. Boundaries inside a stack are drawn later, when the pages are read; until then its bytes stay as they arrived.
A file of one page is its own master, and its bytes as they arrived are let go at once.
"""

from dataclasses import replace
from typing import NamedTuple
from uuid import UUID, uuid5

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from archive_app.core.archival_number import provisional
from archive_app.core.errors import ContentMissing, Refused
from archive_app.core.following import read_job, release_intake_job
from archive_app.core.model import Batch, Component, Fonds, IntakeFile, Record
from archive_app.core.ports import StoredObject, StoreKey
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import (
    Action,
    ComponentKind,
    IntakeOutcome,
    Level,
    RecordId,
    RecordState,
    Viewer,
)
from ingest.opening.model import Examination
from ingest.releasing import let_go_of_arrived
from ingest.viewing_copies import ViewingCopy, component_of, make_copy, seen_through
from ingest.workshop import Workshop, intake_key

_SAME = aliased(IntakeFile)
#: A file, the code of its fonds, its batch's box, and an accepted file of the same fonds with the same bytes.
_ARRIVED = (
    sa.select(
        IntakeFile,
        Fonds.code,
        Batch.box_id,
        sa.select(_SAME.id)
        .where(
            _SAME.fonds_id == IntakeFile.fonds_id,
            _SAME.sha256 == IntakeFile.sha256,
            _SAME.outcome == IntakeOutcome.ACCEPTED,
            _SAME.id != IntakeFile.id,
        )
        .order_by(_SAME.created_at, _SAME.id)
        .limit(1)
        .scalar_subquery(),
    )
    .join(Fonds, Fonds.id == IntakeFile.fonds_id)
    .join(Batch, Batch.id == IntakeFile.batch_id)
    .where(IntakeFile.id == sa.bindparam("file"))
)


class _Arrived(NamedTuple):
    """A row of `_ARRIVED`."""

    row: IntakeFile
    fonds: str
    box_id: UUID | None
    earlier: UUID | None

    @property
    def key(self) -> StoreKey:
        """Where its bytes are as they arrived."""
        return intake_key(self.fonds, self.row.id, self.row.sha256)


def examine(workshop: Workshop, viewer: Viewer, file_id: UUID) -> None:
    """Examine one file; done already, or by another meanwhile, is done."""
    try:
        _examine(workshop, viewer, file_id)
    except ContentMissing:
        with workshop.reading(viewer) as unit:
            if _arrived(unit, file_id).row.outcome == IntakeOutcome.RECEIVED:
                raise  # nobody was quicker, who would have let go of the bytes


def _examine(workshop: Workshop, viewer: Viewer, file_id: UUID) -> None:
    with workshop.reading(viewer) as unit:
        arrived = _arrived(unit, file_id)
    if arrived.row.outcome == IntakeOutcome.ACCEPTED and not arrived.row.bytes_kept:
        let_go_of_arrived(workshop, arrived.fonds, arrived.row)  # a worker may have died between row and bytes
    if arrived.row.outcome != IntakeOutcome.RECEIVED:
        return
    if arrived.earlier is not None:
        _end(workshop, viewer, file_id, IntakeOutcome.DUPLICATE, equals=arrived.earlier)
        return
    # The same id at every attempt: a crash between bytes and row leaves nothing that a second attempt does not use.
    record_id = RecordId(uuid5(file_id, "record"))
    try:
        with workshop.store.as_file(arrived.key, version_id=arrived.row.version_id) as path:
            found = workshop.opener().examine(path, name=arrived.row.path)
            copy = make_copy(workshop, path, found, fonds=arrived.fonds, owner=record_id)
    except Refused as refusal:
        _end(workshop, viewer, file_id, IntakeOutcome.REFUSED, refusal=refusal)
        return
    with workshop.locks.holding(file_id, record_id):
        master = workshop.store.adopt(arrived.key, owner=record_id, version_id=arrived.row.version_id)
        with workshop.unit(viewer) as unit:
            arrived = _arrived(unit, file_id)
            is_new = arrived.row.outcome == IntakeOutcome.RECEIVED
            if is_new and arrived.earlier is None:
                _accept(unit, arrived, record_id, master, found, copy=copy)
        if is_new and not arrived.row.bytes_kept:
            let_go_of_arrived(workshop, arrived.fonds, arrived.row)
    if is_new and arrived.earlier is not None:
        _end(workshop, viewer, file_id, IntakeOutcome.DUPLICATE, equals=arrived.earlier)


def _arrived(unit: Unit, file_id: UUID) -> _Arrived:
    found = unit.rows(_ARRIVED.params(file=file_id))
    if not found:
        unit.get(IntakeFile, file_id)  # raises, and writes the miss down
    return _Arrived(*found[0])


def _end(
    workshop: Workshop,
    viewer: Viewer,
    file_id: UUID,
    outcome: IntakeOutcome,
    *,
    equals: UUID | None = None,
    refusal: Refused | None = None,
) -> None:
    """Write down a duplicate or a refusal. A refused file's bytes stay in quarantine; a duplicate's are released."""
    with workshop.unit(viewer) as unit:
        row = unit.get(IntakeFile, file_id)
        if row.outcome != IntakeOutcome.RECEIVED:
            return
        unit.require(Action.INTAKE_WRITE, row)
        row.outcome, row.equals_file_id = outcome, equals
        if refusal is not None:
            row.reason, row.reason_facts = refusal.code, dict(refusal.parameters)
        unit.note(f"intake:{outcome}", "intake-file", row.id, reason=row.reason, equals=str(equals) if equals else None)
        if outcome == IntakeOutcome.DUPLICATE:
            unit.later(release_intake_job(row.id))


def _accept(
    unit: Unit,
    arrived: _Arrived,
    record_id: RecordId,
    master: StoredObject,
    examined: Examination,
    *,
    copy: ViewingCopy | None,
) -> None:
    row = arrived.row
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
        batch_id=row.batch_id,
        box_id=arrived.box_id,
        intake_file_id=row.id,
        created_at=now,
    )
    component = Component.of(
        record,
        replace(master, sm3=row.sm3),  # the same bytes, whether or not the store notes it
        id=uuid5(record_id, master.key.sha256),
        kind=ComponentKind.MASTER,
        media_type=found.media_type,
        format=found.format,
        name=row.path.rsplit("/", 1)[-1][:255],
        notes=list(found.notes),
        created_at=now,
    )
    pages = component.new_pages(found.shapes, has_picture=found.has_picture)
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
