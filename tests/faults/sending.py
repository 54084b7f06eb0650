"""Who sends files to `POST /api/v1/intake` and does not let go: each is sent again until it is answered for."""

import random
import socket
import threading
import time
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path

import urllib3

_AT_ONCE = 3  # files of a request, at most
_ANSWER_SECONDS = 20.0


def a_free_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as asking:
        asking.bind(("127.0.0.1", 0))
        port: int = asking.getsockname()[1]
    return port


class Sender:
    """A client in a thread: all files into one batch, then it watches the batch, as whoever sent them does.

    An answer that is lost – the server is away, or dies with the request in hand – makes it send the same files again.
    """

    def __init__(self, port: int, token: str, batch: str, files: Sequence[Path]) -> None:
        self._address = f"http://127.0.0.1:{port}/api/v1/intake"
        self._batch = batch
        self._files = list(files)
        self._http = urllib3.PoolManager(headers={"Authorization": f"Bearer {token}"}, retries=False)
        self._over = threading.Event()
        self._sent = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sender")
        self.sent_again = 0
        self.refused: list[tuple[int, bytes]] = []  # answers that no sender should get
        self._thread.start()

    @property
    def is_done(self) -> bool:
        """Whether every file was answered for."""
        return self._sent.is_set()

    def end(self) -> None:
        self._over.set()
        self._thread.join()
        self._http.clear()

    def _run(self) -> None:
        left = self._files
        while left and not self._over.is_set():
            few = random.randint(1, _AT_ONCE)  # noqa: S311 - a number, no secret
            some, left = left[:few], left[few:]
            while not self._over.is_set() and not self._send(some):
                self.sent_again += 1
                self._over.wait(0.1)
            self._over.wait(random.uniform(0, 0.6))  # noqa: S311 - the same
        self._sent.set()
        while not self._over.wait(0.2):
            self._ask("GET", f"{self._address}/{self._batch}")

    def _send(self, files: Sequence[Path]) -> bool:
        fields = [("batch", self._batch), *(("file", (path.name, path.read_bytes())) for path in files)]
        return self._ask("POST", self._address, fields=fields)

    def _ask(self, method: str, address: str, **body: object) -> bool:
        """Whether there was an answer that says: done."""
        try:
            answer = self._http.request(method, address, timeout=_ANSWER_SECONDS, **body)
        except urllib3.exceptions.HTTPError:
            time.sleep(0.05)  # nobody listens, or the line broke
            return False
        if answer.status in (HTTPStatus.OK, HTTPStatus.CREATED):
            return True
        if answer.status != HTTPStatus.SERVICE_UNAVAILABLE:
            self.refused.append((answer.status, answer.data))
        return False
