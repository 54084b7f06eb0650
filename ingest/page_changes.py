"""Pages of a record replaced, inserted or taken out (换页、插页、移出) before it is filed, by files examined first.

An upload is spooled, examined in a child and only then stored. Bytes first, then rows; what no row names any more is
released by a job, and the record is described again. Records that are filed change by `retention.corrections` only.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol
from uuid import UUID, uuid4

import sqlalchemy as sa

from archive_app.core.errors import Conflict, InvalidInput, Refused, StaleVersion
from archive_app.core.following import read_job, release_bytes_job
from archive_app.core.model import Component, Fonds, Page, Record
from archive_app.core.ports import StoredObject, StoreKey
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import Action, ComponentKind, PageState, RecordId, Viewer
from ingest.arranging import UNFILED, begin_again
from ingest.cataloguing import AWAITED
from ingest.intake import clean_path
from ingest.opening.model import Examination
from ingest.releasing import let_go
from ingest.workshop import Workshop

_PIECE = 1 << 20


class BringsIn(Protocol):
    """`replace_page` or `insert_pages`: brings the pages of a file in at a place of a record."""

    def __call__(
        self, workshop: Workshop, viewer: Viewer, record_id: RecordId, place: int, source: BinaryIO, /, *, name: str
    ) -> None:
        """At page `place`, or behind it."""


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that was examined and stored under its record's key; no row names it yet."""

    stored: StoredObject
    found: Examination
    name: str


@dataclass(frozen=True, slots=True)
class _Source:
    """A master that loses pages: `keeps` are the numbers there that stay, in order."""

    component: UUID
    key: StoreKey
    version_id: str | None
    media_type: str
    keeps: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    record: RecordId
    fonds: str
    pages: tuple[UUID, ...]  # as they stood when the change was asked for
    at: int  # new pages stand behind this many pages
    gone: UUID | None  # the page that is taken out
    source: _Source | None  # the master it stood in


def replace_page(
    workshop: Workshop, viewer: Viewer, record_id: RecordId, number: int, source: BinaryIO, *, name: str
) -> None:
    """Put the pages of a file in the place of one page, from 1.

    Raises `InvalidInput` for a page that is not there, `Conflict("filed")`, `Conflict("not-read-yet")` while that page
    is being read, `Refused` for a file that is not taken in, or a master whose other pages cannot be copied out of it.
    """
    with workshop.reading(viewer) as unit:
        plan = _plan(unit, record_id, gone=number, at=number - 1)
    with stored_file(workshop, viewer, record_id, source, name=name) as new:
        _change(workshop, viewer, plan, new, what="replaced", reason=None)


def insert_pages(
    workshop: Workshop, viewer: Viewer, record_id: RecordId, after: int, source: BinaryIO, *, name: str
) -> None:
    """Put the pages of a file behind page `after`; 0: before the first. Raises as `replace_page`."""
    with workshop.reading(viewer) as unit:
        plan = _plan(unit, record_id, gone=None, at=after)
    with stored_file(workshop, viewer, record_id, source, name=name) as new:
        _change(workshop, viewer, plan, new, what="inserted", reason=None)


def remove_page(workshop: Workshop, viewer: Viewer, record_id: RecordId, number: int, *, reason: str) -> None:
    """退回重扫一页: take a page out so that it is scanned again; the record waits in review until it is back.

    Raises `Conflict("only-page")` for the last one: the whole record is sent to be scanned again instead.
    """
    if not reason.strip():
        raise InvalidInput(reason="missing")
    with workshop.reading(viewer) as unit:
        plan = _plan(unit, record_id, gone=number, at=number - 1)
        if unit.count(sa.select(Page.id).where(Page.record_id == record_id)) == 1:
            raise Conflict("only-page")
    with workshop.locks.holding(record_id):
        _change(workshop, viewer, plan, None, what="removed", reason=reason.strip()[:300])


@contextmanager
def stored_file(
    workshop: Workshop, viewer: Viewer, record_id: RecordId, source: BinaryIO, *, name: str
) -> Iterator[NewFile]:
    """Spool, examine, store under the record's key; what the block did not name in a row is let go after a failure.

    Raises `Refused`, which is written into the audit log; nothing of a refused file is kept.
    """
    cleaned = clean_path(name).rsplit("/", 1)[-1][:255]
    with workshop.reading(viewer) as unit:
        fonds = unit.get(Fonds, unit.get(Record, record_id).fonds_id).code
    with tempfile.TemporaryDirectory(dir=workshop.scratch) as folder:
        path = Path(folder) / "upload"
        try:
            _spool(source, path, limit=workshop.limit_bytes)
            found = workshop.opener().examine(path, name=cleaned)
        except Refused as refusal:
            with workshop.reading(viewer) as unit:
                unit.note("page:refused", "record", record_id, "denied", name=cleaned, reason=refusal.code)
            raise
        with ExitStack() as stack:
            stack.enter_context(workshop.locks.holding(record_id))
            with path.open("rb") as stream:
                stored = workshop.store.put(stream, fonds=fonds, owner=record_id, limit=workshop.limit_bytes)
            path.unlink()
            stack.enter_context(_let_go_after_failure(workshop, viewer, stored))
            yield NewFile(stored, found, cleaned)


@contextmanager
def _let_go_after_failure(workshop: Workshop, viewer: Viewer, stored: StoredObject | None) -> Iterator[None]:
    """Bytes came before their rows: if the rows do not come, and no others name them, they go again."""
    try:
        yield
    except BaseException:
        if stored is not None:
            let_go(workshop, viewer, stored.key)
        raise


def _spool(source: BinaryIO, path: Path, *, limit: int) -> None:
    size = 0
    with path.open("xb") as target:
        while piece := source.read(_PIECE):
            size += len(piece)
            if size > limit:
                raise Refused("too-large", limit=limit)
            target.write(piece)


def _plan(unit: Unit, record_id: RecordId, *, gone: int | None, at: int) -> _Plan:
    record = unit.get(Record, record_id)
    unit.require(Action.RECORD_REVIEW)
    if record.state not in UNFILED:
        raise Conflict("filed")
    pages = unit.all(sa.select(Page).where(Page.record_id == record_id).order_by(Page.number))
    if not 0 <= at <= len(pages) - (0 if gone is None else 1):
        raise InvalidInput(page="no-such-page")
    fonds = unit.get(Fonds, record.fonds_id).code
    page = None if gone is None else pages[gone - 1]
    if page is not None and page.state == PageState.WAITING:
        raise Conflict("not-read-yet", page=page.number)
    source = None if page is None else _source(unit, page, pages, fonds)
    return _Plan(record_id, fonds, tuple(one.id for one in pages), at, page.id if page else None, source)


def _page_ids(unit: Unit, record_id: RecordId) -> tuple[UUID, ...]:
    rows = unit.rows(sa.select(Page.id).where(Page.record_id == record_id).order_by(Page.number))
    return tuple(row[0] for row in rows)


def _source(unit: Unit, gone: Page, pages: Sequence[Page], fonds: str) -> _Source:
    master = unit.get(Component, gone.component_id)
    keeps = sorted(page.master_page for page in pages if page.component_id == master.id and page.id != gone.id)
    key = StoreKey(fonds, master.record_id, master.sha256)
    return _Source(master.id, key, master.version_id, master.media_type, tuple(keeps))


def _change(
    workshop: Workshop, viewer: Viewer, plan: _Plan, new: NewFile | None, *, what: str, reason: str | None
) -> None:
    rest = _copied_out(workshop, plan) if plan.source and plan.source.keeps else None
    with _let_go_after_failure(workshop, viewer, rest), workshop.unit(viewer) as unit:
        record = unit.get(Record, plan.record)
        unit.require(Action.RECORD_REVIEW, record)
        if record.state not in UNFILED:
            raise Conflict("filed")
        if _page_ids(unit, record.id) != plan.pages:
            raise StaleVersion(kind="pages")
        released = _take_out(unit, record, plan, rest)
        added = _put_in(unit, record, plan.at, new) if new else ()
        _number_anew(unit, record.id, plan.at, added)
        waiting = [reason for reason in record.review if reason != AWAITED]
        record.review = waiting if new else [*waiting, AWAITED]
        unit.note(
            f"page:{what}", "record", record.id, at=plan.at + 1, pages=len(added), reason=reason,
            sha256=new.stored.key.sha256 if new else None,
        )  # fmt: skip
        begin_again(unit, record, len(_page_ids(unit, record.id)))
        unit.later(*(read_job(page.id) for page in added), *(release_bytes_job(key) for key in released))


def _copied_out(workshop: Workshop, plan: _Plan) -> StoredObject | None:
    """The pages that stay, in a master without the one that goes: what is taken out is nowhere kept."""
    source = plan.source
    if source is None:
        return None
    with tempfile.TemporaryDirectory(dir=workshop.scratch) as folder:
        target = Path(folder) / "master"
        with workshop.store.as_file(source.key, version_id=source.version_id) as path:
            workshop.opener().extract(path, source.media_type, source.keeps, target)
        with target.open("rb") as stream:
            return workshop.store.put(stream, fonds=plan.fonds, owner=plan.record, limit=workshop.limit_bytes)


def _take_out(unit: Unit, record: Record, plan: _Plan, rest: StoredObject | None) -> list[StoreKey]:
    """Remove the page with its views, and its master or what it leaves of it. Gives the keys no longer named."""
    if plan.gone is None or plan.source is None:
        return []
    page, old = unit.get(Page, plan.gone), unit.get(Component, plan.source.component)
    views = unit.all(sa.select(Component).where(Component.page_id == page.id, Component.kind == ComponentKind.VIEW))
    copies = unit.all(
        sa.select(Component).where(Component.record_id == record.id, Component.kind == ComponentKind.RENDITION)
    )
    gone = [old, *views, *(copy for copy in copies if copy.derived_from.get("sha256") == old.sha256)]
    unit.remove(Action.RECORD_REVIEW, page)
    unit.flush()
    if rest is not None:
        _stand_in(unit, record, old, rest, plan.source.keeps)
    keys = [StoreKey(plan.fonds, record.id, one.sha256) for one in gone]
    unit.remove(Action.RECORD_REVIEW, *gone)
    unit.flush()
    return keys


def _stand_in(unit: Unit, record: Record, old: Component, rest: StoredObject, keeps: Sequence[int]) -> None:
    facts = {"sha256": old.sha256, "pages": list(keeps), "tool": "page extraction"}
    master = _master(
        unit, record, rest, media_type=old.media_type, format_name=old.format, name=old.name, notes=old.notes,
        derived_from=facts,
    )  # fmt: skip
    unit.add(Action.RECORD_REVIEW, master)
    unit.flush()
    for page in unit.all(sa.select(Page).where(Page.component_id == old.id)):
        unit.require(Action.RECORD_REVIEW, page)
        page.component_id, page.master_page = master.id, keeps.index(page.master_page) + 1
    unit.flush()


def _put_in(unit: Unit, record: Record, at: int, new: NewFile) -> tuple[Page, ...]:
    found = new.found
    master = _master(
        unit, record, new.stored, media_type=found.media_type, format_name=found.format, name=new.name,
        notes=found.notes,
    )  # fmt: skip
    unit.add(Action.RECORD_REVIEW, master)
    unit.flush()
    pages = master.new_pages(found.shapes, at=at, has_picture=found.has_picture)
    unit.add(Action.RECORD_REVIEW, *pages)
    return pages


def _master(
    unit: Unit,
    record: Record,
    stored: StoredObject,
    *,
    media_type: str,
    format_name: str | None,
    name: str | None,
    notes: Sequence[str] = (),
    derived_from: Mapping[str, object] | None = None,
) -> Component:
    return Component.of(
        record,
        stored,
        id=uuid4(),  # the same bytes may come a second time, as two pages with nothing on them do
        kind=ComponentKind.MASTER,
        media_type=media_type,
        format=format_name,
        name=name,
        notes=list(notes),
        derived_from=dict(derived_from or {}),
        created_at=unit.clock.now(),
    )


def _number_anew(unit: Unit, record_id: RecordId, at: int, added: Sequence[Page]) -> None:
    unit.flush()
    new = {page.id for page in added}
    rows = unit.all(sa.select(Page).where(Page.record_id == record_id).order_by(Page.number, Page.id))
    old = [page for page in rows if page.id not in new]
    for number, page in enumerate((*old[:at], *added, *old[at:]), start=1):
        if page.number != number:
            unit.require(Action.RECORD_REVIEW, page)
            page.number = number
    unit.flush()
