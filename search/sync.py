"""Bringing the index up to date with the database, which is the truth: refresh, rebuild, compare."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar, TypeVarTuple

import sqlalchemy as sa
from sqlalchemy.orm import load_only

from archive_app.core.model import Field, Fonds, Page, PartyLink, Record
from archive_app.core.numbers import normalise_number
from archive_app.core.ports import IndexDocument, NumberHasher, SearchIndex
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import RecordId
from search.personal_numbers import kind_of
from search.projection import SEARCHABLE, project

_PART = 200
_REBUILT = 1_000  # documents of one part of a rebuild
_LISTED = 5_000
Ts = TypeVarTuple("Ts")
# What a document is made of: the places of every word on a page are many times its text, and are not read here.
_PAGE = load_only(Page.record_id, Page.text, raiseload=True)
_FIELD = load_only(Field.record_id, Field.name, Field.value, raiseload=True)
_LINK = load_only(
    PartyLink.record_id,
    PartyLink.name,
    PartyLink.number,
    PartyLink.provider_id,
    PartyLink.person_id,
    raiseload=True,
)
_Row = TypeVar("_Row", Page, Field, PartyLink)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the index differs from the database."""

    records: int
    indexed: int
    missing: tuple[RecordId, ...]
    stale: tuple[RecordId, ...]
    ghosts: tuple[RecordId, ...]  # indexed, and not to be found

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return not (self.missing or self.stale or self.ghosts)


def number_hash(hasher: NumberHasher) -> Callable[[str], str]:
    """The keyed hash of a personal number as typed or read: 15 and 18 digits of one person are one."""

    def hash_number(number: str) -> str:
        kind = kind_of(number) or "number"
        return hasher.hash(kind, normalise_number(kind, number))

    return hash_number


def refresh(unit: Unit, index: SearchIndex, idents: Sequence[RecordId], *, hasher: NumberHasher) -> None:
    """Bring these records up to date. The unit is used and closed before the index is written."""
    with unit:
        documents = list(_documents(unit, list(idents), hasher))
    shown = {document.record for document in documents}
    if documents:
        index.put(documents)
    gone = [ident for ident in idents if ident not in shown]
    if gone:
        index.remove(gone)


def rebuild(
    unit: Unit, index: SearchIndex, *, hasher: NumberHasher, progress: Callable[[int, int], None] | None = None
) -> int:
    """Make the index anew from the database and swap it in when it is whole. Gives the number of documents.

    The unit is used for one part at a time: no transaction lasts as long as a rebuild of millions.
    """
    done = 0
    with index.rebuild() as fresh:
        with unit:
            total = unit.count(sa.select(Record.id).where(Record.state.in_(SEARCHABLE)))
        after: RecordId | None = None
        while True:
            with unit:
                part = [row[0] for row in unit.rows(_next(sa.select(Record.id), after).limit(_REBUILT))]
                documents = list(_documents(unit, part, hasher))
            if not part:
                return done
            fresh.put(documents)
            after, done = part[-1], done + len(documents)
            if progress:
                progress(done, total)


def compare(unit: Unit, index: SearchIndex) -> Comparison:
    """Compare ids and versions both ways, walking both in order of record; only what differs is remembered."""
    counts = {"records": 0, "indexed": 0}
    missing: list[RecordId] = []
    stale: list[RecordId] = []
    ghosts: list[RecordId] = []
    for record, truth, indexed in _side_by_side(_truth(unit), index.versions()):
        counts["records"] += truth is not None
        counts["indexed"] += indexed is not None
        if truth is None:
            ghosts.append(record)
        elif indexed is None:
            missing.append(record)
        elif truth != indexed:
            stale.append(record)
    return Comparison(**counts, missing=tuple(missing), stale=tuple(stale), ghosts=tuple(ghosts))


def repair(unit: Unit, index: SearchIndex, found: Comparison, *, hasher: NumberHasher) -> int:
    """Bring every record that differed up to date, as the database has it now. Gives how many."""
    differing = [*found.missing, *found.stale, *found.ghosts]
    for part in _parts(differing):
        refresh(unit, index, part, hasher=hasher)
    return len(differing)


def _next(statement: sa.Select[*Ts], after: RecordId | None) -> sa.Select[*Ts]:
    """The searchable records that come after this one, in order of record."""
    rest = statement.where(Record.state.in_(SEARCHABLE)).order_by(Record.id)
    return rest if after is None else rest.where(Record.id > after)


def _truth(unit: Unit) -> Iterator[tuple[RecordId, int]]:
    after: RecordId | None = None
    while True:
        with unit:
            rows = unit.rows(_next(sa.select(Record.id, Record.version), after).limit(_LISTED))
        if not rows:
            return
        yield from ((row[0], row[1]) for row in rows)
        after = rows[-1][0]


def _side_by_side(
    truth: Iterator[tuple[RecordId, int]], index: Iterator[tuple[RecordId, int]]
) -> Iterator[tuple[RecordId, int | None, int | None]]:
    """Every record of either, with its version in each."""
    left, right = next(truth, None), next(index, None)
    while left or right:
        record = min(one[0] for one in (left, right) if one)
        here = left[1] if left and left[0] == record else None
        there = right[1] if right and right[0] == record else None
        yield record, here, there
        if here is not None:
            left = next(truth, None)
        if there is not None:
            right = next(index, None)


def _parts(idents: list[RecordId]) -> Iterator[list[RecordId]]:
    for start in range(0, len(idents), _PART):
        yield idents[start : start + _PART]


def _documents(unit: Unit, idents: list[RecordId], hasher: NumberHasher) -> Iterator[IndexDocument]:
    hash_number = number_hash(hasher)
    fonds = {row[0]: row[1] for row in unit.rows(sa.select(Fonds.id, Fonds.code))}
    for part in _parts(idents):
        records = unit.all(sa.select(Record).where(Record.id.in_(part), Record.state.in_(SEARCHABLE)))
        wanted = sa.select(Page).options(_PAGE).where(Page.record_id.in_(part)).order_by(Page.number)
        pages = _by_record(unit.all(wanted))
        read = sa.select(Field).options(_FIELD).where(Field.record_id.in_(part)).order_by(Field.position)
        fields = _by_record(unit.all(read))
        links = _by_record(unit.all(sa.select(PartyLink).options(_LINK).where(PartyLink.record_id.in_(part))))
        for record in records:
            yield project(
                record,
                fonds=fonds[record.fonds_id],
                pages=pages.get(record.id, []),
                fields=fields.get(record.id, []),
                links=links.get(record.id, []),
                hash_number=hash_number,
            )


def _by_record(rows: Iterable[_Row]) -> dict[RecordId, list[_Row]]:
    grouped: dict[RecordId, list[_Row]] = {}
    for row in rows:
        grouped.setdefault(row.record_id, []).append(row)
    return grouped
