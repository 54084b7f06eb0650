"""What intake works with: the ports, the rule tables, the limits, and a way to open units of work."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from archive_app.core.ports import (
    Clock,
    DestructionRegister,
    NumberHasher,
    OcrEngine,
    OwnerLocks,
    StorageBackend,
    StoreKey,
)
from archive_app.core.reference import ReferenceTables
from archive_app.core.unit import Sessions, Unit
from archive_app.core.vocabulary import Viewer
from ingest.opening.opener import Opener


@dataclass(frozen=True, slots=True)
class Workshop:
    """The tools of one process that takes in. `opener` and `engine` make their tool at first use."""

    sessions: Sessions
    clock: Clock
    store: StorageBackend
    register: DestructionRegister
    tables: ReferenceTables
    hasher: NumberHasher
    opener: Callable[[], Opener]
    engine: Callable[[str | None], OcrEngine]  # by name; None is the setting's
    locks: OwnerLocks
    scratch: Path
    limit_bytes: int

    def unit(self, viewer: Viewer) -> Unit:
        """A unit that may write."""
        return Unit(self.sessions, viewer, self.clock)

    def reading(self, viewer: Viewer) -> Unit:
        """A unit that only reads."""
        return Unit(self.sessions, viewer, self.clock, reading=True)


def intake_key(fonds: str, file_id: UUID, sha256: str) -> StoreKey:
    """Where the bytes of a file that arrived are kept until its records have masters of their own."""
    return StoreKey(fonds, file_id, sha256)
