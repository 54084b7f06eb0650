"""The catalogue: records listed and shown as the contract says, their pages and components opened.

Everything a viewer gets passes `disclosure`; every view is written into the audit log.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn
from uuid import UUID

import sqlalchemy as sa

from archive_app import disclosure
from archive_app.core.errors import NotFound
from archive_app.core.masking import Masking
from archive_app.core.model import Component, Field, Fonds, Page, PartyLink, Record
from archive_app.core.ports import StoreKey
from archive_app.core.reference import ReferenceTables
from archive_app.core.unit import Unit, storable
from archive_app.core.vocabulary import Action, ComponentKind, PageState, RecordId, RecordState

_UUID = re.compile(r"[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class Bytes:
    """Where the bytes of a page view or component are, and what they are."""

    key: StoreKey
    version_id: str | None
    media_type: str
    size: int
    name: str | None


def resolve(unit: Unit, id_or_code: str) -> Record:
    """A record by its id, archival number or provisional number. Raises `NotFound`."""
    if not unit.viewer.may(Action.RECORD_READ):
        _nothing()
    if _UUID.fullmatch(id_or_code):
        return unit.get(Record, RecordId(UUID(id_or_code)))
    found = unit.first(sa.select(Record).where(Record.code == id_or_code)) if storable(id_or_code) else None
    if found is None:
        _nothing()
    return found


def _nothing() -> NoReturn:
    raise NotFound(kind="record")


def listing(
    unit: Unit, tables: ReferenceTables, *, batch: UUID | None = None, state: RecordState | None = None
) -> list[dict[str, object]]:
    """Records of the viewer's scope, all states, oldest first."""
    if not unit.viewer.may(Action.RECORD_READ):
        _nothing()
    statement = (
        sa.select(
            Record.id, Record.code, Record.title, Record.type_code, Record.class_code, Record.state, Record.level,
            Fonds.code,
        )
        .join(Fonds, Fonds.id == Record.fonds_id)
        .order_by(Record.created_at, Record.code)
    )  # fmt: skip
    if batch is not None:
        statement = statement.where(Record.batch_id == batch)
    if state is not None:
        statement = statement.where(Record.state == state)
    rows = disclosure.titled(unit, tables, unit.rows(statement), of=lambda row: (row[0], row[2]))
    answer: list[dict[str, object]] = [
        {
            "id": str(row[0]),
            "code": row[1],
            "title": title,
            "type": row[3],
            "class": row[4],
            "state": row[5].value,
            "level": row[6].code,
            "fonds": row[7],
        }
        for row, title in rows
    ]
    unit.note("record:listed", "user", unit.viewer.user_id, count=len(answer))
    return answer


def show(unit: Unit, record: Record, tables: ReferenceTables, *, purpose: str = "viewed") -> dict[str, Any]:
    """The record as the contract gives it; written into the audit log as viewed."""
    viewer = unit.viewer
    fields = unit.all(sa.select(Field).where(Field.record_id == record.id).order_by(Field.position))
    links = unit.all(sa.select(PartyLink).where(PartyLink.record_id == record.id).order_by(PartyLink.row))
    pages = unit.all(sa.select(Page).where(Page.record_id == record.id).order_by(Page.number))
    components = unit.all(
        sa.select(Component).where(Component.record_id == record.id).order_by(Component.created_at, Component.id)
    )
    masking = disclosure.masker(viewer, tables)(record, fields, links)
    masked = masking.masked
    unit.note(f"record:{purpose}", "record", record.id, version=record.version)
    return {
        "id": str(record.id),
        "code": record.code,
        "title": masking.title(record.title, code=record.code),
        "fonds": unit.get(Fonds, record.fonds_id).code,
        "class": record.class_code,
        "type": {
            "code": record.type_code,
            "confidence": record.type_confidence,
            "reasons": [masked(str(reason)) for reason in record.type_reasons],
        },
        "state": record.state.value,
        "level": record.level.code,
        "version": record.version,
        "formed_on": record.formed_on.isoformat() if record.formed_on else None,
        "document_number": masked(record.document_number) if record.document_number else None,
        "batch": str(record.batch_id) if record.batch_id else None,
        "retention": {
            "rule": record.retention_rule,
            "basis": record.retention_basis,
            "due": record.due_on.isoformat() if record.due_on else None,
            "outcome": record.retention_outcome,
        },
        "parties": [
            {
                "role": link.role.value,
                "kind": link.kind.value,
                "name": disclosure.name_shown(viewer, link.kind, link.name),
                "number": disclosure.number_shown(viewer, link.kind, link.number),
                "person": str(link.person_id) if link.person_id else None,
                "row": link.row,
                "page": link.page,
            }
            for link in links
        ],
        "fields": [_field(field, unit, tables, masking) for field in fields],
        "pages": [_page(page, masking) for page in pages],
        "withheld": masking.withheld,
        "components": [_component(one, {page.id: page.number for page in pages}) for one in components],
        "review": [masked(str(reason)) for reason in record.review],
    }


def _field(field: Field, unit: Unit, tables: ReferenceTables, masking: Masking) -> dict[str, object]:
    clear = unit.viewer.may(Action.VALUE_UNMASK)
    return {
        "name": field.name,
        "value": disclosure.value_shown(unit.viewer, tables, field.name, field.value, masking),
        "as_read": field.as_read if clear or field.as_read is None
        else disclosure.value_shown(unit.viewer, tables, field.name, masking.masked(field.as_read), masking),
        "page": field.page,
        "row": field.row,
        "box": field.box,
        "confidence": field.confidence,
        "checks": field.checks,
        "state": field.state.value,
    }  # fmt: skip


def _page(page: Page, masking: Masking) -> dict[str, object]:
    failed, masked = page.state == PageState.FAILED, masking.masked
    # A masked line is masked as the whole text was: a number that runs over a line end is hidden in both.
    text = None if page.text is None or masking.withheld else masked(page.text)
    texts = (text or "").split("\n")
    whole = len(texts) == len(page.lines)
    return {
        "number": page.number,
        "width": page.width,
        "height": page.height,
        "rotation": page.rotation,
        "text": text,
        "lines": [
            {"text": texts[place] if whole else masked(line["text"]), "box": line["box"],
             "confidence": line["confidence"]}
            for place, line in enumerate(() if masking.withheld else page.lines)
        ],
        "quality": page.quality,
        "state": page.state.value,
        "failure": masked(page.failure) if failed and page.failure else None,
        "engine": {"name": page.engine, "version": page.engine_version, "model": page.engine_model},
    }  # fmt: skip


def _component(one: Component, numbers: Mapping[UUID, int]) -> dict[str, object]:
    return {
        "id": str(one.id),
        "kind": one.kind.value,
        "digest": f"sha256:{one.sha256}",
        "sm3": one.sm3,
        "size": one.size,
        "media_type": one.media_type,
        "format": one.format,
        "page": numbers.get(one.page_id) if one.page_id else None,
        "derived_from": one.derived_from or None,
        "notes": one.notes,
        "superseded": one.superseded_at.isoformat() if one.superseded_at else None,
    }


def page_view(unit: Unit, record_id: RecordId, number: int) -> Bytes:
    """The page's picture. Raises `NotFound` if there is none, or none for this viewer."""
    record = unit.get(Record, record_id)
    if not unit.viewer.may(Action.RECORD_READ) or not disclosure.may_see_pictures(unit.viewer, record):
        _nothing()
    statement = (
        sa.select(Component)
        .join(Page, Page.id == Component.page_id)
        .where(Page.record_id == record_id, Page.number == number, Component.kind == ComponentKind.VIEW)
        .order_by(Component.created_at.desc())
    )
    found = unit.first(statement)
    if found is None:
        _nothing()
    unit.note("page:viewed", "record", record_id, page=number)
    return _bytes(unit, found)


def component(unit: Unit, component_id: UUID) -> Bytes:
    """A component's bytes. Raises `NotFound`."""
    found = unit.get(Component, component_id)
    record = unit.get(Record, found.record_id)
    if not unit.viewer.may(Action.RECORD_READ) or not disclosure.may_see_pictures(unit.viewer, record):
        _nothing()
    unit.note("component:opened", "record", record.id, component=str(component_id))
    return _bytes(unit, found)


def _bytes(unit: Unit, found: Component) -> Bytes:
    fonds = unit.get(Fonds, found.fonds_id).code
    key = StoreKey(fonds, found.record_id, found.sha256)
    return Bytes(key, found.version_id, found.media_type, found.size, found.name)
