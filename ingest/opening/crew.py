"""The children: started before they are needed, watched by the clock, replaced after use, growth or death."""

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import ingest
from archive_app.core.errors import ChildDied, Refused, Unavailable
from ingest.opening import wire
from ingest.opening.model import Limits

_ROOT = Path(ingest.__file__).parents[1]
_START_SECONDS = 60
_PIECE = 1 << 16
_MOST_EXTENSIONS = 30  # a file of many slow pages ends at this many times the time of one
_FILES_PER_CHILD = 200
_KEPT_AT_ONCE, _KEPT = 32 << 20, 96 << 20  # of freed memory: the largest piece, and all of it
_GROWTH = 256 << 20  # resident bytes after an answer that make a child be replaced
_OWN_FAULT = {signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGILL, signal.SIGFPE, signal.SIGTRAP}


class _Slow(Exception):
    """The child did not answer in time."""


class _Child:
    def __init__(self, limits: Limits, scratch: Path, pixels: int) -> None:
        self.served = 0
        self._ready = False
        self._frames = wire.Frames()
        # Only what finding Python and its modules takes: no settings, no keys, no home.
        environment = {
            "PATH": "/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "PYTHONPATH": os.fspath(_ROOT),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "MALLOC_ARENA_MAX": "2",
            # Freed memory is used for the next page rather than returned and cleared by the system again.
            "MALLOC_MMAP_THRESHOLD_": str(_KEPT_AT_ONCE),
            "MALLOC_TRIM_THRESHOLD_": str(_KEPT),
            "TMPDIR": os.fspath(scratch),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-s", "-m", "ingest.opening.child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd=scratch,
            start_new_session=True,
            pass_fds=(pixels,),
            bufsize=-1,
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise ChildDied(status="no pipes")
        self._requests, self._answers = self._process.stdin, self._process.stdout
        self._send({"limits": asdict(limits)})

    def ask(self, message: wire.Message, seconds: float) -> wire.Message:
        """Its answer; each page it reports gives it `seconds` more. Raises `_Slow`, `EOFError` (it died)."""
        if not self._ready:
            self._receive(_START_SECONDS)
            self._ready = True
        self._send(message)
        self.served += 1
        latest = time.monotonic() + seconds * _MOST_EXTENSIONS
        while "progress" in (answer := self._receive(min(seconds, latest - time.monotonic()))):
            continue
        return answer

    def _send(self, message: wire.Message) -> None:
        try:
            self._requests.write(wire.frame(message))
            self._requests.flush()
        except BrokenPipeError as error:
            raise EOFError from error

    def _receive(self, seconds: float) -> wire.Message:
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ)
            while (message := self._frames.next()) is None:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise _Slow
                # Straight from the pipe: what a buffer held back would never wake the selector.
                piece = os.read(self._answers.fileno(), _PIECE)
                if not piece:
                    raise EOFError
                self._frames.feed(piece)
        return message

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def resident(self) -> int:
        """Bytes in memory now."""
        pages = Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def end(self) -> int:
        """Kill it with all it may have started, and return how it ended."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        status = self._process.wait()
        for pipe in (self._requests, self._answers):
            with contextlib.suppress(OSError):
                pipe.close()
        return status


class Crew:
    """Children in turn: the first works, the others are already warm."""

    def __init__(self, limits: Limits, *, children: int, scratch: Path) -> None:
        self._limits = limits
        self._scratch = scratch.absolute()
        #: Without a name, and open in every child: where page after page is written, in memory that is there already.
        self.pixels = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115 - open as long as the crew
        self._children = [self._begun() for _ in range(max(1, children))]

    def ask(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """The child's answer. Raises `Refused`, `ChildDied`, or `Unavailable` if disk or scratch space failed."""
        child = self._children[0]
        if child.has_ended():  # while idle: no fault of this file
            self._replace(child)
            child = self._children[0]
        try:
            answer = child.ask(message, self._limits.page_seconds)
        except _Slow:
            self._replace(child)
            raise Refused("too-slow", seconds=self._limits.page_seconds) from None
        except (EOFError, ValueError, TypeError) as error:
            status = self._replace(child)
            if -status in _OWN_FAULT:
                raise Refused("crashes-reader", signal=-status) from error
            raise ChildDied(status=status) from error
        if child.served >= _FILES_PER_CHILD or child.resident() > _GROWTH:
            self._replace(child)
        if "refused" in answer:
            raise Refused(answer["refused"], **answer["parameters"])
        if "failed" in answer:
            raise Unavailable(cause=answer["failed"])
        return dict(answer["done"])

    def _replace(self, child: _Child) -> int:
        self._children.remove(child)
        status = child.end()
        self._children.append(self._begun())
        return status

    def _begun(self) -> _Child:
        return _Child(self._limits, self._scratch, self.pixels.fileno())

    def close(self) -> None:
        """End them all."""
        for child in self._children:
            child.end()
        self._children.clear()
        self.pixels.close()
