"""The job queue on the table of jobs: the leased row decides (decision 23).

A claim leases rows that are due, or whose lease ran out because their worker died. The index lane has one worker at a
time. Attempts are counted at the claim, so a job that kills its worker is buried all the same. A moment too far ahead
was written before the clock went back, and holds nothing up.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from archive_app.core.errors import NotFound
from archive_app.core.model import LaneLease, LiveWorker, QueuedJob
from archive_app.core.ports import ClaimedJob, Clock
from archive_app.core.unit import Sessions
from archive_app.core.vocabulary import JobState, Lane

MAX_ATTEMPTS = 6
LONGEST_WAIT = dt.timedelta(minutes=10)  # of a job for its next attempt; no lease is longer either
WORKER_SILENT_AFTER = dt.timedelta(seconds=30)
_JOB = QueuedJob.__table__
_FIRST = (_JOB.c.priority.desc(), _JOB.c.created_at, _JOB.c.id)
_RELAY = "relay"
_SWEPT_AT_ONCE = 1_000
_NOT_ENDED = (JobState.QUEUED, JobState.LEASED)
_NOT_DONE = (*_NOT_ENDED, JobState.BURIED)  # named one by one: an index finds what a state is, not what it is not
_ONE_BY_ONE = [lane for lane in Lane if lane != Lane.INDEX]
# Asked at every job, so made once. A job is due when it waits for no later time, or when its worker fell silent.
_BY_NOW = sa.or_(
    sa.and_(_JOB.c.state == JobState.QUEUED, _JOB.c.run_after <= sa.bindparam("now")),
    sa.and_(_JOB.c.state == JobState.QUEUED, _JOB.c.run_after > sa.bindparam("farthest")),
    sa.and_(_JOB.c.state == JobState.LEASED, _JOB.c.lease_until < sa.bindparam("now")),
    sa.and_(_JOB.c.state == JobState.LEASED, _JOB.c.lease_until > sa.bindparam("farthest")),
)
_DUE = sa.and_(_JOB.c.lane.in_(sa.bindparam("lanes", expanding=True)), _BY_NOW)
_THIS = _JOB.c.id == sa.bindparam("ident")
_SILENT = _JOB.c.published_at.is_(None)  # no message is on its way
_ANY_DUE = sa.select(_JOB.c.id).where(_DUE).limit(1)


def _published(lane: Lane) -> sa.ScalarSelect[int]:
    waiting = sa.and_(_JOB.c.state == JobState.QUEUED, _JOB.c.lane == lane, _JOB.c.published_at.is_not(None))
    return sa.select(sa.func.count()).select_from(_JOB).where(waiting).scalar_subquery()


_SILENT_LANES = sa.select(
    *(sa.exists(sa.select(_JOB.c.id).where(_JOB.c.lane == lane, _BY_NOW, _SILENT)) for lane in Lane),
    *(_published(lane) for lane in Lane),
)
_THIS_DUE = sa.select(_JOB.c.id).where(_DUE, _THIS)
_NEXT = sa.select(_JOB).where(_DUE).order_by(*_FIRST).limit(sa.bindparam("most")).with_for_update(skip_locked=True)
_NEXT_SILENT = _NEXT.where(_SILENT)
_NEXT_IS_THIS = sa.select(_JOB).where(_DUE, _THIS).with_for_update(skip_locked=True)
_CHANGE = sa.update(_JOB).where(_THIS)  # type: ignore[arg-type]  # a Table at run time
_CHANGE_MINE = _CHANGE.where(
    _JOB.c.worker == sa.bindparam("holder"), _JOB.c.state == JobState.LEASED, _JOB.c.claims == sa.bindparam("claim")
)


@dataclass(frozen=True, slots=True)
class WorkDone:
    """Jobs of one name that were done lately, and how many seconds of work they took together."""

    name: str
    jobs: int
    seconds: float


@dataclass(frozen=True, slots=True)
class LaneDepth:
    """How much there is to do in a lane, and for how many seconds the oldest due job has waited."""

    lane: Lane
    waiting: int
    running: int
    buried: int
    oldest_seconds: float


class Wake(NamedTuple):
    """A due job, and how often it had been claimed when it was found due."""

    id: UUID
    claims: int


def _by(now: dt.datetime) -> dict[str, object]:
    return {"now": now, "farthest": now + LONGEST_WAIT}


class TableQueue:
    """`JobQueue` on SQLite (a short writing transaction) and PostgreSQL (`SKIP LOCKED`)."""

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._sessions, self._clock = sessions, clock

    def claim(
        self,
        worker: str,
        *,
        lanes: Sequence[Lane],
        lease: dt.timedelta,
        most: int = 1,
        silent_first: bool = False,
        looking_first: bool = True,
    ) -> Sequence[ClaimedJob]:
        """Lease up to `most` jobs of these lanes, highest priority and oldest first.

        `silent_first`: before all those that a message is on its way for, which somebody may be about to claim.
        Unless `looking_first`, the writers' lock is taken though there may be nothing: for who has just found work.
        """
        if looking_first and not self._any(_ANY_DUE, lanes=lanes):
            return ()
        now = self._clock.now()
        with self._sessions.writing() as session:
            open_lanes = [lane for lane in lanes if lane != Lane.INDEX or self._take_lane(session, worker, now, lease)]
            wanted = {"lanes": open_lanes, "most": most, **_by(now)}
            claimed: Sequence[ClaimedJob] = ()
            for due in (_NEXT_SILENT, _NEXT) if silent_first else (_NEXT,):
                claimed = claimed or self._lease(session, worker, due, wanted, until=now + lease)
            session.commit()
        return claimed

    def claim_one(self, worker: str, ident: UUID, *, lease: dt.timedelta) -> ClaimedJob | None:
        """Lease this very job. None if it is done, not due yet or held by another: the message was late."""
        if not self._any(_THIS_DUE, lanes=_ONE_BY_ONE, ident=ident):
            return None
        now = self._clock.now()
        with self._sessions.writing() as session:
            wanted = {"lanes": _ONE_BY_ONE, "ident": ident, **_by(now)}
            claimed = self._lease(session, worker, _NEXT_IS_THIS, wanted, until=now + lease)
            session.commit()
        return claimed[0] if claimed else None

    def _lease(
        self, session: Session, worker: str, due: sa.Select[Any], wanted: Mapping[str, Any], *, until: dt.datetime
    ) -> Sequence[ClaimedJob]:
        connection, claimed = session.connection(), []
        for row in connection.execute(due, wanted).all():
            if row.attempt >= MAX_ATTEMPTS:
                self._end(session, row.id, JobState.BURIED, row.reason or "its worker died again and again")
                continue
            leased = {
                "state": JobState.LEASED,
                "worker": worker,
                "lease_until": until,
                "attempt": row.attempt + 1,
                "claims": row.claims + 1,
                "published_at": None,
            }
            connection.execute(_CHANGE, {"ident": row.id, **leased})
            claimed.append(
                ClaimedJob(
                    row.id, row.name, row.args, row.viewer_id, row.lane, row.attempt + 1, row.claims + 1, until
                )
            )  # fmt: skip
        return claimed

    def _any(self, due: sa.Select[Any], **wanted: object) -> bool:
        """A look without the writers' lock: idle workers and late messages disturb nobody."""
        with self._sessions.reading() as session:
            return session.connection().execute(due, {**_by(self._clock.now()), **wanted}).first() is not None

    def _take_lane(self, session: Session, worker: str, now: dt.datetime, lease: dt.timedelta) -> bool:
        """Hold the index lane, if there is work in it and nobody else does."""
        if session.connection().execute(_ANY_DUE, {"lanes": [Lane.INDEX], **_by(now)}).first() is None:
            return False  # a lane held for nothing would keep the others out
        return self._hold(session, Lane.INDEX, worker, now, lease)

    def _hold(self, session: Session, what: str, worker: str, now: dt.datetime, lease: dt.timedelta) -> bool:
        insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        session.connection().execute(
            insert(LaneLease.__table__).values(lane=what).on_conflict_do_nothing()  # type: ignore[arg-type]
        )
        row = session.get_one(LaneLease, what, with_for_update=True)
        until = row.lease_until
        if row.worker not in (None, worker) and until is not None and now < until <= now + LONGEST_WAIT:
            return False
        row.worker, row.lease_until = worker, now + lease
        session.flush()
        return True

    def release_lane(self, worker: str) -> None:
        """Let another worker have the index lane at once; who was woken meanwhile in vain is woken again."""
        woken = sa.and_(_JOB.c.state == JobState.QUEUED, _JOB.c.lane == Lane.INDEX, _JOB.c.published_at.is_not(None))
        with self._sessions.writing() as session:
            if self._let_go(session, Lane.INDEX, worker):
                session.connection().execute(sa.update(_JOB).where(woken).values(published_at=None))  # type: ignore[arg-type]
            session.commit()

    @staticmethod
    def _let_go(session: Session, what: str, worker: str) -> bool:
        row = session.get(LaneLease, what)
        if row is None or row.worker != worker:
            return False
        row.worker, row.lease_until = None, None
        return True

    def extend(self, worker: str, job: ClaimedJob, *, lease: dt.timedelta) -> bool:
        """Heartbeat, of the index lane too. False if the lease was lost."""
        until = self._clock.now() + lease
        if not self._mine(worker, job, lease_until=until):
            return False
        if job.lane != Lane.INDEX:
            return True
        with self._sessions.writing() as session:
            row = session.get(LaneLease, Lane.INDEX, with_for_update=True)
            if row is None or row.worker != worker:
                return False
            row.lease_until = until
            session.commit()
        return True

    def done(self, worker: str, job: ClaimedJob, *, seconds: float | None = None) -> None:
        """The work is committed, and took so long."""
        now = self._clock.now()
        self._mine(worker, job, state=JobState.DONE, lease_until=None, reason=None, ended_at=now, seconds=seconds)

    def again(self, worker: str, job: ClaimedJob, *, delay: dt.timedelta, reason: str, counted: bool = True) -> None:
        """Try later, after `LONGEST_WAIT` at most; buried instead when the attempts are used up.

        One that is not counted uses up none, and those before it are forgotten: whoever says so outlived the job, so
        that it was not the job that workers died of.
        """
        if counted and job.attempt >= MAX_ATTEMPTS:
            self.bury(worker, job, reason=reason)
            return
        self._mine(
            worker,
            job,
            state=JobState.QUEUED,
            lease_until=None,
            worker=None,
            reason=reason[:500],
            run_after=self._clock.now() + min(delay, LONGEST_WAIT),
            attempt=job.attempt if counted else 0,
            published_at=None,
        )

    def bury(self, worker: str, job: ClaimedJob, *, reason: str) -> None:
        """Give up, with the reason, until a person retries."""
        self._mine(
            worker, job, state=JobState.BURIED, lease_until=None, reason=reason[:500], ended_at=self._clock.now()
        )

    def _mine(self, holder: str, job: ClaimedJob, **values: object) -> bool:
        """Change the row only while this worker still holds it by this very claim."""
        with self._sessions.writing() as session:
            held = {"ident": job.id, "holder": holder, "claim": job.claim}
            changed: int = session.connection().execute(_CHANGE_MINE, {**held, **values}).rowcount
            session.commit()
        return changed == 1

    def _end(self, session: Session, ident: UUID, state: JobState, reason: str) -> None:
        ended = {"state": state, "reason": reason[:500], "lease_until": None, "ended_at": self._clock.now()}
        session.connection().execute(_CHANGE, {"ident": ident, **ended})

    # -- what the relay asks

    def hold_relay(self, relay: str, *, lease: dt.timedelta) -> bool:
        """Whether this relay is the one that publishes, for the length of the lease; others stand by."""
        with self._sessions.writing() as session:
            held = self._hold(session, _RELAY, relay, self._clock.now(), lease)
            session.commit()
        return held

    def release_relay(self, relay: str) -> None:
        """Let another relay publish at once."""
        with self._sessions.writing() as session:
            self._let_go(session, _RELAY, relay)
            session.commit()

    def silent_lanes(self) -> Mapping[Lane, int]:
        """The lanes with a due job that no message is on its way for, and how many messages of each are: one look."""
        with self._sessions.reading() as session:
            found = session.connection().execute(_SILENT_LANES, _by(self._clock.now())).one()
        count = len(Lane)
        return {lane: found[count + place] for place, lane in enumerate(Lane) if found[place]}

    def unpublished(self, lane: Lane, *, most: int) -> Sequence[Wake]:
        """Due jobs of the lane that no message is on its way for, in the order of `claim`."""
        statement = sa.select(_JOB.c.id, _JOB.c.claims).where(_DUE, _SILENT).order_by(*_FIRST).limit(most)
        with self._sessions.reading() as session:
            wanted = {"lanes": [lane], **_by(self._clock.now())}
            return [Wake(*row) for row in session.connection().execute(statement, wanted).all()]

    def published(self, wakes: Sequence[Wake]) -> None:
        """A message is on its way for these jobs, unless they were claimed already."""
        now = self._clock.now()
        with self._sessions.writing() as session:
            for start in range(0, len(wakes), 500):
                part = [(wake.id, wake.claims) for wake in wakes[start : start + 500]]
                unclaimed = sa.tuple_(_JOB.c.id, _JOB.c.claims).in_(part)
                session.connection().execute(sa.update(_JOB).where(unclaimed).values(published_at=now))  # type: ignore[arg-type]
            session.commit()

    def forget_messages(self, sent_before: Mapping[Lane, dt.datetime]) -> None:
        """Messages of a lane sent before and not claimed since are taken for lost: their jobs are silent again."""
        lost = sa.or_(
            _JOB.c.published_at > self._clock.now() + LONGEST_WAIT,
            *(sa.and_(_JOB.c.lane == lane, _JOB.c.published_at < then) for lane, then in sent_before.items()),
        )
        waiting = sa.and_(_JOB.c.state == JobState.QUEUED, lost)
        with self._sessions.writing() as session:
            session.connection().execute(sa.update(_JOB).where(waiting).values(published_at=None))  # type: ignore[arg-type]
            session.commit()

    # -- what operators ask

    def retry(self, ident: UUID | None = None) -> int:
        """Queue a buried job again, or all of them. Raises `NotFound`."""
        with self._sessions.writing() as session:
            condition = [_JOB.c.state == JobState.BURIED] + ([_JOB.c.id == ident] if ident else [])
            changed: int = (
                session.connection()
                .execute(
                    sa.update(_JOB)  # type: ignore[arg-type]
                    .where(*condition)
                    .values(
                        state=JobState.QUEUED,
                        attempt=0,
                        run_after=self._clock.now(),
                        published_at=None,
                        ended_at=None,
                        worker=None,
                    )
                )
                .rowcount
            )
            session.commit()
        if ident and not changed:
            raise NotFound(kind="job")
        return changed

    def bury_by_hand(self, ident: UUID, *, reason: str) -> None:
        """Give up a job that has not ended. Raises `NotFound`."""
        with self._sessions.writing() as session:
            waiting = sa.select(_JOB.c.id).where(_JOB.c.id == ident, _JOB.c.state.in_(_NOT_ENDED)).with_for_update()
            if session.connection().execute(waiting).first() is None:
                raise NotFound(kind="job")
            self._end(session, ident, JobState.BURIED, reason)
            session.commit()

    def list(self, *, state: JobState | None = None, most: int = 500) -> Sequence[sa.Row[Any]]:
        """Jobs that are not done (or of one state), newest last."""
        condition = _JOB.c.state == state if state else _JOB.c.state.in_(_NOT_DONE)
        with self._sessions.reading() as session:
            statement = sa.select(_JOB).where(condition).order_by(_JOB.c.created_at).limit(most)
            return session.connection().execute(statement).all()

    def depths(self) -> Sequence[LaneDepth]:
        """What waits, runs and was given up in each lane, an empty one too."""
        now = self._clock.now()

        def count(state: JobState) -> sa.ColumnElement[int]:
            return sa.func.count(sa.case((_JOB.c.state == state, 1)))

        due = sa.and_(_JOB.c.state == JobState.QUEUED, _JOB.c.run_after <= now)
        statement = (
            sa.select(
                _JOB.c.lane,
                count(JobState.QUEUED),
                count(JobState.LEASED),
                count(JobState.BURIED),
                sa.func.min(sa.case((due, _JOB.c.run_after))),
            )
            .where(_JOB.c.state.in_(_NOT_DONE))
            .group_by(_JOB.c.lane)
        )
        with self._sessions.reading() as session:
            rows = {row[0]: row for row in session.connection().execute(statement).all()}
        depths = []
        for lane in Lane:
            _, waiting, running, buried, oldest = rows.get(lane, (lane, 0, 0, 0, None))
            age = (now - oldest).total_seconds() if oldest else 0.0
            depths.append(LaneDepth(lane, waiting, running, buried, age))
        return depths

    def sweep(self, *, ended_before: dt.datetime, keep_last_of: str) -> int:
        """Delete rows of jobs done before; of those whose key begins so, the last done of each name stays."""
        newer = _JOB.alias()
        special = _JOB.c.key.startswith(keep_last_of, autoescape=True)
        outdone = sa.exists().where(
            newer.c.name == _JOB.c.name,
            newer.c.key.startswith(keep_last_of, autoescape=True),
            newer.c.state == JobState.DONE,
            newer.c.ended_at > _JOB.c.ended_at,
        )
        old = sa.select(_JOB.c.id).where(
            _JOB.c.state == JobState.DONE, _JOB.c.ended_at < ended_before, sa.or_(sa.not_(special), outdone)
        )
        swept = 0
        while True:  # a part at a time: nobody waits long for the writers' lock
            with self._sessions.writing() as session:
                part = session.connection().execute(old.limit(_SWEPT_AT_ONCE)).scalars().all()
                # The state again: whoever queued it anew meanwhile keeps it.
                gone = sa.delete(_JOB).where(_JOB.c.id.in_(part), _JOB.c.state == JobState.DONE)  # type: ignore[arg-type]
                swept += session.connection().execute(gone).rowcount
                session.commit()
            if len(part) < _SWEPT_AT_ONCE:
                return swept

    def done_lately(self, within: dt.timedelta) -> Sequence[WorkDone]:
        """What was done within that time, by the name of the job."""
        statement = (
            sa.select(_JOB.c.name, sa.func.count(), sa.func.sum(_JOB.c.seconds))
            .where(_JOB.c.ended_at > self._clock.now() - within, _JOB.c.state == JobState.DONE)
            .group_by(_JOB.c.name)
        )
        with self._sessions.reading() as session:
            return [WorkDone(row[0], row[1], row[2] or 0.0) for row in session.connection().execute(statement)]

    def beat(self, worker: str) -> None:
        """Say that this worker lives."""
        with self._sessions.writing() as session:
            session.merge(LiveWorker(name=worker, seen_at=self._clock.now()))
            session.commit()

    def leave(self, worker: str) -> None:
        """Say that this worker ends."""
        with self._sessions.writing() as session:
            session.execute(sa.delete(LiveWorker).where(LiveWorker.name == worker))
            session.commit()

    def live_workers(self) -> int:
        """How many workers were heard of lately."""
        with self._sessions.reading() as session:
            now = self._clock.now()
            lately = LiveWorker.seen_at.between(now - WORKER_SILENT_AFTER, now + WORKER_SILENT_AFTER)
            return session.execute(sa.select(sa.func.count()).select_from(LiveWorker).where(lately)).scalar_one()
