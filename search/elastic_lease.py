"""Who rebuilds the index: one process of all machines, known to the cluster, for as long as it gives signs of life.

The lease is one document, changed only from the very state that was read, so of two that reach for it one gets it. It
also counts the indices that were made: no number is used twice, so who lost the lease cannot swap in an index that
somebody else makes.
"""

import contextlib
import logging
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from archive_app.core.errors import Unavailable
from archive_app.core.repeating import repeat
from search.elastic_names import Names
from search.elastic_server import Conflicting, Server

_LOG = logging.getLogger("archive.index")
LEASE_S = 60.0
_DOCUMENT = "rebuild"


@dataclass(frozen=True, slots=True)
class Seen:
    """The lease as it was read."""

    number: int = 0  # of the last index made
    holder: str | None = None
    until: float = 0.0  # seconds of the epoch
    in_force: str | None = None  # the index that was last put in force
    place: Mapping[str, int] | None = None  # in the document's history; None if there is no document

    @property
    def is_held(self) -> bool:
        """Whether a live process rebuilds. An end too far ahead was written before the clock went back."""
        return self.holder is not None and 0 < self.until - time.time() <= 2 * LEASE_S


class Lease:
    """The lease of one archive's rebuilds."""

    def __init__(self, server: Server, names: Names, *, seconds: float = LEASE_S) -> None:
        self._server, self._index, self.seconds = server, names.control, seconds

    def seen(self) -> Seen:
        """What the cluster knows; nothing where nobody ever made an index."""
        try:
            answer = self._server.ask(lambda client: client.get(index=self._index, id=_DOCUMENT, realtime=True))
        except LookupError:
            return Seen()
        source = answer["_source"]
        place = {"if_seq_no": answer["_seq_no"], "if_primary_term": answer["_primary_term"]}
        return Seen(int(source["number"]), source["holder"], float(source["until"]), source["in_force"], place)

    def take(self, *, number: int) -> "Held":
        """Take it, for an index with a number above this one. Raises `Unavailable("index-rebuild-running")`."""
        seen = self.seen()
        if seen.is_held:
            raise Unavailable("index-rebuild-running")
        return Held(self, seen, number=max(seen.number, number) + 1)

    def changed(self, seen: Seen, **changes: Any) -> Seen:  # noqa: ANN401 - fields of `Seen`
        """Write the next state. Raises `Conflicting` if it is not as it was seen any more."""
        state = replace(seen, **changes)
        document = {name: value for name, value in asdict(state).items() if name != "place"}
        place: Mapping[str, Any] = seen.place or {"op_type": "create"}
        answer = self._server.ask(
            lambda client: client.index(index=self._index, id=_DOCUMENT, document=document, **place)
        )
        now = {"if_seq_no": int(answer["_seq_no"]), "if_primary_term": int(answer["_primary_term"])}
        return replace(state, place=now)

    def clear(self, seen: Seen) -> bool:
        """End a lease that ran out. False if somebody was quicker."""
        try:
            self.changed(seen, holder=None, until=0.0)
        except Conflicting:
            return False
        return True


class Held:
    """The lease while this process holds it."""

    def __init__(self, lease: Lease, seen: Seen, *, number: int) -> None:
        """Raises `Unavailable("index-rebuild-running")` if another process was quicker."""
        self._lease, self._guard = lease, threading.Lock()
        self.number = number
        until = time.time() + lease.seconds
        try:
            self._seen = lease.changed(seen, number=number, holder=uuid.uuid4().hex, until=until)
        except Conflicting as error:
            raise Unavailable("index-rebuild-running") from error

    def renew(self, *, in_force: str | None = None) -> None:
        """Hold it for another while. Raises `Unavailable("index-rebuild-lost")` if it went to another process.

        `in_force` is written down with it: the index that was put in force.
        """
        with self._guard:
            changes = {"until": time.time() + self._lease.seconds, "in_force": in_force or self._seen.in_force}
            try:
                self._seen = self._lease.changed(self._seen, **changes)
            except Conflicting:
                self._seen = self._renewed_from(self._lease.seen(), changes)

    def _renewed_from(self, seen: Seen, changes: Mapping[str, Any]) -> Seen:
        """A renewal whose answer was lost has changed the document all the same: then it is still ours."""
        if seen.holder != self._seen.holder:
            raise Unavailable("index-rebuild-lost")
        try:
            return self._lease.changed(seen, **changes)
        except Conflicting as error:
            raise Unavailable("index-rebuild-lost") from error

    @property
    def in_force(self) -> str | None:
        """The index that was last put in force, whether it is still there or not."""
        return self._seen.in_force

    def release(self) -> None:
        """Let another rebuild begin. If the cluster does not answer, the lease runs out by itself."""
        with self._guard:
            try:
                self._lease.clear(self._seen)
            except Unavailable as fault:
                _LOG.warning("index.lease.kept code=%s", fault.code)

    @contextlib.contextmanager
    def beating(self) -> Iterator[None]:
        """Renew it in the background for the length of the block."""
        over = threading.Event()

        def beat() -> None:
            try:
                self.renew()
            except Unavailable as fault:  # the next beat comes before the lease ends; the swap renews once more
                _LOG.warning("index.lease.beat code=%s", fault.code)
                if fault.code == "index-rebuild-lost":
                    over.set()

        thread = repeat(beat, seconds=self._lease.seconds / 6, over=over)
        try:
            yield
        finally:
            over.set()
            thread.join()
