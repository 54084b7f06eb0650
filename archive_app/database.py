"""The database: engines for SQLite (WAL, writers begin IMMEDIATE) and PostgreSQL, and the one migration chain."""

import sqlite3
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.orm import sessionmaker
from sqlalchemy.pool import NullPool, PoolProxiedConnection, QueuePool

from archive_app import privileges
from archive_app.core import name_order, row_security
from archive_app.core.errors import Unavailable
from archive_app.core.model import Base
from archive_app.core.unit import Sessions

_MIGRATIONS = Path(__file__).parent / "migrations"
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
#: SQLSTATE (its class, or whole) of a server that is not there, and of one that has too much to do.
_DOWN = ("08", "57P", "53")
_BUSY = ("40001", "40P01", "55P03", "57014", "53300")


#: Indexes whose form SQLite cannot give back to be compared: only their migration knows them. With `ix_job_open` the
#: next job is found at once, however many wait.
_INDEXES_OF_POSTGRES = frozenset({"ix_job_open"})


class _BoundedPool(QueuePool):
    """Hands out so many connections and no more; who waits in vain is told so in our words."""

    def connect(self) -> PoolProxiedConnection:
        try:
            return super().connect()
        except sa.exc.TimeoutError as error:
            raise Unavailable("database-busy") from error


def make_engine(url: str, *, pool: int = _POOL) -> sa.Engine:
    """An engine for the URL. On SQLite: WAL, foreign keys on, full synchronisation, 60 s of patience with a writer.

    On PostgreSQL at most `pool` connections, each with limits on statements, locks and idle transactions. A server
    that is lost or overwhelmed is `Unavailable`. Values never stand in error messages: those end in logs and in
    reasons of jobs.
    """
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        limits = " ".join(f"-c {name}={value}" for name, value in _PATIENCE.items())
        return _on_postgres(
            parsed, options=limits, poolclass=_BoundedPool, pool_size=pool, max_overflow=0, pool_timeout=30
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
    state = str(getattr(context.original_exception, "sqlstate", None) or "08")
    if state in _BUSY:
        raise Unavailable("database-busy") from context.original_exception
    if context.is_disconnect or state.startswith(_DOWN):
        raise Unavailable("database-down") from context.original_exception


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


def _config(engine: sa.Engine) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["engine"] = engine
    return config


def upgrade(engine: sa.Engine, revision: str = "head", *, application: str | None = None) -> None:
    """Bring the schema to the revision, as the tables' owner.

    At the newest one, on PostgreSQL, row security is made what the code's rule says, in one transaction with the
    privileges of the `application` role: a new table is open to it no sooner than its policies are there. They follow
    the rule, not the chain of revisions, so no revision can forget a table.
    """
    command.upgrade(_config(engine), revision)
    if engine.dialect.name == "postgresql" and revision == "head":
        with engine.begin() as connection:
            row_security.install(connection)
            if application is not None:
                privileges.grant(connection, application)


def downgrade(engine: sa.Engine, revision: str) -> None:
    """Take the schema back to the revision, where that is possible; `upgrade` brings the policies back."""
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            row_security.remove(connection)
    command.downgrade(_config(engine), revision)


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
    """The revision the database is at; None for an empty one."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest() -> str | None:
    """The newest revision we know."""
    return _chain().get_current_head()


def revisions() -> frozenset[str]:
    """Every revision we know."""
    return frozenset(script.revision for script in _chain().walk_revisions())


def _chain() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return ScriptDirectory.from_config(config)


def _compared(_object: object, name: str | None, kind: str, *_: object) -> bool:
    return not (kind == "index" and name in _INDEXES_OF_POSTGRES)


def differences(engine: sa.Engine) -> list[str]:
    """How schema and row security differ from tables and rule of the code; empty if they do not."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": _compared})
        found = [str(difference) for difference in compare_metadata(context, Base.metadata)]
        return found + row_security.differences(connection)
