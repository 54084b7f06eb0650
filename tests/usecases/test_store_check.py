"""What a check of the store compares with what rows say of their bytes."""

from pathlib import Path

import sqlalchemy as sa
from houses import a_batch, a_house, receive, samples, work

from archive_app import store_check
from archive_app.core.model import Component


def test_bytes_are_altered_if_either_digest_of_their_row_is_another(tmp_path: Path) -> None:
    with a_house(tmp_path) as archive:
        receive(archive, a_batch(archive), *samples("0001"))
        work(archive)
        assert store_check.check(archive, read_bytes=True).altered == ()
        with archive.owner_engine.begin() as connection:
            table = Component.__table__
            assert connection.execute(sa.select(table.c.sm3)).scalars().all() != [None]
            connection.execute(sa.update(table).values(sm3="0" * 64))
        found = store_check.check(archive, read_bytes=True)
        assert found.missing == ()
        assert len(found.altered) == found.rows
        assert store_check.check(archive).altered == ()
