"""The proxy that misbehaves does what its modes say, so that tests that rest on it mean something."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from proxy import FaultProxy


class Echo(socketserver.BaseRequestHandler):
    """Sends back what it gets."""

    def handle(self) -> None:
        with suppress(OSError):
            while piece := self.request.recv(4096):
                self.request.sendall(piece)


@pytest.fixture
def echo() -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        serving.start()
        yield server.server_address[1]
        server.shutdown()
        serving.join()


@pytest.fixture
def proxy(echo: int) -> Iterator[FaultProxy]:
    with FaultProxy("127.0.0.1", echo) as proxy:
        yield proxy


@pytest.fixture
def line(proxy: FaultProxy) -> Iterator[socket.socket]:
    with socket.create_connection((proxy.host, proxy.port), timeout=5) as connection:
        connection.sendall(b"hello")
        assert receive(connection, 5) == b"hello"
        yield connection


def receive(connection: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size and (piece := connection.recv(size - len(got))):
        got += piece
    return got


def test_a_cut_connection_ends(proxy: FaultProxy, line: socket.socket):
    proxy.mode = "cut"
    assert line.recv(1) == b""


def test_a_cut_after_some_bytes_lets_them_through(proxy: FaultProxy, line: socket.socket):
    proxy.misbehave("cut", after=3)
    line.sendall(b"again")
    assert receive(line, 5) == b"aga"


def test_a_reset_is_one(proxy: FaultProxy, line: socket.socket):
    proxy.mode = "reset"
    with pytest.raises(ConnectionResetError):
        line.recv(1)


def test_corruption_turns_one_bit_over_past_the_place(proxy: FaultProxy, line: socket.socket):
    proxy.misbehave("corrupt", after=2, only="down")
    line.sendall(b"again")
    assert receive(line, 5) == b"ag" + bytes([ord("a") ^ 1]) + b"in"


def test_what_hangs_comes_when_it_is_healed(proxy: FaultProxy, line: socket.socket):
    proxy.mode = "hang"
    line.sendall(b"late")
    line.settimeout(0.5)
    with pytest.raises(TimeoutError):
        line.recv(1)
    proxy.heal()
    line.settimeout(5)
    assert receive(line, 4) == b"late"


def test_slow_comes_all_the_same(proxy: FaultProxy, line: socket.socket):
    proxy.misbehave("slow", rate=2000, only="down")
    line.sendall(b"x" * 500)
    assert receive(line, 500) == b"x" * 500


def test_after_healing_new_connections_are_served(proxy: FaultProxy, line: socket.socket):
    proxy.mode = "cut"
    assert line.recv(1) == b""
    proxy.heal()
    with socket.create_connection((proxy.host, proxy.port), timeout=5) as again:
        again.sendall(b"hello")
        assert receive(again, 5) == b"hello"
    assert proxy.accepted == 2
