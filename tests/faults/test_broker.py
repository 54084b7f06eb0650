"""Jobs through a real RabbitMQ while nodes, their processes, the relay and the broker itself are killed.

Afterwards what the files became equals what they become undisturbed: nothing lost, nothing doubled, nothing stuck.
"""

import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from uuid import uuid4

import databases
import psutil
import pytest
from crews import EVERY_LANE, Crew, a_crew, a_home_on
from houses import (
    FONDS,
    Holdings,
    a_batch,
    a_house,
    assert_bytes_and_rows_agree,
    assert_index_and_log_are_whole,
    assert_nothing_is_stuck,
    holdings,
    receive,
    samples,
)
from outcomes import assert_nothing_is_lost_doubled_or_stuck, undisturbed_outcome, wait_until_done
from own_broker import OwnBroker

from archive_app.core.ports import Job
from archive_app.core.vocabulary import JobState, Lane
from archive_app.wiring import Archive

pytestmark = [pytest.mark.services, pytest.mark.timeout(0)]

FILES = ("0001", "0002", "0003", "0004", "0018", "0027", "0031", "0035", "0036", "0044", "0051", "0113")
_LONG = 120  # seconds: then it does not come any more


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    place = tmp_path_factory.mktemp("papers")
    return [Path(shutil.copy(path, place)) for path in samples(*FILES)]


@pytest.fixture(scope="module")
def undisturbed(papers: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Holdings:
    return undisturbed_outcome(papers, tmp_path_factory.mktemp("undisturbed"))


@pytest.mark.prove
def test_whoever_is_killed_nothing_is_lost_doubled_or_stuck(  # noqa: PLR0917 - fixtures
    broker: OwnBroker,
    papers: list[Path],
    undisturbed: Holdings,
    tmp_path: Path,
    count: Callable[[int, int], int],
    record_testsuite_property: Callable[[str, object], None],
):
    wanted, kills, rounds = count(12, 100), Counter[str](), 0
    while kills.total() < wanted:
        rounds += 1
        place = tmp_path / f"round-{rounds}"
        place.mkdir()
        home = a_home_on(broker, place)
        most = min(wanted, kills.total() + 12)
        with a_crew(home, Lane.OCR, f"{Lane.LIGHT},{Lane.INDEX}") as crew, a_house(place, home=home) as archive:

            def kill(crew: Crew = crew, most: int = most) -> None:
                crew.tend()
                if kills.total() < most:
                    time.sleep(random.uniform(0, 2))  # noqa: S311 - a moment, no secret
                    kills[_kill_one(crew, broker)] += 1

            batch = a_batch(archive)
            receive(archive, batch, *papers)
            wait_until_done(archive, between=kill)
            assert_nothing_is_lost_doubled_or_stuck(archive, batch, undisturbed, files=len(FILES))
        sys.stdout.write(f"{dict(kills)} killed in {rounds} rounds\n")
    for kind, number in kills.items():
        record_testsuite_property(f"kills-{kind}", number)


def _kill_one(crew: Crew, broker: OwnBroker) -> str:
    """Kill a node, one of its processes, the relay or the broker; what nobody replaces is started again."""
    node = random.choice(crew.nodes)  # noqa: S311 - no secret
    kind = random.choice(["node", "process", "relay", "broker"])  # noqa: S311 - likewise
    if kind == "node":
        node.kill()
    elif kind == "process":
        with suppress(psutil.NoSuchProcess):  # it ended by itself meanwhile
            for child in psutil.Process(node.process.pid).children()[:1]:
                child.kill()  # the node replaces it, or ends if it has not begun
    elif kind == "relay":
        crew.relay.kill()
    else:
        broker.restart()
    return kind


def test_a_node_that_is_told_to_end_finishes_what_is_in_hand(broker: OwnBroker, papers: list[Path], tmp_path: Path):
    home = a_home_on(broker, tmp_path)
    with a_crew(home, EVERY_LANE) as crew, a_house(tmp_path, home=home) as archive:
        receive(archive, a_batch(archive), *papers)
        while not any(row.state == JobState.LEASED for row in archive.queue.list()):
            time.sleep(0.05)
        (node,) = crew.nodes
        node.process.terminate()
        node.process.join()
        assert node.process.exitcode == 0
        left = archive.queue.list()
        assert left
        assert not [row for row in left if row.state == JobState.LEASED]
        assert archive.queue.live_workers() == 0
        crew.add()
        wait_until_done(archive)
        assert_nothing_is_stuck(archive)
        assert {row.attempt for row in archive.queue.list(state=JobState.DONE)} == {1}


def test_a_worker_elsewhere_needs_settings_and_keys_only(
    broker: OwnBroker, papers: list[Path], undisturbed: Holdings, tmp_path: Path
):
    home, elsewhere = a_home_on(broker, tmp_path), tmp_path / "elsewhere"
    here = databases.settings(home)
    there = {
        **databases.environment(home),
        "ARCHIVE_KEYS": str(here.keys),
        "ARCHIVE_DATABASE_URL": here.database_url,
        "ARCHIVE_STORE_URL": here.store_url,
        "ARCHIVE_INDEX_URL": here.index_url,
    }
    databases.keep(elsewhere, there)
    with a_crew(elsewhere, EVERY_LANE), a_house(tmp_path, home=home) as archive:
        batch = a_batch(archive)
        receive(archive, batch, *papers)
        wait_until_done(archive)
        assert holdings(archive, batch) == undisturbed
        assert_index_and_log_are_whole(archive)
        assert_bytes_and_rows_agree(archive)


def test_work_that_takes_longer_than_the_broker_waits_for_an_answer_keeps_nobody_from_theirs(tmp_path: Path):
    with closing(OwnBroker(tmp_path, patience=3)) as broker:
        home, owner = a_home_on(broker, tmp_path), uuid4()
        with a_crew(home, Lane.LIGHT) as crew, a_house(tmp_path, home=home) as archive:
            with archive.locks.holding(owner):  # which who releases bytes of this owner waits for
                args = {"fonds": FONDS, "owner": str(owner), "sha256": "0" * 64}
                _queue(archive, Job("store.release", args, key="long"))
                _wait_until(lambda: broker.patience_lost() > 0)
                _queue(archive, *(Job("ocr.forget", {}, key=f"short:{number}") for number in range(20)))
                _wait_until(lambda: [row.key for row in archive.queue.list()] == ["long"])
                (long,) = archive.queue.list()
                assert (long.state, long.claims) == (JobState.LEASED, 1)
            wait_until_done(archive)
            (long,) = (row for row in archive.queue.list(state=JobState.DONE) if row.key == "long")
            assert long.claims == 1
            assert [node.process.exitcode for node in crew.nodes] == [None]


def _queue(archive: Archive, *jobs: Job) -> None:
    with archive.unit(archive.own_work("test")) as unit:
        unit.later(*jobs)


def _wait_until(true: Callable[[], bool]) -> None:
    over = time.monotonic() + _LONG
    while not true():
        assert time.monotonic() < over
        time.sleep(0.2)


def test_a_purged_queue_is_filled_again(broker: OwnBroker, papers: list[Path], tmp_path: Path):
    home = a_home_on(broker, tmp_path)
    with a_crew(home) as crew, a_house(tmp_path, home=home) as archive:
        receive(archive, a_batch(archive), *papers)
        while not any(row.published_at for row in archive.queue.list()):
            time.sleep(0.1)
        broker.forget()
        crew.add()
        wait_until_done(archive)
        assert_nothing_is_stuck(archive)
