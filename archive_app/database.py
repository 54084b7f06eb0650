"""The database: engines for SQLite (WAL, writers begin IMMEDIATE) and PostgreSQL, and the revision it is at."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.orm import sessionmaker
from sqlalchemy.pool import NullPool, PoolProxiedConnection, QueuePool

from archive_app import privileges
from archive_app.core import name_order
from archive_app.core.errors import Unavailable
from archive_app.core.unit import Sessions

_REVISIONS = Path(__file__).parent / "migrations" / "versions"
_VERSION = sa.table("alembic_version", sa.column("version_num", sa.String))
_POOL = 10
#: A dead peer is noticed within two minutes; the clauses are libpq's.
_TO_POSTGRES = {
    "application_name": "archive",
    "connect_timeout": 10,
    "keepalives_idle": 60,
    "keepalives_interval": 15,
    "keepalives_count": 4,
}
#: Milliseconds. A page asks for seconds at most; a rebuild of the index reads long, a chunk at a time.
_PATIENCE = {"statement_timeout": 300_000, "lock_timeout": 60_000, "idle_in_transaction_session_timeout": 900_000}
#: What another place on the disk costs beside the next one. The server's own 4 is a turning disk's, and makes it read a
#: table of batches whole for the two hundred it needs.
_DISK = {"random_page_cost": 1.1}
#: SQLSTATE (its class, or whole) of a server that is not there, and of one that has too much to do.
_DOWN = ("08", "57P", "53")
_BUSY = ("40001", "40P01", "55P03", "57014", "53300")


class _BoundedPool(QueuePool):
    """Hands out so many connections and no more; who waits in vain is told so in our words."""

    def connect(self) -> PoolProxiedConnection:
        try:
            return super().connect()
        except sa.exc.TimeoutError as error:
            raise Unavailable("database-busy") from error


def make_engine(url: str, *, pool: int = _POOL) -> sa.Engine:
    """An engine for the URL. On SQLite: WAL, foreign keys on, full synchronisation, 60 s of patience with a writer.

    On PostgreSQL at most `pool` connections, each with limits on statements, locks and idle transactions, and planning
    for disks without moving parts. A server that is lost or overwhelmed is `Unavailable`. Values never stand in error
    messages: those end in logs and in reasons of jobs.
    """
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        options = " ".join(f"-c {name}={value}" for name, value in (_PATIENCE | _DISK).items())
        return _on_postgres(
            parsed, options=options, poolclass=_BoundedPool, pool_size=pool, max_overflow=0, pool_timeout=30
        )
    patience = {"timeout": 60, "check_same_thread": False}
    engine = sa.create_engine(parsed, hide_parameters=True, connect_args=patience)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def make_lone_engine(url: str) -> sa.Engine:
    """An engine on PostgreSQL without a pool or limits on time: for migrations and for locks that are held long."""
    return _on_postgres(sa.make_url(url), options="", poolclass=NullPool)


def _on_postgres(url: sa.URL, *, options: str, **pool: Any) -> sa.Engine:  # noqa: ANN401 - what the engine takes
    arguments = {**_TO_POSTGRES, "options": options}
    engine = sa.create_engine(url, hide_parameters=True, pool_pre_ping=True, connect_args=arguments, **pool)
    event.listen(engine, "handle_error", _translate)
    return engine


def _translate(context: ExceptionContext) -> None:
    """No driver's exception crosses this edge for a server that is down or busy; others are for the unit of work."""
    if context.is_pre_ping or not isinstance(
        context.sqlalchemy_exception, sa.exc.OperationalError | sa.exc.InterfaceError
    ):
        return
    code = _away(context.original_exception)
    if code or context.is_disconnect:
        raise Unavailable(code or "database-down") from context.original_exception


def _away(fault: BaseException) -> str | None:
    state = str(getattr(fault, "sqlstate", None) or "08")
    if state in _BUSY:
        return "database-busy"
    return "database-down" if state.startswith(_DOWN) else None


@contextmanager
def driver_faults(connection: sa.Connection) -> Iterator[None]:
    """The same where the driver is asked itself, for what SQLAlchemy has no words for (COPY)."""
    driver = connection.dialect.loaded_dbapi
    try:
        yield
    except (driver.OperationalError, driver.InterfaceError) as fault:
        code = _away(fault)
        if code is None:
            raise
        if code == "database-down":
            connection.invalidate(fault)  # it is not asked to roll back
        raise Unavailable(code) from fault


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's connection
    connection.isolation_level = None  # the driver must not begin by itself: we do, below
    connection.create_collation(name_order.COLLATION, name_order.compare)
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL", "busy_timeout=60000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    # A deferred transaction that reads and then writes fails at once when another wrote meanwhile (decision 3).
    reading = connection.get_execution_options().get("archive_reading", False)
    if connection.info.get("query_only") is not reading:  # a reader cannot write at all
        _say(connection, f"PRAGMA query_only={'ON' if reading else 'OFF'}")
        connection.info["query_only"] = reading
    _say(connection, "BEGIN" if reading else "BEGIN IMMEDIATE")


def _say(connection: sa.Connection, words: str) -> None:
    """Straight to the driver: before every transaction, a statement of SQLAlchemy's would cost as much as the work."""
    driver: Any = connection.connection.driver_connection
    try:
        driver.execute(words)
    except sqlite3.Error as fault:
        raise sa.exc.OperationalError(words, None, fault) from fault


def make_sessions(engine: sa.Engine) -> Sessions:
    """Session makers over one pool."""
    only_reading = {"archive_reading": True}
    if engine.dialect.name == "postgresql":
        only_reading["postgresql_readonly"] = True
    return Sessions(reading=sessionmaker(engine.execution_options(**only_reading)), writing=sessionmaker(engine))


def role(engine: sa.Engine) -> str:
    """Who the engine's connections are on PostgreSQL."""
    with engine.connect() as connection:
        return str(connection.exec_driver_sql("SELECT current_user").scalar_one())


def may_migrate(engine: sa.Engine) -> bool:
    """Whether these connections may make tables."""
    if engine.dialect.name != "postgresql":
        return True
    with engine.connect() as connection:
        may = "SELECT has_schema_privilege('public', 'CREATE')"
        return bool(connection.exec_driver_sql(may).scalar_one())


def current(engine: sa.Engine) -> str | None:
    """The revision the database is at; None for an empty one.

    Raises `Unavailable("database-not-granted")` for a role that an archive's owner gave nothing to.
    """
    if not privileges.granted(engine):
        raise Unavailable("database-not-granted", role=engine.url.username)
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table(_VERSION.name):
            return None
        return connection.execute(sa.select(_VERSION.c.version_num)).scalar()


def newest() -> str:
    """The newest revision we know."""
    return max(revisions())


@cache
def revisions() -> frozenset[str]:
    """Every revision we know, by the names of their files: they are numbered in the order of the chain."""
    return frozenset(path.name.partition("_")[0] for path in _REVISIONS.glob("[0-9]*.py"))
