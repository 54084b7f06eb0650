"""What a batch becomes when nobody is killed, and whether another became the same whatever happened to it."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID

from houses import (
    Holdings,
    a_batch,
    a_house,
    assert_balance_adds_up,
    assert_bytes_and_rows_agree,
    assert_index_and_log_are_whole,
    assert_nothing_is_stuck,
    holdings,
    receive,
    work,
)

from archive_app.core.vocabulary import JobState
from archive_app.wiring import Archive

STILL_SECONDS = 150.0  # nothing moved for so long: stuck


def undisturbed_outcome(papers: Sequence[Path], place: Path) -> Holdings:
    """What becomes of the papers on a quiet machine."""
    with a_house(place) as archive:
        batch = a_batch(archive)
        receive(archive, batch, *papers)
        work(archive)
        assert_nothing_is_stuck(archive)
        return holdings(archive, batch)


def wait_until_done(
    archive: Archive, *, between: Callable[[], None] = lambda: None, is_fed: Callable[[], bool] = lambda: True
) -> None:
    """Until all is fed and every job ended; as long as something moves."""
    before, moved_at = None, time.monotonic()
    while time.monotonic() < moved_at + STILL_SECONDS:
        fed, jobs = is_fed(), archive.queue.list()
        if fed and all(row.state == JobState.BURIED for row in jobs):
            return
        now = (fed, [(row.id, row.state, row.attempt) for row in jobs])
        if now != before:
            before, moved_at = now, time.monotonic()
        between()
        time.sleep(0.2)
    left = [(row.name, row.state, row.attempt, row.reason, row.published_at) for row in archive.queue.list()]
    raise AssertionError(left)


def assert_nothing_is_lost_doubled_or_stuck(
    archive: Archive, batch: UUID, undisturbed: Holdings, *, files: int
) -> None:
    """The batch became what it becomes undisturbed, and everything that tells of it agrees."""
    found = holdings(archive, batch)
    assert found.files == undisturbed.files
    assert list((Counter(undisturbed.records) - Counter(found.records)).elements()) == []  # lost
    assert list((Counter(found.records) - Counter(undisturbed.records)).elements()) == []  # doubled
    assert_nothing_is_stuck(archive)
    assert_balance_adds_up(archive, batch, files=files)
    assert_index_and_log_are_whole(archive)
    assert_bytes_and_rows_agree(archive)
