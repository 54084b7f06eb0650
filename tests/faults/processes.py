"""Processes to be killed: worker, intake, rebuild, backup, site, each forked from a server that has imported all.

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
from dumps import silent
from engines import poisoned, unhurried

from archive_app.backup.restore import restore
from archive_app.backup.run import run as backup
from archive_app.celery_worker import run_node
from archive_app.cli.ingesting import files_under, take_in
from archive_app.clock import SystemClock
from archive_app.core.errors import StaleVersion, Unavailable
from archive_app.core.settings import Settings
from archive_app.core.vocabulary import Lane
from archive_app.doing import Pace
from archive_app.relay import run_relay
from archive_app.web.serving import serve
from archive_app.wiring import Archive
from archive_app.worker import run_process
from retention import filing
from search import sync

PACE = Pace(lease=dt.timedelta(seconds=2), longest=dt.timedelta(seconds=120))


def forkserver() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    # Only what is installed: the server's path does not hold the tests.
    preloaded = ["archive_app.cli.ingesting", "archive_app.web.serving", "archive_app.worker", "archive_app.backup.run"]
    context.set_forkserver_preload(preloaded)
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


def run_filer(home: str, batch: str) -> None:
    """An archivist who files what is clear, again and again, whatever is away."""
    archive = Archive(databases.settings(Path(home)))
    token = (Path(home) / "token").read_text(encoding="utf-8")
    while True:
        try:
            with archive.unit(archive.accounts.viewer_of_token(token)) as unit:
                filing.file_clear(unit, UUID(batch), tables=archive.tables)
        except (Unavailable, StaleVersion):
            pass  # as a person would: once more, a little later
        time.sleep(1)


def run_rebuild(home: str) -> None:
    """Rebuild the index over and over."""
    archive = Archive(databases.settings(Path(home)))
    while True:
        try:
            sync.rebuild(archive.reading(archive.own_work("index")), archive.index, hasher=archive.hasher)
        except Unavailable:
            time.sleep(0.05)  # another one of us is not quite dead yet


def run_backup(home: str, key: str) -> None:
    """Back up slowly, so that there is a time to be killed at."""
    environment = {
        "ARCHIVE_BACKUP_URL": f"file://{Path(home).parent}/place",
        "ARCHIVE_BACKUP_KEY": key,
        "ARCHIVE_BACKUP_RATE": "2",
    }
    archive = Archive(Settings.from_env(environment, home=Path(home)))
    backup(archive)
    archive.close()


def run_restore(home: str, environment: dict[str, str]) -> None:
    """Restore the newest snapshot into the home, on what the environment says."""
    restore(Settings.from_env(environment, home=Path(home)), snapshot=None, progress=silent)


def run_site(home: str, port: str) -> None:
    """Serve the site, as `archive serve --no-workers` does."""
    serve(databases.settings(Path(home)), host="127.0.0.1", port=int(port), workers=False)


def run_celery(home: str, lanes: str) -> None:
    """A node of Celery workers with two processes, as `archive worker run --single --lanes …` makes it."""
    chosen = [Lane(lane) for lane in lanes.split(",")]
    run_node(databases.settings(Path(home)), lanes=chosen, processes=2, pace=PACE, engines=unhurried)


def run_poisoned_celery(home: str, lanes: str) -> None:
    """Such a node, whose engine does not survive every page."""
    chosen = [Lane(lane) for lane in lanes.split(",")]
    run_node(databases.settings(Path(home)), lanes=chosen, processes=2, pace=PACE, engines=poisoned)


def run_the_relay(home: str) -> None:
    archive = Archive(databases.settings(Path(home)))
    run_relay(archive)
    archive.close()


def move_clock(home: Path, *, hours: float) -> None:
    """From now on the clock of `run_celery_by_moved_clock` and `run_relay_by_moved_clock` is ahead so much."""
    new = home / "clock.new"
    new.write_text(str(hours), encoding="utf-8")
    new.replace(home / "clock")


def run_celery_by_moved_clock(home: str, lanes: str) -> None:
    _go_by_moved_clock(Path(home))
    run_celery(home, lanes)


def run_relay_by_moved_clock(home: str) -> None:
    _go_by_moved_clock(Path(home))
    run_the_relay(home)


def _go_by_moved_clock(home: Path) -> None:
    """As if somebody set the clock of this machine: of this process and of those it forks."""
    true_time = SystemClock.now

    def now(clock: SystemClock) -> dt.datetime:
        return true_time(clock) + dt.timedelta(hours=float((home / "clock").read_text(encoding="utf-8")))

    SystemClock.now = now  # type: ignore[method-assign]


class Victim:
    """A process that is started anew whenever it is killed; `kind` tells what it is."""

    def __init__(self, context: ForkServerContext, kind: str, target: Callable[..., None], *args: str) -> None:
        self.kind = kind
        self._make = lambda: context.Process(target=target, args=args)
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
