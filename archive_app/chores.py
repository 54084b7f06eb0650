"""Periodic work as jobs: whoever works or relays sees to it that the job of each chore's present period exists.

The key of the job names chore and period, so that however many look, each period has one job, done like any other:
leased, tried again, given up with its reason. A period missed while nothing ran is caught up once, the latest only.
"""

import datetime as dt
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from archive_app.core.errors import ArchiveError
from archive_app.core.model import QueuedJob
from archive_app.core.ports import Job
from archive_app.core.repeating import repeat
from archive_app.core.settings import Settings
from archive_app.core.vocabulary import JobState, Lane
from archive_app.wiring import Archive

_LOG = logging.getLogger("archive.chores")
KEYS = "chore:"  # what the keys of their jobs begin with
_LOOK_SECONDS = 60.0
_EPOCH = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_JOB = QueuedJob.__table__
#: Written out, as PostgreSQL's `ix_job_chore` has it: a chore's few jobs are found among millions of others.
_OF_CHORES = _JOB.c.key.like(sa.literal_column(f"'{KEYS}%'"))


@dataclass(frozen=True, slots=True)
class Chore:
    """Work under the handler of this name, `every` so long or daily `at` an hour and minute of the archive's zone.

    `at` reads it from the settings, such as 02:30; none there means never.
    """

    name: str
    every: dt.timedelta | None = None
    at: Callable[[Settings], str | None] | None = None

    def period(self, now: dt.datetime, settings: Settings) -> str | None:
        """The period whose job should exist by now: its day, or its first moment. None if it is not to be done."""
        if self.every is not None:
            begun = _EPOCH + (now - _EPOCH) // self.every * self.every
            return begun.strftime("%Y-%m-%dT%H:%M:%SZ")
        text = self.at(settings) if self.at else None
        if text is None:
            return None
        here = now.astimezone(ZoneInfo(settings.time_zone))
        day = here.date() if here.time() >= dt.time.fromisoformat(text) else here.date() - dt.timedelta(days=1)
        return day.isoformat()

    def key(self, period: str) -> str:
        """The key of the period's job."""
        return f"{KEYS}{self.name}:{period}"


@dataclass(frozen=True, slots=True)
class ChoreHistory:
    """When a chore last succeeded, last failed and why, and whether it is being done or tried again."""

    name: str
    succeeded_at: dt.datetime | None = None
    failed_at: dt.datetime | None = None
    reason: str | None = None
    under_way: bool = False


def ensure(archive: Archive, chores: Sequence[Chore]) -> Sequence[str]:
    """Queue the due chores' jobs that do not exist yet, as the archive's own work; gives the names of these chores."""
    now = archive.clock.now()
    due: dict[str, tuple[Chore, str]] = {}
    for chore in chores:
        period = chore.period(now, archive.settings)
        if period is not None:
            due[chore.key(period)] = (chore, period)
    with archive.sessions.reading() as session:
        there = set(session.connection().execute(sa.select(_JOB.c.key).where(_JOB.c.key.in_(due))).scalars())
    wanted = {key: one for key, one in due.items() if key not in there}
    if wanted:
        with archive.unit(archive.own_work("chores")) as unit:
            for key, (chore, period) in wanted.items():
                unit.later(Job(chore.name, {"period": period}, key=key, lane=Lane.LIGHT, once=True))
                unit.note("chore:due", "chore", chore.name, period=period)
    return [chore.name for chore, _ in wanted.values()]


def keep_ensuring(archive: Archive, chores: Sequence[Chore], over: threading.Event) -> None:
    """Look every minute, in a thread of its own, until it is over."""

    def look() -> None:
        try:
            ensure(archive, chores)
        except (ArchiveError, sa.exc.SQLAlchemyError) as fault:  # the next look comes
            _LOG.warning("chores.fault fault=%s", getattr(fault, "code", type(fault).__name__))

    repeat(look, seconds=_LOOK_SECONDS, over=over, at_once=True)


def last(archive: Archive, name: str) -> ChoreHistory:
    """How a chore went."""
    return history(archive, [name])[name]


def history(archive: Archive, names: Sequence[str]) -> Mapping[str, ChoreHistory]:
    """How chores went, one never done too."""
    with archive.sessions.reading() as session:
        return {name: _history(session.connection(), name) for name in names}


def _history(connection: sa.Connection, name: str) -> ChoreHistory:
    mine = sa.and_(_OF_CHORES, _JOB.c.name == name)
    newest = sa.select(_JOB).where(mine).order_by(_JOB.c.created_at.desc()).limit(1)
    row = connection.execute(newest).first()
    if row is None:
        return ChoreHistory(name)
    succeeded = sa.select(sa.func.max(_JOB.c.ended_at)).where(mine, _JOB.c.state == JobState.DONE)
    failed = (
        sa.select(_JOB.c.ended_at, _JOB.c.reason)
        .where(mine, _JOB.c.state == JobState.BURIED)
        .order_by(_JOB.c.ended_at.desc())
        .limit(1)
    )
    failure = connection.execute(failed).first()
    trying = row.reason if row.state in (JobState.QUEUED, JobState.LEASED) else None
    return ChoreHistory(
        name,
        succeeded_at=connection.execute(succeeded).scalar_one(),
        failed_at=failure.ended_at if failure else None,
        reason=trying or (failure.reason if failure else None),
        under_way=row.state in (JobState.QUEUED, JobState.LEASED),
    )
