"""Drives the archive as scripts of agencies do: `python -m archive_app`, one process a command."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

PASSWORD = "Herbst-4711-x"


@dataclass(frozen=True, slots=True)
class Said:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def values(self) -> list[Any]:
        """One JSON value a line; anything else on standard output is a fault."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def value(self) -> Any:  # noqa: ANN401 - whatever the contract says
        (only,) = self.values
        return only


class CommandLine:
    """The command line on one home. Nothing of our own environment leads elsewhere."""

    def __init__(self, place: Path) -> None:
        self.place, self.home = place, place / "home"
        kept = {key: value for key, value in os.environ.items() if not key.startswith("ARCHIVE_")}  # noqa: TID251
        self._environment = {**kept, "ARCHIVE_HOME": str(self.home)}

    def set(self, **settings: str | None) -> None:
        """Settings of every later command; None takes one away."""
        for name, value in settings.items():
            self._environment.pop(name, None)
            if value is not None:
                self._environment[name] = value

    def __call__(self, *words: str, login: str | None = None, stdin: str = "", ends: int = 0) -> Said:
        """Run `archive --json WORDS` as `login`, and hold it to the exit code `ends`."""
        said = self.plain("--json", *(("--token-file", str(self.token(login))) if login else ()), *words, stdin=stdin)
        assert said.code == ends, f"{' '.join(words)}: {said.code}\n{said.out}\n{said.err}"
        return said

    def plain(self, *words: str, stdin: str = "") -> Said:
        """Run `archive WORDS` as it stands."""
        done = subprocess.run(
            [sys.executable, "-m", "archive_app", *words],
            input=stdin, capture_output=True, text=True, encoding="utf-8", timeout=240, check=False,
            env=self._environment, cwd=self.place,
        )  # fmt: skip
        return Said(done.returncode, done.stdout, done.stderr)

    def spawn(self, *words: str, output: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start `archive WORDS` as a service, and leave it running."""
        return subprocess.Popen(
            [sys.executable, "-m", "archive_app", *words],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            env=self._environment, cwd=self.place,
        )  # fmt: skip

    def token(self, login: str) -> Path:
        return self.place / f"{login}.token"

    def join(self, login: str, code_file: str) -> None:
        """Activate an account and make its token file."""
        self("user", "activate", login, "--code-file", code_file, "--password-stdin", stdin=f"{PASSWORD}\n")
        made = self("token", "add", login, "--password-stdin", "-o", str(self.token(login)), stdin=f"{PASSWORD}\n")
        assert made.value["file"] == str(self.token(login))

    def add_user(self, login: str, *, role: str, fonds: tuple[str, ...], level: str) -> None:
        made = self("user", "add", login, "--name", f"用户{login}", login="system").value
        assert {"login", "person", "activation"} <= made.keys()
        self.join(login, made["activation"])
        scope = [word for code in fonds for word in ("--fonds", code)]
        granted = self("user", "grant", login, "--role", role, *scope, "--level", level, login="security").value
        assert granted == {"login": login, "roles": [role], "fonds": list(fonds), "level": level}
