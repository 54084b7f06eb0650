"""Processes to be killed: worker, intake, rebuild and site, each forked from a server that has imported everything.

They run what the product runs, with the recorded engine and a short lease.
"""

import datetime as dt
import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from uuid import UUID

import databases
from engines import unhurried

from archive_app.celery_worker import run_node
from archive_app.cli.ingesting import files_under, take_in
from archive_app.core.errors import Unavailable
from archive_app.core.vocabulary import Lane
from archive_app.doing import Pace
from archive_app.relay import run_relay
from archive_app.web.serving import serve
from archive_app.wiring import Archive
from archive_app.worker import run_process
from search import sync

PACE = Pace(lease=dt.timedelta(seconds=2), longest=dt.timedelta(seconds=120))


def forkserver() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    # Only what is installed: the server's path does not hold the tests.
    context.set_forkserver_preload(["archive_app.cli.ingesting", "archive_app.web.serving", "archive_app.worker"])
    return context


def run_worker(home: str) -> None:
    archive = Archive(databases.settings(Path(home)), engines=unhurried)
    run_process(archive, pace=PACE)
    archive.close()


def run_intake(home: str, batch: str, folder: str) -> None:
    """Feed the folder into the batch, as `archive ingest FOLDER --batch ID` does."""
    archive = Archive(databases.settings(Path(home)))
    viewer = archive.accounts.viewer_of_token((Path(home) / "token").read_text(encoding="utf-8"))
    take_in(archive, viewer, UUID(batch), list(files_under([folder])), wait=False, quiet=True)
    archive.close()


def run_rebuild(home: str) -> None:
    """Rebuild the index over and over."""
    archive = Archive(databases.settings(Path(home)))
    while True:
        try:
            sync.rebuild(archive.reading(archive.own_work("index")), archive.index, hasher=archive.hasher)
        except Unavailable:
            time.sleep(0.05)  # another one of us is not quite dead yet


def run_site(home: str, port: str) -> None:
    """Serve the site, as `archive serve --no-workers` does."""
    serve(databases.settings(Path(home)), host="127.0.0.1", port=int(port), workers=False)


def run_celery(home: str, lanes: str) -> None:
    """A node of Celery workers with two processes, as `archive worker run --single --lanes …` makes it."""
    chosen = [Lane(lane) for lane in lanes.split(",")]
    run_node(databases.settings(Path(home)), lanes=chosen, processes=2, pace=PACE, engines=unhurried)


def run_the_relay(home: str) -> None:
    archive = Archive(databases.settings(Path(home)))
    run_relay(archive)
    archive.close()


class Victim:
    """A process that is started anew whenever it is killed; `kind` tells what it is."""

    def __init__(self, context: ForkServerContext, kind: str, target: Callable[..., None], *args: str) -> None:
        self.kind = kind
        self._make = lambda: context.Process(target=target, args=args, daemon=True)
        self.process: ForkServerProcess = self._make()
        self.process.start()

    def kill(self) -> None:
        """SIGKILL, and start another."""
        self.end()
        self.process = self._make()
        self.process.start()

    def end(self) -> None:
        self.process.kill()
        self.process.join()
