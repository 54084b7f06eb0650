"""Batches and the arrival of files: spool, store, row and job, in that order; and the balance of a batch.

A batch fed again after an interruption neither loses nor doubles: the same path with the same bytes is the same file.
"""

import datetime as dt
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO
from uuid import UUID, uuid4, uuid5

import sqlalchemy as sa

from archive_app.core.errors import Conflict, InvalidInput, NotFound, Refused
from archive_app.core.model import Batch, Box, Fonds, IntakeFile, Page, Record
from archive_app.core.ports import Destruction, Job, StoredObject, StoreKey, Warrant
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import (
    Action,
    BatchState,
    FondsId,
    IntakeOutcome,
    Lane,
    RecordState,
    Viewer,
)
from ingest.workshop import Workshop, intake_key

_PATH_LENGTH = 1000


@dataclass(frozen=True, slots=True)
class Declared:
    """What the desk says it hands over; sheets, sides and pages are counted apart. None: not said."""

    files: int | None = None
    pages: int | None = None
    sheets: int | None = None
    sides: int | None = None


@dataclass(frozen=True, slots=True)
class Balance:
    """The equation of a batch: received = accepted + duplicate + refused (+ still waiting)."""

    received: int
    accepted: int
    duplicate: int
    refused: int
    waiting: int
    pages: int
    records: int
    declared: Declared

    @property
    def differences(self) -> tuple[str, ...]:
        """What does not add up, by name; empty if all does."""
        named = []
        if self.waiting:
            named.append("waiting")
        if self.declared.files is not None and self.declared.files != self.received:
            named.append("files")
        if self.declared.pages is not None and self.declared.pages != self.pages:
            named.append("pages")
        if self.declared.sides is not None and self.declared.sides != self.pages:
            named.append("sides")
        sheets = self.declared.sheets
        if sheets is not None and not sheets <= self.pages <= 2 * sheets:
            named.append("sheets")
        return tuple(named)


def open_batch(
    unit: Unit,
    *,
    fonds_id: FondsId,
    source: str | None = None,
    box: str | None = None,
    declared: Declared | None = None,
    ocr_engine: str | None = None,
) -> Batch:
    """Open a batch in a fonds of the viewer's scope."""
    fonds = unit.get(Fonds, fonds_id)
    declared = declared or Declared()
    for name in ("files", "pages", "sheets", "sides"):
        if (getattr(declared, name) or 0) < 0:
            raise InvalidInput(**{f"declared_{name}": "negative"})
    if ocr_engine not in (None, "rapidocr", "tesseract"):
        raise InvalidInput(ocr_engine="unknown")
    batch = Batch(
        id=uuid4(),
        fonds_id=fonds.id,
        number=_next_number(unit, fonds.id),
        source=source or None,
        box_id=_box(unit, fonds.id, box).id if box else None,
        operator_id=unit.viewer.user_id,
        ocr_engine=ocr_engine,
        declared_files=declared.files,
        declared_pages=declared.pages,
        declared_sheets=declared.sheets,
        declared_sides=declared.sides,
        created_at=unit.clock.now(),
    )
    unit.add(Action.INTAKE_WRITE, batch)
    unit.note("batch:opened", "batch", batch.id, number=batch.number, source=source, fonds=fonds.code)
    return batch


def fonds_in_scope(unit: Unit, code: str | None) -> FondsId:
    """The fonds of that code, or the only one in the viewer's scope. Raises `NotFound`, `InvalidInput`."""
    scope = unit.viewer.fonds
    if code:
        found = unit.first(sa.select(Fonds).where(Fonds.code == code))
        if found is None or found.id not in scope:
            raise NotFound(kind="fonds")
        return found.id
    if len(scope) != 1:
        raise InvalidInput(fonds="name one: there is not exactly one in your scope")
    return next(iter(scope))


def _next_number(unit: Unit, fonds_id: FondsId) -> str:
    # The fonds is held to the end of the unit: two that open a batch at the same moment get two numbers.
    unit.first(sa.select(Fonds).where(Fonds.id == fonds_id).with_for_update(key_share=True))
    year = f"{unit.clock.today():%Y}-"
    statement = sa.select(Batch).where(Batch.fonds_id == fonds_id, Batch.number.startswith(year))
    return f"{year}{unit.count(statement) + 1:03d}"


def _box(unit: Unit, fonds_id: FondsId, code: str) -> Box:
    found: Box | None = unit.first(sa.select(Box).where(Box.fonds_id == fonds_id, Box.code == code))
    if found is None:
        found = Box(id=uuid4(), fonds_id=fonds_id, code=code)
        unit.add(Action.INTAKE_WRITE, found)
        unit.flush()
    return found


def receive(workshop: Workshop, viewer: Viewer, batch_id: UUID, source: BinaryIO, *, path: str) -> UUID:
    """Take one file into a batch: its bytes first, then its row with the job that examines it.

    Gives the intake file's id. Raises `NotFound` for a batch out of sight, `Conflict` for one signed off,
    `Refused("too-large")`, `Unavailable` if the store fails.
    """
    name = clean_path(path)
    with workshop.reading(viewer) as unit:
        batch = _open(unit.get(Batch, batch_id))
        unit.require(Action.INTAKE_WRITE)
        fonds = unit.get(Fonds, batch.fonds_id).code
    ident = uuid4()
    stored = workshop.store.put(source, fonds=fonds, owner=ident, limit=workshop.limit_bytes)
    with workshop.unit(viewer) as unit:
        batch = _open(unit.get(Batch, batch_id))
        same = sa.select(IntakeFile).where(
            IntakeFile.batch_id == batch_id, IntakeFile.path == name, IntakeFile.sha256 == stored.key.sha256
        )
        known: IntakeFile | None = unit.first(same)
        if known is None:
            _register(unit, batch, ident, name, stored)
    if known is not None:
        workshop.store.destroy(Warrant(stored.key, "fed again", known.id, stored.version_id))
        return known.id
    return ident


def _open(batch: Batch) -> Batch:
    if batch.state != BatchState.OPEN:
        raise Conflict("batch-signed-off")
    return batch


def _register(unit: Unit, batch: Batch, ident: UUID, name: str, stored: StoredObject) -> None:
    unit.add(Action.INTAKE_WRITE, _row(unit, batch, ident, name, stored))
    unit.note("intake:received", "intake-file", ident, path=name, sha256=stored.key.sha256, size=stored.size)
    unit.later(Job("intake.examine", {"file": str(ident)}, key=f"examine:{ident}", lane=Lane.LIGHT, priority=5))


def _row(unit: Unit, batch: Batch, ident: UUID, name: str, stored: StoredObject) -> IntakeFile:
    last = unit.rows(sa.select(sa.func.max(IntakeFile.sequence)).where(IntakeFile.batch_id == batch.id))[0][0]
    return IntakeFile(
        id=ident,
        batch_id=batch.id,
        fonds_id=batch.fonds_id,
        sequence=(last or 0) + 1,
        path=name,
        sha256=stored.key.sha256,
        sm3=stored.sm3,
        size=stored.size,
        version_id=stored.version_id,
        created_at=unit.clock.now(),
    )


def refuse_unread(
    workshop: Workshop, viewer: Viewer, batch_id: UUID, *, path: str, size: int, refusal: Refused
) -> UUID:
    """Register a file of which nothing could be kept (too large, unreadable), so that the balance still holds."""
    name = clean_path(path)
    ident = uuid5(batch_id, f"unread {name}")
    with workshop.unit(viewer) as unit:
        batch = _open(unit.get(Batch, batch_id))
        if unit.first(sa.select(IntakeFile).where(IntakeFile.id == ident)) is None:
            nothing = StoredObject(StoreKey("", ident, ident.hex.ljust(64, "0")), size, None, unit.clock.now())
            row = _row(unit, batch, ident, name, nothing)
            row.outcome, row.reason, row.reason_facts = IntakeOutcome.REFUSED, refusal.code, dict(refusal.parameters)
            row.bytes_kept = False
            unit.add(Action.INTAKE_WRITE, row)
            unit.note("intake:refused", "intake-file", ident, path=name, reason=refusal.code)
    return ident


def clean_path(path: str) -> str:
    """A sender's path made harmless: relative, no control or direction characters, at most 1000 characters, NFC."""
    text = unicodedata.normalize("NFC", path.replace("\\", "/"))
    text = "".join("�" if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co", "Cn"} else c for c in text)
    parts = [part for part in PurePosixPath(text).parts if part not in ("/", "..", ".")]
    cleaned = "/".join(parts)
    if len(cleaned) > _PATH_LENGTH:  # keep the end: it holds the name and its suffix
        cleaned = "…" + cleaned[-(_PATH_LENGTH - 1) :]
    return cleaned or "unnamed"


def balance(unit: Unit, batch: Batch) -> Balance:
    """Count the batch as it stands."""
    rows = unit.rows(
        sa.select(IntakeFile.outcome, sa.func.count())
        .where(IntakeFile.batch_id == batch.id)
        .group_by(IntakeFile.outcome)
    )
    counts: Mapping[IntakeOutcome, int] = {row[0]: row[1] for row in rows}
    records = sa.select(Record.id).where(Record.batch_id == batch.id, Record.state != RecordState.WITHDRAWN)
    pages = sa.select(sa.func.sum(IntakeFile.pages)).where(
        IntakeFile.batch_id == batch.id, IntakeFile.outcome == IntakeOutcome.ACCEPTED
    )
    return Balance(
        received=sum(counts.values()),
        accepted=counts.get(IntakeOutcome.ACCEPTED, 0),
        duplicate=counts.get(IntakeOutcome.DUPLICATE, 0),
        refused=counts.get(IntakeOutcome.REFUSED, 0),
        waiting=counts.get(IntakeOutcome.RECEIVED, 0),
        pages=unit.rows(pages)[0][0] or 0,
        records=unit.count(records),
        declared=Declared(batch.declared_files, batch.declared_pages, batch.declared_sheets, batch.declared_sides),
    )


def sign_off(unit: Unit, batch_id: UUID, *, difference: str | None = None) -> Batch:
    """结清: sign the batch's balance. Raises `Conflict` while files wait, or a difference is not explained."""
    batch = unit.get(Batch, batch_id)
    unit.require(Action.BATCH_SIGN, batch)
    _open(batch)
    found = balance(unit, batch)
    if found.waiting:
        raise Conflict("batch-still-working", waiting=found.waiting)
    if found.differences and not (difference or "").strip():
        raise InvalidInput(difference="missing")
    batch.state = BatchState.SIGNED_OFF
    batch.signed_by, batch.signed_at = unit.viewer.user_id, unit.clock.now()
    batch.difference = difference or None
    unit.note(
        "batch:signed-off",
        "batch",
        batch.id,
        received=found.received,
        accepted=found.accepted,
        duplicate=found.duplicate,
        refused=found.refused,
        pages=found.pages,
        difference=difference,
    )
    return batch


def progress(unit: Unit, batch: Batch) -> tuple[int, int, dt.datetime]:
    """Pages read or failed, pages known, and when the batch began: what a rate is computed from."""
    statement = (
        sa.select(sa.func.count(), sa.func.sum(sa.case((Page.state != "waiting", 1), else_=0)))
        .select_from(Page)
        .join(Record, Record.id == Page.record_id)
        .where(Record.batch_id == batch.id)
    )
    total, done = unit.rows(statement)[0]
    return done or 0, total or 0, batch.created_at


def decide_refused(workshop: Workshop, viewer: Viewer, file_id: UUID) -> None:
    """Discard a refused file: its bytes leave quarantine, its row stays with the reason and who decided."""
    with workshop.unit(viewer) as unit:
        row = unit.get(IntakeFile, file_id)
        unit.require(Action.BATCH_SIGN, row)
        if row.outcome != IntakeOutcome.REFUSED or not row.bytes_kept:
            raise Conflict("not-in-quarantine")
        row.decided_by, row.bytes_kept = viewer.user_id, False
        fonds = unit.get(Fonds, row.fonds_id).code
        warrant = Warrant(intake_key(fonds, row.id, row.sha256), "discarded from quarantine", row.id, row.version_id)
        unit.note("intake:discarded", "intake-file", row.id, reason=row.reason)
    workshop.register.note(Destruction(warrant.key, workshop.clock.now(), warrant.reason, warrant.approval))
    workshop.store.destroy(warrant)


def examine_again(unit: Unit, file_id: UUID) -> None:
    """Open a refused file once more, after limits or programs changed."""
    row = unit.get(IntakeFile, file_id)
    unit.require(Action.INTAKE_WRITE, row)
    if row.outcome != IntakeOutcome.REFUSED or not row.bytes_kept:
        raise Conflict("not-in-quarantine")
    row.outcome, row.reason, row.reason_facts = IntakeOutcome.RECEIVED, None, {}
    unit.note("intake:examined-again", "intake-file", row.id)
    unit.later(Job("intake.examine", {"file": str(row.id)}, key=f"examine:{row.id}", priority=5))
