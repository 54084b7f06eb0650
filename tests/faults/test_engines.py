"""Engines that fail, crash, lie, hang or kill: a page is read or named as failed, never empty, and nothing is stuck."""

import datetime as dt
import math
import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path

import databases
import pytest
import sqlalchemy as sa
from engines import a_page, crashing, deadly, failing, failing_until, hanging, lying
from houses import MovableClock, a_batch, a_home, a_house, archivist, assert_nothing_is_stuck, receive, samples, work
from recorded_ocr import recorded_engine

from archive_app.core.model import Page, Record
from archive_app.core.ports import OcrEngine, OcrLine
from archive_app.core.vocabulary import JobState, PageState, RecordState
from archive_app.doing import Pace
from archive_app.jobs import MAX_ATTEMPTS
from archive_app.wiring import Archive
from archive_app.worker import run_process
from search import sync

SHEET = "0001"
LINE = OcrLine("张三", (10, 10, 40, 20), 0.9)


def the_page(archive: Archive) -> Page:
    with archive.reading(archivist(archive)) as unit:
        (page,) = unit.all(sa.select(Page))
        return page


def the_record(archive: Archive) -> Record:
    with archive.reading(archivist(archive)) as unit:
        (record,) = unit.all(sa.select(Record))
        return record


def test_a_page_that_cannot_be_read_fails_with_its_reason_and_goes_to_review(tmp_path: Path):
    with a_house(tmp_path, engines=failing) as archive:
        receive(archive, a_batch(archive), *samples(SHEET))
        work(archive)
        page, record = the_page(archive), the_record(archive)
        assert (page.state, page.text) == (PageState.FAILED, None)
        assert "paper-jam" in (page.failure or "")
        assert record.state == RecordState.REVIEW
        assert "page-failed" in record.review
        assert_nothing_is_stuck(archive)


def test_an_engine_that_needs_a_second_attempt_gets_it(tmp_path: Path):
    with a_house(tmp_path, engines=failing_until(2)) as archive:
        receive(archive, a_batch(archive), *samples(SHEET))
        work(archive)
        assert the_page(archive).state == PageState.READ
        assert_nothing_is_stuck(archive)


@pytest.mark.parametrize(
    "answer",
    [
        a_page(LINE, rotation=45),
        a_page(OcrLine("张三", (10, 10, 40, 200_000), 0.9)),
        a_page(OcrLine("张三", (-5, 10, 40, 20), 0.9)),
        a_page(OcrLine("张三", (10, 10, 40, 20), math.nan)),
        a_page(OcrLine("张三", (10, 10, 40, 20), 7.0)),
        a_page(OcrLine(" \n", (10, 10, 40, 20), 0.9)),
        a_page(OcrLine("张\n三", (10, 10, 40, 20), 0.9)),
    ],
    ids=["turned by 45", "beyond the sheet", "left of the sheet", "no number", "more than sure", "blank", "two lines"],
)
def test_an_answer_that_cannot_be_true_is_a_failed_page(tmp_path: Path, answer: object):
    with a_house(tmp_path, engines=lying(answer)) as archive:  # type: ignore[arg-type]
        receive(archive, a_batch(archive), *samples(SHEET))
        work(archive)
        page = the_page(archive)
        assert (page.state, page.text, page.lines) == (PageState.FAILED, None, [])
        assert "unsound" in (page.failure or "")
        assert the_record(archive).state == RecordState.REVIEW


def test_an_empty_page_is_empty_and_not_failed(tmp_path: Path):
    with a_house(tmp_path, engines=lying(a_page())) as archive:
        receive(archive, a_batch(archive), *samples(SHEET))
        work(archive)
        page, record = the_page(archive), the_record(archive)
        assert (page.state, page.text, page.failure) == (PageState.READ, "", None)
        assert record.state == RecordState.REVIEW  # nobody knows what it is
        assert record.type_code is None


def test_a_job_that_crashes_is_buried_with_its_reason_and_done_when_retried(tmp_path: Path):
    home = a_home(tmp_path)
    with a_house(tmp_path, engines=crashing, home=home) as archive:
        receive(archive, a_batch(archive), *samples(SHEET))
        work(archive)
        (job,) = archive.queue.list()
        assert (job.name, job.state, job.attempt) == ("page.read", JobState.BURIED, MAX_ATTEMPTS)
        assert job.reason == "ZeroDivisionError"
        assert (the_page(archive).state, the_page(archive).text) == (PageState.WAITING, None)
    with a_house(tmp_path, engines=recorded_engine, home=home) as archive:
        assert archive.queue.retry(job.id) == 1
        work(archive)
        assert the_page(archive).state == PageState.READ
        assert_nothing_is_stuck(archive)
        assert sync.compare(archive.reading(archive.own_work("index")), archive.index).equal


def _work_here(home: str, engines: Callable[[str], OcrEngine], ahead: float, longest: float) -> None:
    archive = Archive(databases.settings(Path(home)), engines=engines)
    clock = MovableClock()
    clock.forward(seconds=ahead)
    archive.clock = clock
    run_process(archive, pace=Pace(lease=dt.timedelta(seconds=1), longest=dt.timedelta(seconds=longest)))


@pytest.mark.parametrize(("engines", "longest"), [(deadly, 60.0), (hanging, 0.5)], ids=["deadly", "hanging"])
def test_a_page_that_kills_or_hangs_its_worker_is_buried_in_the_end(
    tmp_path: Path, engines: Callable[[str], OcrEngine], longest: float
):
    home = a_home(tmp_path)
    with a_house(tmp_path, home=home) as archive:
        receive(archive, a_batch(archive), *samples(SHEET))
        context = multiprocessing.get_context("fork")
        until, ahead = time.monotonic() + 120, 0.0
        while not any(row.state == JobState.BURIED for row in archive.queue.list()):
            assert time.monotonic() < until, archive.queue.list()
            archive.close()  # no connection crosses the fork
            process = context.Process(target=_work_here, args=(str(home), engines, ahead, longest))
            process.start()
            while process.is_alive() and not _buried(archive):
                process.join(0.2)
            process.kill()
            process.join()
            archive.close()
            ahead += 120  # past the lease of the dead
        (job,) = archive.queue.list()
        assert (job.name, job.state) == ("page.read", JobState.BURIED)
        assert "worker" in job.reason
        assert the_page(archive).text is None


def _buried(archive: Archive) -> bool:
    return any(row.state == JobState.BURIED for row in archive.queue.list())
