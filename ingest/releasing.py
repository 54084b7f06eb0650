"""The jobs `intake.release` and `store.release`: bytes that no row names any more are let go.

Each looks again, inside its own unit, that nothing stands on the bytes before it makes a warrant.
"""

from uuid import UUID

import sqlalchemy as sa

from archive_app.core.model import Component, Fonds, IntakeFile
from archive_app.core.ports import StoreKey, Warrant
from archive_app.core.vocabulary import Action, IntakeOutcome, Viewer
from ingest.workshop import Workshop, intake_key


def release_intake(workshop: Workshop, viewer: Viewer, file_id: UUID) -> None:
    """Let go of an intake file's own copy: its record is its own master, or it was a duplicate."""
    with workshop.locks.holding(file_id):
        with workshop.unit(viewer) as unit:
            row = unit.get(IntakeFile, file_id)
            if row.outcome not in (IntakeOutcome.ACCEPTED, IntakeOutcome.DUPLICATE):
                return
            fonds = unit.get(Fonds, row.fonds_id).code
            if row.bytes_kept:
                unit.require(Action.INTAKE_WRITE, row)
                row.bytes_kept = False
                unit.note("intake:released", "intake-file", row.id)
        let_go_of_arrived(workshop, fonds, row)


def let_go_of_arrived(workshop: Workshop, fonds: str, row: IntakeFile) -> None:
    """Let go of it now: the row says already that it is not kept."""
    key = intake_key(fonds, row.id, row.sha256)
    workshop.store.destroy(Warrant(key, "its records have masters of their own", row.id, row.version_id))


def release_bytes(workshop: Workshop, viewer: Viewer, key: StoreKey) -> None:
    """Let go of a master or view that was replaced before filing, unless a row names it again."""
    with workshop.locks.holding(key.owner):
        let_go(workshop, viewer, key)


def let_go(workshop: Workshop, viewer: Viewer, key: StoreKey) -> None:
    """As `release_bytes`, for a caller who holds the owner's lock."""
    with workshop.reading(viewer) as unit:
        named = unit.count(
            sa.select(Component.id).where(Component.record_id == key.owner, Component.sha256 == key.sha256)
        )
    if not named:
        workshop.store.destroy(Warrant(key, "replaced before filing", key.owner))
