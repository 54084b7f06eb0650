"""`deploy/demo`: an embedded archive of invented people, made, filled and served in one command.

Everything is done as its users would do it: accounts are activated and granted by the administrators, the samples are
taken in and read by real workers, and the demo archivist files what is clear.
"""

import argparse
import secrets
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import sqlalchemy as sa
from rich.console import Console

from archive_app import catalogue, installation
from archive_app.cli.context import explain
from archive_app.cli.ingesting import files_under, take_in
from archive_app.core.errors import ArchiveError, Unavailable
from archive_app.core.model import Batch, Fonds
from archive_app.core.settings import Settings, environment
from archive_app.core.vocabulary import Level, RecordState, Viewer
from archive_app.disclosure import masker
from archive_app.web.serving import serve
from archive_app.wiring import Archive, opened
from archive_app.workforce import Workforce
from ingest import intake
from retention import filing
from search.find import Question, find

SAMPLES = Path(__file__).resolve().parent.parent / "tests" / "samples" / "demo"
FONDS = {"J019": "江州市医疗保障服务中心", "J020": "江州市临江区医疗保障局"}
_SEARCHES = ("高血压", "转诊转院", "住院费用结算单")


@dataclass(frozen=True, slots=True)
class _Who:
    login: str
    name: str
    roles: tuple[str, ...]
    fonds: tuple[str, ...]
    level: Level


_ALL = ("J019", "J020")
_PEOPLE = (
    _Who("demo-archivist", "演示档案员", ("archivist",), _ALL, Level.HIGHLY_SENSITIVE),
    _Who("demo-clerk", "演示窗口经办", ("clerk",), ("J019",), Level.SENSITIVE),
    _Who("demo-auditor", "演示审计员", ("auditor",), _ALL, Level.HIGHLY_SENSITIVE),
    _Who("demo-inspector", "演示稽核员", ("inspector",), _ALL, Level.HIGHLY_SENSITIVE),
    _Who("demo-appraiser", "演示鉴定人", ("appraiser",), _ALL, Level.HIGHLY_SENSITIVE),
    _Who("demo-head", "演示档案负责人", ("head",), _ALL, Level.HIGHLY_SENSITIVE),
    _Who("demo-system", "演示系统管理员", ("system-administrator",), (), Level.PUBLIC),
    _Who("demo-security", "演示安全管理员", ("security-administrator",), (), Level.PUBLIC),
    _Who("demo-audit", "演示审计管理员", ("audit-administrator",), (), Level.PUBLIC),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the demo archive where there is none, say what is in it, and serve it."""
    parser = argparse.ArgumentParser(prog="deploy/demo")
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--no-serve", action="store_true")
    options = parser.parse_args(arguments)
    console = Console(stderr=True)
    settings = Settings.from_env(environment(), home=options.dir)
    if not (settings.home / "demo-ready").exists():
        began = time.monotonic()
        _make(settings, console)
        console.print(f"made in {time.monotonic() - began:.0f} s")
    with opened(settings) as archive:
        _tell(archive, console)
    if not options.no_serve:
        console.print(f"\n[bold]http://127.0.0.1:{options.port}/[/bold]   (end with Ctrl+C)")
        serve(settings, host="127.0.0.1", port=options.port)


def _make(settings: Settings, console: Console) -> None:
    """Each step finds what an interrupted run has done already."""
    if not SAMPLES.is_dir():
        raise Unavailable("samples-missing", place=str(SAMPLES))
    if not (settings.home / "archive.db").exists():
        console.print(f"making an archive in {settings.home}")
        installation.install(settings, fonds="J019", name=FONDS["J019"])
    with opened(settings) as archive:
        _add_people(archive, console)
        archivist = _viewer(archive, "demo-archivist")
        for code in FONDS:
            batch = _batch(archive, archivist, code)
            folder = SAMPLES / code
            console.print(f"taking in and reading {code}")
            take_in(archive, archivist, batch, list(files_under([str(folder)])), wait=True, quiet=False)
            with archive.unit(archivist) as unit:
                done = filing.file_clear(unit, batch, tables=archive.tables)
            console.print(f"  filed {len(done.filed)}, left {len(done.left)} for a person")
        with Workforce(settings):
            _until_indexed(archive)
    (settings.home / "demo-ready").touch()


def _until_indexed(archive: Archive) -> None:
    while any(row.state != "buried" for row in archive.queue.list()):
        time.sleep(0.3)


def _add_people(archive: Archive, console: Console) -> None:
    """The three administrators of the installation make the demo's people, each by the own right."""
    home = archive.settings.home
    known = home / "demo-users.txt"
    if known.exists():
        return
    passwords: dict[str, str] = {}
    codes: dict[str, Path] = {login: home / "activation" / f"{login}.code" for login in ("system", "security")}
    viewers: dict[str, Viewer] = {}
    for login, file in codes.items():
        passwords[login] = _password()
        archive.accounts.activate(login, code=file.read_text(encoding="utf-8"), password=passwords[login])
        file.unlink()
        viewers[login] = archive.accounts.viewer(archive.accounts.sign_in(login, passwords[login]))
    with archive.unit(viewers["system"]) as unit:
        installation.add_fonds(unit, code="J020", name=FONDS["J020"])
    tokens = home / "tokens"
    tokens.mkdir(mode=0o700, exist_ok=True)
    for who in _PEOPLE:
        _, code = archive.accounts.add(viewers["system"], who.login, name=who.name)
        passwords[who.login] = _password()
        archive.accounts.activate(who.login, code=code, password=passwords[who.login])
        archive.accounts.grant(viewers["security"], who.login, roles=who.roles, fonds=who.fonds, level=who.level)
        token = archive.accounts.tokens.add(archive.accounts.sign_in(who.login, passwords[who.login]))
        _write(tokens / who.login, token + "\n")
    lines = [f"{login}  {password}" for login, password in passwords.items()]
    _write(known, "\n".join(lines) + "\n")
    console.print("users and passwords (also in demo-users.txt):")
    for line in lines:
        console.print(f"  {line}", highlight=False)


def _password() -> str:
    return f"{secrets.token_urlsafe(9)}-Aa1"


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text, encoding="utf-8")


def _viewer(archive: Archive, login: str) -> Viewer:
    token = (archive.settings.home / "tokens" / login).read_text(encoding="utf-8")
    return archive.accounts.viewer_of_token(token)


def _batch(archive: Archive, archivist: Viewer, code: str) -> UUID:
    with archive.unit(archivist) as unit:
        fonds_id = intake.fonds_in_scope(unit, code)
        known = unit.first(sa.select(Batch).where(Batch.fonds_id == fonds_id))
        if known is not None:
            return known.id
        return intake.open_batch(unit, fonds_id=fonds_id, source="演示样本").id


def _tell(archive: Archive, console: Console) -> None:
    archivist = _viewer(archive, "demo-archivist")
    with archive.reading(archivist) as unit:
        rows = catalogue.listing(unit, archive.tables)
        fonds = unit.count(sa.select(Fonds.id))
    states = {state: sum(row["state"] == state.value for row in rows) for state in RecordState}
    console.print(
        f"{len(rows)} records in {fonds} fonds: {states[RecordState.FILED]} filed, "
        f"{states[RecordState.DESCRIBED]} described, {states[RecordState.REVIEW]} waiting for review"
    )
    console.print("searches to try:")
    for text in _SEARCHES:
        found = find(
            archive.reading, archive.index, Question(text, {}, 1), viewer=archivist, hasher=archive.hasher,
            masker=masker(archivist, archive.tables),
        )  # fmt: skip
        console.print(f"  {text}   {found.total} found", highlight=False)
    command = Path(sys.executable).parent / "archive"
    console.print(f"  {command} --home {archive.settings.home} --token-file "
                  f"{archive.settings.home}/tokens/demo-archivist search {_SEARCHES[0]}", highlight=False)  # fmt: skip


def _run() -> None:
    try:
        main()
    except ArchiveError as fault:
        explain(fault, as_json=False)
        sys.exit(1)


if __name__ == "__main__":
    _run()
