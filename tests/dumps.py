"""An archive's tables as digests, the same on every database: what tests of backup and moving compare."""

import sqlalchemy as sa

from archive_app.backup import rows
from archive_app.backup.source import one_look


def silent(_what: str, _done: int, _total: int | None) -> None:
    """Nobody looks at the progress."""


def tables_of(engine: sa.Engine) -> dict[str, tuple[int, str]]:
    """Rows and digest of every table that is backed up."""
    tables = {}
    with one_look(engine) as connection:
        for shape in rows.shapes():
            tally = rows.Tally()
            for _ in tally.over(rows.lines(connection, shape)):
                pass
            tables[shape.name] = (tally.rows, tally.digest())
    return tables
