"""`kill -9` anywhere during an ingest: nothing lost, nothing doubled, nothing stuck.

Workers, the intake and a rebuild of the index are killed at random moments. Whatever happened, what the batch became
equals what it becomes when nobody is killed.
"""

import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest
import sqlalchemy as sa
from houses import (
    Holdings,
    a_batch,
    a_home,
    a_house,
    assert_balance_adds_up,
    assert_bytes_and_rows_agree,
    assert_index_and_log_are_whole,
    assert_nothing_is_stuck,
    holdings,
    receive,
    samples,
    work,
)
from processes import Victim, forkserver, run_intake, run_rebuild, run_worker

from archive_app.core.model import QueuedJob
from archive_app.core.vocabulary import JobState
from archive_app.wiring import Archive

#: 32 files, 30 pages taken in: pictures, multi-page TIFF, PDF with and without text, documents, two stacks, a
#: duplicate and a file that is refused.
FILES = (
    *(f"{number:04}" for number in range(1, 13)),
    *("0018", "0019", "0020", "0022", "0027", "0031", "0032", "0035", "0036", "0041", "0043", "0044", "0051", "0113"),
)
PAGES = 30
_KILLS_A_ROUND = 12
_ROUND_SECONDS = 150


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is taken in."""
    place = tmp_path_factory.mktemp("papers")
    for path in samples(*FILES):
        shutil.copy(path, place)
    return place


@pytest.fixture(scope="module")
def undisturbed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Holdings:
    """What becomes of the files when nobody is killed."""
    with a_house(tmp_path_factory.mktemp("undisturbed")) as archive:
        batch = a_batch(archive)
        receive(archive, batch, *sorted(folder.iterdir()))
        work(archive)
        assert_nothing_is_stuck(archive)
        found = holdings(archive, batch)
    assert sum(pages for _, outcome, pages in found.files if outcome == "accepted") == PAGES
    read = [page for record in found.records for page in record.pages]
    assert [(page.state, bool(page.text)) for page in read] == [("read", True)] * PAGES
    return found


@pytest.mark.prove
@pytest.mark.timeout(0)
def test_killed_processes_lose_double_and_leave_stuck_nothing(
    folder: Path,
    undisturbed: Holdings,
    tmp_path: Path,
    count: Callable[[int, int], int],
    record_testsuite_property: Callable[[str, object], None],
):
    wanted, kills, rounds, taken_over = count(8, 200), 0, 0, 0
    context = forkserver()
    while kills < wanted:
        rounds += 1
        place = tmp_path / f"round-{rounds}"
        place.mkdir()
        killed, others = _round(context, place, folder, undisturbed, most=min(_KILLS_A_ROUND, wanted - kills))
        kills, taken_over = kills + killed, taken_over + others
        sys.stdout.write(f"{kills} killed in {rounds} rounds, {taken_over} jobs taken over\n")
        shutil.rmtree(place)
    record_testsuite_property("kills", kills)
    record_testsuite_property("rounds", rounds)
    record_testsuite_property("taken-over", taken_over)


def _round(
    context: ForkServerContext, place: Path, folder: Path, undisturbed: Holdings, *, most: int
) -> tuple[int, int]:
    """One ingest with up to `most` kills; gives how many there were, and how many jobs lost their worker by them."""
    home = a_home(place)
    with a_house(place, home=home) as archive:
        batch = a_batch(archive)
        intake = Victim(context, run_intake, str(home), str(batch), str(folder))
        others = [
            Victim(context, run_worker, str(home)),
            Victim(context, run_worker, str(home)),
            Victim(context, run_rebuild, str(home)),
        ]
        try:
            kills = _kill(archive, intake, others, most=most)
        finally:
            for victim in (intake, *others):
                victim.end()
        found = holdings(archive, batch)
        assert found.files == undisturbed.files
        assert list((Counter(undisturbed.records) - Counter(found.records)).elements()) == []  # lost
        assert list((Counter(found.records) - Counter(undisturbed.records)).elements()) == []  # doubled
        assert_nothing_is_stuck(archive)
        assert_balance_adds_up(archive, batch, files=len(FILES))
        assert_index_and_log_are_whole(archive)
        assert_bytes_and_rows_agree(archive)
        with archive.sessions.reading() as session:
            taken_over = session.scalar(sa.select(sa.func.count()).select_from(QueuedJob).where(QueuedJob.attempt > 1))
    return kills, taken_over or 0


def _kill(archive: Archive, intake: Victim, others: list[Victim], *, most: int) -> int:
    kills = 0
    until = time.monotonic() + _ROUND_SECONDS
    while archive.queue.live_workers() < len(others) - 1 and time.monotonic() < until:
        time.sleep(0.05)  # who has not begun loses nothing
    while time.monotonic() < until:
        time.sleep(random.uniform(0.1, 1.5) if kills < most else 0.3)  # noqa: S311 - a moment, no secret
        fed = intake.process.exitcode == 0
        if fed and all(row.state == JobState.BURIED for row in archive.queue.list()):
            return kills
        if kills < most:
            random.choice(others if fed else [intake, *others]).kill()  # noqa: S311 - the same
            kills += 1
        assert intake.process.exitcode in (None, 0)
    raise AssertionError([(row.name, row.state, row.attempt, row.reason) for row in archive.queue.list()])
