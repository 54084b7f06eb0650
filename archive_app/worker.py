"""The job loop: claim, do, and say how it ended. One table of handlers; one process per core for reading.

A lease is extended while the work goes on; work whose lease was lost is dropped, because another worker does it.
Every job may run twice: its handler finds what is done already.
"""

import datetime as dt
import logging
import os
import random
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import FrameType
from uuid import UUID

from archive_app.backup import job as backup
from archive_app.core.errors import ArchiveError, ChildDied, NotFound, OcrFailed, StaleVersion, Unavailable
from archive_app.core.ports import ClaimedJob, StoreKey
from archive_app.core.vocabulary import Lane, RecordId, Viewer
from archive_app.jobs import MAX_ATTEMPTS
from archive_app.wiring import Archive
from ingest.cataloguing import catalogue
from ingest.examining import examine
from ingest.reading import read_page
from ingest.releasing import release_bytes, release_intake
from search.sync import refresh

_LOG = logging.getLogger("archive.worker")
_BEAT_SECONDS = 10.0
_IDLE_SECONDS = 0.3
_INDEX_BATCH = 500
_INDEX_SECONDS = 1.0
_HUNG = 70  # exit status of a worker whose work did not end
_OCR_ATTEMPTS = 3

Handler = Callable[[Archive, ClaimedJob], None]


def _examine(archive: Archive, job: ClaimedJob) -> None:
    examine(archive.workshop, archive.own_work("intake"), UUID(job.args["file"]))


def _read(archive: Archive, job: ClaimedJob) -> None:
    last = job.attempt >= _OCR_ATTEMPTS
    read_page(archive.workshop, archive.own_work("reading"), UUID(job.args["page"]), last_attempt=last)


def _describe(archive: Archive, job: ClaimedJob) -> None:
    catalogue(archive.workshop, archive.own_work("describing"), RecordId(UUID(job.args["record"])))


def _release_intake(archive: Archive, job: ClaimedJob) -> None:
    release_intake(archive.workshop, archive.own_work("intake"), UUID(job.args["file"]))


def _release_bytes(archive: Archive, job: ClaimedJob) -> None:
    key = StoreKey(job.args["fonds"], UUID(job.args["owner"]), job.args["sha256"])
    release_bytes(archive.workshop, archive.own_work("intake"), key)


#: Every job name there is. `search.refresh` is done in batches by the index lane, see `_refresh`.
HANDLERS: Mapping[str, Handler] = {
    "intake.examine": _examine,
    "intake.release": _release_intake,
    "page.read": _read,
    "record.describe": _describe,
    "store.release": _release_bytes,
    backup.NAME: backup.backup_step,
}
BATCHED = frozenset({"search.refresh"})


@dataclass(frozen=True, slots=True)
class Pace:
    """How long work may take.

    Work is done by another worker `lease` after its worker died. Reading and indexing that run longer than `longest`
    are taken to hang: the process ends, so that the attempt counts and the job is tried again or buried. Light work
    opens files in children, which have limits of their own.
    """

    lease: dt.timedelta = dt.timedelta(seconds=60)
    longest: dt.timedelta = dt.timedelta(minutes=15)


class Worker:
    """One process that works. `lanes` say what it takes on."""

    def __init__(
        self,
        archive: Archive,
        *,
        lanes: Sequence[Lane] = tuple(Lane),
        pace: Pace = Pace(),
    ) -> None:
        self._archive, self._lanes, self._pace = archive, tuple(lanes), pace
        self.name = f"{socket.gethostname()}:{os.getpid()}:{random.randrange(16**4):04x}"  # noqa: S311 - a name
        self._stop = threading.Event()
        self._indexed = time.monotonic()

    def stop(self) -> None:
        """Finish the job in hand and end."""
        self._stop.set()

    def run(self) -> None:
        """Work until stopped."""
        beat = threading.Thread(target=self._beat, daemon=True)
        beat.start()
        try:
            while not self._stop.is_set():
                if not self.step():
                    self._stop.wait(_IDLE_SECONDS)
        finally:
            self._archive.queue.release_lane(self.name)
            self._archive.queue.leave(self.name)

    def _beat(self) -> None:
        while not self._stop.is_set():
            try:
                self._archive.queue.beat(self.name)
            except Exception:  # noqa: BLE001 - a missed beat is no reason to stop working
                _LOG.exception("worker.beat.failed")
            self._stop.wait(_BEAT_SECONDS)

    def step(self) -> bool:
        """Do one job, or one batch of index jobs. False if there was nothing to do.

        The index is written at most once a second while other work waits: a commit costs the same for one record as
        for hundreds, and a record that is described right after it was read is written once.
        """
        if time.monotonic() - self._indexed >= _INDEX_SECONDS and self._index():
            return True
        # Light work first: it makes the work for the readers.
        for lane in (Lane.LIGHT, Lane.OCR):
            if lane not in self._lanes:
                continue
            jobs = self._archive.queue.claim(self.name, lanes=(lane,), lease=self._pace.lease)
            if jobs:
                self._do(jobs[0])
                return True
        return self._index()

    def _index(self) -> bool:
        if Lane.INDEX not in self._lanes:
            return False
        batch = self._archive.queue.claim(self.name, lanes=(Lane.INDEX,), lease=self._pace.lease, most=_INDEX_BATCH)
        self._indexed = time.monotonic()
        if batch:
            self._refresh(batch)
        return bool(batch)

    def _do(self, job: ClaimedJob) -> None:
        began = time.monotonic()
        with self._extended([job]):
            outcome = self._attempt([job], lambda: HANDLERS[job.name](self._archive, job))
        _LOG.info("job.%s name=%s id=%s seconds=%.2f", outcome, job.name, job.id, time.monotonic() - began)

    def _refresh(self, jobs: Sequence[ClaimedJob]) -> None:
        """All at once; what failed before one by one, so that no record keeps others out of the index."""
        together = [job for job in jobs if job.attempt == 1]
        parts = [together] * bool(together) + [[job] for job in jobs if job.attempt > 1]
        with self._extended(jobs):
            viewer = self._archive.own_work("index")
            for part in parts:
                self._attempt(part, partial(self._refresh_records, viewer, part))
        self._archive.queue.release_lane(self.name)  # whoever is free next indexes next

    def _refresh_records(self, viewer: Viewer, jobs: Sequence[ClaimedJob]) -> None:
        archive, idents = self._archive, [RecordId(UUID(job.args["record"])) for job in jobs]
        refresh(archive.reading(viewer), archive.index, idents, hasher=archive.hasher)

    def _attempt(self, jobs: Sequence[ClaimedJob], deed: Callable[[], object]) -> str:
        """Do it, and say of every job how it ended. The one place that catches everything: log, mark, go on."""
        queue = self._archive.queue
        try:
            deed()
        except NotFound as gone:
            return self._bury(jobs, gone)
        except (Unavailable, OcrFailed, ChildDied, StaleVersion) as fault:
            return self._again(jobs, fault)
        except ArchiveError as fault:
            _LOG.warning("job.fault name=%s code=%s", jobs[0].name, fault.code)
            return self._again(jobs, fault)
        except Exception as fault:  # noqa: BLE001 - the one place
            _LOG.exception("job.crashed name=%s", jobs[0].name)
            return self._again(jobs, fault)
        for job in jobs:
            queue.done(self.name, job)
        return "done"

    def _again(self, jobs: Sequence[ClaimedJob], fault: Exception) -> str:
        for job in jobs:
            if job.attempt >= MAX_ATTEMPTS:
                self._archive.queue.bury(self.name, job, reason=_reason(fault))
            else:
                self._archive.queue.again(self.name, job, delay=_delay(fault, job.attempt), reason=_reason(fault))
        return "again"

    def _bury(self, jobs: Sequence[ClaimedJob], fault: Exception) -> str:
        for job in jobs:
            self._archive.queue.bury(self.name, job, reason=_reason(fault))
        return "buried"

    @contextmanager
    def _extended(self, jobs: Sequence[ClaimedJob]) -> Iterator[None]:
        """Keep the leases while the block runs, not for ever: a thread that hangs cannot be ended, a process can."""
        over = threading.Event()
        lease, until = self._pace.lease, time.monotonic() + self._pace.longest.total_seconds()

        def extend() -> None:
            while not over.wait(lease.total_seconds() / 3):
                if time.monotonic() > until and jobs[0].lane != Lane.LIGHT:
                    _LOG.error("worker.hung name=%s ids=%s", jobs[0].name, [str(job.id) for job in jobs])
                    os._exit(_HUNG)
                self._extend(jobs)

        thread = threading.Thread(target=extend, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _extend(self, jobs: Sequence[ClaimedJob]) -> None:
        try:
            for job in jobs:
                self._archive.queue.extend(self.name, job, lease=self._pace.lease)
        except Exception:  # noqa: BLE001 - one missed extension is no reason to stop: the next comes before the end
            _LOG.exception("worker.extend.failed")


def _delay(fault: Exception, attempt: int) -> dt.timedelta:
    """Twice as long each time. A part that does not answer (full store, index) is given a quarter of an hour in all."""
    seconds = 10 * 4 ** (attempt - 1) if type(fault) is Unavailable else 2 ** (attempt - 1)
    return dt.timedelta(seconds=min(300, seconds))


def _reason(fault: Exception) -> str:
    """What operators read: our errors name code and facts, others their kind only (a text may be personal)."""
    return str(fault) if isinstance(fault, ArchiveError) else type(fault).__name__


def run_process(
    archive: Archive,
    *,
    lanes: Sequence[Lane] = tuple(Lane),
    pace: Pace = Pace(),
) -> None:
    """Work in this process until it is told to end (SIGTERM, SIGINT) or its parent is gone."""
    worker = Worker(archive, lanes=lanes, pace=pace)

    def end(_number: int, _frame: FrameType | None) -> None:
        worker.stop()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        worker.stop()

    threading.Thread(target=watch, daemon=True).start()
    worker.run()
