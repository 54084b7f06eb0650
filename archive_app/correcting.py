"""Corrections from end to end: a file examined and stored for its proposal, two persons told apart, parties relinked.

What a correction is stands in `retention.corrections`; how a file is opened and how parties follow values, in `ingest`.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO
from uuid import UUID

import sqlalchemy as sa

from archive_app import disclosure
from archive_app.core.errors import NotFound, SecondPersonNeeded
from archive_app.core.masking import Masking
from archive_app.core.model import Component, Field, Fonds, PartyLink, Record, RecordVersion
from archive_app.core.ports import StoreKey
from archive_app.core.reference import ReferenceTables
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import Action, ComponentKind, RecordId, UserId, Viewer
from ingest.page_changes import NewFile, stored_file
from ingest.reviewing import link_again, normal_values
from ingest.workshop import Workshop
from retention import corrections
from retention.corrections import NewPages, Proposal

PersonOf = Callable[[UserId], str]


@dataclass(frozen=True, slots=True)
class Upload:
    """Pages asked for: behind page `after` (0: first of all), or in the place of page `replaces`."""

    source: BinaryIO
    name: str
    after: int | None = None
    replaces: int | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks to correct, as typed; None leaves as it is. Values by `key` or `key#row`; empty removes."""

    reason: str
    title: str | None = None
    formed_on: dt.date | None = None
    document_number: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    class_code: str | None = None
    type_code: str | None = None
    version: int | None = None


def propose(
    workshop: Workshop,
    viewer: Viewer,
    record_id: RecordId,
    asked: Asked,
    *,
    person_of: PersonOf,
    upload: Upload | None = None,
) -> UUID:
    """Propose a correction; gives its id. Raises as `retention.corrections.propose`, and `Refused` for the file."""
    with workshop.reading(viewer) as unit:
        corrections.correctable(unit, record_id)  # before anything is opened or stored
    proposal = Proposal(
        reason=asked.reason,
        title=asked.title,
        formed_on=asked.formed_on,
        document_number=asked.document_number,
        values=normal_values(asked.values, workshop.tables, today=workshop.clock.today()),
        class_code=asked.class_code,
        type_code=asked.type_code,
        version=asked.version,
    )
    with _pages(workshop, viewer, record_id, upload) as pages, workshop.unit(viewer) as unit:
        row = corrections.propose(
            unit, record_id, replace(proposal, pages=pages), tables=workshop.tables, person=person_of(viewer.user_id)
        )
        return row.id


@contextmanager
def _pages(workshop: Workshop, viewer: Viewer, record_id: RecordId, upload: Upload | None) -> Iterator[NewPages | None]:
    if upload is None:
        yield None
        return
    with stored_file(workshop, viewer, record_id, upload.source, name=upload.name) as new:
        yield _as_pages(new, upload)


def _as_pages(new: NewFile, upload: Upload) -> NewPages:
    return NewPages(
        stored=new.stored,
        media_type=new.found.media_type,
        format=new.found.format,
        name=new.name,
        shapes=new.found.shapes,
        has_picture=new.found.has_picture,
        notes=tuple(new.found.notes),
        after=upload.replaces - 1 if upload.replaces is not None else upload.after or 0,
        replaces=upload.replaces,
    )


def approve(
    workshop: Workshop, viewer: Viewer, correction_id: UUID, *, person_of: PersonOf, remark: str | None = None
) -> RecordId:
    """Approve; the change takes effect at once, and new pages are read by jobs. Raises `SecondPersonNeeded`."""
    person = person_of(viewer.user_id)
    with _written_down(workshop, viewer, correction_id), workshop.unit(viewer) as unit:
        record, values = corrections.approve(unit, correction_id, tables=workshop.tables, person=person, remark=remark)
        if values:
            link_again(unit, record, tables=workshop.tables, hasher=workshop.hasher, action=Action.CORRECTION_APPROVE)
        return record.id


def refuse(workshop: Workshop, viewer: Viewer, correction_id: UUID, *, person_of: PersonOf, reason: str) -> RecordId:
    """Refuse with a reason. Raises `SecondPersonNeeded`."""
    person = person_of(viewer.user_id)
    with _written_down(workshop, viewer, correction_id), workshop.unit(viewer) as unit:
        return corrections.refuse(unit, correction_id, person=person, reason=reason).record_id


def withdraw(workshop: Workshop, viewer: Viewer, correction_id: UUID, *, person_of: PersonOf) -> RecordId:
    """Take one's own proposal back. Raises `Forbidden`, `Conflict`."""
    person = person_of(viewer.user_id)
    with workshop.unit(viewer) as unit:
        return corrections.withdraw(unit, correction_id, person=person).record_id


@contextmanager
def _written_down(workshop: Workshop, viewer: Viewer, correction_id: UUID) -> Iterator[None]:
    """Whoever tries to decide about a proposal of their own is written down: the failed unit forgets it."""
    try:
        yield
    except SecondPersonNeeded:
        with workshop.reading(viewer) as unit:
            unit.note("correction:denied", "correction", correction_id, "denied")
        raise


def listing(unit: Unit, tables: ReferenceTables, *, state: str | None = corrections.PROPOSED) -> list[dict[str, Any]]:
    """Corrections of the viewer's scope, the oldest waiting first; any state with None, newest first."""
    _need(unit)
    statement = sa.select(RecordVersion).order_by(RecordVersion.created_at.desc()).limit(500)
    if state is not None:
        statement = sa.select(RecordVersion).where(RecordVersion.state == state).order_by(RecordVersion.created_at)
    rows = unit.all(statement)
    unit.note("correction:listed", "user", unit.viewer.user_id, count=len(rows))
    return [_line(unit, tables, row) for row in rows]


def of_record(unit: Unit, tables: ReferenceTables, record_id: RecordId) -> list[dict[str, Any]]:
    """Every correction of one record, newest first."""
    _need(unit)
    statement = sa.select(RecordVersion).where(RecordVersion.record_id == record_id)
    return [_line(unit, tables, row) for row in unit.all(statement.order_by(RecordVersion.created_at.desc()))]


def show(unit: Unit, tables: ReferenceTables, correction_id: UUID) -> dict[str, Any]:
    """One correction with what stood and what is to stand; written down as viewed."""
    _need(unit)
    row = unit.get(RecordVersion, correction_id)
    unit.note("correction:viewed", "record", row.record_id, correction=str(row.id))
    return _line(unit, tables, row)


def _need(unit: Unit) -> None:
    if not (unit.may(Action.RECORD_CORRECT) or unit.may(Action.CORRECTION_APPROVE)):
        raise NotFound(kind="correction")


def _line(unit: Unit, tables: ReferenceTables, row: RecordVersion) -> dict[str, Any]:
    record = unit.get(Record, row.record_id)
    fields = unit.all(sa.select(Field).where(Field.record_id == record.id))
    links = unit.all(sa.select(PartyLink).where(PartyLink.record_id == record.id))
    masking = disclosure.masker(unit.viewer, tables)(record, fields, links)
    masked = masking.masked
    return {
        "id": str(row.id),
        "record": str(record.id),
        "code": record.code,
        "title": masking.title(record.title, code=record.code),
        "state": row.state,
        "reason": masked(row.reason),
        "version": row.version,
        "proposed_by": row.proposed_by,
        "proposed_at": row.created_at,
        "decided_by": row.decided_by,
        "decided_at": row.decided_at,
        "remark": masked(row.remark) if row.remark else None,
        "changes": _changes(unit, tables, row.change, masking),
        "pages": _page_list(row.change.get("pages")),
    }


def _changes(unit: Unit, tables: ReferenceTables, change: Mapping[str, Any], masking: Masking) -> list[dict[str, Any]]:
    lines = []
    for name in ("title", "formed_on", "document_number"):
        if name in change:
            before, after = ((masking.masked(text) if text else None) for text in change[name])
            lines.append({"name": name, "kind": "description", "before": before, "after": after})
    for name, pair in change.get("values", {}).items():
        key = name.partition("#")[0]
        before, after = (
            disclosure.value_shown(unit.viewer, tables, key, text, masking) if text else None for text in pair
        )
        lines.append({"name": name, "kind": "value", "before": before, "after": after})
    return lines


def _page_list(pages: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if pages is None:
        return None
    return {
        "component": pages["component"],
        "after": pages["after"],
        "replaces": pages["replaces"],
        "count": len(pages["shapes"]),
        "has_picture": pages["has_picture"],
    }


def page_picture(workshop: Workshop, viewer: Viewer, correction_id: UUID, number: int) -> bytes:
    """A JPEG of page `number`, from 1, of what is proposed, drawn now. Raises `NotFound` if there is none to see."""
    with workshop.reading(viewer) as unit:
        _need(unit)
        row = unit.get(RecordVersion, correction_id)
        pages = row.change.get("pages")
        visible = disclosure.may_see_pictures(viewer, unit.get(Record, row.record_id))
        if not pages or not visible or not 1 <= number <= len(pages["shapes"]):
            raise NotFound(kind="page")
        component = unit.first(
            sa.select(Component).where(
                Component.id == UUID(pages["component"]),
                Component.kind.in_((ComponentKind.PROPOSED, ComponentKind.MASTER)),
            )
        )
        if component is None:
            raise NotFound(kind="page")
        key = StoreKey(unit.get(Fonds, component.fonds_id).code, component.record_id, component.sha256)
        version_id, media_type = component.version_id, component.media_type
        unit.note("page:viewed", "record", row.record_id, correction=str(row.id), page=number)
    with workshop.store.as_file(key, version_id=version_id) as path:
        view = workshop.opener().page(path, media_type, number).view
    if view is None:
        raise NotFound(kind="page")
    return view


def people(lines: Sequence[Mapping[str, Any]]) -> set[UserId]:
    """Who proposed or decided, for their names."""
    return {line[who] for line in lines for who in ("proposed_by", "decided_by") if line[who] is not None}
