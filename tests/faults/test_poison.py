"""Jobs that are poison, through a real RabbitMQ: each is buried with its reason, and everybody else goes on.

Some take the process that does them along each time, some ask for more memory than there is, some fail always.
"""

from pathlib import Path

import pytest
import sqlalchemy as sa
from crews import EVERY_LANE, a_crew, a_home_on
from engines import POISON
from houses import a_batch, a_house, archivist, assert_index_and_log_are_whole, receive, samples
from outcomes import wait_until_done
from own_broker import OwnBroker
from processes import run_poisoned_celery

from archive_app.core.model import Page
from archive_app.core.vocabulary import JobState, Lane, PageState
from archive_app.jobs import MAX_ATTEMPTS
from archive_app.wiring import Archive

pytestmark = [pytest.mark.services, pytest.mark.timeout(0)]

HEALTHY = ("0008", "0011")
LATER = "0027"
_DIED = "its worker died again and again"


def pages(archive: Archive) -> list[PageState]:
    with archive.reading(archivist(archive)) as unit:
        return sorted(page.state for page in unit.all(sa.select(Page)))


def test_poisoned_jobs_are_buried_with_their_reasons_while_all_others_are_done(broker: OwnBroker, tmp_path: Path):
    home = a_home_on(broker, tmp_path)
    with a_crew(home, EVERY_LANE, run_node=run_poisoned_celery) as crew, a_house(tmp_path, home=home) as archive:
        batch = a_batch(archive)
        receive(archive, batch, *samples(*(number for number, _ in POISON)), *samples(*HEALTHY))
        wait_until_done(archive)
        buried = archive.queue.list(state=JobState.BURIED)
        assert {(row.name, row.lane, row.attempt) for row in buried} == {("page.read", Lane.OCR, MAX_ATTEMPTS)}
        assert sorted(row.reason for row in buried) == sorted([_DIED, _DIED, "MemoryError", "ZeroDivisionError"])
        assert pages(archive) == sorted([PageState.WAITING] * len(POISON) + [PageState.READ] * len(HEALTHY))
        (node,) = crew.nodes
        assert node.process.is_alive()
        receive(archive, batch, *samples(LATER))  # who lived through it works on
        wait_until_done(archive)
        assert archive.queue.list() == buried
        assert_index_and_log_are_whole(archive)
