"""An archive's tables as digests, the same on every database: what tests of backup and moving compare."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from archive_app.backup import rows
from archive_app.backup.source import one_look, owner_engine
from archive_app.core.settings import Settings


def silent(_what: str, _done: int, _total: int | None) -> None:
    """Nobody looks at the progress."""


def tables_of(settings: Settings) -> dict[str, tuple[int, str]]:
    """Rows and digest of every table that is backed up, as the tables' owner sees them."""
    tables = {}
    with as_owner(settings) as connection:
        for shape in rows.shapes():
            tally = rows.Tally()
            for _ in tally.over(rows.lines(connection, shape)):
                pass
            tables[shape.name] = (tally.rows, tally.digest())
    return tables


@contextmanager
def as_owner(settings: Settings) -> Iterator[sa.Connection]:
    """One look past row security."""
    engine = owner_engine(settings)
    with one_look(engine) as connection:
        yield connection
    engine.dispose()
