"""What PostgreSQL itself refuses to the application's role, whatever the program would do."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import postgres_cluster
import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from factories import NOON, a_record, a_viewer, an_archive, everything, the_fonds

from archive_app import database, privileges, schema
from archive_app.cli import cli
from archive_app.core import row_security
from archive_app.core.errors import InvalidInput, Unavailable
from archive_app.core.model import Base, Person, Record
from archive_app.core.vocabulary import Level
from archive_app.health import servers
from archive_app.health.part import Advice, State
from archive_app.privileges import RowSecurity, privileges_on
from archive_app.wiring import Archive, opened

pytestmark = pytest.mark.services


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    made = an_archive(tmp_path, kind="postgresql")
    yield made
    made.close()


def refused(archive: Archive, statement: str, *, because: str) -> None:
    with archive.engine.connect() as connection:
        row_security.declare(connection, everything(archive))
        with pytest.raises(sa.exc.DBAPIError, match=because):
            connection.exec_driver_sql(statement)


@pytest.mark.parametrize(
    ("statement", "because"),
    [
        ("UPDATE audit_leaf SET actor = 'li.qiang'", "permission denied"),
        ("DELETE FROM audit_leaf", "permission denied"),
        ("DELETE FROM audit_value", "permission denied"),
        ("UPDATE audit_value SET sequence = 1", "permission denied"),
        ("UPDATE audit_node SET hash = '0'", "permission denied"),
        ("INSERT INTO audit_head VALUES (2, 0)", "permission denied"),
        ("TRUNCATE audit_leaf", "permission denied"),
        ("DELETE FROM record", "permission denied"),
        ("DELETE FROM user_account", "permission denied"),
        ("UPDATE alembic_version SET version_num = '0'", "permission denied"),
        ("ALTER TABLE record DISABLE ROW LEVEL SECURITY", "must be owner"),
        ("ALTER TABLE audit_leaf DISABLE TRIGGER ALL", "must be owner"),
        ("DROP POLICY archive_seen ON record", "must be owner"),
        ("CREATE TABLE mine (id int)", "permission denied"),
    ],
)
def test_the_application_may_not(archive: Archive, statement: str, because: str) -> None:
    refused(archive, statement, because=because)


def test_the_database_says_that_row_security_holds_and_for_whom_not(archive: Archive, tmp_path: Path) -> None:
    assert privileges.row_security(archive.engine) == RowSecurity(holds=True)
    assert privileges.row_security(archive.owner_engine) == RowSecurity(holds=False, reason="owner")
    small = database.make_engine(f"sqlite:///{tmp_path}/rows.db")
    assert privileges.row_security(small) == RowSecurity(holds=False, reason="no-postgresql")
    small.dispose()


def test_a_policy_that_is_not_the_rule_is_found_and_put_right(archive: Archive) -> None:
    owner = archive.owner_engine
    with owner.begin() as connection:
        connection.exec_driver_sql("DROP POLICY archive_seen ON record")
        connection.exec_driver_sql("CREATE POLICY archive_seen ON record FOR SELECT USING (true)")
    assert schema.differences(owner) == ["row security: policy archive_seen of record differs from the rule"]
    assert privileges.row_security(archive.engine) == RowSecurity(holds=False, reason="not-current")
    archive.upgrade_database()
    assert schema.differences(owner) == []


def test_a_row_that_its_writer_would_not_see_is_not_written_without_the_unit_either(archive: Archive) -> None:
    mine, other = the_fonds(archive, "J001"), the_fonds(archive, "J002")
    viewer = a_viewer(fonds=(mine,), codes=("J001",), clearance=Level.INTERNAL)
    for fonds, level in ((other, Level.PUBLIC), (mine, Level.SENSITIVE)):
        row = {"id": uuid4(), "fonds_id": fonds, "level": level, "code": "P-1", "title": "t", "state": "described"}
        added = sa.insert(Record.__table__).values(  # type: ignore[arg-type]
            **row, version=1, type_reasons=[], review=[], created_at=NOON
        )
        with archive.engine.connect() as connection:
            row_security.declare(connection, viewer)
            with pytest.raises(sa.exc.ProgrammingError, match="row-level security"):
                connection.execute(added)


def test_a_row_out_of_sight_is_neither_changed_nor_removed(archive: Archive) -> None:
    mine, other = the_fonds(archive, "J001"), the_fonds(archive, "J002")
    with archive.unit(everything(archive)) as unit:
        a_record(unit, fonds=other)
    with archive.engine.connect() as connection:
        row_security.declare(connection, a_viewer(fonds=(mine,), codes=("J001",)))
        changed = connection.execute(sa.update(Record.__table__).values(title="新"))  # type: ignore[arg-type]
        assert changed.rowcount == 0


def test_a_party_out_of_sight_gives_its_id_to_who_knows_its_number_and_nothing_else(archive: Archive) -> None:
    with archive.owner_engine.begin() as connection:
        connection.execute(
            sa.insert(Person.__table__).values(id=uuid4(), name="张三", created_at=NOON)  # type: ignore[arg-type]
        )
    with archive.engine.connect() as connection:
        row_security.declare(connection, everything(archive))
        assert connection.execute(sa.select(Person.id)).all() == []  # stands on no record


def test_without_the_owners_address_nothing_is_migrated(archive: Archive) -> None:
    bare = Archive(archive.settings.__class__.from_env({"ARCHIVE_DATABASE_URL": archive.settings.database_url}))
    with pytest.raises(InvalidInput) as refusal:
        bare.upgrade_database()
    assert list(refusal.value.parameters) == ["ARCHIVE_DATABASE_OWNER_URL"]
    bare.close()


def test_a_role_that_was_given_nothing_yet_is_told_whose_address_is_missing(archive: Archive, tmp_path: Path) -> None:
    with archive.owner_engine.begin() as connection:
        role = database.role(archive.engine)
        connection.exec_driver_sql(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}")
    surroundings = {"ARCHIVE_DATABASE_URL": archive.settings.database_url, "ARCHIVE_DATABASE_OWNER_URL": None}
    said = CliRunner().invoke(cli, ["--home", str(tmp_path / "home"), "db", "upgrade"], env=surroundings)
    assert isinstance(said.exception, InvalidInput)
    assert list(said.exception.parameters) == ["ARCHIVE_DATABASE_OWNER_URL"]


def test_an_upgrade_leaves_no_lock_behind_in_the_pool(archive: Archive) -> None:
    pooled = database.make_engine(str(archive.settings.database_owner_url))
    schema.upgrade(pooled)
    with archive.owner_engine.connect() as connection:
        held = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
        ours = f"{held} WHERE l.locktype = 'advisory' AND d.datname = current_database()"
        assert connection.exec_driver_sql(ours).scalar_one() == 0
    pooled.dispose()


def test_no_table_is_emptied_or_given_more_rights_than_its_rows_need() -> None:
    rights = {mapper.class_.__tablename__: privileges_on(mapper.class_) for mapper in Base.registry.mappers}
    assert all("TRUNCATE" not in one and "REFERENCES" not in one for one in rights.values())
    assert "DELETE" not in rights["record"] + rights["user_account"] + rights["intake_file"]


@pytest.fixture
def stranger(archive: Archive) -> Iterator[Archive]:
    """The same archive as a role that may connect and was never given anything."""
    name, word = f"test_stranger_{uuid4().hex[:8]}", uuid4().hex
    with postgres_cluster.administrator().connect() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {name} LOGIN PASSWORD '{word}'")
    url = archive.engine.url.set(username=name, password=word).render_as_string(hide_password=False)
    made = Archive(replace(archive.settings, database_url=url))
    yield made
    made.close()
    with postgres_cluster.administrator().connect() as connection:
        connection.exec_driver_sql(f"DROP ROLE {name}")


@pytest.mark.parametrize("public", ["sees the schema", "sees nothing"])
def test_a_role_that_was_given_nothing_is_told_what_to_do(archive: Archive, stranger: Archive, public: str) -> None:
    if public == "sees nothing":
        there = postgres_cluster.administrator().url.set(database=archive.engine.url.database)
        with sa.create_engine(there, poolclass=sa.NullPool).begin() as connection:
            connection.exec_driver_sql("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    with pytest.raises(Unavailable, match="database-not-granted"), opened(stranger.settings):
        pass
    part = servers.database(stranger)
    assert (part.state, part.advice) == (State.DOWN, Advice.DATABASE_NOT_GRANTED)
    with opened(archive.settings) as its_own:
        assert privileges.granted(its_own.engine)
