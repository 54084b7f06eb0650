"""Commands about accounts, tokens and fonds."""

import datetime as dt
import os
import sys
from pathlib import Path

import click

from archive_app import access_explained, installation
from archive_app.cli.context import Context, OutputFile, with_context
from archive_app.core.unit import parse_id
from archive_app.core.vocabulary import Level

_LEVELS = [level.code for level in Level]


@click.group("user")
def user() -> None:
    """Accounts: created by the system administrator, granted by the security administrator."""


@user.command("add")
@click.argument("login")
@click.option("--name", required=True)
@click.option("--person", help="Id of the natural person, where one person has several accounts.")
@with_context
def user_add(context: Context, *, login: str, name: str, person: str | None) -> None:
    """Create an account; its activation code is written to a file."""
    with context.archive() as archive:
        account, code = archive.accounts.add(context.viewer(archive), login, name=name, person=person)
        path = installation.write_code(archive.settings.home, login, code)
    context.answer(
        {"login": account.login, "person": account.person, "activation": str(path)},
        f"{login} created; activation code in {path}",
    )


@user.command("grant")
@click.argument("login")
@click.option("--role", "roles", multiple=True, required=True)
@click.option("--fonds", "fonds", multiple=True)
@click.option("--level", type=click.Choice(_LEVELS), default="public", show_default=True)
@with_context
def user_grant(context: Context, *, login: str, roles: tuple[str, ...], fonds: tuple[str, ...], level: str) -> None:
    """Set roles, fonds and level of an account."""
    with context.archive() as archive:
        account = archive.accounts.grant(
            context.viewer(archive), login, roles=roles, fonds=fonds, level=Level.of(level)
        )
    context.answer(
        {"login": account.login, "roles": account.roles, "fonds": account.fonds, "level": account.level.code},
        f"{login}: {', '.join(account.roles)} · {', '.join(account.fonds) or 'no fonds'} · {account.level.code}",
    )


@user.command("disable")
@click.argument("login")
@with_context
def user_disable(context: Context, *, login: str) -> None:
    """Close an account at once."""
    with context.archive() as archive:
        archive.accounts.disable(context.viewer(archive), login)
    context.answer({"login": login, "disabled": True}, f"{login} disabled")


@user.command("list")
@with_context
def user_list(context: Context) -> None:
    """Every account with its grants."""
    with context.archive() as archive:
        for one in archive.accounts.all(context.viewer(archive)):
            facts = {
                "login": one.login, "name": one.name, "roles": one.roles, "fonds": one.fonds,
                "level": one.level.code, "active": one.active, "disabled": one.disabled,
            }  # fmt: skip
            context.answer(facts, f"{one.login:20} {one.name:16} {', '.join(one.roles)}")


@user.command("activate")
@click.argument("login")
@click.option("--code-file", required=True, type=click.Path(exists=True, dir_okay=False))
@click.option("--password-stdin", is_flag=True, required=True)
@with_context
def user_activate(context: Context, *, login: str, code_file: str, password_stdin: bool) -> None:
    """Set the first password and destroy the activation code."""
    del password_stdin
    code = Path(code_file).read_text(encoding="utf-8", errors="replace").strip()
    with context.archive() as archive:
        secret = archive.accounts.activate(login, code=code, password=_line())
    Path(code_file).unlink()
    facts: dict[str, object] = {"login": login, "active": True}
    human = f"{login} is active"
    if secret is not None:
        facts["second_factor"] = secret
        human += f"\nsecond factor (enter it in an authenticator now, it is not shown again): {secret}"
    context.answer(facts, human)


@click.group("token")
def token() -> None:
    """Bearer tokens for commands and the API."""


@token.command("add")
@click.argument("login")
@click.option("--password-stdin", is_flag=True, required=True)
@click.option("--otp-stdin", is_flag=True, help="The one-time code is the second line of standard input.")
@click.option("--expires", type=click.DateTime(["%Y-%m-%d"]), help="Last day; otherwise a year from now.")
@click.option("-o", "--output", required=True, type=OutputFile())
@with_context
def token_add(
    context: Context, *, login: str, password_stdin: bool, otp_stdin: bool, expires: dt.datetime | None, output: str
) -> None:
    """Make a token file, readable by its owner only."""
    del password_stdin
    password = _line()
    otp = _line() if otp_stdin else None
    path = Path(output)
    with context.archive() as archive:
        user_id = archive.accounts.sign_in(login, password, otp=otp)
        made = archive.accounts.tokens.add(user_id, expires=expires.date() if expires else None)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(made + "\n")
    context.answer({"login": login, "file": str(path.resolve())}, f"token written to {path}")


@token.command("list")
@click.argument("login", required=False)
@with_context
def token_list(context: Context, *, login: str | None) -> None:
    """Your tokens, or (security administrator) those of LOGIN: never the tokens themselves."""
    with context.archive() as archive:
        found = archive.accounts.tokens.of(context.viewer(archive), login)
    for one in found:
        facts = {
            "token": str(one.id), "login": one.login, "created": one.created.isoformat(),
            "expires": one.expires.isoformat(), "revoked": one.revoked.isoformat() if one.revoked else None,
        }  # fmt: skip
        context.answer(facts, f"{one.id}  until {one.expires}  {'revoked' if one.revoked else ''}".rstrip())


@token.command("revoke")
@click.argument("ident", metavar="ID")
@with_context
def token_revoke(context: Context, *, ident: str) -> None:
    """End a token at once, by its id in `token list`: your own, or (security administrator) anybody's."""
    with context.archive() as archive:
        login = archive.accounts.tokens.revoke(context.viewer(archive), parse_id(ident, kind="token"))
    context.answer({"token": ident, "login": login, "revoked": True}, f"token of {login} revoked")


def _line() -> str:
    line = sys.stdin.readline()
    if not line:
        raise click.UsageError("standard input has no further line")
    return line.rstrip("\r\n")


@click.group("fonds")
def fonds_group() -> None:
    """Fonds (全宗)."""


@fonds_group.command("add")
@click.argument("code")
@click.option("--name", required=True)
@click.option("--agency", help="Name of the agency (立档单位).")
@with_context
def fonds_add(context: Context, *, code: str, name: str, agency: str | None) -> None:
    """Add a fonds (system administrator)."""
    with context.archive() as archive, archive.unit(context.viewer(archive)) as unit:
        row = installation.add_fonds(unit, code=code, name=name, agency=agency)
        facts = {"fonds": row.code, "name": row.name}
    context.answer(facts, f"{facts['fonds']} added")


@click.group("access")
def access() -> None:
    """Who may read what, and why."""


@access.command("explain")
@click.argument("login")
@click.argument("record_ref", metavar="RECORD")
@with_context
def access_explain(context: Context, *, login: str, record_ref: str) -> None:
    """Which clauses of the access rule admit or refuse LOGIN to a record (security administrator)."""
    with context.archive() as archive:
        found = access_explained.explain(
            archive.reading, archive.accounts, context.viewer(archive), login=login, record=record_ref
        )
    context.answer(found)


COMMANDS = (user, token, fonds_group, access)
