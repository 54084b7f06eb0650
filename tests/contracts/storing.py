"""What the tests of stores share: bytes to put, a clock that stands still, a file of any size."""

import io
import os
import signal
from collections.abc import Callable
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

from archive_app.clock import SystemClock
from archive_app.core.ports import StorageBackend, StoreKey, Warrant

BYTES = b"%PDF-1.7 a page that is evidence\n"
TODAY = SystemClock("UTC").today()  # servers that lock go by the day it is
LIMIT = 1 << 30


class StoppedClock:
    """It is always the same morning."""

    def __init__(self, today: date = TODAY) -> None:
        self.day = today

    def now(self) -> datetime:
        return datetime(self.day.year, self.day.month, self.day.day, 1, tzinfo=UTC)

    def today(self) -> date:
        return self.day


def put(store: StorageBackend, content: bytes = BYTES, *, fonds: str = "HZ01", owner: UUID | None = None) -> StoreKey:
    return store.put(io.BytesIO(content), fonds=fonds, owner=owner or uuid4(), limit=LIMIT).key


def read(store: StorageBackend, key: StoreKey) -> bytes:
    with store.open(key) as reader:
        return reader.read()


def warrant(key: StoreKey) -> Warrant:
    return Warrant(key, reason="disposal", approval=uuid4())


class Zeros(io.RawIOBase):
    """A file of zeros of any size, which remembers how much was asked for at a time."""

    def __init__(self, size: int) -> None:
        self.left = size
        self.most = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        assert size > 0, "everything was asked for at once"
        self.most = max(self.most, size)
        size = min(size, self.left)
        self.left -= size
        return bytes(size)


def dying_before(step: int) -> Callable[[Callable[..., object]], Callable[..., object]]:
    """Wraps calls that are counted together: before the one with that number this process is killed."""
    left = [step]

    def counted(real: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **named: object) -> object:
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            return real(*arguments, **named)

        return call

    return counted
