"""How Alembic runs a revision: on the engine it is given, in one transaction, under a lock on PostgreSQL."""

import sqlalchemy as sa
from alembic import context

from archive_app.core.model import Base

_ADVISORY_LOCK = 0x41524348  # "ARCH"


def run() -> None:
    """Run the revisions asked for."""
    engine: sa.Engine = context.config.attributes["engine"]
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.detach()  # it ends with us, and with it the lock: a pool would keep both
            connection.exec_driver_sql("SET lock_timeout = '10s'")
            connection.exec_driver_sql(f"SELECT pg_advisory_lock({_ADVISORY_LOCK})")
            connection.commit()
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            transaction_per_migration=True,
            compare_type=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


run()
