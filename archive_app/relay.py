"""The relay: tells the broker of every job that is due, and again of those whose message was lost.

A row is marked only after the broker confirmed its message; so a relay that dies sends some twice and none never. Only
as many messages of a lane are under way at a time as there are workers: the table keeps the order, and who is woken
goes on with what waits there. One relay publishes at a time, others stand by and take over when its lease ends.
"""

import datetime as dt
import logging
import math
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
_LOOK_SECONDS = 10.0
#: Who was woken looks for more so long, and for longer while there is some; one wake of the index does for all within.
_AWAKE_SECONDS: Mapping[Lane, float] = {Lane.LIGHT: 2.0, Lane.OCR: 2.0, Lane.INDEX: 5.0}
_LEASE = dt.timedelta(seconds=15)
_BACK_OFF = (1.0, 2.0, 5.0, 10.0)
_LEAST_WINDOW = 4  # messages of a lane under way, before it is known how many work
_INDEX_WINDOW = 1_000  # jobs of the index lane that one wake is marked for
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
        self._held_until = self._looked = -math.inf
        self._woken = dict.fromkeys(Lane, -math.inf)
        self._window = _LEAST_WINDOW

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
        if time.monotonic() - self._looked >= _LOOK_SECONDS:
            self._look_around()
        silent = self._queue.silent_lanes()
        return sum(self._wake(lane, under_way) for lane, under_way in silent.items() if not self._is_awake(lane))

    def _look_around(self) -> None:
        """Now and then: whose messages nobody claimed are silent again, and as many may be woken as there are."""
        waiting, now = self._broker.depths(), self._clock.now()
        self._queue.forget_messages({lane: now - (_LOST if waiting[lane] else _LOST_IF_EMPTY) for lane in Lane})
        self._window = max(_LEAST_WINDOW, self._queue.live_workers())
        self._looked = time.monotonic()

    def _is_awake(self, lane: Lane) -> bool:
        """Whether those who were woken last still look for work themselves."""
        return time.monotonic() - self._woken[lane] < _AWAKE_SECONDS[lane]

    def _wake(self, lane: Lane, under_way: int) -> int:
        if lane == Lane.INDEX:  # one message for all: whoever it wakes claims what waits
            due = self._queue.unpublished(lane, most=_INDEX_WINDOW)
            return self._publish(lane, due[:1], stands_for=due)
        room = self._window - under_way
        if room < self._window // 2:
            return 0  # half a window at a time: each look sorts all that waits
        due = self._queue.unpublished(lane, most=room)
        return self._publish(lane, due, stands_for=due)

    def _publish(self, lane: Lane, wakes: Sequence[Wake], *, stands_for: Sequence[Wake]) -> int:
        """Each confirmed message is marked; the last for all that are left."""
        sent = 0
        try:
            for wake in wakes:
                self._broker.publish(lane, wake.id)
                sent += 1
        finally:
            if sent:
                self._queue.published(stands_for if sent == len(wakes) else wakes[:sent])
                self._woken[lane] = time.monotonic()
        return sent


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
