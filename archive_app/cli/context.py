"""What every command shares: settings, who is speaking, and how answers and failures are printed."""

import getpass
import json
import logging
import os
import sys
import typing
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import update_wrapper
from pathlib import Path
from typing import Any, TypeVar

import click

from archive_app.core.errors import ArchiveError, NotSignedIn
from archive_app.core.settings import Settings, environment
from archive_app.core.vocabulary import Viewer

if typing.TYPE_CHECKING:
    from archive_app.wiring import Archive

F = TypeVar("F", bound=Callable[..., Any])
_TOKEN_KEY = "ARCHIVE_TOKEN"  # noqa: S105 - the name of a setting


class OutputFile(click.Path):
    """A file to write. A folder that is not there is wrong use, said before anything is done."""

    def __init__(self) -> None:
        super().__init__(dir_okay=False, writable=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401
        """The path as given. Fails where no file can be made."""
        path = super().convert(value, param, ctx)
        folder = Path(os.fsdecode(path)).resolve().parent
        if not (folder.is_dir() and os.access(folder, os.W_OK)):
            self.fail(f"nothing can be written in {folder}", param, ctx)
        return path


@dataclass(slots=True)
class Context:
    """One run of the command line."""

    as_json: bool
    token_file: str | None
    home: str | None

    @property
    def settings(self) -> Settings:
        """From the environment; `--home` goes before ARCHIVE_HOME."""
        return Settings.from_env(environment(), home=Path(self.home) if self.home else None)

    @contextmanager
    def archive(self) -> Iterator["Archive"]:
        """The archive, opened. Installation commands are logged with the operating system's user."""
        from archive_app.wiring import opened  # noqa: PLC0415 - `--help` and the like do without an archive

        logging.getLogger("archive").info("command.run user=%s", getpass.getuser())
        with opened(self.settings) as archive:
            yield archive

    def viewer(self, archive: "Archive") -> Viewer:
        """Who is speaking, by token. Raises `NotSignedIn`."""
        return archive.accounts.viewer_of_token(self._token())

    def _token(self) -> str:
        given = environment()
        if file := self.token_file or given.get(f"{_TOKEN_KEY}_FILE"):
            try:
                return Path(file).read_text(encoding="utf-8", errors="replace").strip()
            except OSError as fault:
                raise click.UsageError(f"file of the token: {fault.strerror}") from fault
        token = given.get(_TOKEN_KEY)
        if not token:
            raise NotSignedIn("token-missing")
        return token.strip()

    def answer(self, value: Mapping[str, Any], human: str | None = None) -> None:
        """Print one answer."""
        if self.as_json:
            click.echo(json.dumps(value, ensure_ascii=False, default=str))
        elif human is not None:
            click.echo(human)
        else:
            click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def with_context(function: F) -> F:
    """Hand the run's `Context` to a command as its first argument."""

    @click.pass_context
    def wrapped(click_context: click.Context, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        return click_context.invoke(function, click_context.obj, *args, **kwargs)

    return update_wrapper(wrapped, function)  # type: ignore[return-value]  # click keeps the signature


def personal(value: str) -> str:
    """An argument that may be a name or number: `-` reads it from standard input, where no process list shows it."""
    return sys.stdin.readline().strip() if value == "-" else value


def explain(fault: ArchiveError, *, as_json: bool) -> None:
    """Say what failed, on standard error; a script gets the code as JSON there."""
    if as_json:
        facts = {"error": fault.code, **{key: str(value) for key, value in fault.parameters.items()}}
        click.echo(json.dumps(facts, ensure_ascii=False), err=True)
    else:
        click.echo(f"archive: {_ADVICE.get(fault.code, fault.code)}", err=True)
        for key, value in fault.parameters.items():
            click.echo(f"  {key}: {value}", err=True)


_ADVICE = {
    "full-text-unavailable": "full-text search does not answer now. A whole citizen number, document number, archival "
    "number or name is looked up in the database all the same.",
    "search-interrupted": "full-text search went away between two pages. Ask for this page again later, or begin anew "
    "without --after: a whole number or name is looked up in the database all the same.",
    "index-not-prepared": "there is no index yet. Run `archive index prepare`, or `archive index rebuild`.",
    "index-lost": "the index is gone from the server. Run `archive index rebuild`.",
    "index-format-differs": "the index was made by another version of this program. Run `archive index rebuild`.",
    "index-rebuild-running": "another rebuild of the index runs.",
    "index-refuses-us": "the index server refuses our key: check ARCHIVE_INDEX_API_KEY_FILE and its rights.",
    "index-unreachable": "the index server does not answer: check ARCHIVE_INDEX_URL and whether it runs.",
    "no-archive-here": "there is no archive here. Make one with `archive init`, or name it with --home.",
    "address-not-free": "the site cannot be served there: is another program at this port? Choose one with --port.",
    "archive-exists": "there is an archive here already. Choose another folder with ARCHIVE_HOME or --home.",
    "database-not-current": "the database has another version than this program. Run `archive db upgrade`.",
    "database-down": "the database does not answer. Is the server of ARCHIVE_DATABASE_URL up, and the password right?",
    "database-not-granted": "this role was given nothing in the database. Run `archive db upgrade` with "
    "ARCHIVE_DATABASE_URL naming the role and ARCHIVE_DATABASE_OWNER_URL set: that grants what it needs.",
    "database-busy": "the database has too much to do just now. Try again.",
    "token-missing": "this command needs to know who is speaking: give --token-file FILE or set ARCHIVE_TOKEN.",
    "token-invalid": "the token is unknown, revoked or expired. Make a new one with `archive token add`.",
    "sign-in-failed": "login, password or second factor is wrong; five failures lock an account for 15 minutes.",
    "activation-failed": "the code is wrong, or no such account waits for one.",
    "not-found": "there is no such thing within your scope.",
    "forbidden": "your roles do not allow this.",
    "settings-invalid": "these settings cannot be used:",
    "invalid-input": "this cannot be used:",
    "stale-version": "somebody changed it meanwhile. Look again, then repeat.",
    "restore-not-finished": "a restore or move into this home has not ended. Run the same command again: it goes on.",
    "backup-not-set-up": "no place for backups is set. Set ARCHIVE_BACKUP_URL=file:///folder or s3+https://…",
    "backup-place-lost": "the place held backups and is empty or gone: is the disk mounted? "
    "If it was emptied on purpose, give --new-place.",
    "backup-place-empty": "there is no backup in this place.",
    "backup-place-full": "the place for backups is full. Make room (`archive backup prune`), then run it again.",
    "backup-place-failed": "the place for backups does not answer.",
    "backup-without-snapshot": "no run ever ended in this place: there is nothing to read back.",
    "backup-key-wrong": "this is not the key the backup was made with (ARCHIVE_BACKUP_KEY).",
    "backup-key-needed": "the backup is encrypted: give its key with ARCHIVE_BACKUP_KEY_FILE.",
    "backup-not-encrypted": "this place holds a backup without encryption, and a key is set. Choose another place.",
    "backup-running": "a backup, prune or move of this archive is running.",
    "backup-newer": "the backup was made by a newer program. Use that one.",
    "keys-not-in-backup": "the backup holds no keys. Put these files there, then run it again:",
    "keys-of-another-archive": "the keys in this folder are not those of the archive that was backed up.",
    "home-not-empty": "the new home must be an empty folder.",
    "database-not-empty": "the database of the new home must be empty.",
    "store-not-empty": "the store of the new home must be empty.",
    "same-home": "the archive is there already: name another home in the target's settings.",
    "workers-live": "the archive must be stopped: workers are running.",
    "source-changed": "somebody worked in the archive while it was moved. Stop it, empty the target, move again.",
    "roles-exclude": "one person may not hold these roles together.",
    "own-grant": "nobody grants to the own account.",
}
