"""What a record said before a correction: its description, parties and pages as plain JSON, kept for good."""

from typing import Any

import sqlalchemy as sa

from archive_app.core.model import Field, Page, PartyLink, Record
from archive_app.core.unit import Unit


def as_it_stands(unit: Unit, record: Record, *, taken_out: str | None) -> dict[str, Any]:
    """The record now. Of the page that is taken out also text and lines: its row goes, its bytes stay."""
    fields = unit.all(sa.select(Field).where(Field.record_id == record.id).order_by(Field.position))
    links = unit.all(sa.select(PartyLink).where(PartyLink.record_id == record.id).order_by(PartyLink.row))
    pages = unit.all(sa.select(Page).where(Page.record_id == record.id).order_by(Page.number))
    return {
        "title": record.title,
        "formed_on": record.formed_on.isoformat() if record.formed_on else None,
        "document_number": record.document_number,
        "type": record.type_code,
        "class": record.class_code,
        "fields": [_field(one) for one in fields],
        "parties": [
            {"role": link.role.value, "kind": link.kind.value, "name": link.name, "number": link.number,
             "page": link.page, "row": link.row}
            for link in links
        ],
        "pages": [_page(one, whole=str(one.id) == taken_out) for one in pages],
    }  # fmt: skip


def _field(one: Field) -> dict[str, Any]:
    return {
        "name": one.name,
        "value": one.value,
        "as_read": one.as_read,
        "page": one.page,
        "row": one.row,
        "box": one.box,
        "confidence": one.confidence,
        "checks": one.checks,
        "state": one.state.value,
    }


def _page(one: Page, *, whole: bool) -> dict[str, Any]:
    kept: dict[str, Any] = {
        "id": str(one.id),
        "number": one.number,
        "component": str(one.component_id),
        "master_page": one.master_page,
        "rotation": one.rotation,
        "state": one.state.value,
    }
    if whole:
        kept |= {
            "width": one.width,
            "height": one.height,
            "text": one.text,
            "lines": one.lines,
            "text_source": one.text_source,
            "engine": {
                "name": one.engine,
                "version": one.engine_version,
                "model": one.engine_model,
                "parameters": one.engine_parameters,
            },
        }
    return kept
