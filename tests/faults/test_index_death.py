"""Elasticsearch dies by `kill -9` while index jobs wait, or in the middle of a rebuild: both end whole afterwards."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from elastic_indices import an_index
from houses import (
    a_batch,
    a_house,
    assert_index_and_log_are_whole,
    assert_nothing_is_stuck,
    receive,
    samples,
    work,
)
from own_servers import OwnServers

from archive_app.core.errors import Unavailable
from archive_app.core.vocabulary import JobState
from archive_app.wiring import Archive
from archive_app.worker import Worker
from search import sync

_LEASE_S = 10.0

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def servers() -> Iterator[OwnServers]:
    own = OwnServers("elasticsearch")
    yield own
    own.end()


@pytest.fixture
def archive(servers: OwnServers, tmp_path: Path) -> Iterator[Archive]:
    """With records that are indexed, on a server that may die."""
    with a_house(tmp_path) as opened:
        url = servers.environment()["TEST_ELASTICSEARCH_URL"]
        opened.index = an_index(tmp_path.name.replace("_", "-").lower(), url=url, lease_s=_LEASE_S)  # type: ignore[method-assign]
        receive(opened, a_batch(opened), *samples("0001", "0027"))
        work(opened)
        yield opened


def worked_off(archive: Archive) -> set[tuple[str, JobState, int]]:
    """Do what can be done. Gives what still waits."""
    worker = Worker(archive)
    while worker.step():
        pass
    return {(row.name, row.state, row.attempt) for row in archive.queue.list()}


def patiently(rebuild: Callable[[], int]) -> int:
    """Until the lease of the one before has run out: the dead server could not be told of its end."""
    while True:
        try:
            return rebuild()
        except Unavailable as fault:
            if fault.code != "index-rebuild-running":
                raise
            time.sleep(0.5)


def test_jobs_that_wait_while_the_server_is_dead_are_done_when_it_is_back(servers: OwnServers, archive: Archive):
    receive(archive, a_batch(archive), *samples("0004", "0035"))
    servers.kill("elasticsearch")
    assert worked_off(archive) == {("search.refresh", JobState.QUEUED, 0)}
    servers.start_again("elasticsearch")
    work(archive)
    assert_nothing_is_stuck(archive)
    assert_index_and_log_are_whole(archive)


def test_a_rebuild_whose_server_dies_says_so_and_the_next_one_ends_whole(
    servers: OwnServers, archive: Archive, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sync, "_REBUILT", 1)

    def rebuild(progress: Callable[[int, int], None] | None = None) -> int:
        unit = archive.reading(archive.own_work("index"))
        return sync.rebuild(unit, archive.index, hasher=archive.hasher, progress=progress)

    with pytest.raises(Unavailable):
        rebuild(lambda _done, _total: servers.kill("elasticsearch"))
    servers.start_again("elasticsearch")
    assert_index_and_log_are_whole(archive)
    assert patiently(rebuild) == len(list(archive.index.versions())) > 1
    assert_index_and_log_are_whole(archive)
