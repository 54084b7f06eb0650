"""A reader of an object on a server: sequential reads are one request, a jump is another, a cut is taken up again."""

import io
import time
from collections.abc import Callable

import urllib3
from urllib3.response import BaseHTTPResponse

from archive_app.core.errors import Unavailable

#: A jump forward by less is read over: that costs less than a request of its own.
_STEP_OVER = 256 << 10

Fetch = Callable[[int], BaseHTTPResponse]  # the answer that begins at this byte


class ObjectReader(io.RawIOBase):
    """Reads what `fetch` gives; a connection that breaks is made again from where it broke, `tries` times in a row."""

    def __init__(self, fetch: Fetch, answer: BaseHTTPResponse, *, size: int, tries: int, pause: float) -> None:
        super().__init__()
        self._fetch = fetch
        self._size, self._tries, self._pause = size, tries, pause
        self._position = 0
        self._stands = 0  # byte at which the answer in hand goes on
        self._open: BaseHTTPResponse | None = answer

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Only notes the place; the next read fetches from there."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError(offset)
        self._position = base + offset
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """Up to that many bytes, fewer only at the end. Raises `Unavailable` if the server stays away."""
        left = max(0, self._size - self._position)
        wanted = left if size is None or size < 0 else min(size, left)
        if not wanted:
            return b""
        failures = 0
        while True:
            try:
                piece = self._read_on(wanted)
            except (urllib3.exceptions.HTTPError, OSError) as fault:
                self._let_go()
                failures += 1
                if failures > self._tries:
                    raise Unavailable("store-unreachable", reason=type(fault).__name__) from fault
                time.sleep(self._pause * 2 ** (failures - 1))
                continue
            self._position += len(piece)
            self._stands = self._position
            return piece

    def readall(self) -> bytes:
        return b"".join(iter(lambda: self.read(1 << 20), b""))

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # any writable buffer
        piece = self.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def _read_on(self, wanted: int) -> bytes:
        """At least one byte from the position on."""
        if self._open is not None and 0 < self._position - self._stands <= _STEP_OVER:
            while self._stands < self._position:
                self._stands += len(self._some(self._position - self._stands))
        if self._open is None or self._stands != self._position:
            self._let_go()
            self._open, self._stands = self._fetch(self._position), self._position
        return self._some(wanted)

    def _some(self, wanted: int) -> bytes:
        if self._open is None:
            raise ConnectionError
        piece = self._open.read(wanted, decode_content=False)
        if not piece:
            raise ConnectionError  # before the announced end
        return piece

    def _let_go(self) -> None:
        if self._open is not None:
            self._open.close()  # what is left unread is not waited for
            self._open.release_conn()
            self._open = None

    def close(self) -> None:
        if not self.closed:
            if self._open is not None and self._stands >= self._size:
                self._open.release_conn()  # read to its end: the connection serves again
                self._open = None
            self._let_go()
        super().close()
