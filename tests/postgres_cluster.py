"""A PostgreSQL for tests: the server at `TEST_POSTGRES_URL`, or a cluster of our own in a temporary folder."""

import atexit
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa

from archive_app.core.settings import environment


def a_database() -> str:
    """The URL of a new, empty database. Skips the test where there is no PostgreSQL."""
    name = f"test_{uuid4().hex[:12]}"
    with administrator().connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")
    return administrator().url.set(database=name).render_as_string(hide_password=False)


@cache
def administrator() -> sa.Engine:
    """The server itself, as who may do everything there. Skips the test where there is no PostgreSQL."""
    return sa.create_engine(server(), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)


@cache
def server() -> str:
    """The URL of an administrator of the server. Skips the test where there is no PostgreSQL."""
    given = environment().get("TEST_POSTGRES_URL")
    if given:
        return given
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL here")
    return _start(programs)


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    return Path(initdb).resolve().parent if initdb else None


def _start(programs: Path) -> str:
    folder = Path(tempfile.mkdtemp(prefix="archive-pg-", dir="/tmp"))
    as_user: list[str] = []
    if os.geteuid() == 0:  # the server refuses to run as root
        shutil.chown(folder, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    data = folder / "data"
    _run([*as_user, str(programs / "initdb"), "-D", str(data), "-U", "archive", "-A", "trust", "-E", "UTF8", "-N"])
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    pg_ctl = [*as_user, str(programs / "pg_ctl"), "-D", str(data), "-w"]
    _run([*pg_ctl, "-o", options, "-l", str(folder / "log"), "start"])

    def stop() -> None:
        subprocess.run([*pg_ctl, "-m", "immediate", "stop"], check=False, stdout=subprocess.DEVNULL, cwd="/")
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(stop)
    return f"postgresql+psycopg://archive@/postgres?host={folder}"


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
