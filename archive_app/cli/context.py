"""What every command shares: settings, who is speaking, and how answers and failures are printed."""

import getpass
import json
import logging
import sys
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
from archive_app.wiring import Archive, opened

F = TypeVar("F", bound=Callable[..., Any])
_TOKEN_KEY = "ARCHIVE_TOKEN"  # noqa: S105 - the name of a setting


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
    def archive(self) -> Iterator[Archive]:
        """The archive, opened. Installation commands are logged with the operating system's user."""
        logging.getLogger("archive").info("command.run user=%s", getpass.getuser())
        with opened(self.settings) as archive:
            yield archive

    def viewer(self, archive: Archive) -> Viewer:
        """Who is speaking, by token. Raises `NotSignedIn`."""
        return archive.accounts.viewer_of_token(self._token())

    def _token(self) -> str:
        if self.token_file:
            try:
                return Path(self.token_file).read_text(encoding="utf-8").strip()
            except OSError as fault:
                raise click.UsageError(f"--token-file: {fault.strerror}") from fault
        token = environment().get(_TOKEN_KEY)
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
    "index-not-prepared": "there is no index yet. Run `archive index prepare`, or `archive index rebuild`.",
    "index-lost": "the index is gone from the server. Run `archive index rebuild`.",
    "index-format-differs": "the index was made by another version of this program. Run `archive index rebuild`.",
    "index-rebuild-running": "another rebuild of the index runs.",
    "index-refuses-us": "the index server refuses our key: check ARCHIVE_INDEX_API_KEY_FILE and its rights.",
    "index-unreachable": "the index server does not answer: check ARCHIVE_INDEX_URL and whether it runs.",
    "no-archive-here": "there is no archive here. Make one with `archive init`, or name it with --home.",
    "archive-exists": "there is an archive here already. Choose another folder with ARCHIVE_HOME or --home.",
    "database-not-current": "the database has another version than this program. Run `archive db upgrade`.",
    "database-down": "the database does not answer. Is the server of ARCHIVE_DATABASE_URL up, and the password right?",
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
    "roles-exclude": "one person may not hold these roles together.",
    "own-grant": "nobody grants to the own account.",
}
