"""What is copied out of an archive: one consistent look at its rows, and the objects those rows name.

Installation's own reading: it has no viewer, reads no record to anybody, and moves every row of every table alike. On
PostgreSQL it is a role of its own that reads, past row security, and writes nothing (`ARCHIVE_DATABASE_BACKUP_URL`), or
the tables' owner where none is named.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.orm import Session

from archive_app import database
from archive_app.backup.manifest import ObjectEntry
from archive_app.core import audit
from archive_app.core.audit import TreeHead
from archive_app.core.errors import InvalidInput
from archive_app.core.model import Component, Fonds, IntakeFile, RuleTable
from archive_app.core.ports import StoreKey
from archive_app.core.settings import Settings
from archive_app.wiring import Archive

_FETCH = 1000


def reading_engine(settings: Settings) -> sa.Engine:
    """The database as who reads every row; dispose of it after use."""
    return _engine(settings.database_backup_url or settings.database_owner_url or settings.database_url)


def owner_engine(settings: Settings) -> sa.Engine:
    """The database as the tables' owner, who fills them; dispose of it after use."""
    return _engine(settings.database_owner_url or settings.database_url)


def _engine(url: str) -> sa.Engine:
    sqlite = sa.make_url(url).get_backend_name() == "sqlite"
    return database.make_engine(url) if sqlite else database.make_lone_engine(url)


@contextmanager
def one_look(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A reading transaction: whatever is read in it was true at one moment.

    Raises `InvalidInput` where row security would hide rows from it.
    """
    options = {"archive_reading": True}
    if engine.dialect.name == "postgresql":
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}  # type: ignore[dict-item]
    with engine.connect().execution_options(**options) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            if connection.exec_driver_sql(f"SELECT row_security_active('{Component.__tablename__}')").scalar_one():
                raise InvalidInput("settings-invalid", ARCHIVE_DATABASE_BACKUP_URL="needed: a role that sees every row")
            # A look lasts as long as what is read takes to be written elsewhere.
            for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
                connection.exec_driver_sql(f"SET LOCAL {limit} = 0")
        yield connection


def expected_rows(connection: sa.Connection) -> int | None:
    """About how many rows there are, where the database knows without counting."""
    if connection.dialect.name != "postgresql":
        return None
    estimate = "SELECT sum(greatest(reltuples, 0))::bigint FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    total: int | None = connection.exec_driver_sql(f"{estimate} AND relkind = 'r'").scalar_one()
    return total or None


def tree_head(archive: Archive, connection: sa.Connection) -> TreeHead:
    """The signed head of the log as this look sees it."""
    with Session(connection) as session:
        return audit.head(session, archive.signer, now=archive.clock.now())


def rules_in(connection: sa.Connection) -> tuple[tuple[str, str, str], ...]:
    """Kind, version and digest of every rule table."""
    table = RuleTable.__table__
    statement = sa.select(table.c.kind, table.c.version, table.c.digest).order_by(table.c.position)
    return tuple((row[0], row[1], row[2]) for row in connection.execute(statement))


def named_objects(connection: sa.Connection) -> Iterator[ObjectEntry]:
    """Every object that rows name, in order of digest, each once."""
    fonds, component, arrived = Fonds.__table__, Component.__table__, IntakeFile.__table__
    of_records = sa.select(
        component.c.sha256, component.c.fonds_id, component.c.record_id.label("owner"), component.c.size,
        component.c.version_id,
    )  # fmt: skip
    of_arrivals = sa.select(
        arrived.c.sha256, arrived.c.fonds_id, arrived.c.id.label("owner"), arrived.c.size, arrived.c.version_id
    ).where(arrived.c.bytes_kept)
    both = sa.union_all(of_records, of_arrivals).subquery()
    statement = (
        sa.select(fonds.c.code, both.c.owner, both.c.sha256, both.c.size, both.c.version_id)
        .join(fonds, fonds.c.id == both.c.fonds_id)
        .order_by(both.c.sha256, both.c.owner)
        .execution_options(yield_per=_FETCH)
    )
    last = None
    for code, owner, sha256, size, version_id in connection.execute(statement):
        entry = ObjectEntry(StoreKey(code, owner, sha256), size, version_id)
        if last is None or entry.key != last.key:
            yield entry
        last = entry


def count_objects(connection: sa.Connection) -> int:
    """How many rows name an object; two of one object count twice."""
    component, arrived = Component.__table__, IntakeFile.__table__
    of_records = sa.select(sa.func.count()).select_from(component).scalar_subquery()
    of_arrivals = sa.select(sa.func.count()).select_from(arrived).where(arrived.c.bytes_kept).scalar_subquery()
    total: int = connection.execute(sa.select(of_records + of_arrivals)).scalar_one()
    return total


def still_named(engine: sa.Engine, key: StoreKey) -> bool:
    """Whether rows name the object now."""
    component, arrived = Component.__table__, IntakeFile.__table__
    of_record = sa.select(component.c.id).where(component.c.record_id == key.owner, component.c.sha256 == key.sha256)
    of_arrival = sa.select(arrived.c.id).where(
        arrived.c.id == key.owner, arrived.c.sha256 == key.sha256, arrived.c.bytes_kept
    )
    with one_look(engine) as connection:
        return connection.execute(sa.union_all(of_record, of_arrival).limit(1)).first() is not None
