"""`DestructionRegister` in a bucket: what is noted together is one object, and objects are numbered without a gap.

An object is only ever put where nothing stands: of two machines that take one number the server refuses the second,
which then goes on behind the first. Where the bucket keeps versions, all of them are listed and the oldest of a number
counts, so that neither a delete mark nor an overwrite hides what was noted; where it locks, an object is locked in
compliance mode for 400 days, longer than a backup should be kept to be restored.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple

from archive_app.core.errors import IntegrityFailure, Unavailable
from archive_app.core.ports import Clock, Destruction
from archive_app.objects.s3_client import S3Address, S3Client, wire_faults
from archive_app.register.chain import FIRST, chained, digest_of, entries_of

_TOGETHER = 1000  # destructions in one object at most
_LOCKED = timedelta(days=400)
_TRIES = 100  # others may take the next number as often, one after the other
_DIGITS = 12


class _Noted(NamedTuple):
    """An object of the register; `version` names it where others stand over it."""

    number: int
    version: str | None


class S3Register:
    """Any number of machines append. Threads may share one."""

    def __init__(self, client: S3Client, address: S3Address, *, clock: Clock) -> None:
        self._client, self._clock = client, clock
        self._prefix = f"{address.prefix}destructions/"
        self._trial = f"{address.prefix}only-once"
        self._turn = threading.Lock()
        self._tail: tuple[int, str] | None = None  # the last number known, and the digest of its last line
        self._locks: bool | None = None  # None: not asked yet

    def note(self, *destructions: Destruction) -> None:
        """As the port says. Raises `Unavailable("register-not-append-only")` where the server puts over what stands."""
        with self._turn, _translated():
            if self._locks is None:
                self._try_out()
                self._locks = self._client.locking()
            for start in range(0, len(destructions), _TOGETHER):
                self._append(destructions[start : start + _TOGETHER])

    def entries(self) -> Iterator[Destruction]:
        return entries_of(self._lines())

    def _lines(self) -> Iterator[bytes]:
        with _translated():
            for expected, noted in enumerate(self._noted(), start=1):
                if noted.number != expected:
                    raise IntegrityFailure("register-damaged", object=expected)
                yield from self._content(noted).splitlines(keepends=True)

    def _try_out(self) -> None:
        """Whether the server keeps the second of two writers out."""
        for _ in range(2):
            made = self._client.put_new(self._trial, b"{}\n")
        if made:
            raise Unavailable("register-not-append-only")

    def _append(self, destructions: tuple[Destruction, ...]) -> None:
        if self._tail is None:
            self._tail = self._tail_behind(0, FIRST)
        for _ in range(_TRIES):
            number, previous = self._tail
            lines = list(chained(destructions, previous))
            mine = _Noted(number + 1, None)
            until = self._clock.now() + _LOCKED if self._locks else None
            put = self._client.put_new(self._name(mine.number), b"".join(lines), locked_until=until)
            # Refused, and yet what stands there is ours: the answer to a first try was lost on its way.
            if self._content(mine) == b"".join(lines):
                self._tail = (mine.number, digest_of(lines[-1]))
                return
            if put:
                raise Unavailable("register-failed", reason="damaged")
            self._tail = self._tail_behind(number, previous)
        raise Unavailable("register-failed", reason="contended")

    def _tail_behind(self, number: int, previous: str) -> tuple[int, str]:
        newer = self._noted(after=number)
        if not newer:
            return number, previous
        return newer[-1].number, digest_of(self._content(newer[-1]).splitlines(keepends=True)[-1])

    def _noted(self, *, after: int = 0) -> list[_Noted]:
        """Every object behind that number, in order. Not every server lists what has a delete mark in its place."""
        found: dict[int, _Noted] = {}
        over = set()
        for version in self._client.history(self._prefix, after=self._name(after) if after else None):
            number = int(version.name.removeprefix(self._prefix).partition(".")[0])
            if number in found or version.mark:
                over.add(number)
            if not version.mark:
                found[number] = _Noted(number, version.ident)  # the oldest comes last
        ordered = (found[number] for number in sorted(found))
        return [noted if noted.number in over else _Noted(noted.number, None) for noted in ordered]

    def _content(self, noted: _Noted) -> bytes:
        return self._client.small(self._name(noted.number), version_id=noted.version)

    def _name(self, number: int) -> str:
        return f"{self._prefix}{number:0{_DIGITS}}.jsonl"


@contextmanager
def _translated() -> Iterator[None]:
    try:
        with wire_faults():
            yield
    except Unavailable as fault:
        if fault.code.startswith("register-"):
            raise
        raise Unavailable("register-failed", reason=fault.parameters.get("reason", fault.code)) from fault
