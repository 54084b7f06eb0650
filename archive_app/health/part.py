"""What is said of a part: its state, its facts, and what to do about it.

Facts are numbers, moments and short words: never personal data, secrets or addresses with passwords in them.
"""

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


class State(enum.StrEnum):
    """How a part does."""

    OK = "ok"
    OFF = "off"  # not set up, and the archive works without it
    DEGRADED = "degraded"  # it works, and somebody should look
    DOWN = "down"


class Advice(enum.StrEnum):
    """What to do next. The words stand in `archive_app/web/health_words.py`."""

    ASK_SLOW = "part-silent"
    ASK_FAILED = "part-failed"
    DATABASE_EMPTY = "database-empty"
    DATABASE_NOT_GRANTED = "database-not-granted"
    DATABASE_BEHIND = "database-behind"
    DATABASE_AHEAD = "database-ahead"
    ROW_SECURITY = "row-security-off"
    STORE_DOWN = "store-down"
    NOT_WRITE_ONCE = "store-not-write-once"
    LOCKS_ENDING = "locks-ending"
    INDEX_DOWN = "index-down"
    INDEX_BEHIND = "index-behind"
    INDEX_DIFFERS = "index-differs"
    BROKER_DOWN = "broker-down"
    BROKER_REFUSES = "broker-refuses"
    QUEUES_MISSING = "queues-missing"
    WORKERS_NONE = "workers-none"
    JOBS_BURIED = "jobs-buried"
    JOBS_OLD = "jobs-old"
    BACKUP_OFF = "backup-off"
    BACKUP_LATE = "backup-late"
    BACKUP_FAILED = "backup-failed"
    BACKUP_BESIDE = "backup-beside"
    READER_BLIND = "backup-reader-blind"
    READER_WRITES = "backup-reader-writes"
    CLOCK_BACK = "clock-back"
    CLOCK_APART = "clock-apart"
    DISK_LOW = "disk-low"
    DISK_FULL = "disk-full"
    CERTIFICATE_ENDS = "certificate-ends"
    CERTIFICATE_ENDED = "certificate-ended"
    CERTIFICATE_UNREADABLE = "certificate-unreadable"
    KEYS_MISSING = "keys-missing"
    SECRETS_OPEN = "secrets-open"
    SHARED_MEMORY_LOW = "shared-memory-low"
    READER_MISSING = "reader-missing"
    CONVERTER_MISSING = "converter-missing"
    COOKIES_OPEN = "cookies-open"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the archive, as it was found."""

    name: str
    state: State = State.OK
    facts: Mapping[str, object] = field(default_factory=dict)
    advice: Advice | None = None
    seconds: float = 0.0  # it took to answer

    def as_json(self) -> dict[str, object]:
        """For reports and scripts."""
        return {"name": self.name, "state": self.state.value, "facts": dict(self.facts), "advice": self.advice}


def worst(parts: Iterable[Part]) -> State:
    """The state of the whole: what is not set up does not count."""
    found = {part.state for part in parts}
    return next((state for state in (State.DOWN, State.DEGRADED) if state in found), State.OK)
