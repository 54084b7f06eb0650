"""A TCP proxy that misbehaves on demand: between the archive and any server, its mode can be changed at any moment.

    with FaultProxy("127.0.0.1", 5432) as proxy:
        ...                     # connect to proxy.address
        proxy.mode = "reset"    # also what is open already
        proxy.heal()

`ok` passes bytes on · `cut` closes as if the peer had gone · `reset` sends RST · `slow` lets `rate` bytes a second
through · `corrupt` turns one bit in every piece over · `hang` passes nothing on until it is healed. With `after`, a
connection behaves until that many bytes of its answers went through since the mode was set; corruption counts in each
direction. `only` narrows slow, corrupt and hang to one direction: `up` is towards the server, `down` from it.
"""

import select
import socket
import struct
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, Self

Mode = Literal["ok", "cut", "reset", "slow", "corrupt", "hang"]
Direction = Literal["up", "down"]
_PIECE = 64 << 10
_LOOK = 0.05  # seconds after which a change of mode is seen
_PATIENCE = 30.0  # seconds for a side that takes nothing
_RST = struct.pack("ii", 1, 0)  # linger for no time: close sends RST


@dataclass(frozen=True)
class Fault:
    """A mode with its particulars. Every setting is one of its own, and each connection counts anew from it."""

    mode: Mode = "ok"
    after: int = 0
    rate: int = 1 << 10
    only: Direction | None = None


class FaultProxy:
    """Listens on a free port of 127.0.0.1 until it is closed."""

    def __init__(self, upstream_host: str, port: int) -> None:
        self._upstream = (upstream_host, port)
        self.fault = Fault()
        self.accepted = 0  # connections so far
        self.over = threading.Event()
        self._links: list[_Link] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._listener.settimeout(_LOOK)
        self.host: str
        self.port: int
        self.host, self.port = self._listener.getsockname()
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    @property
    def address(self) -> str:
        """host:port"""
        return f"{self.host}:{self.port}"

    @property
    def mode(self) -> Mode:
        return self.fault.mode

    @mode.setter
    def mode(self, mode: Mode) -> None:
        self.fault = Fault(mode)

    def misbehave(self, mode: Mode, *, after: int = 0, rate: int = 1 << 10, only: Direction | None = None) -> None:
        """Set the mode with its particulars."""
        self.fault = Fault(mode, after, rate, only)

    def heal(self) -> None:
        """Behave; what was cut stays cut."""
        self.mode = "ok"

    def close(self) -> None:
        """Cut everything and stop listening."""
        self.over.set()
        for thread in (self._accepting, *self._links):
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while not self.over.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            self.accepted += 1
            try:
                server = socket.create_connection(self._upstream, timeout=5)
            except OSError:
                client.close()  # the server is away: so are we
                continue
            link = _Link(self, client, server)
            self._links = [one for one in self._links if one.is_alive()] + [link]
            link.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Link(threading.Thread):
    """One connection in both directions."""

    def __init__(self, proxy: FaultProxy, client: socket.socket, server: socket.socket) -> None:
        super().__init__(daemon=True)
        self._proxy, self._client, self._server = proxy, client, server
        self._fault, self._passed = proxy.fault, {"up": 0, "down": 0}
        self._reading = [client, server]
        for each in (client, server):
            each.settimeout(_PATIENCE)
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def run(self) -> None:
        with self._client, self._server, suppress(OSError):
            while self._reading and not self._proxy.over.is_set():
                if self._ends():
                    return
                for source in select.select(self._reading, [], [], _LOOK)[0]:
                    if self._ends():
                        return
                    self._move(source)

    def _ends(self) -> bool:
        """Whether the connection ends here, by the fault that is set now."""
        if self._fault is not self._proxy.fault:
            self._fault, self._passed = self._proxy.fault, {"up": 0, "down": 0}
        fault = self._fault
        if fault.mode not in {"cut", "reset"} or self._passed["down"] < fault.after:
            return False
        if fault.mode == "reset":
            for each in (self._client, self._server):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST)
        return True

    def _move(self, source: socket.socket) -> None:
        direction: Direction = "up" if source is self._client else "down"
        target = self._server if source is self._client else self._client
        fault = self._fault if self._fault.only in {None, direction} else Fault()
        if fault.mode == "hang":
            time.sleep(_LOOK)
            return
        piece = source.recv(self._most(fault, direction))
        if not piece:
            self._reading.remove(source)
            target.shutdown(socket.SHUT_WR)
            return
        place = fault.after - self._passed[direction]
        if fault.mode == "corrupt" and place < len(piece):
            place = max(0, place)
            piece = piece[:place] + bytes([piece[place] ^ 1]) + piece[place + 1 :]
        target.sendall(piece)
        self._passed[direction] += len(piece)
        if fault.mode == "slow":
            time.sleep(_LOOK)

    def _most(self, fault: Fault, direction: Direction) -> int:
        """How many bytes may go through now."""
        if fault.mode == "slow":
            return max(1, int(fault.rate * _LOOK))
        if fault.mode in {"cut", "reset"} and direction == "down":
            return fault.after - self._passed["down"]
        return _PIECE


__all__ = ["Fault", "FaultProxy", "Mode"]
