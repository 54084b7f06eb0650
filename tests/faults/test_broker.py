"""Jobs through a real RabbitMQ while nodes, their processes, the relay and the broker itself are killed.

Afterwards what the files became equals what they become undisturbed: nothing lost, nothing doubled, nothing stuck.
"""

import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import databases
import psutil
import pytest
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
from own_broker import OwnBroker
from processes import Victim, forkserver, run_celery, run_the_relay

from archive_app.core.vocabulary import JobState, Lane
from archive_app.wiring import Archive

pytestmark = [pytest.mark.services, pytest.mark.timeout(0)]

FILES = ("0001", "0002", "0003", "0004", "0018", "0027", "0031", "0035", "0036", "0044", "0051", "0113")
_STILL_SECONDS = 150


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    place = tmp_path_factory.mktemp("papers")
    return [Path(shutil.copy(path, place)) for path in samples(*FILES)]


@pytest.fixture(scope="module")
def undisturbed(papers: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Holdings:
    with a_house(tmp_path_factory.mktemp("undisturbed")) as archive:
        batch = a_batch(archive)
        receive(archive, batch, *papers)
        work(archive)
        assert_nothing_is_stuck(archive)
        return holdings(archive, batch)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[OwnBroker]:
    made = OwnBroker(tmp_path)
    yield made
    made.close()


def a_home_on(broker: OwnBroker, place: Path) -> Path:
    home = a_home(place)
    databases.keep(home, {**databases.environment(home), "ARCHIVE_BROKER_URL": broker.url})
    return home


def wait_until_done(archive: Archive, *, between: Callable[[], None] = lambda: None) -> None:
    """Until every job ended; as long as something moves."""
    before, moved_at = None, time.monotonic()
    while time.monotonic() < moved_at + _STILL_SECONDS:
        jobs = archive.queue.list()
        if all(row.state == JobState.BURIED for row in jobs):
            return
        now = [(row.id, row.state, row.attempt) for row in jobs]
        if now != before:
            before, moved_at = now, time.monotonic()
        between()
        time.sleep(0.2)
    raise AssertionError([(row.name, row.state, row.attempt, row.published_at) for row in archive.queue.list()])


@pytest.mark.prove
def test_whoever_is_killed_nothing_is_lost_doubled_or_stuck(  # noqa: PLR0917 - fixtures
    broker: OwnBroker,
    papers: list[Path],
    undisturbed: Holdings,
    tmp_path: Path,
    count: Callable[[int, int], int],
    record_testsuite_property: Callable[[str, object], None],
):
    wanted, kills = count(12, 100), Counter[str]()
    context, rounds = forkserver(), 0
    while kills.total() < wanted:
        rounds += 1
        place = tmp_path / f"round-{rounds}"
        place.mkdir()
        home = a_home_on(broker, place)
        most = min(wanted, kills.total() + 12)
        relay = Victim(context, "relay", run_the_relay, str(home))
        nodes = [
            Victim(context, "node", run_celery, str(home), Lane.OCR),
            Victim(context, "node", run_celery, str(home), f"{Lane.LIGHT},{Lane.INDEX}"),
        ]

        def kill(nodes: list[Victim] = nodes, relay: Victim = relay, most: int = most) -> None:
            if kills.total() < most:
                time.sleep(random.uniform(0, 2))  # noqa: S311 - a moment, no secret
                kills[_kill_one(nodes, relay, broker)] += 1

        try:
            with a_house(place, home=home) as archive:
                batch = a_batch(archive)
                receive(archive, batch, *papers)
                wait_until_done(archive, between=kill)
                found = holdings(archive, batch)
                assert found.files == undisturbed.files
                assert list((Counter(undisturbed.records) - Counter(found.records)).elements()) == []  # lost
                assert list((Counter(found.records) - Counter(undisturbed.records)).elements()) == []  # doubled
                assert_nothing_is_stuck(archive)
                assert_balance_adds_up(archive, batch, files=len(FILES))
                assert_index_and_log_are_whole(archive)
                assert_bytes_and_rows_agree(archive)
        finally:
            for victim in (relay, *nodes):
                victim.end()
        sys.stdout.write(f"{dict(kills)} killed in {rounds} rounds\n")
    for kind, number in kills.items():
        record_testsuite_property(f"kills-{kind}", number)


def _kill_one(nodes: list[Victim], relay: Victim, broker: OwnBroker) -> str:
    """Kill a node, one of its processes, the relay or the broker; what nobody replaces is started again."""
    node = random.choice(nodes)  # noqa: S311 - no secret
    kind = random.choice(["node", "process", "relay", "broker"])  # noqa: S311 - likewise
    if kind == "node":
        node.kill()
    elif kind == "process":
        try:
            for child in psutil.Process(node.process.pid).children()[:1]:
                child.kill()  # the node replaces it
        except psutil.NoSuchProcess:  # it ended by itself meanwhile: as the workforce does, start another
            node.kill()
    elif kind == "relay":
        relay.kill()
    else:
        broker.restart()
    return kind


def test_a_node_that_is_told_to_end_finishes_what_is_in_hand(broker: OwnBroker, papers: list[Path], tmp_path: Path):
    home, context = a_home_on(broker, tmp_path), forkserver()
    relay = Victim(context, "relay", run_the_relay, str(home))
    every = ",".join(Lane)
    nodes = [Victim(context, "node", run_celery, str(home), every)]
    try:
        with a_house(tmp_path, home=home) as archive:
            receive(archive, a_batch(archive), *papers)
            while not any(row.state == JobState.LEASED for row in archive.queue.list()):
                time.sleep(0.05)
            nodes[0].process.terminate()
            nodes[0].process.join()
            assert nodes[0].process.exitcode == 0
            left = archive.queue.list()
            assert left
            assert not [row for row in left if row.state == JobState.LEASED]
            assert archive.queue.live_workers() == 0
            nodes.append(Victim(context, "node", run_celery, str(home), every))
            wait_until_done(archive)
            assert_nothing_is_stuck(archive)
            assert {row.attempt for row in archive.queue.list(state=JobState.DONE)} == {1}
    finally:
        for victim in (relay, *nodes):
            victim.end()


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
    context = forkserver()
    victims = [
        Victim(context, "relay", run_the_relay, str(elsewhere)),
        Victim(context, "node", run_celery, str(elsewhere), ",".join(Lane)),
    ]
    try:
        with a_house(tmp_path, home=home) as archive:
            batch = a_batch(archive)
            receive(archive, batch, *papers)
            wait_until_done(archive)
            assert holdings(archive, batch) == undisturbed
            assert_index_and_log_are_whole(archive)
            assert_bytes_and_rows_agree(archive)
    finally:
        for victim in victims:
            victim.end()


def test_a_purged_queue_is_filled_again(broker: OwnBroker, papers: list[Path], tmp_path: Path):
    home, context = a_home_on(broker, tmp_path), forkserver()
    relay = Victim(context, "relay", run_the_relay, str(home))
    nodes: list[Victim] = []
    try:
        with a_house(tmp_path, home=home) as archive:
            receive(archive, a_batch(archive), *papers)
            while archive.queue.under_way(Lane.LIGHT) < len(FILES):
                time.sleep(0.1)
            broker.forget()
            nodes.append(Victim(context, "node", run_celery, str(home), ",".join(Lane)))
            wait_until_done(archive)
            assert_nothing_is_stuck(archive)
    finally:
        for victim in (relay, *nodes):
            victim.end()
