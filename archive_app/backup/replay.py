"""What was destroyed after a backup was made stays destroyed when that backup is restored."""

import datetime as dt
from collections.abc import Iterable
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from archive_app.core import audit
from archive_app.core.model import Component, Field, IntakeFile, Page, PartyLink, Record, RecordVersion
from archive_app.core.ports import Destruction
from archive_app.core.vocabulary import RecordId, RecordState

#: What goes with a record, those first that name others.
_CONTENT = (Page, Field, PartyLink, RecordVersion, Component)


def replay(session: Session, destructions: Iterable[Destruction], *, now: dt.datetime) -> int:
    """Do again to the rows what the register says was done; the log says so. Gives how many records and files changed.

    The caller has the tables' owner's session, and ends the transaction.
    """
    entries: dict[tuple[str, UUID], audit.Entry] = {}
    for one in destructions:
        if one.record is not None and _tombstone(session, one.record):
            entries["record", one.record] = _entry("record:destroyed", "record", one)
        elif one.record is None and _discarded(session, one):
            entries["intake-file", one.key.owner] = _entry("intake:discarded", "intake-file", one)
    if entries:
        audit.append(session, list(entries.values()), now=now)
    return len(entries)


def _entry(action: str, kind: str, one: Destruction) -> audit.Entry:
    values = {"reason": one.reason, "approval": str(one.approval), "destroyed": one.at.isoformat()}
    return audit.Entry("archive:restore", action, kind, str(one.record or one.key.owner), values=values)


def _tombstone(session: Session, ident: RecordId) -> bool:
    """Number and title stay, everything else goes. False if there is no such record, or it is one already."""
    record = Record.__table__
    standing = sa.select(record.c.id).where(record.c.id == ident, record.c.state != RecordState.DESTROYED)
    if session.execute(standing).first() is None:
        return False
    for entity in _CONTENT:
        table = entity.__table__
        session.execute(sa.delete(table).where(table.c.record_id == ident))  # type: ignore[arg-type]  # a Table
    changed = {"state": RecordState.DESTROYED, "version": record.c.version + 1, "review": [], "document_number": None}
    session.execute(sa.update(record).where(record.c.id == ident).values(**changed))  # type: ignore[arg-type]
    return True


def _discarded(session: Session, one: Destruction) -> bool:
    """A refused file's bytes are gone, its row stays."""
    arrived = IntakeFile.__table__
    statement = (
        sa.update(arrived)  # type: ignore[arg-type]  # a Table at run time
        .where(arrived.c.id == one.key.owner, arrived.c.sha256 == one.key.sha256, arrived.c.bytes_kept)
        .values(bytes_kept=False)
        .returning(arrived.c.id)
    )
    return session.execute(statement).first() is not None
