"""Locks on owners of bytes: from the first byte stored to the row that names it.

Without them a release could look, find no row, and remove bytes that somebody has just stored and is about to name.
Processes of one machine lock files; those of several machines lock in the PostgreSQL that they share.
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa

from archive_app.core.errors import UnderWay

_STRIPES = 64
_BIGINT = 1 << 63
_ALONE = 0x617263  # names the locks of what runs once at a time
#: Longer than any put of a file; who waits so long is told that the database is busy.
_LONGEST_WAIT = "30min"


class FileLocks:
    """`OwnerLocks` on files in a folder; a process that dies lets go of its locks."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def holding(self, *owners: UUID) -> Iterator[None]:
        """Hold the owners' locks for the block. Always taken in one order, so that two never wait for each other."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with ExitStack() as stack:
            for stripe in sorted({owner.int % _STRIPES for owner in owners}):
                handle = os.open(self._folder / f"{stripe:02}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                stack.callback(os.close, handle)  # closing lets go
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield


@contextmanager
def alone(path: Path, *, otherwise: str) -> Iterator[Callable[[], None]]:
    """Hold a lock that ends with the process. Raises `UnderWay(otherwise)` at once where another process holds it.

    What it gives asks whether the lock is still held: a file's is.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as fault:
            raise UnderWay(otherwise) from fault
        yield lambda: None
    finally:
        os.close(handle)


@contextmanager
def alone_among_machines(engine: sa.Engine, what: int, *, otherwise: str) -> Iterator[Callable[[], None]]:
    """The same in PostgreSQL, by a session that is opened for the block alone (see `AdvisoryLocks`).

    What it gives raises `Unavailable` once the session is gone, and the lock with it.
    """
    lasting = engine.execution_options(isolation_level="AUTOCOMMIT")
    with lasting.connect() as session:
        # Of two numbers: a space of its own beside the owners' locks.
        taken = session.execute(sa.select(sa.func.pg_try_advisory_lock(_ALONE, what))).scalar_one()
        if not taken:
            raise UnderWay(otherwise)

        def still_held() -> None:
            session.exec_driver_sql("SELECT 1")

        yield still_held


class AdvisoryLocks:
    """`OwnerLocks` in PostgreSQL: of a session that is opened for the block alone, so that its end lets go.

    The session is none of the pool's: whoever holds a lock asks the pool for connections meanwhile. It must reach the
    server itself, or through a pooler that pools sessions.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")  # no transaction stays open meanwhile

    @contextmanager
    def holding(self, *owners: UUID) -> Iterator[None]:
        """Hold the owners' locks for the block, taken in one order. Raises `Unavailable` after half an hour."""
        with self._engine.connect() as session:
            session.exec_driver_sql(f"SET lock_timeout = '{_LONGEST_WAIT}'")
            for key in sorted({owner.int % _BIGINT for owner in owners}):
                session.execute(sa.select(sa.func.pg_advisory_lock(key)))
            yield
