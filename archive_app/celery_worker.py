"""A Celery worker: one node of this machine, with a process for each job it does at a time.

Messages are acknowledged after the work; a process that dies gives its message back, and its row is published again
when the lease ends. What a message asks for and another did or does is acknowledged in silence.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from uuid import UUID

from celery import Celery, signals
from celery.worker.consumer import Consumer

from archive_app.broker import BATCH_TASK, JOB_TASK, QUEUES, make_app
from archive_app.core.errors import Unavailable
from archive_app.core.ports import OcrEngine
from archive_app.core.settings import Settings
from archive_app.core.vocabulary import Lane
from archive_app.doing import NORMAL, Hands, Pace
from archive_app.wiring import Archive
from archive_app.worker import HANDLERS
from ingest.ocr.engines import build_engine

_LOG = logging.getLogger("archive.worker")
_AWAY_SECONDS = 2.0
_JOBS_PER_PROCESS = 2_000  # then a new one takes its place: engines of others may leak


class _Consumer(Consumer):  # type: ignore[misc]  # Celery is typed by halves
    """Without the queues for delays that Celery may declare: the table knows when a job is due."""

    class Blueprint(Consumer.Blueprint):  # type: ignore[misc]
        default_steps = tuple(
            step for step in Consumer.Blueprint.default_steps if not step.endswith(":DelayedDelivery")
        )


class _Process:
    """What one process of the node works with; made after the fork."""

    def __init__(self, settings: Settings, pace: Pace, engines: Callable[[str], OcrEngine]) -> None:
        self._archive = Archive(settings, engines=engines)
        self._busy = threading.Lock()
        self._parent = os.getppid()
        self.hands = Hands(self._archive, HANDLERS, pace=pace)
        self.hands.live()
        threading.Thread(target=self._watch, daemon=True).start()

    def job(self, ident: str) -> None:
        with self._busy:
            self._patiently(lambda: self.hands.take_this(UUID(ident)))

    def batch(self) -> None:
        with self._busy:
            while self._patiently(self.hands.take_batch):
                pass

    def _patiently(self, take: Callable[[], bool]) -> bool:
        """Take, and again while the database is away: a message that is given up wakes nobody for a long time."""
        while True:
            try:
                return take()
            except Unavailable as fault:  # what was in hand is done again when its lease has run out
                _LOG.warning("worker.waits code=%s", fault.code)
                if os.getppid() != self._parent:
                    return False
                time.sleep(_AWAY_SECONDS)

    def _watch(self) -> None:
        """A process whose node was killed ends after the job in hand."""
        while os.getppid() == self._parent:
            time.sleep(1)
        with self._busy:
            os._exit(0)

    def close(self) -> None:
        self.hands.leave()
        self._archive.close()


def run_node(
    settings: Settings,
    *,
    lanes: Sequence[Lane],
    processes: int,
    pace: Pace = NORMAL,
    engines: Callable[[str], OcrEngine] = build_engine,
) -> int:
    """Work until told to end (SIGTERM: jobs in hand are finished, messages not begun go back). Gives the exit code."""
    app = make_app(settings)
    app.conf.update(worker_consumer=f"{__name__}:_Consumer", worker_max_tasks_per_child=_JOBS_PER_PROCESS)
    _register(app, lambda: _Process(settings, pace, engines))
    node = app.Worker(
        hostname=f"{'-'.join(lanes)}@{os.uname().nodename}:{os.getpid()}",
        pool="prefork",
        concurrency=processes,
        queues=[QUEUES[lane] for lane in lanes],
        loglevel="WARNING",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        optimization="fair",
        quiet=True,
    )
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    node.start()
    return int(node.exitcode or 0)


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


def _register(app: Celery, begin: Callable[[], _Process]) -> None:
    mine: list[_Process] = []

    def started(**_: object) -> None:
        mine.append(begin())

    def ended(**_: object) -> None:
        while mine:
            mine.pop().close()

    signals.worker_process_init.connect(started, weak=False)
    signals.worker_process_shutdown.connect(ended, weak=False)

    @app.task(name=JOB_TASK)  # type: ignore[untyped-decorator]
    def job(ident: str) -> None:
        mine[0].job(ident)

    @app.task(name=BATCH_TASK)  # type: ignore[untyped-decorator]
    def batch(_ident: str) -> None:
        mine[0].batch()
