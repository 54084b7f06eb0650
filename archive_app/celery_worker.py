"""A Celery worker: one node of this machine, with a process for each job it does at a time.

Who was woken works on for a while as a local worker does, in all lanes of the node: so a full table costs few messages.
They are acknowledged after the work; a process that dies gives its message back, and the row it held is published again
when the lease ends. What a message asks for and another did or does is left alone. So work may take longer than the
broker waits for an answer (RabbitMQ: half an hour): another gets the message, leaves it alone, and the work goes on.
"""

import mmap
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from uuid import UUID

from celery import Celery, signals
from celery.worker.consumer import Consumer

from archive_app.broker import BATCH_TASK, JOB_TASK, QUEUES, make_app
from archive_app.core.ports import OcrEngine
from archive_app.core.settings import Settings
from archive_app.core.vocabulary import Lane
from archive_app.doing import NORMAL, Pace
from archive_app.wiring import Archive
from archive_app.worker import Worker
from ingest.ocr.engines import build_engine

_PATIENCE_SECONDS = 2.0  # who was woken looks for more so long
_LONGEST_SECONDS = 20.0  # then messages that wait in the queues have their turn
_CLOSED_SECONDS = 2.0  # until the next channel: a broker that refuses one refuses it at once
_MESSAGES_PER_PROCESS = 1_000  # then a new one takes its place: engines of others may leak


class _Consumer(Consumer):  # type: ignore[misc]  # Celery is typed by halves
    """Without the queues for delays that Celery may declare: the table knows when a job is due.

    A channel that the broker closed is opened again, as a connection is, and not all the time.
    """

    class Blueprint(Consumer.Blueprint):  # type: ignore[misc]
        default_steps = tuple(
            step for step in Consumer.Blueprint.default_steps if not step.endswith(":DelayedDelivery")
        )

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        super().on_connection_error_after_connected(exc)
        if isinstance(exc, self.channel_errors):
            time.sleep(_CLOSED_SECONDS)


class _Process:
    """What one process of the node works with; made after the fork."""

    def __init__(self, archive: Archive, lanes: Sequence[Lane], pace: Pace, is_over: Callable[[], bool]) -> None:
        self._archive, self._is_over = archive, is_over
        self._busy = threading.Lock()
        self._parent = os.getppid()
        self._worker = Worker(archive, lanes=lanes, pace=pace, woken=True)
        self._worker.hands.live()
        threading.Thread(target=self._watch, daemon=True).start()

    def job(self, ident: UUID) -> None:
        self._work(lambda: self._worker.hands.take_this(ident))

    def batch(self) -> None:
        self._work(self._worker.hands.take_batch)

    def _work(self, first: Callable[[], bool]) -> None:
        with self._busy:
            self._worker.persist(first)
            self._worker.work_on(patience=_PATIENCE_SECONDS, longest=_LONGEST_SECONDS)

    def _watch(self) -> None:
        """A process whose node ends, or was killed, ends after the job in hand."""
        while os.getppid() == self._parent:
            if self._is_over():
                self._worker.stop()
            time.sleep(1)
        self._worker.stop()
        with self._busy:
            os._exit(0)

    def close(self) -> None:
        self._worker.hands.leave()
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
    app.conf.update(worker_consumer=f"{__name__}:_Consumer", worker_max_tasks_per_child=_MESSAGES_PER_PROCESS)
    over = mmap.mmap(-1, 1)  # seen by all processes; without a lock that a killed one may hold
    signals.worker_shutting_down.connect(lambda **_: over.__setitem__(0, 1), weak=False)
    _register(app, lambda: _Process(Archive(settings, engines=engines), lanes, pace, lambda: over[0] == 1))
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
        mine[0].job(UUID(ident))

    @app.task(name=BATCH_TASK)  # type: ignore[untyped-decorator]
    def batch(_ident: str) -> None:
        mine[0].batch()
