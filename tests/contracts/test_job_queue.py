"""The promises of `JobQueue` on the table of jobs, on SQLite and on PostgreSQL."""

import datetime as dt
import multiprocessing
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
import sqlalchemy as sa
from factories import StoppedClock, a_database, a_viewer

from archive_app import database
from archive_app.clock import SystemClock
from archive_app.core.errors import NotFound
from archive_app.core.model import QueuedJob
from archive_app.core.ports import ClaimedJob, Job
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import JobState, Lane
from archive_app.jobs import MAX_ATTEMPTS, LaneDepth, TableQueue

LEASE = dt.timedelta(minutes=5)
ALL = (Lane.LIGHT, Lane.OCR, Lane.INDEX)


@dataclass
class Yard:
    """A queue, the clock it asks, and its database."""

    engine: sa.Engine
    clock: StoppedClock
    queue: TableQueue

    def put(self, *keys: str, lane: Lane = Lane.LIGHT, priority: int = 0, name: str = "read") -> None:
        with Unit(database.make_sessions(self.engine), a_viewer(), self.clock) as unit:
            unit.later(*(Job(name, {"key": key}, key=key, lane=lane, priority=priority) for key in keys))

    def claim(self, worker: str = "w1", *, lanes: tuple[Lane, ...] = ALL, most: int = 1) -> list[ClaimedJob]:
        return list(self.queue.claim(worker, lanes=lanes, lease=LEASE, most=most))

    def one(self, worker: str = "w1") -> ClaimedJob:
        (job,) = self.claim(worker)
        return job

    def states(self) -> dict[str, JobState]:
        with self.engine.connect() as connection:
            return dict(connection.execute(sa.select(QueuedJob.key, QueuedJob.state)).tuples().all())


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def yard(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Yard]:
    engine = a_database(request.param, tmp_path)
    clock = StoppedClock()
    yield Yard(engine, clock, TableQueue(database.make_sessions(engine), clock))
    engine.dispose()


def test_the_same_key_twice_is_one_job(yard: Yard) -> None:
    yard.put("a", "a")
    yard.put("a")
    assert len(yard.claim(most=10)) == 1


def test_a_leased_job_is_nobody_elses(yard: Yard) -> None:
    yard.put("a")
    job = yard.one("w1")
    assert (job.name, dict(job.args), job.lane) == ("read", {"key": "a"}, Lane.LIGHT)
    assert yard.claim("w2") == []


def test_higher_priority_goes_first_then_the_older(yard: Yard) -> None:
    yard.put("old")
    yard.clock.forward(seconds=1)
    yard.put("young")
    yard.put("urgent", priority=5)
    assert [job.args["key"] for job in yard.claim(most=10)] == ["urgent", "old", "young"]


def test_only_the_lanes_asked_for_are_claimed(yard: Yard) -> None:
    yard.put("ocr", lane=Lane.OCR)
    assert yard.claim(lanes=(Lane.LIGHT, Lane.INDEX)) == []
    assert len(yard.claim(lanes=(Lane.OCR,))) == 1


def test_a_job_whose_lease_ran_out_is_claimed_again(yard: Yard) -> None:
    yard.put("a")
    dead = yard.one("w1")
    yard.clock.forward(minutes=4)
    assert yard.claim("w2") == []
    yard.clock.forward(minutes=2)
    again = yard.one("w2")
    assert (again.id, again.attempt) == (dead.id, 2)
    assert yard.queue.extend("w1", dead, lease=LEASE) is False
    yard.queue.done("w1", dead)
    assert yard.states() == {"a": JobState.LEASED}


def test_a_heartbeat_keeps_the_lease(yard: Yard) -> None:
    yard.put("a")
    job = yard.one()
    yard.clock.forward(minutes=4)
    assert yard.queue.extend("w1", job, lease=LEASE) is True
    yard.clock.forward(minutes=4)
    assert yard.claim("w2") == []


def test_done_is_done(yard: Yard) -> None:
    yard.put("a")
    yard.queue.done("w1", yard.one())
    yard.clock.forward(hours=1)
    assert yard.claim() == []
    assert yard.states() == {"a": JobState.DONE}


def test_an_ended_job_is_queued_again_by_a_new_cause(yard: Yard) -> None:
    yard.put("a")
    yard.queue.done("w1", yard.one())
    yard.put("a")
    assert yard.one().attempt == 1


def test_again_waits_for_its_delay(yard: Yard) -> None:
    yard.put("a")
    yard.queue.again("w1", yard.one(), delay=dt.timedelta(minutes=1), reason="store down")
    assert yard.claim() == []
    yard.clock.forward(minutes=2)
    assert yard.one().attempt == 2


def test_what_is_not_counted_uses_up_no_attempt(yard: Yard) -> None:
    yard.put("a")
    for _ in range(3 * MAX_ATTEMPTS):
        yard.queue.again("w1", yard.one(), delay=dt.timedelta(minutes=1), reason="index-unreachable", counted=False)
        yard.clock.forward(minutes=2)
    assert yard.one().attempt == 1


def test_deaths_of_workers_before_a_part_was_found_away_are_not_held_against_a_job(yard: Yard) -> None:
    yard.put("a")
    for _ in range(MAX_ATTEMPTS):
        for _ in range(MAX_ATTEMPTS - 2):
            yard.one()  # and its worker dies
            yard.clock.forward(minutes=6)
        yard.queue.again("w1", yard.one(), delay=dt.timedelta(minutes=1), reason="index-unreachable", counted=False)
        yard.clock.forward(minutes=2)
    assert yard.one().attempt == 1


def test_attempts_are_counted_at_the_claim_so_a_job_that_kills_its_worker_is_buried(yard: Yard) -> None:
    yard.put("a")
    for attempt in range(1, MAX_ATTEMPTS + 1):
        assert yard.one().attempt == attempt
        yard.clock.forward(minutes=6)
    assert yard.claim() == []
    assert yard.states() == {"a": JobState.BURIED}
    (row,) = yard.queue.list(state=JobState.BURIED)
    assert "died" in row.reason


def test_the_last_failed_attempt_buries_with_its_reason(yard: Yard) -> None:
    yard.put("a")
    for _ in range(MAX_ATTEMPTS):
        yard.queue.again("w1", yard.one(), delay=dt.timedelta(0), reason="unreadable " * 100)
    (row,) = yard.queue.list(state=JobState.BURIED)
    assert row.reason.startswith("unreadable")


def test_a_buried_job_waits_for_a_person(yard: Yard) -> None:
    yard.put("a")
    job = yard.one()
    yard.queue.bury("w1", job, reason="no")
    yard.clock.forward(days=1)
    assert yard.claim() == []
    assert yard.queue.retry(job.id) == 1
    assert yard.one().attempt == 1


def test_only_a_job_that_has_not_ended_is_buried_by_hand(yard: Yard) -> None:
    yard.put("a", "b")
    first, second = yard.claim(most=2)
    yard.queue.done("w1", first)
    with pytest.raises(NotFound):
        yard.queue.bury_by_hand(first.id, reason="no")
    yard.queue.bury_by_hand(second.id, reason="no")
    with pytest.raises(NotFound):
        yard.queue.retry(first.id)


def test_later_while_leased_queues_again_and_the_old_holder_does_not_end_it(yard: Yard) -> None:
    yard.put("a")
    old = yard.one("w1")
    yard.put("a")
    yard.queue.done("w1", old)
    assert yard.states() == {"a": JobState.QUEUED}
    yard.queue.again("w1", old, delay=dt.timedelta(0), reason="late")
    yard.queue.bury("w1", old, reason="late")
    assert yard.one("w2").id == old.id


def test_a_worker_that_claims_anew_is_not_ended_by_its_own_earlier_claim(yard: Yard) -> None:
    yard.put("a")
    earlier = yard.one("w1")
    yard.put("a")  # queued anew while leased: attempts begin at 1 again, claims do not
    later = yard.one("w1")
    assert (earlier.attempt, later.attempt) == (1, 1)
    assert later.claim > earlier.claim
    yard.queue.done("w1", earlier)
    assert yard.states() == {"a": JobState.LEASED}
    assert not yard.queue.extend("w1", earlier, lease=LEASE)
    yard.queue.done("w1", later)
    assert yard.states() == {"a": JobState.DONE}


def test_the_index_lane_has_one_holder(yard: Yard) -> None:
    yard.put("a", "b", "c", lane=Lane.INDEX)
    assert len(yard.claim("w1", most=1)) == 1
    assert yard.claim("w2", most=10) == []
    assert len(yard.claim("w1", most=10)) == 2


def test_the_index_lane_is_free_after_release_or_its_lease(yard: Yard) -> None:
    yard.put("a", "b", "c", lane=Lane.INDEX)
    yard.claim("w1")
    yard.queue.release_lane("w2")  # not its own
    assert yard.claim("w2") == []
    yard.queue.release_lane("w1")
    assert len(yard.claim("w2")) == 1
    yard.clock.forward(minutes=6)
    assert len(yard.claim("w3", most=10)) == 3


def test_the_heartbeat_of_an_index_job_keeps_the_lane(yard: Yard) -> None:
    yard.put("a", "b", lane=Lane.INDEX)
    job = yard.one("w1")
    yard.clock.forward(minutes=4)
    assert yard.queue.extend("w1", job, lease=LEASE)
    yard.clock.forward(minutes=4)
    assert yard.claim("w2") == []


def test_a_worker_without_index_work_does_not_hold_the_lane(yard: Yard) -> None:
    yard.put("light")
    assert len(yard.claim("w1")) == 1
    yard.put("a", lane=Lane.INDEX)
    assert len(yard.claim("w2")) == 1


def test_live_workers_are_those_heard_of_lately(yard: Yard) -> None:
    yard.queue.beat("w1")
    yard.queue.beat("w2")
    yard.queue.leave("w2")
    assert yard.queue.live_workers() == 1
    yard.clock.forward(minutes=1)
    assert yard.queue.live_workers() == 0


def test_depths_count_each_lane_and_the_age_of_the_oldest_that_is_due(yard: Yard) -> None:
    yard.put("a", "b", "c", "d")
    yard.clock.forward(seconds=30)
    yard.put("page", lane=Lane.OCR)
    yard.clock.forward(seconds=60)
    leased, buried, done = yard.claim(lanes=(Lane.LIGHT,), most=3)
    yard.queue.bury("w1", buried, reason="no")
    yard.queue.done("w1", done)
    light, ocr, index = yard.queue.depths()
    assert light == LaneDepth(Lane.LIGHT, waiting=1, running=1, buried=1, oldest_seconds=90.0)
    assert ocr == LaneDepth(Lane.OCR, waiting=1, running=0, buried=0, oldest_seconds=60.0)
    assert index == LaneDepth(Lane.INDEX, waiting=0, running=0, buried=0, oldest_seconds=0.0)
    yard.queue.again("w1", leased, delay=dt.timedelta(hours=1), reason="later")
    yard.claim(lanes=(Lane.LIGHT,))
    assert yard.queue.depths()[0] == LaneDepth(Lane.LIGHT, waiting=1, running=1, buried=1, oldest_seconds=0.0)


# -- a clock that jumps by hours


@pytest.mark.parametrize("hours", [5, -5])
def test_a_clock_that_jumps_leaves_nothing_waiting_or_leased_for_hours(yard: Yard, hours: int) -> None:
    yard.put("waits", "leased")
    waits, leased = yard.claim(most=2)
    yard.queue.again("w1", waits, delay=dt.timedelta(minutes=5), reason="store-full")
    yard.put("queued")
    yard.clock.forward(hours=hours)
    assert sorted(job.args["key"] for job in yard.claim("w2", most=10)) == ["leased", "queued", "waits"]
    assert not yard.queue.extend("w1", leased, lease=LEASE)  # two may do it, one of them ends it
    yard.queue.done("w1", leased)
    assert yard.states()["leased"] == JobState.LEASED


@pytest.mark.parametrize("hours", [5, -5])
def test_a_heartbeat_after_the_clock_jumped_keeps_the_lease_by_the_new_time(yard: Yard, hours: int) -> None:
    yard.put("a")
    job = yard.one("w1")
    yard.clock.forward(hours=hours)
    assert yard.queue.extend("w1", job, lease=LEASE)
    assert yard.claim("w2") == []
    yard.queue.done("w1", job)
    assert yard.states() == {"a": JobState.DONE}


@pytest.mark.parametrize("hours", [5, -5])
def test_the_index_lane_outlives_no_jump_of_the_clock(yard: Yard, hours: int) -> None:
    yard.put("a", "b", lane=Lane.INDEX)
    assert len(yard.claim("dead", most=1)) == 1
    yard.clock.forward(hours=hours)
    assert len(yard.claim("w2", most=10)) == 2


def test_a_worker_is_not_alive_for_hours_because_the_clock_went_back(yard: Yard) -> None:
    yard.queue.beat("w1")
    yard.clock.forward(hours=-5)
    assert yard.queue.live_workers() == 0
    yard.queue.beat("w1")
    assert yard.queue.live_workers() == 1


# -- several processes

SPAWN = multiprocessing.get_context("spawn")


def _claims_all(url: str, worker: str, answer: Connection) -> None:
    engine = database.make_engine(url)
    queue = TableQueue(database.make_sessions(engine), SystemClock("Asia/Shanghai"))
    taken = []
    while jobs := queue.claim(worker, lanes=ALL, lease=LEASE, most=2):
        for job in jobs:
            taken.append(job.args["key"])
            queue.done(worker, job)
    answer.send(taken)


def _claims_and_hangs(url: str, answer: Connection) -> None:
    engine = database.make_engine(url)
    queue = TableQueue(database.make_sessions(engine), SystemClock("Asia/Shanghai"))
    answer.send([job.args["key"] for job in queue.claim("killed", lanes=ALL, lease=dt.timedelta(seconds=1), most=2)])
    signal.pause()


def _url(yard: Yard) -> str:
    return yard.engine.url.render_as_string(hide_password=False)


def test_processes_claim_without_doubles_or_losses(yard: Yard) -> None:
    keys = [f"job-{number:02}" for number in range(40)]
    yard.put(*keys)
    ends, processes = [], []
    for number in range(3):
        ours, theirs = SPAWN.Pipe()
        process = SPAWN.Process(target=_claims_all, args=(_url(yard), f"w{number}", theirs))
        process.start()
        ends.append(ours)
        processes.append(process)
    taken = [key for end in ends for key in end.recv()]
    for process in processes:
        process.join()
    assert sorted(taken) == keys
    assert set(yard.states().values()) == {JobState.DONE}


@pytest.mark.services
@pytest.mark.parametrize("yard", ["postgresql"], indirect=True)  # on SQLite one writes at a time
def test_who_claims_does_not_wait_for_one_who_is_claiming(yard: Yard) -> None:
    yard.put("first")
    yard.clock.forward(seconds=1)
    yard.put("second")
    with yard.engine.begin() as claiming:
        claiming.execute(sa.select(QueuedJob.id).where(QueuedJob.key == "first").with_for_update())
        assert [job.args["key"] for job in yard.claim(most=10)] == ["second"]
    assert [job.args["key"] for job in yard.claim(most=10)] == ["first"]


def test_a_killed_claimer_loses_nothing(yard: Yard) -> None:
    yard.put("a", "b")
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=_claims_and_hangs, args=(_url(yard), theirs))
    process.start()
    assert sorted(ours.recv()) == ["a", "b"]
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    yard.clock.moment = SystemClock("Asia/Shanghai").now() + dt.timedelta(minutes=1)
    assert [job.attempt for job in yard.claim("w2", most=10)] == [2, 2]
