"""One chain of migrations: up, down, and equal to the tables of the code, on both databases."""

from collections.abc import Iterator
from pathlib import Path

import postgres_cluster
import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory

import archive_app
from archive_app import database, schema


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    url = f"sqlite:///{tmp_path}/rows.db" if request.param == "sqlite" else postgres_cluster.a_database()
    made = database.make_engine(url)
    yield made
    made.dispose()


def test_the_newest_revision_equals_the_tables_of_the_code(engine: sa.Engine) -> None:
    assert database.current(engine) is None
    schema.upgrade(engine)
    assert database.current(engine) == database.newest()
    assert schema.differences(engine) == []


def test_a_difference_is_found(engine: sa.Engine) -> None:
    schema.upgrade(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE box DROP COLUMN shelf")
    assert schema.differences(engine) != []


def test_down_leaves_nothing_and_up_again_works(engine: sa.Engine) -> None:
    schema.upgrade(engine)
    schema.downgrade(engine, "base")
    assert set(sa.inspect(engine).get_table_names()) <= {"alembic_version"}
    schema.upgrade(engine)
    assert schema.differences(engine) == []


def test_revisions_are_known_by_their_files_as_alembic_knows_them() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(archive_app.__file__).parent / "migrations"))
    chain = ScriptDirectory.from_config(config)
    assert database.revisions() == {script.revision for script in chain.walk_revisions()}
    assert [database.newest()] == chain.get_heads()


def test_upgrading_twice_is_once(engine: sa.Engine) -> None:
    schema.upgrade(engine)
    schema.upgrade(engine)
    assert database.current(engine) == database.newest()
