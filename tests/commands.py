"""The command line without a process of its own: quick, and what it raises can be looked at."""

import json
from pathlib import Path
from typing import Any

import databases
from click.testing import CliRunner, Result

from archive_app.cli import cli


def said(home: Path, *words: str, **settings: str) -> Result:
    """What `archive --json WORDS` says on this home; wrong use ends with 2."""
    return _run(home, words, settings, standalone_mode=True)


def answer(home: Path, *words: str, ends: int = 0, **settings: str) -> Any:  # noqa: ANN401 - whatever the contract says
    """The one answer, of a command that ends so."""
    (only,) = answers(home, *words, ends=ends, **settings)
    return only


def answers(home: Path, *words: str, ends: int = 0, **settings: str) -> list[Any]:
    """Its answers, one a line. Raises what the command raises."""
    found = _run(home, words, settings, standalone_mode=False)
    if found.exception is not None:
        raise found.exception
    assert int(found.return_value or 0) == ends, found.output
    return [json.loads(line) for line in found.stdout.splitlines()]


def _run(home: Path, words: tuple[str, ...], settings: dict[str, str], **how: bool) -> Result:
    environment = {**databases.environment(home), **settings}
    return CliRunner().invoke(cli, ["--json", "--home", str(home), *words], env=environment, **how)
