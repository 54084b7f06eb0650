"""The clock of every machine jumps by hours, forward and back, while jobs are leased and who holds them dies."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from crews import EVERY_LANE, Crew, a_crew, a_home_on
from houses import MovableClock, a_batch, a_house, receive, samples
from outcomes import assert_nothing_is_lost_doubled_or_stuck, undisturbed_outcome, wait_until_done
from own_broker import OwnBroker
from processes import move_clock, run_celery_by_moved_clock, run_relay_by_moved_clock

from archive_app import chores
from archive_app.core.model import AuditLeaf, QueuedJob
from archive_app.core.vocabulary import JobState
from archive_app.wiring import Archive
from archive_app.worker import CHORES

pytestmark = [pytest.mark.services, pytest.mark.timeout(0)]

FILES = ("0001", "0002", "0003", "0004", "0018", "0027", "0031", "0035", "0036", "0044", "0051", "0113")
HOURS = (5, -4, 30, 0)  # ahead of the true time, one after the other


def jumps(archive: Archive, crew: Crew, left: list[int]) -> Callable[[], None]:
    """Each call that finds somebody at work moves the clocks, and kills a node that holds leases and the relay."""
    clock = archive.clock
    assert isinstance(clock, MovableClock)

    def jump() -> None:
        if left and any(row.state == JobState.LEASED for row in archive.queue.list()):
            hours = left.pop(0)
            clock.set_ahead(hours=hours)
            move_clock(crew.home, hours=hours)
            crew.nodes[0].kill()
            crew.relay.kill()
            chores.ensure(archive, CHORES)  # as the new relay does at the same moment

    return jump


def test_clocks_that_jump_lose_double_and_leave_stuck_nothing(broker: OwnBroker, tmp_path: Path):
    papers = [Path(shutil.copy(path, tmp_path)) for path in samples(*FILES)]
    quiet, place = tmp_path / "quiet", tmp_path / "place"
    quiet.mkdir()
    place.mkdir()
    undisturbed = undisturbed_outcome(papers, quiet)
    home = a_home_on(broker, place)
    move_clock(home, hours=0)
    nodes = {"run_node": run_celery_by_moved_clock, "run_relay": run_relay_by_moved_clock}
    with a_crew(home, EVERY_LANE, EVERY_LANE, **nodes) as crew, a_house(place, home=home) as archive:
        batch, left = a_batch(archive), list(HOURS)
        receive(archive, batch, *papers)
        wait_until_done(archive, between=jumps(archive, crew, left))
        assert left == []
        assert_nothing_is_lost_doubled_or_stuck(archive, batch, undisturbed, files=len(FILES))
        assert_each_chore_was_due_once(archive)


def assert_each_chore_was_due_once(archive: Archive) -> None:
    with archive.sessions.reading() as session:
        keys = session.scalars(sa.select(QueuedJob.key).where(QueuedJob.key.startswith(chores.KEYS))).all()
        told = session.scalar(sa.select(sa.func.count()).where(AuditLeaf.action == "chore:due"))
    assert len({key.split(":")[2] for key in keys}) > 1  # more than one day passed
    assert told == len(keys)
