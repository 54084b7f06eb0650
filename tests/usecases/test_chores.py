"""Chores: one job a period, caught up once, remembered, and swept when it is old."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from factories import StoppedClock, an_archive

from archive_app import chores
from archive_app.backup.rows import shapes
from archive_app.chores import Chore
from archive_app.core.model import AuditLeaf, OcrResult, QueuedJob
from archive_app.core.vocabulary import JobState, Lane
from archive_app.web.words import LABELS
from archive_app.wiring import Archive
from archive_app.worker import BATCHED, CHORES, HANDLERS

LEASE = dt.timedelta(minutes=1)
NIGHTLY = Chore("job.sweep", at=lambda _settings: "02:30")
HOURLY = Chore("store.look", every=dt.timedelta(hours=1))
NEVER = Chore("backup.run", at=lambda settings: settings.backup_at)


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock(dt.datetime(2026, 3, 1, 19, 0, tzinfo=dt.UTC))  # 03:00 on the second of March in Shanghai


@pytest.fixture
def archive(tmp_path: Path, clock: StoppedClock) -> Iterator[Archive]:
    made = an_archive(tmp_path, clock=clock)
    yield made
    made.close()


def keys(archive: Archive) -> list[str]:
    with archive.sessions.reading() as session:
        return list(session.execute(sa.select(QueuedJob.key).order_by(QueuedJob.key)).scalars())


def do(archive: Archive) -> None:
    for job in archive.queue.claim("w", lanes=(Lane.LIGHT,), lease=LEASE, most=100):
        archive.queue.done("w", job)


def test_every_chore_has_a_handler():
    assert {chore.name for chore in CHORES} <= set(HANDLERS)


def test_every_job_has_words_for_people():
    assert {*HANDLERS, *BATCHED} - set(LABELS["job"]) == set()


def test_a_day_has_one_job_in_the_archives_zone_however_often_one_looks(archive: Archive, clock: StoppedClock):
    assert chores.ensure(archive, [NIGHTLY]) == ["job.sweep"]
    do(archive)
    clock.forward(hours=20)
    assert chores.ensure(archive, [NIGHTLY]) == []
    assert keys(archive) == ["chore:job.sweep:2026-03-02"]
    clock.forward(hours=4)
    assert chores.ensure(archive, [NIGHTLY]) == ["job.sweep"]


def test_before_the_hour_it_is_still_the_day_before(archive: Archive, clock: StoppedClock):
    clock.forward(minutes=-31)
    chores.ensure(archive, [NIGHTLY])
    assert keys(archive) == ["chore:job.sweep:2026-03-01"]


def test_what_was_missed_is_caught_up_once(archive: Archive, clock: StoppedClock):
    chores.ensure(archive, [HOURLY])
    clock.forward(days=3)
    chores.ensure(archive, [HOURLY])
    assert keys(archive) == ["chore:store.look:2026-03-01T19:00:00Z", "chore:store.look:2026-03-04T19:00:00Z"]


def test_a_clock_that_jumps_forward_and_back_makes_each_period_due_once(archive: Archive, clock: StoppedClock):
    for hours in (0, 5, -9, 30, -26, 3):
        clock.forward(hours=hours)
        chores.ensure(archive, [HOURLY, NIGHTLY])
        do(archive)
    with archive.sessions.reading() as session:
        due = session.scalar(sa.select(sa.func.count()).where(AuditLeaf.action == "chore:due"))
        claims = session.scalars(sa.select(QueuedJob.claims)).all()
    assert due == len(set(keys(archive))) == len(claims)
    assert set(claims) == {1}


def test_a_chore_without_its_hour_is_not_done(archive: Archive):
    assert chores.ensure(archive, [NEVER]) == []
    assert keys(archive) == []


def test_it_is_written_down_as_the_archives_own_work(archive: Archive):
    chores.ensure(archive, [NIGHTLY])
    with archive.sessions.reading() as session:
        found = session.execute(sa.select(AuditLeaf.actor).where(AuditLeaf.action == "chore:due")).scalars().all()
    assert found == ["archive:chores"]


def test_how_it_went_can_be_asked(archive: Archive, clock: StoppedClock):
    assert chores.last(archive, "store.look").succeeded_at is None
    chores.ensure(archive, [HOURLY])
    assert chores.last(archive, "store.look").under_way
    succeeded = clock.now()
    do(archive)
    clock.forward(hours=1)
    chores.ensure(archive, [HOURLY])
    (job,) = archive.queue.claim("w", lanes=(Lane.LIGHT,), lease=LEASE)
    archive.queue.bury("w", job, reason="store-full")
    found = chores.last(archive, "store.look")
    assert (found.succeeded_at, found.failed_at, found.reason) == (succeeded, clock.now(), "store-full")
    assert not found.under_way


def test_done_rows_are_swept_but_the_last_of_each_chore_stays(archive: Archive, clock: StoppedClock):
    for _ in range(3):
        chores.ensure(archive, [HOURLY, NIGHTLY])
        do(archive)
        clock.forward(days=1)
    clock.forward(days=40)
    handler = HANDLERS["job.sweep"]
    chores.ensure(archive, [HOURLY])
    (waiting,) = archive.queue.list(state=JobState.QUEUED)
    (job,) = archive.queue.claim("w", lanes=(Lane.LIGHT,), lease=LEASE)
    handler(archive, job)
    assert keys(archive) == sorted(["chore:job.sweep:2026-03-04", "chore:store.look:2026-03-03T19:00:00Z", waiting.key])


def test_texts_that_were_read_are_forgotten_after_a_week_and_in_no_backup(archive: Archive, clock: StoppedClock):
    def read(key: str) -> None:
        with archive.sessions.writing() as session:
            session.add(OcrResult(key=key, picture=key, result={"lines": []}, created_at=clock.now()))
            session.commit()

    read("old")
    clock.forward(days=6)
    read("new")
    clock.forward(days=2)
    chores.ensure(archive, [Chore("ocr.forget", at=lambda _settings: "03:30")])
    (job,) = archive.queue.claim("w", lanes=(Lane.LIGHT,), lease=LEASE)
    HANDLERS["ocr.forget"](archive, job)
    with archive.sessions.reading() as session:
        assert session.scalars(sa.select(OcrResult.key)).all() == ["new"]
    assert "ocr_result" not in {shape.name for shape in shapes()}
