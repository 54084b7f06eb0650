"""The relay over the table of jobs: every due job gets its message, whatever breaks, and few get two."""

import datetime as dt
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa
from factories import StoppedClock, a_database, a_viewer

from archive_app import database, relay
from archive_app.core.errors import Unavailable
from archive_app.core.model import QueuedJob
from archive_app.core.ports import ClaimedJob, Job
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import JobState, Lane
from archive_app.jobs import TableQueue
from archive_app.relay import Relay

LEASE = dt.timedelta(minutes=1)


@dataclass
class Wire:
    """What a relay sends to: keeps the messages, and breaks when told, before or after a message arrived."""

    messages: list[tuple[Lane, UUID]] = field(default_factory=list)
    breaks_before: int | None = None
    confirms_lost_after: int | None = None

    def publish(self, lane: Lane, ident: UUID) -> None:
        if self.breaks_before is not None and len(self.messages) >= self.breaks_before:
            raise Unavailable("broker-unreachable")
        self.messages.append((lane, ident))
        if self.confirms_lost_after is not None and len(self.messages) > self.confirms_lost_after:
            raise Unavailable("broker-unreachable")

    def depths(self) -> Mapping[Lane, int]:
        if self.breaks_before is not None:
            raise Unavailable("broker-unreachable")
        return {lane: sum(one == lane for one, _ in self.messages) for lane in Lane}

    def take(self) -> list[UUID]:
        """Read every message, as workers do."""
        taken = [ident for _, ident in self.messages]
        self.messages.clear()
        return taken


@dataclass
class Office:
    """A queue, a relay and what it sends to."""

    engine: sa.Engine
    clock: StoppedClock
    queue: TableQueue
    wire: Wire
    relay: Relay

    def put(self, *keys: str, lane: Lane = Lane.OCR, priority: int = 0) -> None:
        with Unit(database.make_sessions(self.engine), a_viewer(), self.clock) as unit:
            unit.later(*(Job("read", {"key": key}, key=key, lane=lane, priority=priority) for key in keys))

    def ids(self, *keys: str) -> list[UUID]:
        with self.engine.connect() as connection:
            found = dict(connection.execute(sa.select(QueuedJob.key, QueuedJob.id)).tuples().all())
        return [found[key] for key in keys]

    def claim(self, ident: UUID, worker: str = "w1") -> ClaimedJob | None:
        return self.queue.claim_one(worker, ident, lease=LEASE)

    def looks_again(self) -> int:
        """Another step, in which messages that nobody claimed are looked for."""
        self.relay._looked = -math.inf
        return self.relay.step()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def office(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    engine = a_database(request.param, tmp_path)
    monkeypatch.setattr(relay, "_AWAKE_SECONDS", dict.fromkeys(Lane, 0.0))
    clock, wire = StoppedClock(), Wire()
    queue = TableQueue(database.make_sessions(engine), clock)
    yield Office(engine, clock, queue, wire, Relay(queue, wire, clock))
    engine.dispose()


def test_exactly_the_due_are_published_once_and_in_order(office: Office):
    office.put("later", "done", "running")
    later, done, running = office.queue.claim("w1", lanes=(Lane.OCR,), lease=LEASE, most=3)
    office.queue.again("w1", later, delay=dt.timedelta(hours=1), reason="store-full")
    office.queue.done("w1", done)
    office.put("a", "b")
    office.put("urgent", priority=1)
    assert office.relay.step() == 3
    assert office.wire.messages[0] == (Lane.OCR, office.ids("urgent")[0])
    assert {ident for _, ident in office.wire.messages} == set(office.ids("urgent", "a", "b"))
    assert office.relay.step() == 0
    assert running.id not in office.wire.take()


def test_a_job_comes_again_when_its_wait_or_the_lease_of_its_dead_worker_is_over(office: Office):
    office.put("a", "b")
    office.relay.step()
    waiting, dead = (office.claim(ident) for ident in office.wire.take())
    assert waiting is not None
    assert dead is not None
    office.queue.again("w1", waiting, delay=dt.timedelta(seconds=30), reason="store-full")
    assert office.relay.step() == 0
    office.clock.forward(seconds=31)
    assert office.relay.step() == 1
    assert office.wire.take() == [waiting.id]
    office.clock.forward(seconds=31)
    assert office.relay.step() == 1
    assert office.wire.take() == [dead.id]
    again = office.claim(dead.id, "w2")
    assert again is not None
    assert again.attempt == 2


def test_a_message_without_confirmation_is_sent_again(office: Office):
    office.put("a", "b", "c")
    office.wire.confirms_lost_after = 1
    with pytest.raises(Unavailable):
        office.relay.step()
    sent = office.wire.take()
    assert len(sent) == 2  # the second arrived, but nobody knows
    office.wire.confirms_lost_after = None
    assert office.relay.step() == 2
    assert sorted(sent[1:] + office.wire.take()[1:]) == sorted(set(office.ids("a", "b", "c")) - {sent[0]})


def test_while_the_broker_is_away_nothing_is_lost(office: Office):
    office.put("a", "b")
    office.wire.breaks_before = 1
    for _ in range(3):
        with pytest.raises(Unavailable):
            office.looks_again()
    office.put("c")
    office.wire.breaks_before = None
    office.relay.step()
    assert set(office.wire.take()) == set(office.ids("a", "b", "c"))


def test_messages_of_a_queue_that_was_purged_are_sent_again_and_those_that_wait_are_not(office: Office):
    office.put("a", "b")
    office.relay.step()
    office.clock.forward(minutes=1)
    assert office.looks_again() == 0  # they wait for a worker
    office.wire.messages.clear()
    assert office.looks_again() == 2
    assert set(office.wire.take()) == set(office.ids("a", "b"))


def test_a_message_lost_among_others_is_sent_again_after_a_while(office: Office):
    office.put("lost", "waits")
    office.relay.step()
    office.wire.messages = [one for one in office.wire.messages if one[1] != office.ids("lost")[0]]
    office.clock.forward(minutes=16)
    office.looks_again()
    assert office.ids("lost")[0] in office.wire.take()


def test_a_job_queued_anew_while_its_worker_works_gets_a_message_of_its_own(office: Office):
    office.put("a")
    office.relay.step()
    (ident,) = office.wire.take()
    first = office.claim(ident)
    assert first is not None
    office.put("a")
    assert office.relay.step() == 1
    office.queue.done("w1", first)  # an earlier claim ends nothing
    assert office.claim(ident, "w2") is not None


def test_a_claim_between_confirmation_and_mark_is_not_marked(office: Office):
    office.put("a")
    (found,) = office.queue.unpublished(Lane.OCR, most=1)
    job = office.claim(found.id)
    assert job is not None
    office.put("a")
    office.queue.published([found])
    assert office.relay.step() == 1


def test_the_same_message_twice_is_done_once(office: Office):
    office.put("a")
    (ident,) = office.ids("a")
    job = office.claim(ident)
    assert job is not None
    assert office.claim(ident, "w2") is None
    office.queue.done("w1", job)
    assert office.claim(ident, "w2") is None


def test_one_wake_of_the_index_lane_does_for_all_that_waits(office: Office):
    office.put("a", "b", "c", lane=Lane.INDEX)
    assert office.relay.step() == 1
    assert [lane for lane, _ in office.wire.messages] == [Lane.INDEX]
    assert len(office.queue.claim("w1", lanes=(Lane.INDEX,), lease=LEASE, most=500)) == 3
    assert office.claim(office.ids("a")[0], "w2") is None  # never one by one


def test_who_was_woken_in_vain_while_the_lane_was_held_is_woken_again(office: Office):
    office.put("a", lane=Lane.INDEX)
    (held,) = office.queue.claim("w1", lanes=(Lane.INDEX,), lease=LEASE, most=500)
    office.put("b", lane=Lane.INDEX)
    office.looks_again()
    office.wire.take()
    assert office.queue.claim("w2", lanes=(Lane.INDEX,), lease=LEASE, most=500) == []
    office.queue.done("w1", held)
    office.queue.release_lane("w1")
    assert office.looks_again() == 1


def test_as_many_messages_of_a_lane_are_under_way_as_there_are_workers(office: Office, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(relay, "_LEAST_WINDOW", 2)
    for worker in ("w1", "w2", "w3", "w4"):
        office.queue.beat(worker)
    office.put(*"abcdefgh")
    assert office.relay.step() == 4
    assert office.relay.step() == 0
    for ident in office.wire.take():
        assert office.claim(ident) is not None
    assert office.relay.step() == 4


def test_who_was_woken_is_not_woken_again_at_once(office: Office, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(relay, "_AWAKE_SECONDS", dict.fromkeys(Lane, 3600.0))
    office.put("a")
    office.put("index", lane=Lane.INDEX)
    assert office.relay.step() == 2
    office.put("b")
    office.put("light", lane=Lane.LIGHT)
    assert office.relay.step() == 1  # another lane sleeps
    assert [lane for lane, _ in office.wire.messages] == [Lane.OCR, Lane.INDEX, Lane.LIGHT]
    monkeypatch.setattr(relay, "_AWAKE_SECONDS", dict.fromkeys(Lane, 0.0))
    assert office.relay.step() == 1


def test_one_relay_publishes_and_another_takes_over_when_its_lease_ends(office: Office):
    other = Relay(office.queue, office.wire, office.clock)
    assert office.relay.holds()
    assert not other.holds()
    office.clock.forward(seconds=16)
    assert other.holds()


@pytest.mark.parametrize("hours", [5, -5])
def test_a_clock_that_jumps_keeps_no_relay_and_no_message_for_hours(office: Office, hours: int):
    office.put("a")
    assert office.relay.holds()
    office.relay.step()
    office.wire.take()
    office.clock.forward(hours=hours)
    assert Relay(office.queue, office.wire, office.clock).holds()
    assert office.looks_again() == 1


def test_a_relay_that_ends_lets_another_publish_at_once(office: Office):
    other = Relay(office.queue, office.wire, office.clock)
    assert office.relay.holds()
    office.queue.release_relay(office.relay.name)
    assert other.holds()


def test_a_job_that_kills_its_workers_is_buried(office: Office):
    office.put("a")
    (ident,) = office.ids("a")
    for _ in range(6):
        assert office.claim(ident) is not None
        office.clock.forward(minutes=2)
    assert office.claim(ident) is None
    (row,) = office.queue.list()
    assert row.state == JobState.BURIED
