"""The job `page.read`: one page is decoded in a child, viewed, and read by an engine or from its own text layer.

Bytes before rows: the page view is stored first. A page that cannot be read becomes a failed page with its reason; the
last page of a record to end moves the record on. A record of one page is described in the same transaction.
"""

import datetime as dt
import hashlib
import io
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased

from archive_app.core.errors import OcrFailed, Refused
from archive_app.core.following import describe_job, refresh_job
from archive_app.core.model import Batch, Component, Fonds, OcrResult, Page, Record
from archive_app.core.ports import (
    Bitmap,
    OcrEngine,
    OcrIdentity,
    OcrPage,
    StoredObject,
    StoreKey,
)
from archive_app.core.unit import Sessions, Unit
from archive_app.core.vocabulary import Action, ComponentKind, PageState, RecordId, RecordState, Viewer
from ingest.cataloguing import apply, kept_reasons
from ingest.describing.describe import describe
from ingest.describing.model import Description, ReadPage
from ingest.kept_lines import line_from, line_to
from ingest.ocr.answers import sound
from ingest.opening.model import OpenedPage
from ingest.opening.opener import drawn_by
from ingest.text_layer import as_lines, usable
from ingest.viewing_copies import copy_of
from ingest.workshop import Workshop

_LAYER = OcrIdentity("text-layer", "1", "", "{}")
_DOCUMENT = OcrIdentity("document-text", "1", "", "{}")
_VIEW_LIMIT = 64 << 20
_RESULTS = OcrResult.__table__
_RESULT = sa.select(_RESULTS.c.result).where(_RESULTS.c.key == sa.bindparam("wanted"))

_OTHER, _COPY = aliased(Page), aliased(Component)
_PLACE = (
    sa.select(
        Page.state,
        Page.record_id,
        Page.master_page,
        Component,
        Fonds.code,
        Batch.ocr_engine,
        sa.select(sa.func.count(_OTHER.id)).where(_OTHER.record_id == Page.record_id).scalar_subquery(),
        sa.and_(
            Page.has_picture,
            sa.exists().where(_COPY.record_id == Page.record_id, _COPY.kind == ComponentKind.RENDITION),
        ),
    )
    .join(Component, Component.id == Page.component_id)
    .join(Record, Record.id == Page.record_id)
    .join(Fonds, Fonds.id == Page.fonds_id)
    .outerjoin(Batch, Batch.id == Record.batch_id)
    .where(Page.id == sa.bindparam("page"))
)
_LAST = (
    sa.select(Page, Record)
    .join(Record, Record.id == Page.record_id)
    .where(Page.id == sa.bindparam("page"))
    .with_for_update(of=Record)
)
_STATES = sa.select(Page.state).where(Page.record_id == sa.bindparam("record"))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the page's bytes are."""

    page: UUID
    record: RecordId
    fonds: str
    key: StoreKey
    version_id: str | None
    media_type: str
    number: int
    engine: str | None
    from_copy: bool  # of a document: what it says is known, nothing is to be recognised
    alone: bool  # its record's only page


@dataclass(frozen=True, slots=True)
class _Reading:
    page: OpenedPage | None
    text: OcrPage | None
    source: str
    failure: str | None = None


def read_page(workshop: Workshop, viewer: Viewer, page_id: UUID, *, first_attempt: bool, last_attempt: bool) -> None:
    """Read one page; read already is done. Raises `OcrFailed` for another attempt unless this is the last.

    A record of this page alone is described with it, at the first attempt: should that fail, the page is read by the
    next one all the same, and describing is a job of its own.
    """
    with workshop.reading(viewer) as unit:
        place = _place(unit, page_id)
    if place is None:
        return
    reading = _read(workshop, place, last_attempt=last_attempt)
    description = _described(workshop, reading) if first_attempt and place.alone else None
    with workshop.locks.holding(place.record):
        view = None
        if reading.page is not None and reading.page.view is not None:
            source = io.BytesIO(reading.page.view)
            view = workshop.store.put(source, fonds=place.fonds, owner=place.record, limit=_VIEW_LIMIT)
        with workshop.unit(viewer) as unit:
            _write(workshop, unit, place, reading, view=view, description=description)


def _place(unit: Unit, page_id: UUID) -> _Place | None:
    found = unit.rows(_PLACE.params(page=page_id))
    if not found:
        unit.get(Page, page_id)  # raises, and writes the miss down
    state, record, number, master, fonds, engine, pages, has_copies = found[0]
    if state != PageState.WAITING:
        return None
    copies = sa.select(Component).where(Component.record_id == record, Component.kind == ComponentKind.RENDITION)
    copy = copy_of(unit.all(copies), master) if has_copies else None
    shown = copy or master
    return _Place(
        page=page_id,
        record=record,
        fonds=fonds,
        key=StoreKey(fonds, shown.record_id, shown.sha256),
        version_id=shown.version_id,
        media_type=shown.media_type,
        number=number,
        engine=engine,
        from_copy=copy is not None,
        alone=pages == 1,
    )


def _read(workshop: Workshop, place: _Place, *, last_attempt: bool) -> _Reading:
    try:
        with workshop.store.as_file(place.key, version_id=place.version_id) as path:
            opened = workshop.opener().page(path, place.media_type, place.number)
    except Refused as refusal:
        return _Reading(None, None, "ocr", failure=refusal.code)
    if opened.bitmap is None or place.from_copy:
        text = OcrPage(_DOCUMENT, 0, as_lines(opened.text_layer or ()))
        return _Reading(opened, text, "document")
    engine = workshop.engine(place.engine)
    try:
        if opened.text_layer and usable(opened.bitmap, opened.text_layer, engine):
            return _Reading(opened, OcrPage(_LAYER, 0, as_lines(opened.text_layer)), "layer")
        return _Reading(opened, _read_cached(workshop, place, engine, opened.bitmap), "ocr")
    except OcrFailed as failure:
        if not last_attempt:
            raise
        return _Reading(opened, None, "ocr", failure=str(failure)[:200])


def _read_cached(workshop: Workshop, place: _Place, engine: OcrEngine, bitmap: Bitmap) -> OcrPage:
    """What the engine reads, from the cache if the same engine read the same picture before."""
    identity, picture = engine.identity, _picture(place)
    key = hashlib.sha256(f"{picture}\n{identity}".encode()).hexdigest()
    with workshop.sessions.reading() as session:
        known = session.connection().execute(_RESULT, {"wanted": key}).scalar_one_or_none()
    if known is not None:
        return _page_from(known, identity)
    page = sound(engine.read(bitmap), bitmap)
    with workshop.sessions.writing() as session:
        insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        values = {"key": key, "picture": picture, "result": _page_to(page), "created_at": workshop.clock.now()}
        session.connection().execute(insert(_RESULTS).on_conflict_do_nothing(), values)  # type: ignore[arg-type]
        session.commit()
    return page


def _picture(place: _Place) -> str:
    """Which picture is read, as the cache knows it: a page of a file, as it is drawn here."""
    return hashlib.sha256(f"{place.key.sha256}\n{place.number}\n{drawn_by()}".encode()).hexdigest()


def forget_results(sessions: Sessions, *, before: dt.datetime) -> int:
    """Delete what was read before that moment. Gives how many.

    The cache spares a second reading while work goes on; the text of a page that is destroyed must not outlive it here.
    """
    with sessions.writing() as session:
        statement = sa.delete(_RESULTS).where(_RESULTS.c.created_at < before)  # type: ignore[arg-type]
        gone: int = session.connection().execute(statement).rowcount
        session.commit()
    return gone


def _page_to(page: OcrPage) -> dict[str, Any]:
    return {"rotation": page.rotation, "lines": [line_to(line) for line in page.lines]}


def _page_from(kept: dict[str, Any], identity: OcrIdentity) -> OcrPage:
    return OcrPage(identity, kept["rotation"], tuple(line_from(line) for line in kept["lines"]))


def _described(workshop: Workshop, reading: _Reading) -> Description | None:
    if reading.page is None or reading.text is None:
        return None
    opened, text = reading.page, reading.text
    page = ReadPage(1, opened.width, opened.height, text.rotation, text.lines)
    return describe((page,), workshop.tables, today=workshop.clock.today())


def _write(
    workshop: Workshop,
    unit: Unit,
    place: _Place,
    reading: _Reading,
    *,
    view: StoredObject | None,
    description: Description | None,
) -> None:
    """Write down what was read; nothing if that was done already. The record's row is locked until the commit."""
    found = unit.rows(_LAST.params(page=place.page))
    if not found:
        unit.get(Page, place.page)  # raises, and writes the miss down
    page, record = found[0]
    if page.state != PageState.WAITING:
        return
    unit.require(Action.INTAKE_WRITE, page)
    if view is not None:
        unit.add(Action.INTAKE_WRITE, _view(unit, page, view))
    if reading.page is not None:
        page.width, page.height, page.dpi = reading.page.width, reading.page.height, reading.page.dpi
    if reading.text is None:
        page.state, page.failure = PageState.FAILED, reading.failure or "ocr-failed"
    else:
        _fill(page, reading.text, reading.source)
    unit.note("page:read", "record", page.record_id, page=page.number, engine=page.engine, failure=page.failure)
    _go_on_when_all_read(workshop, unit, record, description)


def _fill(page: Page, text: OcrPage, source: str) -> None:
    page.state, page.failure, page.rotation, page.text_source = PageState.READ, None, text.rotation, source
    page.lines = [line_to(line) for line in text.lines]
    page.text = "\n".join(line.text for line in text.lines)
    page.engine, page.engine_version = text.identity.engine, text.identity.version
    page.engine_model, page.engine_parameters = text.identity.model, text.identity.parameters


def _view(unit: Unit, page: Page, view: StoredObject) -> Component:
    return Component.of(
        page,
        view,
        id=uuid5(page.id, view.key.sha256),
        kind=ComponentKind.VIEW,
        page_id=page.id,
        media_type="image/jpeg",
        format="JPEG",
        derived_from={"component": str(page.component_id), "page": page.master_page, "tool": "page view"},
        created_at=unit.clock.now(),
    )


def _go_on_when_all_read(workshop: Workshop, unit: Unit, record: Record, description: Description | None) -> None:
    """Move the record on when no page waits any more. As its row is locked, exactly one page is the last.

    `description` is of this page alone.
    """
    if record.state == RecordState.FILED:  # a page that an approved correction brought
        unit.later(refresh_job(record.id))
    if record.state != RecordState.CAPTURED:
        return
    states = [row[0] for row in unit.rows(_STATES.params(record=record.id))]
    if PageState.WAITING in states:
        return
    if description is not None and len(states) == 1:
        apply(unit, record, description, extra=kept_reasons(record), workshop=workshop)
        return
    unit.require(Action.INTAKE_WRITE, record)
    unit.move(record, RecordState.READ)
    unit.later(describe_job(record.id), refresh_job(record.id))
