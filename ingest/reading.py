"""The job `page.read`: one page is decoded in a child, viewed, and read by an engine or from its own text layer.

Bytes before rows: the page view is stored first. A page that cannot be read becomes a failed page with its reason; the
last page of a record to end moves the record on.
"""

import datetime as dt
import hashlib
import io
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

import numpy as np
import sqlalchemy as sa

from archive_app.core.errors import OcrFailed, Refused
from archive_app.core.model import Batch, Component, Fonds, OcrResult, Page, Record
from archive_app.core.ports import (
    Bitmap,
    Job,
    OcrEngine,
    OcrIdentity,
    OcrLine,
    OcrPage,
    OcrWord,
    StoredObject,
    StoreKey,
)
from archive_app.core.unit import Sessions, Unit
from archive_app.core.vocabulary import Action, ComponentKind, Lane, PageState, RecordId, RecordState, Viewer
from ingest.ocr.answers import sound
from ingest.opening.model import OpenedPage
from ingest.text_layer import as_lines, usable
from ingest.viewing_copies import copy_of
from ingest.workshop import Workshop

_LAYER = OcrIdentity("text-layer", "1", "", "{}")
_DOCUMENT = OcrIdentity("document-text", "1", "", "{}")
_VIEW_LIMIT = 64 << 20
_RESULTS = OcrResult.__table__


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


@dataclass(frozen=True, slots=True)
class _Reading:
    page: OpenedPage | None
    text: OcrPage | None
    source: str
    failure: str | None = None


def read_page(workshop: Workshop, viewer: Viewer, page_id: UUID, *, last_attempt: bool) -> None:
    """Read one page; read already is done. Raises `OcrFailed` for another attempt unless this is the last."""
    with workshop.reading(viewer) as unit:
        place = _place(unit, page_id)
    if place is None:
        return
    reading = _read(workshop, place, last_attempt=last_attempt)
    with workshop.locks.holding(place.record):
        view = None
        if reading.page is not None and reading.page.view is not None:
            source = io.BytesIO(reading.page.view)
            view = workshop.store.put(source, fonds=place.fonds, owner=place.record, limit=_VIEW_LIMIT)
        with workshop.unit(viewer) as unit:
            _write(unit, place, reading, view)


def _place(unit: Unit, page_id: UUID) -> _Place | None:
    page = unit.get(Page, page_id)
    if page.state != PageState.WAITING:
        return None
    master = unit.get(Component, page.component_id)
    record = unit.get(Record, page.record_id)
    fonds = unit.get(Fonds, page.fonds_id).code
    batch = unit.get(Batch, record.batch_id) if record.batch_id else None
    copies = sa.select(Component).where(Component.record_id == record.id, Component.kind == ComponentKind.RENDITION)
    copy = copy_of(unit.all(copies), master) if page.has_picture else None
    shown = copy or master
    return _Place(
        page=page.id,
        record=record.id,
        fonds=fonds,
        key=StoreKey(fonds, shown.record_id, shown.sha256),
        version_id=shown.version_id,
        media_type=shown.media_type,
        number=page.master_page,
        engine=batch.ocr_engine if batch else None,
        from_copy=copy is not None,
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
        return _Reading(opened, read_cached(workshop, engine, opened.bitmap), "ocr")
    except OcrFailed as failure:
        if not last_attempt:
            raise
        return _Reading(opened, None, "ocr", failure=str(failure)[:200])


def read_cached(workshop: Workshop, engine: OcrEngine, bitmap: Bitmap) -> OcrPage:
    """What the engine reads, from the cache if the same engine read the same picture before."""
    digest = picture_digest(bitmap)
    identity = engine.identity
    key = hashlib.sha256(f"{digest}\n{identity}".encode()).hexdigest()
    with workshop.sessions.reading() as session:
        known = session.get(OcrResult, key)
        if known is not None:
            return _page_from(known.result, identity)
    page = sound(engine.read(bitmap), bitmap)
    with workshop.sessions.writing() as session:
        if session.get(OcrResult, key) is None:
            session.add(OcrResult(key=key, picture=digest, result=_page_to(page), created_at=workshop.clock.now()))
            session.commit()
    return page


def forget_results(sessions: Sessions, *, before: dt.datetime) -> int:
    """Delete what was read before that moment. Gives how many.

    The cache spares a second reading while work goes on; the text of a page that is destroyed must not outlive it here.
    """
    with sessions.writing() as session:
        statement = sa.delete(_RESULTS).where(_RESULTS.c.created_at < before)  # type: ignore[arg-type]
        gone: int = session.connection().execute(statement).rowcount
        session.commit()
    return gone


def picture_digest(bitmap: Bitmap) -> str:
    """SHA-256 over shape and pixels: which picture was read, as the cache knows it."""
    picture = hashlib.sha256(repr(bitmap.shape).encode())
    picture.update(np.ascontiguousarray(bitmap).data)
    return picture.hexdigest()


def _page_to(page: OcrPage) -> dict[str, Any]:
    return {"rotation": page.rotation, "lines": [_line_to(line) for line in page.lines]}


def _page_from(kept: dict[str, Any], identity: OcrIdentity) -> OcrPage:
    return OcrPage(identity, kept["rotation"], tuple(line_from(line) for line in kept["lines"]))


def _line_to(line: OcrLine) -> dict[str, Any]:
    words = [{"text": word.text, "box": word.box, "confidence": word.confidence} for word in line.words]
    return {"text": line.text, "box": line.box, "confidence": line.confidence, "words": words}


def line_from(kept: dict[str, Any]) -> OcrLine:
    """A line as a page row or the cache keeps it."""
    words = tuple(OcrWord(word["text"], tuple(word["box"]), word["confidence"]) for word in kept.get("words", ()))
    return OcrLine(kept["text"], tuple(kept["box"]), kept["confidence"], words)


def _write(unit: Unit, place: _Place, reading: _Reading, view: StoredObject | None) -> None:
    page = unit.get(Page, place.page)
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
    unit.flush()
    unit.note("page:read", "record", page.record_id, page=page.number, engine=page.engine, failure=page.failure)
    go_on_when_all_read(unit, place.record)


def _fill(page: Page, text: OcrPage, source: str) -> None:
    page.state, page.failure, page.rotation, page.text_source = PageState.READ, None, text.rotation, source
    page.lines = [_line_to(line) for line in text.lines]
    page.text = "\n".join(line.text for line in text.lines)
    page.engine, page.engine_version = text.identity.engine, text.identity.version
    page.engine_model, page.engine_parameters = text.identity.model, text.identity.parameters


def _view(unit: Unit, page: Page, view: StoredObject) -> Component:
    return Component(
        id=uuid5(page.id, view.key.sha256),
        record_id=page.record_id,
        fonds_id=page.fonds_id,
        level=page.level,
        kind=ComponentKind.VIEW,
        page_id=page.id,
        sha256=view.key.sha256,
        sm3=view.sm3,
        size=view.size,
        media_type="image/jpeg",
        format="JPEG",
        version_id=view.version_id,
        derived_from={"component": str(page.component_id), "page": page.master_page, "tool": "page view"},
        created_at=unit.clock.now(),
    )


def go_on_when_all_read(unit: Unit, record_id: RecordId) -> None:
    """Move the record on when no page waits any more. The record's row is locked: exactly one page is the last."""
    record: Record | None = unit.first(sa.select(Record).where(Record.id == record_id).with_for_update())
    if record is not None and record.state == RecordState.FILED:  # a page that an approved correction brought
        unit.later(refresh_job(record_id))
    if record is None or record.state != RecordState.CAPTURED:
        return
    waiting = unit.count(sa.select(Page.id).where(Page.record_id == record_id, Page.state == PageState.WAITING))
    if waiting:
        return
    unit.require(Action.INTAKE_WRITE, record)
    unit.move(record, RecordState.READ)
    unit.later(
        Job("record.describe", {"record": str(record_id)}, key=f"describe:{record_id}", lane=Lane.LIGHT, priority=8),
        refresh_job(record_id),
    )


def refresh_job(record_id: RecordId) -> Job:
    """The job that brings the index up to date with a record."""
    return Job("search.refresh", {"record": str(record_id)}, key=f"refresh:{record_id}", lane=Lane.INDEX)
