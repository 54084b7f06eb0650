"""Bringing the index up to date with the database, which is the truth: refresh, rebuild, compare."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import sqlalchemy as sa

from archive_app.core.model import Field, Fonds, Page, PartyLink, Record
from archive_app.core.numbers import normalise_number
from archive_app.core.ports import IndexDocument, NumberHasher, SearchIndex
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import RecordId, RecordState
from search.personal_numbers import kind_of
from search.projection import project

#: Found by search from `read` on, marked as not yet filed.
SEARCHABLE = frozenset({RecordState.READ, RecordState.REVIEW, RecordState.DESCRIBED, RecordState.FILED})
_PART = 200
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
    """Make the index anew from the database and swap it in when it is whole. Gives the number of documents."""
    done = 0
    with unit, index.rebuild() as fresh:
        total = unit.count(sa.select(Record.id).where(Record.state.in_(SEARCHABLE)))
        idents = [row[0] for row in unit.rows(sa.select(Record.id).where(Record.state.in_(SEARCHABLE)))]
        for part in _parts(idents):
            fresh.put(_documents(unit, part, hasher))
            done += len(part)
            if progress:
                progress(done, total)
    return done


def compare(unit: Unit, index: SearchIndex) -> Comparison:
    """Compare ids and versions both ways."""
    with unit:
        rows = unit.rows(sa.select(Record.id, Record.version).where(Record.state.in_(SEARCHABLE)))
        truth: dict[RecordId, int] = {row[0]: row[1] for row in rows}
    indexed = dict(index.versions())
    return Comparison(
        records=len(truth),
        indexed=len(indexed),
        missing=tuple(ident for ident in truth if ident not in indexed),
        stale=tuple(ident for ident, version in truth.items() if indexed.get(ident, version) != version),
        ghosts=tuple(ident for ident in indexed if ident not in truth),
    )


def _parts(idents: list[RecordId]) -> Iterator[list[RecordId]]:
    for start in range(0, len(idents), _PART):
        yield idents[start : start + _PART]


def _documents(unit: Unit, idents: list[RecordId], hasher: NumberHasher) -> Iterator[IndexDocument]:
    hash_number = number_hash(hasher)
    fonds = {row[0]: row[1] for row in unit.rows(sa.select(Fonds.id, Fonds.code))}
    for part in _parts(idents):
        records = unit.all(sa.select(Record).where(Record.id.in_(part), Record.state.in_(SEARCHABLE)))
        pages = _by_record(unit.all(sa.select(Page).where(Page.record_id.in_(part)).order_by(Page.number)))
        fields = _by_record(unit.all(sa.select(Field).where(Field.record_id.in_(part)).order_by(Field.position)))
        links = _by_record(unit.all(sa.select(PartyLink).where(PartyLink.record_id.in_(part))))
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
