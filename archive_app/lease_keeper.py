"""Keeps the leases of the jobs in hand from one thread, however many jobs are done one after the other."""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from archive_app.core.ports import ClaimedJob
from archive_app.core.vocabulary import Lane

_LOG = logging.getLogger("archive.worker")
_HUNG = 70  # exit status of a worker whose work did not end


class LeaseKeeper:
    """Extends every `seconds`, not for ever: a thread that hangs cannot be ended, a process can.

    Its thread begins with a job and ends when it finds nothing in hand.
    """

    def __init__(self, extend: Callable[[Sequence[ClaimedJob]], None], *, seconds: float, longest: float) -> None:
        self._extend, self._seconds, self._longest = extend, seconds, longest
        self._change = threading.Lock()
        self._jobs: Sequence[ClaimedJob] = ()
        self._until = 0.0
        self._runs = False

    @contextmanager
    def keeping(self, jobs: Sequence[ClaimedJob]) -> Iterator[None]:
        """Keep the leases of these jobs, one lot at a time, while the block runs."""
        with self._change:
            self._jobs, self._until = jobs, time.monotonic() + self._longest
            if not self._runs:
                self._runs = True
                threading.Thread(target=self._keep, daemon=True).start()
        try:
            yield
        finally:
            with self._change:
                self._jobs = ()

    def _keep(self) -> None:
        while True:
            time.sleep(self._seconds)
            with self._change:
                jobs, until = self._jobs, self._until
                if not jobs:
                    self._runs = False
                    return
            if time.monotonic() > until and jobs[0].lane != Lane.LIGHT:
                _LOG.error("worker.hung name=%s ids=%s", jobs[0].name, ",".join(str(job.id) for job in jobs))
                os._exit(_HUNG)
            self._extend(jobs)  # jobs that ended meanwhile are nobody's any more, and stay so
