"""Runs of backup, verification and restore as rows: what the status page and the next run ask."""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID, uuid4

import sqlalchemy as sa

from archive_app.core.model import BackupRun
from archive_app.core.settings import Settings

LATE = dt.timedelta(hours=26)
_RUN = BackupRun.__table__
_PLACE = 500


@dataclass(frozen=True, slots=True)
class LastBackup:
    """How the archive stands with its backups. `failures` counts runs that failed since the last success."""

    set_up: bool
    snapshot: str | None
    at: dt.datetime | None
    age: dt.timedelta | None
    objects: int | None
    bytes: int | None
    failures: int
    fault: str | None
    verified_at: dt.datetime | None

    @property
    def late(self) -> bool:
        """Whether one is due and did not come."""
        return self.set_up and (self.age is None or self.age > LATE)


def place_name(settings: Settings) -> str:
    """The address of the place as it may be shown."""
    return str(settings.shown()["ARCHIVE_BACKUP_URL"]["value"])[:_PLACE]


def began(engine: sa.Engine, kind: str, place: str, *, now: dt.datetime, snapshot: str | None = None) -> UUID:
    """Write down that a run began; one of its kind that never ended was interrupted."""
    ident = uuid4()
    with engine.begin() as connection:
        connection.execute(
            sa.update(_RUN)  # type: ignore[arg-type]  # a Table at run time
            .where(_RUN.c.kind == kind, _RUN.c.ended_at.is_(None))
            .values(ended_at=now, outcome="failed", fault="interrupted")
        )
        values = {"id": ident, "kind": kind, "place": place, "began_at": now, "snapshot": snapshot}
        connection.execute(sa.insert(_RUN).values(**values))  # type: ignore[arg-type]
    return ident


def ended(engine: sa.Engine, ident: UUID, *, now: dt.datetime, outcome: str, **facts: object) -> None:
    """Write down how a run ended."""
    with engine.begin() as connection:
        connection.execute(
            sa.update(_RUN).where(_RUN.c.id == ident).values(ended_at=now, outcome=outcome, **facts)  # type: ignore[arg-type]
        )


def succeeded(engine: sa.Engine, place: str, *, begun: tuple[dt.datetime, dt.datetime] | None = None) -> bool:
    """Whether a backup into this place ended well: ever, or one that was begun between these moments."""
    statement = sa.select(_RUN.c.id).where(
        _RUN.c.kind == "backup", _RUN.c.place == place, _RUN.c.outcome.in_(("done", "found"))
    )
    if begun is not None:
        statement = statement.where(_RUN.c.began_at.between(*begun))
    with engine.begin() as connection:
        return connection.execute(statement.limit(1)).first() is not None


def last(engine: sa.Engine, settings: Settings, *, now: dt.datetime) -> LastBackup:
    """The last success, its age, and what failed since."""
    with engine.connect().execution_options(archive_reading=True) as connection:
        good = _last(connection, "backup")
        verified = _last(connection, "verify")
        failed = sa.select(_RUN.c.fault).where(_RUN.c.kind == "backup", _RUN.c.outcome == "failed")
        if good is not None:
            failed = failed.where(_RUN.c.began_at > good.began_at)
        faults = connection.execute(failed.order_by(_RUN.c.began_at)).scalars().all()
    return LastBackup(
        set_up=settings.backup_url is not None,
        snapshot=good.snapshot if good else None,
        at=good.ended_at if good else None,
        age=now - good.began_at if good else None,  # what it holds is as old as its beginning
        objects=good.objects if good else None,
        bytes=good.bytes if good else None,
        failures=len(faults),
        fault=faults[-1] if faults else None,
        verified_at=verified.ended_at if verified and verified.outcome == "done" else None,
    )


def _last(connection: sa.Connection, kind: str) -> "sa.Row[tuple[object, ...]] | None":
    """The last run of the kind that came to an end of its own."""
    statement = sa.select(_RUN).where(_RUN.c.kind == kind, _RUN.c.outcome.in_(("done", "found")))
    return connection.execute(statement.order_by(_RUN.c.began_at.desc()).limit(1)).first()
