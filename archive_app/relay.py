"""The relay: tells the broker of every job that is due, and again of those whose message was lost.

A row is marked only after the broker confirmed its message; so a relay that dies sends some twice and none never. Only
so many messages of a lane are under way at a time: the table keeps the order, the broker is never full of what waits.
One relay publishes at a time, others stand by and take over when its lease ends.
"""

import datetime as dt
import logging
import os
import random
import signal
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from types import FrameType
from typing import Protocol
from uuid import UUID

import sqlalchemy as sa

from archive_app.chores import keep_ensuring
from archive_app.core.errors import Unavailable
from archive_app.core.ports import Clock
from archive_app.core.vocabulary import Lane
from archive_app.jobs import TableQueue, Wake
from archive_app.wiring import Archive
from archive_app.worker import CHORES

_LOG = logging.getLogger("archive.relay")
_POLL_SECONDS = 0.5
_INDEX_SECONDS = 1.0  # one wake of the index lane does for all that came within
_HEAL_SECONDS = 10.0
_LEASE = dt.timedelta(seconds=15)
_BACK_OFF = (1.0, 2.0, 5.0, 10.0)
_WINDOW = 1_000  # messages of a lane under way
_BATCH = 100  # published between two marks
_LOST_IF_EMPTY = dt.timedelta(seconds=30)  # the queue is empty, so the message is gone
_LOST = dt.timedelta(minutes=15)  # some messages of a queue are gone and others are not


class Publisher(Protocol):
    """What the relay needs of a broker: `archive_app.broker.Broker`."""

    def publish(self, lane: Lane, ident: UUID) -> None:
        """Send and wait for the confirmation. Raises `Unavailable`: then nobody knows whether it was sent."""

    def depths(self) -> Mapping[Lane, int]:
        """How many messages wait in each queue. Raises `Unavailable`."""


class Relay:
    """Publishes the due jobs of a queue to a broker."""

    def __init__(self, queue: TableQueue, broker: Publisher, clock: Clock) -> None:
        self._queue, self._broker, self._clock = queue, broker, clock
        self.name = f"{socket.gethostname()}:{os.getpid()}:{random.randrange(16**4):04x}"  # noqa: S311 - a name
        self._stop = threading.Event()
        self._held_until = self._healed = self._indexed = -1e9

    def stop(self) -> None:
        """End after the message in hand."""
        self._stop.set()

    def run(self) -> None:
        """Publish until stopped; a broker or a database that does not answer is asked again, less and less often."""
        faults = 0
        try:
            while not self._stop.is_set():
                try:
                    worked = self.holds() and self.step() > 0
                    faults = 0
                except (Unavailable, sa.exc.SQLAlchemyError) as fault:
                    _LOG.warning("relay.fault fault=%s", getattr(fault, "code", type(fault).__name__))
                    self._stop.wait(_BACK_OFF[min(faults, len(_BACK_OFF) - 1)])
                    faults += 1
                    continue
                if not worked:
                    self._stop.wait(_POLL_SECONDS)
        finally:
            try:
                self._queue.release_relay(self.name)
            except Unavailable as fault:  # the lease ends by itself
                _LOG.warning("relay.left.silently code=%s", fault.code)

    def holds(self) -> bool:
        """Whether it is this relay's turn; asked of the table twice a lease."""
        now = time.monotonic()
        if now < self._held_until:
            return True
        if self._queue.hold_relay(self.name, lease=_LEASE):
            self._held_until = now + _LEASE.total_seconds() / 2
            return True
        return False

    def step(self) -> int:
        """Publish what is due. Gives how many messages were confirmed. Raises `Unavailable`: the rest stays due."""
        lost_before = self._lost_before()
        lanes = lost_before or self._queue.silent_lanes()
        return sum(self._publish(lane, lost_before.get(lane)) for lane in lanes)

    def _lost_before(self) -> dict[Lane, dt.datetime]:
        """Now and then: from when on messages of a lane that nobody claimed are taken for lost."""
        if time.monotonic() - self._healed < _HEAL_SECONDS:
            return {}
        waiting, now = self._broker.depths(), self._clock.now()
        self._healed = time.monotonic()
        return {lane: now - (_LOST if waiting[lane] else _LOST_IF_EMPTY) for lane in Lane}

    def _publish(self, lane: Lane, lost_before: dt.datetime | None) -> int:
        if lane == Lane.INDEX:
            return self._wake_index(lost_before)
        room = _WINDOW - self._queue.under_way(lane)
        if room < _WINDOW // 2 and lost_before is None:
            return 0  # half a window at a time: each look sorts all that waits
        due = self._queue.unpublished(lane, lost_before=lost_before, most=max(room, _BATCH))
        for start in range(0, len(due), _BATCH):
            self._publish_part(lane, due[start : start + _BATCH])
            if self._stop.is_set() or not self.holds():
                break
        return len(due)

    def _publish_part(self, lane: Lane, wakes: Sequence[Wake]) -> None:
        confirmed: list[Wake] = []
        try:
            for wake in wakes:
                self._broker.publish(lane, wake.id)
                confirmed.append(wake)
        finally:
            if confirmed:
                self._queue.published(confirmed)

    def _wake_index(self, lost_before: dt.datetime | None) -> int:
        """One message for all: whoever it wakes claims what waits."""
        if time.monotonic() - self._indexed < _INDEX_SECONDS:
            return 0
        due = self._queue.unpublished(Lane.INDEX, lost_before=lost_before, most=_WINDOW)
        if not due:
            return 0
        self._broker.publish(Lane.INDEX, due[0].id)
        self._queue.published(due)
        self._indexed = time.monotonic()
        return 1


def run_relay(archive: Archive) -> None:
    """Relay in this process until it is told to end (SIGTERM, SIGINT)."""
    relay = Relay(archive.queue, archive.broker, archive.clock)

    def end(_number: int, _frame: FrameType | None) -> None:
        relay.stop()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    over = threading.Event()
    keep_ensuring(archive, CHORES, over)
    try:
        relay.run()
    finally:
        over.set()
        archive.broker.close()
