"""The database's schema: brought to a revision along the one chain of migrations, and compared with the tables.

It alone needs Alembic, which takes as long to be imported as most commands take to be done.
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from archive_app import privileges
from archive_app.core import row_security
from archive_app.core.model import Base

_MIGRATIONS = Path(__file__).parent / "migrations"
#: Indexes whose form SQLite cannot give back to be compared: only their migration knows them. With `ix_job_open` the
#: next job is found at once, however many wait; with `ix_job_chore` those of a chore, however many others are kept.
_INDEXES_OF_POSTGRES = frozenset({"ix_job_open", "ix_job_chore"})


def _config(engine: sa.Engine) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["engine"] = engine
    return config


def upgrade(
    engine: sa.Engine, revision: str = "head", *, application: str | None = None, backup: str | None = None
) -> None:
    """Bring the schema to the revision, as the tables' owner.

    At the newest one, on PostgreSQL, row security is made what the code's rule says, in one transaction with the
    privileges of the `application` role: a new table is open to it no sooner than its policies are there. They follow
    the rule, not the chain of revisions, so no revision can forget a table. The `backup` role reads everything.
    """
    command.upgrade(_config(engine), revision)
    if engine.dialect.name == "postgresql" and revision == "head":
        with engine.begin() as connection:
            row_security.install(connection)
            if application is not None:
                privileges.grant(connection, application)
            if backup is not None:
                privileges.grant_reading(connection, backup)


def downgrade(engine: sa.Engine, revision: str) -> None:
    """Take the schema back to the revision, where that is possible; `upgrade` brings the policies back."""
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            row_security.remove(connection)
    command.downgrade(_config(engine), revision)


def _compared(_object: object, name: str | None, kind: str, *_: object) -> bool:
    return not (kind == "index" and name in _INDEXES_OF_POSTGRES)


def differences(engine: sa.Engine) -> list[str]:
    """How schema and row security differ from tables and rule of the code; empty if they do not."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": _compared})
        found = [str(difference) for difference in compare_metadata(context, Base.metadata)]
        return found + row_security.differences(connection)
