"""Asking all parts at once. A part that hangs is reported as silent and keeps nobody waiting.

To add a part: a function from the archive to a `Part`, its place in one of the two lists, its words in
`archive_app/web/health_words.py`; where it counts what grows, a probe beside it that does not.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import sqlalchemy as sa

from archive_app.core.errors import ArchiveError
from archive_app.health import certificates, machine, servers, work
from archive_app.health.part import Advice, Part, State
from archive_app.wiring import Archive

Check = Callable[[Archive], Part]

#: What the status page and the metrics tell.
PARTS: tuple[tuple[str, Check], ...] = (
    ("database", servers.database),
    ("store", servers.store),
    ("index", servers.index),
    ("broker", servers.broker),
    ("workers", work.workers),
    ("jobs", work.jobs),
    ("audit", work.audit_log),
    ("backup", work.backup),
    ("clock", machine.clock),
    ("disk", machine.disk),
    ("certificates", certificates.certificates),
)
_PROBES: dict[str, Check] = {
    "store": servers.store_answers,
    "index": servers.index_answers,
    "jobs": work.jobs_at_a_glance,
    "certificates": certificates.authorities,
}
#: The same parts as `/readyz` asks, every few seconds: nothing is counted, so it costs the same at any size,
#: and servers show their certificates to nobody.
READINESS: tuple[tuple[str, Check], ...] = tuple((name, _PROBES.get(name, check)) for name, check in PARTS)
#: What `archive doctor` looks at besides.
MACHINE: tuple[tuple[str, Check], ...] = (
    ("index-whole", servers.index_whole),
    ("keys", machine.keys),
    ("backup-reader", machine.backup_reader),
    ("shared-memory", machine.shared_memory),
    ("readers", machine.readers),
    ("converter", machine.converter),
    ("door", machine.door),
)


class Examination:
    """Examines one archive, again and again. Each part has `patience` seconds."""

    def __init__(self, archive: Archive, checks: Sequence[tuple[str, Check]] = PARTS, *, patience: float = 3.0) -> None:
        self._archive, self._checks, self._patience = archive, tuple(checks), patience
        self._asked: dict[str, _Question] = {}
        self._lock = threading.Lock()
        self._latest: tuple[float, tuple[Part, ...]] | None = None

    def parts(self, *, at_most_old: float = 0.0) -> tuple[Part, ...]:
        """Every part in its order; what was found at most so many seconds ago will do."""
        latest = self._latest
        if latest is not None and time.monotonic() - latest[0] < at_most_old:
            return latest[1]
        with self._lock:
            for name, check in self._checks:
                # One that is still silent since last time is not asked again: its threads would pile up.
                if name not in self._asked:
                    self._asked[name] = _Question(name, check, self._archive)
            questions = [self._asked[name] for name, _ in self._checks]
        until = time.monotonic() + self._patience
        found = tuple(question.answer(until) for question in questions)
        with self._lock:
            for question in questions:
                if question.answered and self._asked.get(question.name) is question:
                    del self._asked[question.name]
        self._latest = (time.monotonic(), found)
        return found


class _Question:
    """One check under way in a thread of its own."""

    def __init__(self, name: str, check: Check, archive: Archive) -> None:
        self.name = name
        self._found: Part | None = None
        self._thread = threading.Thread(target=self._ask, args=(check, archive), name=f"health-{name}", daemon=True)
        self._thread.start()

    def _ask(self, check: Check, archive: Archive) -> None:
        began = time.monotonic()
        try:
            found = check(archive)
        except (ArchiveError, OSError, sa.exc.SQLAlchemyError) as fault:
            found = Part(self.name, State.DOWN, {"fault": servers.fault_of(fault)}, Advice.ASK_FAILED)
        self._found = replace(found, seconds=time.monotonic() - began)

    @property
    def answered(self) -> bool:
        return not self._thread.is_alive()

    def answer(self, until: float) -> Part:
        """What was found until then. A defect of a check is a part that failed too: its thread ended without words."""
        self._thread.join(max(0.0, until - time.monotonic()))
        if self._found is not None:
            return self._found
        return Part(self.name, State.DOWN, {}, Advice.ASK_FAILED if self.answered else Advice.ASK_SLOW)
