"""Commands about the installation: they need no token and read no records."""

from contextlib import closing
from pathlib import Path
from tomllib import TOMLDecodeError, loads

import click

from archive_app import database, installation, rules
from archive_app.cli.context import Context, with_context
from archive_app.core.errors import Conflict, InvalidInput
from archive_app.core.reference import Kind
from archive_app.wiring import Archive


@click.command("init")
@click.option("--fonds", help="Code of the first fonds (全宗).")
@click.option("--name", help="Name of the first fonds.")
@click.option("--second-factor", is_flag=True, help="Administrators need a one-time code beside the password.")
@click.option("--or-upgrade", is_flag=True, help="Where there is an archive already, bring it up to date instead.")
@with_context
def init(context: Context, *, fonds: str | None, name: str | None, second_factor: bool, or_upgrade: bool) -> None:
    """Make a new archive with its three administrators."""
    if name and not fonds:
        raise click.UsageError("--name goes with --fonds")
    try:
        made = installation.install(context.settings, fonds=fonds, name=name, second_factor=second_factor)
    except Conflict as there:
        if not or_upgrade or there.code != "archive-exists":
            raise
        _upgrade(context)
        return
    files = {login: str(path) for login, path in made.activation.items()}
    lines = [f"archive made in {made.home}", "activation codes, readable by you only:"]
    lines += [f"  {login:10} {path}" for login, path in files.items()]
    context.answer({"home": str(made.home), "fonds": made.fonds, "activation": files}, "\n".join(lines))


@click.group("db")
def db() -> None:
    """The database's schema."""


@db.command("upgrade")
@with_context
def db_upgrade(context: Context) -> None:
    """Bring the schema to this program's version."""
    _upgrade(context)


def _upgrade(context: Context) -> None:
    with closing(Archive(context.settings)) as archive:
        before = archive.upgrade_database()
        after = database.current(archive.owner_engine)
        loaded = rules.load_bundled(archive.sessions, archive.clock)
    context.answer({"from": before, "to": after, "rules": loaded}, f"database: {before} → {after}")


@db.command("check")
@with_context
def db_check(context: Context) -> int:
    """Compare the schema with the program's tables."""
    from archive_app import schema  # noqa: PLC0415 - Alembic, which `settings show` does without

    with closing(Archive(context.settings)) as archive:
        differences = schema.differences(archive.owner_engine)
        current = database.current(archive.owner_engine)
    context.answer(
        {"current": current, "newest": database.newest(), "differences": differences},
        "\n".join([f"revision {current}", *differences]) if differences else f"revision {current}: as it should be",
    )
    return 3 if differences or current != database.newest() else 0


@click.group("rules")
def rule_tables() -> None:
    """Rule tables: classes, types, retention, roles and the rest."""


@rule_tables.command("load")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False))
@with_context
def rules_load(context: Context, files: tuple[str, ...]) -> None:
    """Load new versions from TOML files; all faults are named together and nothing is loaded then."""
    texts: dict[Kind, str] = {}
    for name in files:
        text = Path(name).read_text(encoding="utf-8")
        texts[_kind_of(text, name)] = text
    with context.archive() as archive:
        changed = rules.load(archive.sessions, archive.clock, texts, actor="installation")
    context.answer({"loaded": changed}, f"loaded: {', '.join(changed) or 'nothing new'}")


def _kind_of(text: str, name: str) -> Kind:
    try:
        return Kind(str(loads(text).get("kind")))
    except (TOMLDecodeError, ValueError) as fault:
        raise InvalidInput(**{Path(name).name: "no rule table of a known kind"}) from fault


@rule_tables.command("list")
@with_context
def rules_list(context: Context) -> None:
    """Every version that was loaded."""
    with context.archive() as archive:
        for one in rules.listing(archive.sessions):
            mark = "in force" if one.in_force else ""
            context.answer(
                {"kind": one.kind, "version": one.version, "basis": one.basis, "in_force": one.in_force},
                f"{one.kind:18} {one.version:12} {mark:9} {one.basis}",
            )


COMMANDS = (init, db, rule_tables)
