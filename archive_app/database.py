"""The database: engines for SQLite (WAL, writers begin IMMEDIATE) and PostgreSQL, and the one migration chain."""

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event
from sqlalchemy.orm import sessionmaker

from archive_app.core.model import Base
from archive_app.core.unit import Sessions

_MIGRATIONS = Path(__file__).parent / "migrations"


def make_engine(url: str) -> sa.Engine:
    """An engine for the URL. On SQLite: WAL, foreign keys on, full synchronisation, 60 s of patience with a writer.

    Values never stand in its error messages: those end in logs and in reasons of jobs.
    """
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return sa.create_engine(parsed, hide_parameters=True, pool_pre_ping=True, pool_size=5, max_overflow=5)
    patience = {"timeout": 60, "check_same_thread": False}
    engine = sa.create_engine(parsed, hide_parameters=True, connect_args=patience)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's connection
    connection.isolation_level = None  # the driver must not begin by itself: we do, below
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL", "busy_timeout=60000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    # A deferred transaction that reads and then writes fails at once when another wrote meanwhile (decision 3).
    reading = connection.get_execution_options().get("archive_reading", False)
    connection.exec_driver_sql(f"PRAGMA query_only={'ON' if reading else 'OFF'}")  # a reader cannot write at all
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


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


def upgrade(engine: sa.Engine, revision: str = "head") -> None:
    """Bring the schema to the revision."""
    command.upgrade(_config(engine), revision)


def downgrade(engine: sa.Engine, revision: str) -> None:
    """Take the schema back to the revision, where that is possible."""
    command.downgrade(_config(engine), revision)


def current(engine: sa.Engine) -> str | None:
    """The revision the database is at; None for an empty one."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest() -> str | None:
    """The newest revision we know."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return ScriptDirectory.from_config(config).get_current_head()


def knows(revision: str) -> bool:
    """Whether the chain of this program has the revision."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return any(one.revision == revision for one in ScriptDirectory.from_config(config).walk_revisions())


def differences(engine: sa.Engine) -> list[str]:
    """How the schema differs from the tables of the code; empty if it does not."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return [str(difference) for difference in compare_metadata(context, Base.metadata)]
