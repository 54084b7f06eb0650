"""Doing claimed jobs, however they were claimed: keep the lease, do it, and say how it ended.

A lease is extended while the work goes on; work whose lease was lost is dropped, because another worker does it.
Every job may run twice: its handler finds what is done already.
"""

import datetime as dt
import gc
import logging
import os
import random
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from archive_app.core.errors import ArchiveError, ChildDied, NotFound, OcrFailed, StaleVersion, Unavailable, UnderWay
from archive_app.core.ports import ClaimedJob
from archive_app.core.repeating import repeat
from archive_app.core.vocabulary import Lane, RecordId, Viewer
from archive_app.jobs import MAX_ATTEMPTS
from archive_app.lease_keeper import LeaseKeeper
from archive_app.wiring import Archive
from search.sync import refresh

_LOG = logging.getLogger("archive.worker")
_BEAT_SECONDS = 10.0
_INDEX_BATCH = 500
_AWAY = dt.timedelta(seconds=20)
_SERVER_AWAY = frozenset({"store-unreachable", "database-down"})
_LOADED: set[str] = set()  # names of the jobs that this process has done before

Handler = Callable[[Archive, ClaimedJob], None]


@dataclass(frozen=True, slots=True)
class Pace:
    """How long work may take.

    Work is done by another worker `lease` after its worker died. Reading and indexing that run longer than `longest`
    are taken to hang: the process ends, so that the attempt counts and the job is tried again or buried. Light work
    opens files in children, which have limits of their own.
    """

    lease: dt.timedelta = dt.timedelta(seconds=60)
    longest: dt.timedelta = dt.timedelta(minutes=15)


NORMAL = Pace()


class Hands:
    """What does jobs in one process, under a name of its own."""

    def __init__(self, archive: Archive, handlers: Mapping[str, Handler], *, pace: Pace) -> None:
        self._archive, self._handlers, self._pace = archive, handlers, pace
        self.name = f"{socket.gethostname()}:{os.getpid()}:{random.randrange(16**4):04x}"  # noqa: S311 - a name
        self._giving: set[Lane] = set()  # lanes that had a job when they were asked last
        self._over = threading.Event()
        self._leases = LeaseKeeper(
            self._extend, seconds=pace.lease.total_seconds() / 3, longest=pace.longest.total_seconds()
        )
        self._index_away_until = dt.datetime.min.replace(tzinfo=dt.UTC)

    def live(self) -> None:
        """Say from now on that this worker lives."""
        repeat(self._beat, seconds=_BEAT_SECONDS, over=self._over, at_once=True)

    def leave(self) -> None:
        """Say that this worker ends."""
        self._over.set()
        try:
            self._archive.queue.release_lane(self.name)
            self._archive.queue.leave(self.name)
        except Unavailable as fault:  # the lease of the lane ends by itself, and silence tells the rest
            _LOG.warning("worker.left.silently code=%s", fault.code)

    def _beat(self) -> None:
        try:
            self._archive.queue.beat(self.name)
        except Exception:  # noqa: BLE001 - a missed beat is no reason to stop working
            _LOG.exception("worker.beat.failed")

    def take(self, lane: Lane, *, silent_first: bool = False) -> bool:
        """Claim the next job of the lane and do it. False if there was none; `silent_first` as in `claim`."""
        looking = lane not in self._giving
        jobs = self._archive.queue.claim(
            self.name, lanes=(lane,), lease=self._pace.lease, silent_first=silent_first, looking_first=looking
        )
        (self._giving.add if jobs else self._giving.discard)(lane)
        for job in jobs:
            self._do(job)
        return bool(jobs)

    def take_this(self, ident: UUID) -> bool:
        """Claim this very job and do it. False if it is done, or another does it."""
        job = self._archive.queue.claim_one(self.name, ident, lease=self._pace.lease)
        if job is not None:
            self._do(job)
        return job is not None

    def take_batch(self) -> bool:
        """Claim what waits in the index lane and do it.

        False if there was nothing, if another holds the lane, or if the index was found to be away a moment ago.
        """
        if dt.timedelta() < self._index_away_until - self._archive.clock.now() <= _AWAY:
            return False
        batch = self._archive.queue.claim(self.name, lanes=(Lane.INDEX,), lease=self._pace.lease, most=_INDEX_BATCH)
        if batch:
            self._refresh(batch)
        return bool(batch)

    def _do(self, job: ClaimedJob) -> None:
        began = time.monotonic()
        with self._leases.keeping([job]):
            outcome = self._attempt([job], lambda: self._handlers[job.name](self._archive, job))
        _LOG.info("job.%s name=%s id=%s seconds=%.2f", outcome, job.name, job.id, time.monotonic() - began)

    def _refresh(self, jobs: Sequence[ClaimedJob]) -> None:
        """All at once; what failed before one by one, so that no record keeps others out of the index."""
        together = [job for job in jobs if job.attempt == 1]
        parts = [together] * bool(together) + [[job] for job in jobs if job.attempt > 1]
        with self._leases.keeping(jobs):
            viewer = self._archive.own_work("index")
            for part in parts:
                self._attempt(part, partial(self._refresh_records, viewer, part))
        self._archive.queue.release_lane(self.name)  # whoever is free next indexes next

    def _refresh_records(self, viewer: Viewer, jobs: Sequence[ClaimedJob]) -> None:
        archive, idents = self._archive, [RecordId(UUID(job.args["record"])) for job in jobs]
        refresh(archive.reading(viewer), archive.index, idents, hasher=archive.hasher)

    def _attempt(self, jobs: Sequence[ClaimedJob], deed: Callable[[], object]) -> str:
        """Do it, and say of every job how it ended. The one place that catches everything: log, mark, go on."""
        queue, began = self._archive.queue, time.monotonic()
        try:
            deed()
        except NotFound as gone:
            return self._bury(jobs, gone)
        except (Unavailable, OcrFailed, ChildDied, StaleVersion, UnderWay) as fault:
            return self._again(jobs, fault)
        except ArchiveError as fault:
            _LOG.warning("job.fault name=%s code=%s", jobs[0].name, fault.code)
            return self._again(jobs, fault)
        except Exception as fault:  # noqa: BLE001 - the one place
            _LOG.exception("job.crashed name=%s", jobs[0].name)
            return self._again(jobs, fault)
        each = (time.monotonic() - began) / len(jobs)
        for job in jobs:
            queue.done(self.name, job, seconds=each)
        _set_apart_what_was_loaded(jobs[0].name)
        return "done"

    def _again(self, jobs: Sequence[ClaimedJob], fault: Exception) -> str:
        if jobs[0].lane == Lane.INDEX and type(fault) is Unavailable and fault.code.startswith("index-"):
            return self._wait_for_index(jobs, fault)
        if isinstance(fault, UnderWay) or (type(fault) is Unavailable and fault.code in _SERVER_AWAY):
            return self._wait_uncounted(jobs, fault)
        for job in jobs:
            if job.attempt >= MAX_ATTEMPTS:
                self._archive.queue.bury(self.name, job, reason=_reason(fault))
            else:
                self._archive.queue.again(self.name, job, delay=_delay(fault, job.attempt), reason=_reason(fault))
        return "again"

    def _wait_for_index(self, jobs: Sequence[ClaimedJob], fault: Unavailable) -> str:
        """However long the index is away, its jobs wait: no attempt is used up, and the lane is left alone a while."""
        self._index_away_until = self._archive.clock.now() + _AWAY
        return self._wait_uncounted(jobs, fault)

    def _wait_uncounted(self, jobs: Sequence[ClaimedJob], fault: Unavailable | UnderWay) -> str:
        """A server that is away, or another run, says nothing about the work: no attempt is used up, however long."""
        for job in jobs:
            self._archive.queue.again(self.name, job, delay=_AWAY, reason=_reason(fault), counted=False)
        return "waits"

    def _bury(self, jobs: Sequence[ClaimedJob], fault: Exception) -> str:
        for job in jobs:
            self._archive.queue.bury(self.name, job, reason=_reason(fault))
        return "buried"

    def _extend(self, jobs: Sequence[ClaimedJob]) -> None:
        try:
            for job in jobs:
                self._archive.queue.extend(self.name, job, lease=self._pace.lease)
        except Exception:  # noqa: BLE001 - one missed extension is no reason to stop: the next comes before the end
            _LOG.exception("worker.extend.failed")


def _set_apart_what_was_loaded(name: str) -> None:
    """What the first job of a name imported and made stays to the end: it is not looked through for garbage again."""
    if name not in _LOADED:
        _LOADED.add(name)
        gc.collect()
        gc.freeze()


def _delay(fault: Exception, attempt: int) -> dt.timedelta:
    """Twice as long each time. A part that does not answer (full store, index) is given a quarter of an hour in all."""
    seconds = 10 * 4 ** (attempt - 1) if type(fault) is Unavailable else 2 ** (attempt - 1)
    return dt.timedelta(seconds=min(300, seconds))


def _reason(fault: Exception) -> str:
    """What operators read: our errors name code and facts, others their kind only (a text may be personal)."""
    return str(fault) if isinstance(fault, ArchiveError) else type(fault).__name__


def index_alone(archive: Archive) -> None:
    """Bring the index up to date here, where nobody else would: in an embedded archive without a worker.

    So that a search finds what the command before it changed. With a worker its job is done within seconds.
    """
    if not archive.settings.on_broker and not archive.queue.live_workers():
        hands = Hands(archive, {}, pace=NORMAL)
        while hands.take_batch():
            pass
