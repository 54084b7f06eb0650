"""The table of handlers, and the loop of a worker: claim, do, and say how it ended; one process per core."""

import datetime as dt
import logging
import math
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from uuid import UUID

from archive_app import extent, keeping
from archive_app.backup import job as backup
from archive_app.chores import KEYS, Chore, keep_ensuring
from archive_app.core.errors import Unavailable
from archive_app.core.ports import ClaimedJob, StoreKey
from archive_app.core.vocabulary import Lane, RecordId
from archive_app.doing import NORMAL, Handler, Hands, Pace
from archive_app.wiring import Archive
from ingest.cataloguing import catalogue
from ingest.examining import examine
from ingest.reading import forget_results, read_page
from ingest.releasing import release_bytes, release_intake

_LOG = logging.getLogger("archive.worker")
_IDLE_SECONDS = 0.3
_AWAY_SECONDS = 2.0
_INDEX_SECONDS = 5.0
_OCR_ATTEMPTS = 3
_DONE_JOBS_STAY = dt.timedelta(days=30)
_READ_TEXTS_STAY = dt.timedelta(days=7)  # no longer than a correction of the same pictures may take


def _examine(archive: Archive, job: ClaimedJob) -> None:
    examine(archive.workshop, archive.own_work("intake"), UUID(job.args["file"]))


def _read(archive: Archive, job: ClaimedJob) -> None:
    first, last = job.attempt == 1, job.attempt >= _OCR_ATTEMPTS
    viewer, page = archive.own_work("reading"), UUID(job.args["page"])
    read_page(archive.workshop, viewer, page, first_attempt=first, last_attempt=last)


def _describe(archive: Archive, job: ClaimedJob) -> None:
    catalogue(archive.workshop, archive.own_work("describing"), RecordId(UUID(job.args["record"])))


def _release_intake(archive: Archive, job: ClaimedJob) -> None:
    release_intake(archive.workshop, archive.own_work("intake"), UUID(job.args["file"]))


def _release_bytes(archive: Archive, job: ClaimedJob) -> None:
    key = StoreKey(job.args["fonds"], UUID(job.args["owner"]), job.args["sha256"])
    release_bytes(archive.workshop, archive.own_work("intake"), key)


def _sweep(archive: Archive, _job: ClaimedJob) -> None:
    archive.queue.sweep(ended_before=archive.clock.now() - _DONE_JOBS_STAY, keep_last_of=KEYS)


def _forget(archive: Archive, _job: ClaimedJob) -> None:
    forget_results(archive.sessions, before=archive.clock.now() - _READ_TEXTS_STAY)


#: Every job name there is. `search.refresh` is done in batches by the index lane, see `Hands.take_batch`.
HANDLERS: Mapping[str, Handler] = {
    "intake.examine": _examine,
    "intake.release": _release_intake,
    "job.sweep": _sweep,
    "ocr.forget": _forget,
    "page.read": _read,
    "record.describe": _describe,
    "store.protect": keeping.protect_job,
    "store.release": _release_bytes,
    backup.NAME: backup.backup_step,
    extent.NAME: extent.sum_up,
    "store.renew-locks": keeping.renew_job,
    "store.self-test": keeping.self_test_job,
}
BATCHED = frozenset({"search.refresh"})
#: Periodic work; each name has its handler above.
CHORES: Sequence[Chore] = (
    Chore("job.sweep", at=lambda _settings: "03:00"),
    Chore("ocr.forget", at=lambda _settings: "03:30"),
    Chore(extent.NAME, at=lambda _settings: "04:00"),
    Chore(backup.NAME, at=lambda settings: settings.backup_at),
    Chore("store.renew-locks", at=lambda _settings: "01:00"),
    Chore("store.self-test", at=lambda _settings: "00:30"),
)


class Worker:
    """One process that works. `lanes` say what it takes on.

    Who is `woken` by messages leaves to others what one is on its way for, unless there is nothing else.
    """

    def __init__(
        self,
        archive: Archive,
        *,
        lanes: Sequence[Lane] = tuple(Lane),
        pace: Pace = NORMAL,
        woken: bool = False,
    ) -> None:
        self._archive, self.hands, self._woken = archive, Hands(archive, HANDLERS, pace=pace), woken
        self._lanes = tuple(lanes)
        self._stop = threading.Event()
        self._indexed = time.monotonic()

    @property
    def name(self) -> str:
        """What the claims of this worker are known by."""
        return self.hands.name

    def stop(self) -> None:
        """Finish the job in hand and end."""
        self._stop.set()

    def run(self) -> None:
        """Work until stopped."""
        self.hands.live()
        keep_ensuring(self._archive, CHORES, self._stop)
        try:
            self.work_on(patience=math.inf)
        finally:
            self.hands.leave()

    def work_on(self, *, patience: float, longest: float = math.inf) -> None:
        """Work until there was nothing to do for `patience` seconds, for `longest` at most, or until stopped."""
        began = worked = time.monotonic()
        while not self._stop.is_set() and time.monotonic() - began < longest:
            if self.persist(self.step):
                worked = time.monotonic()
            elif time.monotonic() - worked < patience:
                self._stop.wait(_IDLE_SECONDS)
            else:
                return

    def persist(self, take: Callable[[], bool]) -> bool:
        """Take, and again while the database is away: then nothing can be claimed and nothing marked."""
        while True:
            try:
                return take()
            except Unavailable as fault:  # what was in hand is done again when its lease has run out
                _LOG.warning("worker.waits code=%s", fault.code)
                if self._stop.wait(_AWAY_SECONDS):
                    return False

    def step(self) -> bool:
        """Do one job, or one batch of index jobs. False if there was nothing to do.

        The index is written every few seconds while other work waits: a commit costs the same for one record as
        for hundreds, and a record that is described right after it was read is written once.
        """
        if time.monotonic() - self._indexed >= _INDEX_SECONDS and self._index():
            return True
        # Light work first: it makes the work for the readers.
        for lane in (Lane.LIGHT, Lane.OCR):
            if lane in self._lanes and self.hands.take(lane, silent_first=self._woken):
                return True
        return self._index()

    def _index(self) -> bool:
        if Lane.INDEX not in self._lanes:
            return False
        worked = self.hands.take_batch()
        self._indexed = time.monotonic()
        return worked


def run_process(
    archive: Archive,
    *,
    lanes: Sequence[Lane] = tuple(Lane),
    pace: Pace = NORMAL,
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
