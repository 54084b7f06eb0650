"""Which database the archives of tests stand on, and how each gets one of its own.

`--database postgresql` puts every archive that `factories` and `houses` make on PostgreSQL, as in production: tables
of one role, the application as another that owns nothing and is bound by row security.
"""

import json
from functools import cache
from pathlib import Path
from secrets import token_hex
from typing import NamedTuple
from uuid import uuid4

import postgres_cluster
import sqlalchemy as sa
from sqlalchemy.orm import Session

from archive_app.core.settings import Settings

_FILE = "test-environment.json"


class Chosen:
    """Set once by the option of the run, before any test."""

    kind = "sqlite"


class Roles(NamedTuple):
    """The three roles of this process on the server, and their password."""

    owner: str
    application: str
    backup: str
    password: str


@cache
def roles() -> Roles:
    made = Roles(*(f"test_{role}_{token_hex(4)}" for role in ("owner", "app", "backup")), token_hex(16))
    with postgres_cluster.administrator().connect() as connection:
        for role in (made.owner, made.application, made.backup):
            sight = "BYPASSRLS" if role == made.backup else "NOBYPASSRLS"
            connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN {sight} PASSWORD '{made.password}'")
    return made


def a_settled_database(*, like: str | None = None) -> dict[str, str]:
    """The settings of a new database with three roles, empty or a copy of one to which nobody is connected."""
    name, who = f"test_{uuid4().hex[:12]}", roles()
    with postgres_cluster.administrator().connect() as connection:
        connection.exec_driver_sql(
            f"CREATE DATABASE {name} OWNER {who.owner} ENCODING 'UTF8' TEMPLATE {like or 'template0'}"
        )

    def url(role: str) -> str:
        whole = postgres_cluster.administrator().url.set(database=name, username=role, password=who.password)
        return whole.render_as_string(hide_password=False)

    return {
        "ARCHIVE_DATABASE_URL": url(who.application),
        "ARCHIVE_DATABASE_OWNER_URL": url(who.owner),
        "ARCHIVE_DATABASE_BACKUP_URL": url(who.backup),
    }


def environment(home: Path) -> dict[str, str]:
    """What beside its folder makes up the settings of an archive: for commands, and for processes of their own."""
    kept = home / _FILE
    return dict(json.loads(kept.read_text())) if kept.exists() else {}


def settings(home: Path) -> Settings:
    """The settings of a home that `new_home` or `copied_home` made."""
    return Settings.from_env(environment(home), home=home)


def new_home(home: Path, *, kind: str | None = None) -> Settings:
    """Settings for an archive to be installed in this folder."""
    home.mkdir(parents=True, exist_ok=True)
    if (kind or Chosen.kind) == "postgresql":
        keep(home, a_settled_database())
    return settings(home)


def copied_home(template: Path, home: Path) -> Settings:
    """Settings of a copy of an installed archive; `home` holds its files already."""
    if (template / _FILE).exists():
        original = sa.make_url(settings(template).database_url).database
        keep(home, a_settled_database(like=original))
    return settings(home)


def keep(home: Path, environment: dict[str, str]) -> None:
    """Make this the environment of the home."""
    home.mkdir(parents=True, exist_ok=True)
    (home / _FILE).write_text(json.dumps(environment))


def without_guards(session: Session) -> None:
    """Let the session change what is only added to, as one can who owns the tables."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        for table in ("audit_leaf", "audit_node", "audit_value", "audit_head"):
            connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        return
    for (name,) in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'").all():
        connection.exec_driver_sql(f"DROP TRIGGER {name}")
