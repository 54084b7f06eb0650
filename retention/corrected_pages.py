"""Pages of a filed record replaced or inserted by an approved correction; the bytes that stood there are kept.

Nothing is copied out of a master here: a page that goes is no longer named by the page list, its master stays, and is
marked superseded when no page of the record stands in it any more.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from archive_app.core.errors import InvalidInput
from archive_app.core.following import read_job
from archive_app.core.model import Component, Field, Page, PartyLink, Record
from archive_app.core.ports import Job
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import Action, ComponentKind, RecordId

_BY = Action.CORRECTION_APPROVE


def check_place(unit: Unit, record_id: RecordId, *, after: int, replaces: int | None) -> UUID | None:
    """The page that goes, if one does. Raises `InvalidInput` for a place that the record does not have."""
    rows = unit.rows(sa.select(Page.id).where(Page.record_id == record_id).order_by(Page.number))
    if replaces is None:
        if not 0 <= after <= len(rows):
            raise InvalidInput(page="no-such-page")
        return None
    if not 1 <= replaces <= len(rows) or after != replaces - 1:
        raise InvalidInput(page="no-such-page")
    gone: UUID = rows[replaces - 1][0]
    return gone


def put_in_place(unit: Unit, record: Record, change: Mapping[str, Any]) -> tuple[Job, ...]:
    """Make the proposed component a master and its pages pages of the record. Gives the jobs that read them."""
    after, shapes = int(change["after"]), change["shapes"]
    master = unit.get(Component, UUID(change["component"]))
    unit.require(_BY, master)
    master.kind = ComponentKind.MASTER
    taken = 1 if change["gone"] else 0
    _follow(unit, record, after=after, taken=taken, added=len(shapes))
    if change["gone"]:
        _take_out(unit, unit.get(Page, UUID(change["gone"])))
    pages = master.new_pages(shapes, at=after, has_picture=bool(change["has_picture"]))
    unit.add(_BY, *pages)
    unit.flush()
    return tuple(read_job(page.id, priority=5) for page in pages)


def _follow(unit: Unit, record: Record, *, after: int, taken: int, added: int) -> None:
    """Pages behind the place, and the values and parties read on them, move; a box on the page that goes is void."""
    moved = added - taken
    for page in unit.all(sa.select(Page).where(Page.record_id == record.id, Page.number > after + taken)):
        unit.require(_BY, page)
        page.number += moved
    values = unit.all(sa.select(Field).where(Field.record_id == record.id, Field.page > after))
    parties = unit.all(sa.select(PartyLink).where(PartyLink.record_id == record.id, PartyLink.page > after))
    read_there: list[Field | PartyLink] = [*values, *parties]
    for row in read_there:
        unit.require(_BY, row)
        if row.page is not None and row.page > after + taken:
            row.page += moved
        else:
            row.box = None
    unit.flush()


def _take_out(unit: Unit, page: Page) -> None:
    now = unit.clock.now()
    views = unit.all(sa.select(Component).where(Component.page_id == page.id))
    master = unit.get(Component, page.component_id)
    others = unit.count(sa.select(Page.id).where(Page.component_id == master.id, Page.id != page.id))
    unit.remove(_BY, page)
    for one in (*views, *(() if others else (master, *_copies(unit, master)))):
        unit.require(_BY, one)
        one.superseded_at = now
    unit.flush()


def _copies(unit: Unit, master: Component) -> list[Component]:
    """Viewing copies made of this master."""
    copies = unit.all(
        sa.select(Component).where(Component.record_id == master.record_id, Component.kind == ComponentKind.RENDITION)
    )
    return [one for one in copies if one.derived_from.get("sha256") == master.sha256]
