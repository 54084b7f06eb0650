"""The worker processes of this machine: started anew when one dies, ended together.

Local workers: one per core. On a broker: a node that reads, with a process per core, one for everything else, and, if
asked for, the relay.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from archive_app.core.settings import Settings
from archive_app.core.vocabulary import Lane

_RESTART_SECONDS = 1.0
_LOCAL = ("worker", "run", "--single")
_LIGHT_SHARE = 4  # one process for light work and the index to so many that read
_LIGHT_LEAST = 2  # so that the index keeps nobody waiting


def _on_broker(wanted: int, lanes: Sequence[Lane], *, relay: bool) -> list[tuple[str, ...]]:
    others = [lane for lane in lanes if lane != Lane.OCR]
    commands: list[tuple[str, ...]] = [("relay", "run")] if relay else []
    if Lane.OCR in lanes:
        commands.append((*_LOCAL, "--lanes", Lane.OCR, "--processes", str(wanted)))
    if others:
        least = max(_LIGHT_LEAST, wanted // _LIGHT_SHARE)
        commands.append((*_LOCAL, "--lanes", ",".join(others), "--processes", str(least)))
    return commands


class Workforce:
    """Keeps the worker processes alive until it is stopped."""

    def __init__(
        self,
        settings: Settings,
        *,
        processes: int | None = None,
        lanes: Sequence[Lane] = tuple(Lane),
        relay: bool = False,
    ) -> None:
        """`processes` says how many pages are read at a time. Local workers take all lanes and need no relay."""
        self._settings = settings
        wanted = processes or settings.workers or os.cpu_count() or 1
        self._commands = _on_broker(wanted, lanes, relay=relay) if settings.on_broker else [_LOCAL] * wanted
        self._children: list[subprocess.Popen[bytes]] = []
        self._over = threading.Event()
        self._watch: threading.Thread | None = None

    def start(self) -> None:
        """Start the processes and the thread that replaces the dead."""
        self._children = [self._spawn(command) for command in self._commands]
        self._watch = threading.Thread(target=self._replace_dead, daemon=True)
        self._watch.start()

    def _spawn(self, command: Sequence[str]) -> "subprocess.Popen[bytes]":
        line = [sys.executable, "-m", "archive_app", "--home", str(self._settings.home), *command]
        return subprocess.Popen(line, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)  # noqa: S603

    def _replace_dead(self) -> None:
        while not self._over.wait(_RESTART_SECONDS):
            for place, child in enumerate(self._children):
                if child.poll() is not None and not self._over.is_set():
                    self._children[place] = self._spawn(self._commands[place])

    def stop(self, *, patience: float = 20.0) -> None:
        """Let each finish the job in hand, then end it; what is left undone is done by the next worker."""
        self._over.set()
        if self._watch is not None:
            self._watch.join()
        for child in self._children:
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        for child in self._children:
            try:
                child.wait(patience)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._children.clear()

    def wait(self) -> None:
        """Until stopped from another thread or a signal handler."""
        self._over.wait()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
