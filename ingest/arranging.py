"""Split, merge and move (分件、并件、移页): which pages make which record, before filing.

Each record gets masters of its own (decision 10): pages are copied out of their source without re-encoding, whole
sources are adopted, and nothing a filed record stands on is touched. Bytes first, then rows; what is no longer named is
released by a job.
"""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID, uuid5

import sqlalchemy as sa

from archive_app.core.archival_number import provisional
from archive_app.core.errors import Conflict, InvalidInput
from archive_app.core.following import describe_job, refresh_job, release_bytes_job
from archive_app.core.model import Component, Field, Fonds, Page, PartyLink, Record
from archive_app.core.ports import StoredObject, StoreKey
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import Action, ComponentKind, PageState, RecordId, RecordState, Viewer
from ingest.workshop import Workshop

#: States in which pages may still be arranged freely.
UNFILED = frozenset({RecordState.CAPTURED, RecordState.READ, RecordState.REVIEW, RecordState.DESCRIBED})


@dataclass(frozen=True, slots=True)
class Group:
    """The pages, in order, of one record: an existing one, or a new one (`record` None)."""

    pages: tuple[UUID, ...]
    record: RecordId | None = None


@dataclass(slots=True)
class _Source:
    """A master that pages come from."""

    component: UUID
    key: StoreKey
    sm3: str | None
    version_id: str | None
    media_type: str
    format: str | None
    name: str | None
    pages: int  # how many it has in all


@dataclass(frozen=True, slots=True)
class _Part:
    """The pages one target takes from one source, in order of their numbers there."""

    target: RecordId
    source: UUID
    numbers: tuple[int, ...]


@dataclass(slots=True)
class _Plan:
    fonds: str
    groups: tuple[tuple[RecordId, tuple[UUID, ...]], ...]
    sources: dict[UUID, _Source]
    places: dict[UUID, tuple[UUID, int]]  # page -> (source, its number there)
    owners: dict[UUID, RecordId]  # page -> record it stands in now
    views: dict[UUID, list[tuple[UUID, StoreKey, str | None]]] = field(default_factory=dict)  # page -> its views


@dataclass(frozen=True, slots=True)
class _NewMaster:
    component: UUID
    stored: StoredObject
    media_type: str


def arrange(workshop: Workshop, viewer: Viewer, groups: Sequence[Group]) -> tuple[RecordId, ...]:
    """Make these groups of pages the records; every page of every touched record must be in exactly one group.

    Gives the record of each group. Raises `NotFound`, `Forbidden`, `Conflict("filed")`, `InvalidInput`.
    """
    with workshop.reading(viewer) as unit:
        unit.require(Action.RECORD_REVIEW)
        plan = _plan(unit, groups)
    with workshop.locks.holding(*{record for record, _ in plan.groups}, *plan.owners.values()):
        masters = _make_masters(workshop, plan)
        views = _adopt_views(workshop, plan)
        with workshop.unit(viewer) as unit:
            _write(unit, plan, masters, views)
    return tuple(record for record, _ in plan.groups)


def _plan(unit: Unit, groups: Sequence[Group]) -> _Plan:
    wanted = [page for group in groups for page in group.pages]
    if not wanted or len(set(wanted)) != len(wanted) or any(not group.pages for group in groups):
        raise InvalidInput(pages="each page once, no empty group")
    pages = {page.id: page for page in unit.all(sa.select(Page).where(Page.id.in_(wanted)))}
    for ident in wanted:
        if ident not in pages:
            unit.get(Page, ident)  # raises, and writes the miss down
    records = _records(unit, pages.values(), groups)
    _whole(unit, records, set(wanted))
    fonds = {record.fonds_id for record in records.values()}
    if len(fonds) != 1:
        raise InvalidInput(pages="several fonds")
    first = pages[wanted[0]]
    made = tuple(
        (group.record or RecordId(uuid5(first.record_id, f"from page {group.pages[0]}")), group.pages)
        for group in groups
    )
    if len({record for record, _ in made}) != len(made):
        raise InvalidInput(record="twice")
    plan = _Plan(
        fonds=unit.get(Fonds, fonds.pop()).code,
        groups=made,
        sources={},
        places={page.id: (page.component_id, page.master_page) for page in pages.values()},
        owners={page.id: page.record_id for page in pages.values()},
    )
    _find_sources(unit, plan)
    return plan


def _records(unit: Unit, pages: Iterable[Page], groups: Sequence[Group]) -> Mapping[RecordId, Record]:
    idents = {page.record_id for page in pages} | {group.record for group in groups if group.record}
    records = {ident: unit.get(Record, ident) for ident in idents}
    for record in records.values():
        if record.state not in UNFILED:
            raise Conflict("filed", record=str(record.id))
    return records


def _whole(unit: Unit, records: Mapping[RecordId, Record], wanted: set[UUID]) -> None:
    """No page may be left without a record by an oversight."""
    all_pages = {row[0] for row in unit.rows(sa.select(Page.id).where(Page.record_id.in_(records)))}
    if all_pages != wanted:
        raise InvalidInput(pages="every page of every record named must be placed")


def _find_sources(unit: Unit, plan: _Plan) -> None:
    idents = {source for source, _ in plan.places.values()}
    counted = unit.rows(
        sa.select(Page.component_id, sa.func.count()).where(Page.component_id.in_(idents)).group_by(Page.component_id)
    )
    counts = {row[0]: row[1] for row in counted}
    for row in unit.all(sa.select(Component).where(Component.id.in_(idents))):
        key = StoreKey(plan.fonds, row.record_id, row.sha256)
        plan.sources[row.id] = _Source(
            row.id, key, row.sm3, row.version_id, row.media_type, row.format, row.name, counts[row.id]
        )
    views = sa.select(Component).where(Component.page_id.in_(plan.places), Component.kind == ComponentKind.VIEW)
    for view in unit.all(views):
        if view.page_id is None:
            continue
        key = StoreKey(plan.fonds, view.record_id, view.sha256)
        plan.views.setdefault(view.page_id, []).append((view.id, key, view.version_id))


def _parts(plan: _Plan) -> list[_Part]:
    parts: dict[tuple[RecordId, UUID], list[int]] = {}
    for target, pages in plan.groups:
        for page in pages:
            source, number = plan.places[page]
            parts.setdefault((target, source), []).append(number)
    return [_Part(target, source, tuple(sorted(numbers))) for (target, source), numbers in parts.items()]


def _make_masters(workshop: Workshop, plan: _Plan) -> dict[tuple[RecordId, UUID], _NewMaster | None]:
    """For each part its master: None where the source may stay as it is."""
    masters: dict[tuple[RecordId, UUID], _NewMaster | None] = {}
    for part in _parts(plan):
        source = plan.sources[part.source]
        whole = len(part.numbers) == source.pages
        if whole and source.key.owner == part.target:
            masters[part.target, part.source] = None
        elif whole:
            stored = workshop.store.adopt(source.key, owner=part.target, version_id=source.version_id)
            ident = uuid5(part.target, stored.key.sha256)
            known = replace(stored, sm3=source.sm3)  # the same bytes, whether or not the store notes it
            masters[part.target, part.source] = _NewMaster(ident, known, source.media_type)
        else:
            masters[part.target, part.source] = _extract(workshop, plan, part, source)
    return masters


def _extract(workshop: Workshop, plan: _Plan, part: _Part, source: _Source) -> _NewMaster:
    with tempfile.TemporaryDirectory(dir=workshop.scratch) as folder:
        target = Path(folder) / "master"
        with workshop.store.as_file(source.key, version_id=source.version_id) as path:
            media_type = workshop.opener().extract(path, source.media_type, part.numbers, target)
        with target.open("rb") as stream:
            stored = workshop.store.put(stream, fonds=plan.fonds, owner=part.target, limit=workshop.limit_bytes)
    return _NewMaster(uuid5(part.target, stored.key.sha256), stored, media_type)


def _adopt_views(workshop: Workshop, plan: _Plan) -> dict[UUID, StoredObject]:
    """Views follow their page to its new owner: view component -> where it is kept now."""
    adopted = {}
    for target, pages in plan.groups:
        for page in pages:
            for view, key, version_id in plan.views.get(page, ()):
                if key.owner != target:
                    adopted[view] = workshop.store.adopt(key, owner=target, version_id=version_id)
    return adopted


def _write(
    unit: Unit,
    plan: _Plan,
    masters: Mapping[tuple[RecordId, UUID], _NewMaster | None],
    views: Mapping[UUID, StoredObject],
) -> None:
    before = {ident: unit.get(Record, ident) for ident in set(plan.owners.values())}
    for record in before.values():
        if record.state not in UNFILED:
            raise Conflict("filed", record=str(record.id))
    pattern = before[next(iter(plan.owners.values()))]
    targets = {ident: _target(unit, ident, before, pattern) for ident, _ in plan.groups}
    unit.flush()
    components = _write_masters(unit, plan, masters, targets)
    released = _move_pages(unit, plan, targets, components, views)
    kept = set(components.values())
    for source in plan.sources.values():
        if source.component not in kept:
            unit.remove(Action.RECORD_REVIEW, unit.get(Component, source.component))
            released.append(source.key)
    for ident, record in before.items():
        if ident not in targets:
            unit.require(Action.RECORD_REVIEW, record)
            unit.move(record, RecordState.WITHDRAWN)
            record.merged_into = plan.groups[0][0]
            _clear(unit, record)
            unit.note("record:withdrawn", "record", ident, merged_into=str(record.merged_into))
            unit.later(refresh_job(ident))
    for ident, pages in plan.groups:
        begin_again(unit, targets[ident], len(pages))
    for key in released:
        unit.later(release_bytes_job(key))


def _target(unit: Unit, ident: RecordId, before: Mapping[RecordId, Record], pattern: Record) -> Record:
    known = before.get(ident)
    if known is not None:
        unit.require(Action.RECORD_REVIEW, known)
        return known
    record = Record(
        id=ident,
        fonds_id=pattern.fonds_id,
        level=pattern.level,
        code=provisional(ident),
        title=pattern.title,
        state=RecordState.CAPTURED,
        batch_id=pattern.batch_id,
        box_id=pattern.box_id,
        intake_file_id=pattern.intake_file_id,
        created_at=unit.clock.now(),
    )
    unit.add(Action.RECORD_REVIEW, record)
    return record


def _write_masters(
    unit: Unit,
    plan: _Plan,
    masters: Mapping[tuple[RecordId, UUID], _NewMaster | None],
    targets: Mapping[RecordId, Record],
) -> dict[tuple[RecordId, UUID], UUID]:
    components: dict[tuple[RecordId, UUID], UUID] = {}
    for (target, source_id), master in masters.items():
        source = plan.sources[source_id]
        if master is None:
            components[target, source_id] = source_id
            continue
        numbers = [n for page, (s, n) in plan.places.items() if s == source_id and page in dict(plan.groups)[target]]
        unit.add(
            Action.RECORD_REVIEW,
            Component.of(
                targets[target],
                master.stored,
                id=master.component,
                kind=ComponentKind.MASTER,
                media_type=master.media_type,
                format=source.format,
                name=source.name,
                derived_from={"sha256": source.key.sha256, "pages": sorted(numbers), "tool": "page extraction"},
                created_at=unit.clock.now(),
            ),
        )
        components[target, source_id] = master.component
    unit.flush()
    return components


def _move_pages(
    unit: Unit,
    plan: _Plan,
    targets: Mapping[RecordId, Record],
    components: Mapping[tuple[RecordId, UUID], UUID],
    views: Mapping[UUID, StoredObject],
) -> list[StoreKey]:
    released = []
    numbers_in = {(part.target, part.source): part.numbers for part in _parts(plan)}
    for target, pages in plan.groups:
        record = targets[target]
        for position, ident in enumerate(pages, start=1):
            page = unit.get(Page, ident)
            source, number = plan.places[ident]
            unit.require(Action.RECORD_REVIEW, page)
            page.record_id, page.fonds_id, page.level, page.number = target, record.fonds_id, record.level, position
            if components[target, source] != source:
                page.component_id = components[target, source]
                # Extraction keeps the order of the source; an adopted whole keeps its numbers.
                page.master_page = numbers_in[target, source].index(number) + 1
            for view_id, key, _ in plan.views.get(ident, ()):
                if view_id in views:
                    view = unit.get(Component, view_id)
                    unit.require(Action.RECORD_REVIEW, view)
                    view.record_id, view.fonds_id, view.level = target, record.fonds_id, record.level
                    view.version_id = views[view_id].version_id
                    released.append(key)
    unit.flush()
    return released


def _clear(unit: Unit, record: Record) -> None:
    for entity in (Field, PartyLink):
        unit.remove(Action.RECORD_REVIEW, *unit.all(sa.select(entity).where(entity.record_id == record.id)))


def begin_again(unit: Unit, record: Record, pages: int) -> None:
    """A record whose pages changed is described anew; what was said of it no longer holds."""
    unit.require(Action.RECORD_REVIEW, record)
    record.boundaries_set, record.confirmed_by = True, None
    waiting = unit.count(sa.select(Page.id).where(Page.record_id == record.id, Page.state == PageState.WAITING))
    to = RecordState.CAPTURED if waiting else RecordState.READ
    if record.state != to:
        unit.move(record, to)
    unit.note("record:arranged", "record", record.id, pages=pages)
    unit.later(describe_job(record.id), refresh_job(record.id))
