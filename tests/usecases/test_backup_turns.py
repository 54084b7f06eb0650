"""Backups take turns: a nightly one that meets a run, a prune or a move has its turn afterwards, and nothing failed."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import databases
import pytest
import sqlalchemy as sa
from dumps import past_row_security
from houses import MovableClock, a_batch, a_house, receive, samples, work

from archive_app import chores
from archive_app.backup import history, job
from archive_app.backup.places import place_of
from archive_app.backup.run import run
from archive_app.backup.vault import open_vault
from archive_app.core.model import BackupRun
from archive_app.core.settings import Settings
from archive_app.core.vocabulary import JobState
from archive_app.health import work as work_health
from archive_app.health.part import State
from archive_app.jobs import MAX_ATTEMPTS
from archive_app.wiring import Archive
from archive_app.worker import CHORES, Worker

NIGHTLY = [chore for chore in CHORES if chore.name == job.NAME]
ZONE = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    """An archive with some objects, at three in the morning, half an hour after its backup is due."""
    with a_house(tmp_path) as house:
        home = house.settings.home
        daily = {"ARCHIVE_BACKUP_URL": f"file://{tmp_path}/place", "ARCHIVE_BACKUP_AT": "02:30"}
        house.settings = Settings.from_env(databases.environment(home) | daily, home=home)
        receive(house, a_batch(house), *samples("0001", "0002"))
        work(house)
        now = house.clock.now().astimezone(ZONE)
        forward(house, seconds=(now.replace(hour=3, minute=0) + dt.timedelta(days=1) - now).total_seconds())
        yield house


def forward(archive: Archive, **duration: float) -> None:
    assert isinstance(archive.clock, MovableClock)
    archive.clock.forward(**duration)


def do(archive: Archive, *, tries: int = 1) -> None:
    """What is due, and again a minute later."""
    worker = Worker(archive)
    for _ in range(tries):
        while worker.step():
            pass
        forward(archive, minutes=1)


def snapshots(archive: Archive) -> list[str]:
    return open_vault(place_of(archive.settings), None).snapshots()


def outcomes(archive: Archive) -> list[str | None]:
    with past_row_security(archive.settings) as connection:
        return list(connection.execute(sa.select(BackupRun.outcome).order_by(BackupRun.began_at)).scalars())


def assert_it_waits_and_nothing_failed(archive: Archive) -> None:
    (waiting,) = archive.queue.list()
    assert (waiting.name, waiting.state, waiting.attempt) == (job.NAME, JobState.QUEUED, 0)
    assert waiting.reason == "backup-running"
    assert work_health.jobs(archive).state == State.OK
    assert "failed" not in outcomes(archive)
    assert chores.last(archive, job.NAME).failed_at is None
    assert history.last(archive.engine, archive.settings, now=archive.clock.now()).failures == 0


def test_a_nightly_backup_waits_for_a_run_however_long_it_takes_and_is_made_then(archive: Archive):
    with job.the_only_one(archive):
        chores.ensure(archive, NIGHTLY)
        do(archive, tries=3 * MAX_ATTEMPTS)
        assert_it_waits_and_nothing_failed(archive)
        assert chores.last(archive, job.NAME).under_way
    do(archive)
    assert archive.queue.list() == []
    assert outcomes(archive) == ["done"]
    assert len(snapshots(archive)) == 1


def test_a_backup_in_steps_waits_for_a_prune_and_goes_on(archive: Archive, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(job, "STEP_SECONDS", -1.0)
    chores.ensure(archive, NIGHTLY)
    assert Worker(archive).step()
    with job.the_only_one(archive):
        do(archive, tries=3 * MAX_ATTEMPTS)
        assert_it_waits_and_nothing_failed(archive)
    do(archive)
    assert archive.queue.list() == []
    assert outcomes(archive) == ["done"]
    assert len(snapshots(archive)) == 1


def test_days_that_waited_for_one_long_run_have_one_backup_together(archive: Archive):
    with job.the_only_one(archive):
        for _ in range(3):
            chores.ensure(archive, NIGHTLY)
            do(archive)
            forward(archive, days=1)
        assert len(archive.queue.list()) == 3
    do(archive)
    assert archive.queue.list() == []
    assert len(snapshots(archive)) == 1


def test_a_backup_begun_since_the_days_hour_does_for_the_day(archive: Archive):
    made = run(archive)
    chores.ensure(archive, NIGHTLY)
    do(archive)
    assert archive.queue.list() == []
    assert snapshots(archive) == [made.snapshot]


def test_one_begun_before_that_hour_or_by_a_clock_that_was_ahead_does_not(archive: Archive):
    forward(archive, hours=-1)
    run(archive)
    forward(archive, days=100)
    run(archive)
    forward(archive, days=-100, hours=1)
    chores.ensure(archive, NIGHTLY)
    do(archive)
    assert len(snapshots(archive)) == 3
