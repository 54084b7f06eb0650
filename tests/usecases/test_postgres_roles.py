"""`deploy/postgres-roles.sql` on a real server: three roles, and an archive of one role turned into theirs."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from typing import NamedTuple

import postgres_cluster
import pytest
import sqlalchemy as sa
from dumps import tables_of
from factories import an_archive

from archive_app import database, privileges, schema
from archive_app.backup.run import run
from archive_app.core.model import Base
from archive_app.core.settings import Settings, environment
from archive_app.installation import install
from archive_app.privileges import RowSecurity
from archive_app.wiring import Archive, opened

pytestmark = pytest.mark.services
ROLES = ("owner", "app", "backup")
SCRIPT = Path(__file__).resolve().parents[2] / "deploy" / "postgres-roles.sql"


class Server(NamedTuple):
    """A name for an archive of its own on the shared server, and the files of its passwords."""

    name: str
    folder: Path

    def run_script(self) -> str:
        given = {f"ARCHIVE_{role.upper()}_PASSWORD_FILE": str(self.folder / role) for role in ROLES}
        address = postgres_cluster.server().replace("postgresql+psycopg:", "postgresql:")
        said = subprocess.run(
            ["psql", "--no-psqlrc", "--set", f"archive={self.name}", "--file", SCRIPT, address],
            env={**environment(), **given}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return said.stdout

    def url(self, role: str, *, password: str | None = None) -> str:
        secret = password or (self.folder / role).read_text(encoding="utf-8")
        user = role if password else f"{self.name}_{role}"
        whole = postgres_cluster.administrator().url.set(database=self.name, username=user, password=secret)
        return whole.render_as_string(hide_password=False)

    def settings(self, home: Path, *roles: str) -> Settings:
        names = {"app": "URL", "owner": "OWNER_URL", "backup": "BACKUP_URL"}
        urls = {f"ARCHIVE_DATABASE_{names[role]}": self.url(role) for role in roles}
        return Settings.from_env({**urls, "ARCHIVE_BACKUP_URL": f"file://{self.folder}/place"}, home=home)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(f"test_{token_hex(6)}", tmp_path)
    for role in ROLES:
        (tmp_path / role).write_text(token_hex(16), encoding="utf-8")
    yield made
    with postgres_cluster.administrator().connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {made.name} WITH (FORCE)")
        for role in ROLES:
            connection.exec_driver_sql(f"DROP ROLE IF EXISTS {made.name}_{role}")


def test_the_script_makes_an_archives_database_and_may_be_run_again(server: Server, tmp_path: Path):
    server.run_script()
    again = server.run_script()
    assert "CREATE" not in again
    settings = server.settings(tmp_path / "home", *ROLES)
    install(settings, fonds="J001", name="城东医保中心")
    before = tables_of(settings)
    assert "ALTER TABLE" not in server.run_script()
    with opened(server.settings(tmp_path / "home", "app", "backup")) as archive:
        assert privileges.row_security(archive.engine) == RowSecurity(holds=True)
        assert run(archive).sound
    assert {name: found for name, found in tables_of(settings).items() if found != before[name]} == {}


def test_an_archive_of_one_role_becomes_one_of_three(server: Server, tmp_path: Path):
    former, password, home = f"{server.name}_former", token_hex(16), tmp_path / "home"
    with postgres_cluster.administrator().connect() as connection:
        connection.exec_driver_sql(f"CREATE ROLE {former} LOGIN PASSWORD '{password}'")
        connection.exec_driver_sql(f"CREATE DATABASE {server.name} OWNER {former} ENCODING 'UTF8' TEMPLATE template0")
    single = Settings.from_env({"ARCHIVE_DATABASE_URL": server.url(former, password=password)}, home=home)
    install(single, fonds="J001", name="城东医保中心")
    with opened(single) as archive:
        assert privileges.row_security(archive.engine).reason == "owner"
    before = tables_of(single)

    server.run_script()
    with Archive(server.settings(home, *ROLES)).owner_engine.connect() as connection:
        owners = "SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        assert connection.exec_driver_sql(owners).scalars().all() == [f"{server.name}_owner"]
    archive = Archive(server.settings(home, *ROLES))
    archive.upgrade_database()
    assert schema.differences(archive.owner_engine) == []
    archive.close()
    with opened(server.settings(home, "app", "backup")) as archive:
        assert privileges.row_security(archive.engine) == RowSecurity(holds=True)
        assert tables_of(archive.settings) == before
        assert run(archive).sound
    with postgres_cluster.administrator().connect() as connection:
        connection.exec_driver_sql(f"DROP ROLE {former}")  # nothing is left that is its


# ---------------------------------------------------------------- the backup's role


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    made = an_archive(tmp_path, kind="postgresql")
    yield made
    made.close()


@pytest.fixture
def reader(archive: Archive) -> Iterator[sa.Engine]:
    made = database.make_lone_engine(str(archive.settings.database_backup_url))
    yield made
    made.dispose()


@pytest.mark.parametrize("table", sorted(Base.metadata.tables))
def test_the_backups_role_reads_a_table_and_can_change_nothing_in_it(reader: sa.Engine, table: str):
    column = next(iter(Base.metadata.tables[table].columns)).name
    with reader.connect() as connection:
        connection.execute(sa.select(sa.func.count()).select_from(sa.table(table))).scalar_one()
    for statement in (
        "INSERT INTO {0} DEFAULT VALUES", "UPDATE {0} SET {1} = {1}", "DELETE FROM {0}", "TRUNCATE {0} CASCADE",
        "LOCK TABLE {0} IN ROW EXCLUSIVE MODE", "DROP TABLE {0} CASCADE", "ALTER TABLE {0} DISABLE TRIGGER ALL",
    ):  # fmt: skip
        with reader.connect() as connection, pytest.raises(sa.exc.ProgrammingError, match=r"permission denied|must be"):
            connection.exec_driver_sql(statement.format(table, column))


def test_the_backups_role_makes_nothing_and_reads_what_later_migrations_add(archive: Archive, reader: sa.Engine):
    with reader.connect() as connection, pytest.raises(sa.exc.ProgrammingError, match="permission denied"):
        connection.exec_driver_sql("CREATE TABLE mine (id int)")
    with archive.owner_engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE added_later (id int)")
    with reader.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM added_later").scalar_one() == 0


def test_whether_a_role_is_a_backups_is_told(archive: Archive, reader: sa.Engine):
    assert privileges.reader_fault(reader) is None
    assert privileges.reader_fault(archive.owner_engine) == "writes"
    assert privileges.reader_fault(archive.engine) == "hidden"
    with archive.owner_engine.begin() as connection:
        role = database.role(reader)
        connection.exec_driver_sql(f"REVOKE SELECT ON record FROM {role}")  # noqa: S608 - a role of ours
    assert privileges.reader_fault(reader) == "blind"
    archive.upgrade_database()
    assert privileges.reader_fault(reader) is None
