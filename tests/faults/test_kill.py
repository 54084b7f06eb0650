"""`kill -9` anywhere during an ingest: nothing lost, nothing doubled, nothing stuck.

Workers, the intake, a rebuild of the index, and the site while files are sent to it are killed at random moments.
Whatever happened, what the batch became equals what it becomes when nobody is killed.
"""

import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import NamedTuple

import pytest
import sqlalchemy as sa
from houses import Holdings, a_batch, a_home, a_house, samples
from outcomes import STILL_SECONDS, assert_nothing_is_lost_doubled_or_stuck, undisturbed_outcome, wait_until_done
from processes import Victim, forkserver, run_intake, run_rebuild, run_site, run_worker
from sending import Sender, a_free_port

from archive_app.core.model import QueuedJob
from archive_app.wiring import Archive

#: 32 files, 30 pages taken in: pictures, multi-page TIFF, PDF with and without text, documents, two stacks, a
#: duplicate and a file that is refused.
FILES = (
    *(f"{number:04}" for number in range(1, 13)),
    *("0018", "0019", "0020", "0022", "0027", "0031", "0032", "0035", "0036", "0041", "0043", "0044", "0051", "0113"),
)
PAGES = 30
#: Sent to the site, one to three at a time; the rest is fed by a process of the command line into the same batch.
SENT = ("0001", "0003", "0005", "0006", "0007", "0009", "0011", "0012", "0020", "0022", "0032", "0036", "0043", "0044")
_KILLS_A_ROUND = 12
_WORKERS = 2


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
    found = undisturbed_outcome(sorted(folder.iterdir()), tmp_path_factory.mktemp("undisturbed"))
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
    wanted, kills, rounds, taken_over, sent_again = count(10, 200), Counter[str](), 0, 0, 0
    context = forkserver()
    while kills.total() < wanted:
        rounds += 1
        place = tmp_path / f"round-{rounds}"
        place.mkdir()
        told = _round(context, place, folder, undisturbed, most=min(_KILLS_A_ROUND, wanted - kills.total()))
        kills, taken_over, sent_again = kills + told.kills, taken_over + told.taken_over, sent_again + told.sent_again
        by_kind = ", ".join(f"{kind} {number}" for kind, number in sorted(kills.items()))
        sys.stdout.write(f"{kills.total()} killed ({by_kind}) in {rounds} rounds, {taken_over} jobs taken over, ")
        sys.stdout.write(f"{sent_again} requests sent again\n")
        shutil.rmtree(place)
    for kind, number in kills.items():
        record_testsuite_property(f"kills-{kind}", number)
    record_testsuite_property("kills", kills.total())
    record_testsuite_property("rounds", rounds)
    record_testsuite_property("taken-over", taken_over)
    record_testsuite_property("sent-again", sent_again)


class Told(NamedTuple):
    """One round: kills by what was killed, jobs that lost their worker, requests whose answer was lost."""

    kills: Counter[str]
    taken_over: int
    sent_again: int


def _round(context: ForkServerContext, place: Path, folder: Path, undisturbed: Holdings, *, most: int) -> Told:
    """One ingest with up to `most` kills."""
    home = a_home(place)
    fed = place / "fed"
    fed.mkdir()
    sent = [path for path in sorted(folder.iterdir()) if path.name[:4] in SENT]
    for path in folder.iterdir():
        if path not in sent:
            shutil.copy(path, fed)
    with a_house(place, home=home) as archive:
        batch, port = a_batch(archive), a_free_port()
        intake = Victim(context, "intake", run_intake, str(home), str(batch), str(fed))
        others = [
            Victim(context, "worker", run_worker, str(home)),
            Victim(context, "worker", run_worker, str(home)),
            Victim(context, "rebuild", run_rebuild, str(home)),
            Victim(context, "site", run_site, str(home), str(port)),
        ]
        sender = Sender(port, (home / "token").read_text(encoding="utf-8"), str(batch), sent)
        try:
            kills = _kill(archive, intake, others, sender, most=most)
        finally:
            sender.end()
            for victim in (intake, *others):
                victim.end()
        assert sender.refused == []
        assert_nothing_is_lost_doubled_or_stuck(archive, batch, undisturbed, files=len(FILES))
        with archive.sessions.reading() as session:
            taken_over = session.scalar(sa.select(sa.func.count()).select_from(QueuedJob).where(QueuedJob.attempt > 1))
    return Told(kills, taken_over or 0, sender.sent_again)


def _kill(archive: Archive, intake: Victim, others: list[Victim], sender: Sender, *, most: int) -> Counter[str]:
    kills, until = Counter[str](), time.monotonic() + STILL_SECONDS
    while archive.queue.live_workers() < _WORKERS and time.monotonic() < until:
        time.sleep(0.05)  # who has not begun loses nothing

    def kill() -> None:
        assert intake.process.exitcode in (None, 0)
        if kills.total() < most:
            time.sleep(random.uniform(0.1, 1.5))  # noqa: S311 - a moment, no secret
            victim = random.choice(others if intake.process.exitcode == 0 else [intake, *others])  # noqa: S311 - the same
            victim.kill()
            kills[victim.kind] += 1

    wait_until_done(archive, between=kill, is_fed=lambda: intake.process.exitcode == 0 and sender.is_done)
    return kills
