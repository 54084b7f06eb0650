"""The extent (规模) of the archive: counted at once while it is little, else taken from last night's sums.

The sums of records and pages stand by fonds and level, which is all that the access rule of a record looks at.
"""

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from archive_app.core.model import InstallationFact, IntakeFile, Page, Record
from archive_app.core.ports import ClaimedJob
from archive_app.core.unit import Sessions, Unit
from archive_app.core.vocabulary import RecordState, Viewer
from archive_app.wiring import Archive

NAME = "extent.sum"
#: As many records in the whole archive are counted whenever somebody looks: that takes no longer than a page does.
COUNTED_AT_ONCE = 200_000
_FACT = "extent"
_GONE = (RecordState.WITHDRAWN, RecordState.DESTROYED)
_SETTLED_AFTER = dt.timedelta(days=2)  # what became of a file is not summed up before it hardly changes any more
_OUTCOMES = sa.select(IntakeFile.outcome, IntakeFile.reason, sa.func.count()).group_by(
    IntakeFile.outcome, IntakeFile.reason
)


@dataclass(frozen=True, slots=True)
class Extent:
    """Records that stand, those of them that are filed, and pages. `at`: when they were counted; None: now."""

    records: int
    filed: int
    pages: int
    at: dt.datetime | None = None


def extent(unit: Unit, sessions: Sessions, *, at_once: int = COUNTED_AT_ONCE) -> Extent:
    """What the viewer of the unit sees of the archive; of one with more than `at_once` records, as of last night."""
    fact = _sums(sessions, at_once)
    if fact is not None:
        return _summed(fact, unit.viewer)
    by_state = {row[0]: row[1] for row in unit.rows(sa.select(Record.state, sa.func.count()).group_by(Record.state))}
    pages = unit.rows(sa.select(sa.func.count()).select_from(Page))[0][0]
    return _extent(by_state, pages)


def arrivals(unit: Unit, sessions: Sessions, *, at_once: int = COUNTED_AT_ONCE) -> Mapping[tuple[str, str], int]:
    """Files taken in by outcome and reason (`none` without), for the archive's own work, which sees all.

    In an archive with more than `at_once` records those of the last days are counted and the others are sums.
    """
    fact = _sums(sessions, at_once)
    counts = Counter[tuple[str, str]]()
    recent = _OUTCOMES
    if fact is not None:
        recent = recent.where(IntakeFile.created_at >= dt.datetime.fromisoformat(fact.value["settled"]))
        counts.update({(outcome, reason): count for outcome, reason, count in fact.value["arrivals"]})
    for outcome, reason, count in unit.rows(recent):
        counts[outcome.value, reason or "none"] += count
    return counts


def is_little(sessions: Sessions, *, at_once: int = COUNTED_AT_ONCE) -> bool:
    """Whether all records may be counted whenever somebody looks."""
    return _sums(sessions, at_once) is None


def _sums(sessions: Sessions, at_once: int) -> InstallationFact | None:
    """The last sums, if they are of more records than are counted at once."""
    with sessions.reading() as session:
        fact = session.scalars(sa.select(InstallationFact).where(InstallationFact.name == _FACT)).one_or_none()
    if fact is None or sum(row[-1] for row in fact.value["records"]) <= at_once:
        return None
    return fact


def _summed(fact: InstallationFact, viewer: Viewer) -> Extent:
    scope = {str(one) for one in viewer.fonds}
    by_state: dict[RecordState, int] = {}
    for fonds, level, state, count in fact.value["records"]:
        if fonds in scope and level <= viewer.clearance:
            by_state[RecordState(state)] = by_state.get(RecordState(state), 0) + count
    pages = sum(count for fonds, level, count in fact.value["pages"] if fonds in scope and level <= viewer.clearance)
    return _extent(by_state, pages, at=fact.noted_at)


def _extent(by_state: Mapping[RecordState, int], pages: int, *, at: dt.datetime | None = None) -> Extent:
    standing = sum(count for state, count in by_state.items() if state not in _GONE)
    return Extent(standing, by_state.get(RecordState.FILED, 0), pages, at)


def sum_up(archive: Archive, job: ClaimedJob) -> None:  # noqa: ARG001 - every handler is given its job
    """`extent.sum`: count everything, by all that an access rule asks."""
    places = (Record.fonds_id, Record.level, Record.state)
    settled = archive.clock.now() - _SETTLED_AFTER
    with archive.reading(archive.own_work("extent")) as unit:
        records = unit.rows(sa.select(*places, sa.func.count()).group_by(*places))
        pages = unit.rows(sa.select(Page.fonds_id, Page.level, sa.func.count()).group_by(Page.fonds_id, Page.level))
        files = unit.rows(_OUTCOMES.where(IntakeFile.created_at < settled))
    sums = {
        "records": [[str(fonds), int(level), state.value, count] for fonds, level, state, count in records],
        "pages": [[str(fonds), int(level), count] for fonds, level, count in pages],
        "arrivals": [[outcome.value, reason or "none", count] for outcome, reason, count in files],
        "settled": settled.isoformat(),
    }
    with archive.sessions.writing() as session:
        session.merge(InstallationFact(name=_FACT, value=sums, noted_at=archive.clock.now()))
        session.commit()
