"""Locks on the masters of filed records (decision 13): never long, renewed in time, for ever where nothing is due.

A lock runs until the record is due or for 400 days, whichever is sooner, and is renewed below 200 days; below 100 days
somebody is told. The store is asked first and the row written after: a crash between them asks again for the same.
"""

import datetime as dt
import logging
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from archive_app.core.errors import ContentMissing, Unavailable
from archive_app.core.model import Component, Fonds, Record
from archive_app.core.ports import StorageBackend, StoreKey
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import Action, ComponentKind, RecordId, RecordState

AHEAD = dt.timedelta(days=400)
RENEW_BELOW = dt.timedelta(days=200)
ALARM_BELOW = dt.timedelta(days=100)
_SETTLED = dt.timedelta(days=1)  # a record filed later may still wait for its first lock
_AT_ONCE = 200
_MOST_MISSING = 100

_LOG = logging.getLogger("archive.retention")


@dataclass(frozen=True, slots=True)
class Renewal:
    """What was locked. `missing` are masters whose bytes are not there; `more` is left for another step."""

    locked: int
    missing: tuple[UUID, ...]
    more: bool
    locking: bool  # False: this store locks nothing, and nothing more was tried


@dataclass(frozen=True, slots=True)
class _Master:
    id: UUID
    key: StoreKey
    version_id: str | None
    until: dt.date


def lock_end(due: dt.date | None, *, today: dt.date) -> dt.date | None:
    """Until when to lock now; None where appraisal may have begun. Records without a due date are permanent or wait."""
    if due is not None and due <= today:
        return None
    return today + AHEAD if due is None else min(due, today + AHEAD)


def renew(
    reading: Callable[[], Unit],
    writing: Callable[[], Unit],
    store: StorageBackend,
    *,
    today: dt.date,
    record: RecordId | None = None,
    longest: dt.timedelta = dt.timedelta(minutes=4),
) -> Renewal:
    """Lock what has no lock yet and what runs out in less than 200 days: of one record, or of all for `longest`."""
    ends = time.monotonic() + longest.total_seconds()
    locked, missing = 0, list[UUID]()
    while True:
        with reading() as unit:
            masters = _wanting(unit, today=today, record=record, without=missing)
        held = defaultdict[dt.date, list[UUID]](list)
        for master in masters:
            try:
                until = store.protect(master.key, until=master.until, version_id=master.version_id)
            except ContentMissing:
                _LOG.error("locks.missing component=%s", master.id)
                missing.append(master.id)
                continue
            if until is None:
                return Renewal(locked, tuple(missing), more=False, locking=False)
            held[until].append(master.id)
        with writing() as unit:
            for until, idents in held.items():
                unit.bulk(Action.RECORD_REVIEW, Component, Component.id.in_(idents), locked_until=until)
        locked += sum(map(len, held.values()))
        if len(missing) > _MOST_MISSING:
            raise Unavailable("store-failed", reason="many-missing", count=len(missing))
        if len(masters) < _AT_ONCE:
            return Renewal(locked, tuple(missing), more=False, locking=True)
        if time.monotonic() > ends:
            return Renewal(locked, tuple(missing), more=True, locking=True)


def ending(unit: Unit, *, today: dt.date) -> int:
    """Masters of filed records whose lock is missing or runs out in less than 100 days, before they are due: alarm."""
    filed_before = unit.clock.now() - _SETTLED
    statement = (
        sa.select(Component.id)
        .join(Record, Record.id == Component.record_id)
        .where(*_short(today + ALARM_BELOW, today=today), Record.filed_at < filed_before)
    )
    return unit.count(statement)


def _wanting(unit: Unit, *, today: dt.date, record: RecordId | None, without: list[UUID]) -> list[_Master]:
    statement = (
        sa.select(Component.id, Fonds.code, Component.record_id, Component.sha256, Component.version_id, Record.due_on)
        .join(Record, Record.id == Component.record_id)
        .join(Fonds, Fonds.id == Component.fonds_id)
        .where(*_short(today + RENEW_BELOW, today=today))
        .order_by(Component.locked_until)
        .limit(_AT_ONCE)
    )
    if record is not None:
        statement = statement.where(Component.record_id == record)
    if without:
        statement = statement.where(Component.id.not_in(without))
    found = []
    for ident, fonds, owner, sha256, version_id, due in unit.rows(statement):
        until = lock_end(due, today=today)
        if until is not None:
            found.append(_Master(ident, StoreKey(fonds, owner, sha256), version_id, until))
    return found


def _short(before: dt.date, *, today: dt.date) -> tuple[sa.ColumnElement[bool], ...]:
    """Masters of filed records, not due yet, that are locked neither until then nor until they are due."""
    return (
        Component.kind == ComponentKind.MASTER,
        Record.state == RecordState.FILED,
        sa.or_(Record.due_on.is_(None), Record.due_on > today),
        sa.or_(
            Component.locked_until.is_(None),
            sa.and_(
                Component.locked_until < before,
                sa.or_(Record.due_on.is_(None), Component.locked_until < Record.due_on),
            ),
        ),
    )


__all__ = ["ALARM_BELOW", "RENEW_BELOW", "Renewal", "ending", "lock_end", "renew"]
