"""The worker processes of this machine: one per core, started anew when one dies, ended together."""

import os
import signal
import subprocess
import sys
import threading
from types import TracebackType
from typing import Self

from archive_app.core.settings import Settings

_RESTART_SECONDS = 1.0


class Workforce:
    """Keeps a number of `archive worker run --single` processes alive until it is stopped."""

    def __init__(self, settings: Settings, *, processes: int | None = None) -> None:
        self._settings = settings
        self._wanted = processes or settings.workers or os.cpu_count() or 1
        self._children: list[subprocess.Popen[bytes]] = []
        self._over = threading.Event()
        self._watch: threading.Thread | None = None

    def start(self) -> None:
        """Start the processes and the thread that replaces the dead."""
        self._children = [self._spawn() for _ in range(self._wanted)]
        self._watch = threading.Thread(target=self._replace_dead, daemon=True)
        self._watch.start()

    def _spawn(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "archive_app", "--home", str(self._settings.home), "worker", "run", "--single"]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)  # noqa: S603

    def _replace_dead(self) -> None:
        while not self._over.wait(_RESTART_SECONDS):
            for place, child in enumerate(self._children):
                if child.poll() is not None and not self._over.is_set():
                    self._children[place] = self._spawn()

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
