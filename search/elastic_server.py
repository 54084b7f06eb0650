"""The one door to Elasticsearch: bounded time, back-off where it is pressed, and our errors in place of the client's.

Core features of servers 8 and 9 only: no plug-in, script, reindexing or by-query call (decision 26).
"""

import contextlib
import json
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from elasticsearch import (
    ApiError,
    AuthenticationException,
    AuthorizationException,
    ConflictError,
    ConnectionError,  # noqa: A004 - the client's own
    Elasticsearch,
    NotFoundError,
    TransportError,
)

from archive_app.core.errors import InvalidInput, Unavailable

_T = TypeVar("_T")
Client = Elasticsearch
_PRESSED = frozenset({429, 502, 503, 504})
_REQUEST_S = 60.0
SEARCH_S = 10.0  # people wait for it
_PATIENCE_S = 5.0  # of a question while the server is pressed
_WRITE_PATIENCE_S = 90.0
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0
_BULK_BYTES = 4_000_000
_NOT_FOUND = 404
_CONFLICT = 409


class Conflicting(Exception):
    """What was to be changed is not as it was seen any more. Never leaves the adapter."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where the cluster answers and how it is trusted."""

    hosts: tuple[str, ...]  # http(s)://host:port of any nodes
    api_key: str | None = field(default=None, repr=False)
    ca: str | None = None  # file of the certificate authority

    @classmethod
    def of(cls, urls: str, *, api_key: str | None = None, ca: str | None = None) -> "Address":
        """From one or several addresses with commas between. Raises `InvalidInput` for a file that is not there."""
        hosts = tuple(url.strip().rstrip("/") for url in urls.split(",") if url.strip())
        if not hosts or not all(host.startswith(("http://", "https://")) for host in hosts):
            raise InvalidInput("settings-invalid", ARCHIVE_INDEX_URL="https://host:port, commas between several")
        if ca is not None and not Path(ca).is_file():
            raise InvalidInput("settings-invalid", ARCHIVE_INDEX_CA="no such file")
        return cls(hosts, api_key, ca)


@dataclass(frozen=True, slots=True)
class Write:
    """One act of a bulk request; `document` is its line of JSON, None to delete."""

    alias: str
    ident: str
    document: bytes | None = None
    meta: tuple[tuple[str, str | int], ...] = ()

    def through(self, alias: str) -> "Write":
        """The same act on another index."""
        return replace(self, alias=alias)

    @property
    def lines(self) -> tuple[bytes, ...]:
        """The lines of the request. A name that is no alias is refused, so no index is made by accident."""
        told = {"_index": self.alias, "_id": self.ident, **dict(self.meta)}
        if self.document is None:
            return (json.dumps({"delete": told}).encode(),)
        return (json.dumps({"index": {**told, "require_alias": True}}).encode(), self.document)

    @property
    def size(self) -> int:
        """About how many bytes the request grows by."""
        return len(self.document or b"") + 200


@dataclass(frozen=True, slots=True)
class Refusal:
    """An act of a bulk request that was not done."""

    write: Write
    status: int
    kind: str

    @property
    def is_conflict(self) -> bool:
        """A newer version is there."""
        return self.status == _CONFLICT

    @property
    def index_is_gone(self) -> bool:
        """Nothing stands behind the alias any more."""
        return self.kind == "index_not_found_exception"

    @property
    def was_absent(self) -> bool:
        """What was to be deleted is not there."""
        return self.write.document is None and self.status == _NOT_FOUND and not self.kind


class Server:
    """A cluster. Connections are made at the first call, by each process for itself."""

    def __init__(self, address: Address, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._address, self._clock = address, clock
        self._guard = threading.Lock()
        self._made: Elasticsearch | None = None

    @property
    def client(self) -> Elasticsearch:
        """The client of this process."""
        with self._guard:
            if self._made is None:
                self._made = self._make()
            return self._made

    def _make(self) -> Elasticsearch:
        address = self._address
        trust: dict[str, Any] = {"ca_certs": address.ca} if address.ca else {}
        return Elasticsearch(
            list(address.hosts),
            api_key=address.api_key,
            request_timeout=_REQUEST_S,
            max_retries=len(address.hosts) - 1,  # another node may live where one does not
            retry_on_status=(),
            retry_on_timeout=False,
            http_compress=False,
            **trust,
        )

    def ask(self, call: Callable[[Elasticsearch], _T], *, patience_s: float = _PATIENCE_S) -> _T:
        """Call, and again a little later while the server is pressed (429, 503). Raises `Unavailable`.

        `LookupError` for what is not there, `Conflicting` for what was changed meanwhile: only the caller knows whether
        that is a failure.
        """
        until, pause = self._clock() + patience_s, _FIRST_PAUSE_S
        while True:
            try:
                return call(self.client)
            except NotFoundError as error:
                raise LookupError from error
            except ConflictError as error:
                raise Conflicting from error
            except ApiError as error:
                if error.error == "resource_already_exists_exception":
                    raise Conflicting from error
                if error.status_code not in _PRESSED or self._clock() + pause > until:
                    raise _ours(error) from error
            except (TransportError, OSError) as error:
                raise _ours(error) from error
            pause = self._rest(pause)

    @staticmethod
    def _rest(pause: float) -> float:
        """Wait about that long; gives the next pause."""
        time.sleep(pause * random.uniform(0.7, 1.3))  # noqa: S311 - so that not all come back at once
        return min(pause * 2, _LONGEST_PAUSE_S)

    # -- bulk

    def write(self, part: Sequence[Write]) -> list[Refusal]:
        """Send the lines of one part; gives those that were refused for good.

        Lines that the server had no room for (429) are sent again, more slowly. Raises `Unavailable`.
        """
        refused: list[Refusal] = []
        until, pause = self._clock() + _WRITE_PATIENCE_S, _FIRST_PAUSE_S
        while True:
            found = self._bulk(part)
            refused += [one for one in found if one.status not in _PRESSED]
            part = [one.write for one in found if one.status in _PRESSED]
            if not part:
                return refused
            if self._clock() + pause > until:
                raise Unavailable("index-busy")
            pause = self._rest(pause)

    def _bulk(self, part: Sequence[Write]) -> list[Refusal]:
        lines = [line for write in part for line in write.lines]
        answer = self.ask(
            lambda client: client.bulk(
                operations=lines,  # type: ignore[arg-type]  # lines of JSON pass as they are
                filter_path=["errors", "items.*.status", "items.*.error.type"],
            ),
            patience_s=_WRITE_PATIENCE_S,
        )
        results = [next(iter(item.values())) for item in answer["items"]]
        return [
            Refusal(write, int(result["status"]), str(result.get("error", {}).get("type", "")))
            for write, result in zip(part, results, strict=True)
            if not 200 <= int(result["status"]) < 300  # noqa: PLR2004 - HTTP's own
        ]


def parts(writes: Iterable[Write]) -> Iterator[list[Write]]:
    """The lines in parts of some megabytes each: the server's memory is spent by bytes, not by documents."""
    part: list[Write] = []
    size = 0
    for write in writes:
        if part and size + write.size > _BULK_BYTES:
            yield part
            part, size = [], 0
        part.append(write)
        size += write.size
    if part:
        yield part


def sent_behind(writes: Iterable[Write], send: Callable[[Sequence[Write]], None]) -> int:
    """Send in parts, one while the next is made ready. Gives how many parts there were."""
    count = 0
    with ThreadPoolExecutor(max_workers=1) as behind:
        on_its_way: Future[None] | None = None
        for part in parts(writes):
            if on_its_way is not None:
                on_its_way.result()
            on_its_way = behind.submit(send, part)
            count += 1
        if on_its_way is not None:
            on_its_way.result()
    return count


def _ours(error: Exception) -> Unavailable:
    """The client's failure in our words; its text may hold what was asked, so it is not repeated."""
    if isinstance(error, AuthenticationException | AuthorizationException):
        return Unavailable("index-refuses-us")
    if isinstance(error, ApiError):
        if error.status_code in _PRESSED:
            return Unavailable("index-busy", status=error.status_code)
        return Unavailable("index-failed", status=error.status_code)
    if isinstance(error, ConnectionError | OSError):
        return Unavailable("index-unreachable")
    return Unavailable("index-failed", kind=type(error).__name__)


@contextlib.contextmanager
def absence_is(code: str) -> Iterator[None]:
    """Where what is asked for must be there: its absence becomes `Unavailable(code)`."""
    try:
        yield
    except LookupError as error:
        raise Unavailable(code) from error
