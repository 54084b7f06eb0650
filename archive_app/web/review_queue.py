"""The review queue: which records wait for a person, oldest first, narrowed by a filter that travels in the URL."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from archive_app import batches
from archive_app.core.model import Batch, Fonds, Record
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import RecordId, RecordState

_LIST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What the queue is narrowed to; None is all. `type` may be `none`: not recognised."""

    batch: UUID | None = None
    type: str | None = None
    reason: str | None = None  # the head of a reason, such as `doubtful`
    fonds: str | None = None

    @classmethod
    def of(cls, arguments: Mapping[str, str]) -> "Filter":
        """The filter that a URL asks for; what is no filter is none."""
        try:
            batch = UUID(arguments.get("batch", ""))
        except ValueError:
            batch = None
        return cls(
            batch=batch,
            type=arguments.get("type") or None,
            reason=arguments.get("reason") or None,
            fonds=arguments.get("fonds") or None,
        )

    def arguments(self) -> dict[str, Any]:
        """The filter as URL arguments."""
        given = {"batch": self.batch, "type": self.type, "reason": self.reason, "fonds": self.fonds}
        return {name: str(value) for name, value in given.items() if value}

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """The filter over records that wait."""
        found: list[sa.ColumnElement[bool]] = [Record.state == RecordState.REVIEW]
        if self.batch is not None:
            found.append(Record.batch_id == self.batch)
        if self.type is not None:
            found.append(Record.type_code.is_(None) if self.type == "none" else Record.type_code == self.type)
        if self.fonds is not None:
            found.append(Record.fonds_id.in_(sa.select(Fonds.id).where(Fonds.code == self.fonds)))
        if self.reason is not None:
            # The list is kept as JSON: a code stands in it between quotes, or before a colon.
            written = sa.cast(Record.review, sa.String)
            whole = written.contains(f'"{self.reason}"', autoescape=True)
            found.append(sa.or_(whole, written.contains(f'"{self.reason}:', autoescape=True)))
        return found


@dataclass(frozen=True, slots=True)
class Waiting:
    """A record in the queue."""

    id: RecordId
    title: str
    type_code: str | None
    reasons: tuple[str, ...]
    batch: str | None
    age: float  # seconds since it was made


@dataclass(frozen=True, slots=True)
class Choices:
    """What the queue can be narrowed to, with how many wait under each."""

    batches: tuple[tuple[UUID, str, int], ...]
    types: tuple[tuple[str, int], ...]
    reasons: tuple[tuple[str, int], ...]
    fonds: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record stands in the queue, from 1; None where it does not stand in it."""

    position: int | None
    total: int
    next: RecordId | None
    previous: RecordId | None


def waiting(unit: Unit, narrowed: Filter) -> list[Waiting]:
    """The oldest records under the filter."""
    statement = (
        sa.select(Record.id, Record.title, Record.type_code, Record.review, Batch.number, Record.created_at, Fonds.code)
        .outerjoin(Batch, Batch.id == Record.batch_id)
        .join(Fonds, Fonds.id == Record.fonds_id)
        .where(*narrowed.conditions())
        .order_by(Record.created_at, Record.id)
        .limit(_LIST)
    )
    now = unit.clock.now()
    return [
        Waiting(
            row[0],
            row[1],
            row[2],
            tuple(row[3]),
            batches.named(row[6], row[4]) if row[4] else None,
            (now - row[5]).total_seconds(),
        )
        for row in unit.rows(statement)
    ]


def choices(unit: Unit) -> Choices:
    """What waits in the whole scope of the viewer, counted by batch, type, reason and fonds."""
    statement = (
        sa.select(Record.batch_id, Batch.number, Record.type_code, Record.review, Fonds.code)
        .outerjoin(Batch, Batch.id == Record.batch_id)
        .join(Fonds, Fonds.id == Record.fonds_id)
        .where(Record.state == RecordState.REVIEW)
    )
    of_batch: Counter[tuple[UUID, str]] = Counter()
    types: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    fonds: Counter[str] = Counter()
    for batch_id, number, type_code, review, code in unit.rows(statement):
        if batch_id is not None and number is not None:
            of_batch[batch_id, batches.named(code, number)] += 1
        types[type_code or "none"] += 1
        reasons.update({str(reason).partition(":")[0] for reason in review})
        fonds[code] += 1
    named = sorted((name, ident, count) for (ident, name), count in of_batch.items())
    return Choices(
        batches=tuple((ident, name, count) for name, ident, count in named),
        types=tuple(types.most_common()),
        reasons=tuple(reasons.most_common()),
        fonds=tuple(sorted(fonds.items())),
    )


def first(unit: Unit, narrowed: Filter) -> RecordId | None:
    """The oldest record under the filter."""
    statement = sa.select(Record.id).where(*narrowed.conditions()).order_by(Record.created_at, Record.id).limit(1)
    rows = unit.rows(statement)
    return rows[0][0] if rows else None


def place_of(unit: Unit, narrowed: Filter, record: Record) -> Place:
    """Where the record stands, and its neighbours; after the last comes what still waits at the front."""
    conditions = narrowed.conditions()
    key = (record.created_at, record.id)
    total = unit.count(sa.select(Record.id).where(*conditions))
    before = unit.count(sa.select(Record.id).where(*conditions, _before(key)))
    ahead = sa.select(Record.id).where(*conditions, _after(key)).order_by(Record.created_at, Record.id).limit(1)
    behind = (
        sa.select(Record.id)
        .where(*conditions, _before(key))
        .order_by(Record.created_at.desc(), Record.id.desc())
        .limit(1)
    )
    after, previous = unit.rows(ahead), unit.rows(behind)
    following = after[0][0] if after else first(unit, narrowed)
    return Place(
        position=before + 1 if record.state == RecordState.REVIEW else None,
        total=total,
        next=following if following != record.id else None,
        previous=previous[0][0] if previous else None,
    )


def _before(key: tuple[dt.datetime, RecordId]) -> sa.ColumnElement[bool]:
    return sa.tuple_(Record.created_at, Record.id) < key


def _after(key: tuple[dt.datetime, RecordId]) -> sa.ColumnElement[bool]:
    return sa.tuple_(Record.created_at, Record.id) > key
