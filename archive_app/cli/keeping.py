"""`archive backup …` and `archive move`: a second place for everything, and the way back from it. No token needed."""

import getpass
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from archive_app.backup import history
from archive_app.backup.landing import Landed
from archive_app.backup.manifest import read_manifest
from archive_app.backup.moving import move
from archive_app.backup.places import place_of
from archive_app.backup.prune import prune
from archive_app.backup.restore import restore
from archive_app.backup.run import Progress as Report
from archive_app.backup.run import run, the_only_one
from archive_app.backup.vault import open_vault
from archive_app.backup.verify import Verified, chosen, verify
from archive_app.cli.context import Context, with_context
from archive_app.core.errors import ArchiveError, InvalidInput
from archive_app.core.settings import Settings, environment
from archive_app.keys import FileSigner, KeyFiles
from archive_app.wiring import opened


@click.group("backup")
def backup() -> None:
    """Snapshots of everything in a second place (ARCHIVE_BACKUP_URL)."""


@contextmanager
def _bars(context: Context) -> Iterator[Report]:
    """A bar for each thing that is done, on a terminal."""
    columns = (TextColumn("{task.description:8}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), disable=context.as_json) as bars:
        tasks: dict[str, TaskID] = {}

        def report(what: str, done: int, total: int | None) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield report


@backup.command("run")
@click.option("--check-all", is_flag=True, help="Look for every object in the place, also those of the last snapshot.")
@click.option("--new-place", is_flag=True, help="The place was emptied on purpose: begin there anew.")
@with_context
def backup_run(context: Context, *, check_all: bool, new_place: bool) -> int:
    """Make a snapshot: rows, the objects they name, keys if it is encrypted. Only what is new is copied."""
    with context.archive() as archive, _bars(context) as report:
        made = run(archive, thorough=check_all, anew=new_place, progress=report)
    first = (
        f"snapshot {made.snapshot}: {made.rows} rows, {made.objects} objects, {made.bytes / 1e6:.1f} MB; "
        f"new {made.copied} objects, {made.copied_bytes / 1e6:.1f} MB in {made.seconds:.1f} s"
    )
    human = [first]
    human += [f"  missing in the archive: {key}" for key in made.missing]
    human += [f"  altered in the archive: {key}" for key in made.altered]
    if made.apart:
        human.append("  not encrypted: keep these files elsewhere, nothing is restored without them:")
        human += [f"    {path}" for path in made.apart]
    context.answer(made.as_json(), "\n".join(human))
    return 0 if made.sound else 3


@backup.command("verify")
@click.option("--snapshot", help="Its id; otherwise the newest.")
@with_context
def backup_verify(context: Context, *, snapshot: str | None) -> int:
    """Read a snapshot back whole and compute everything in it again. Needs no archive, only the place."""
    settings = _said(context)
    vault = open_vault(place_of(settings), settings.backup_key)
    key = KeyFiles.of(settings.keys).signing
    signer = FileSigner(key) if key.exists() else None
    with _bars(context) as report:
        found = verify(vault, chosen(vault, snapshot), signer=signer, progress=report)
    _note_verification(context, found)
    first = (
        f"snapshot {found.snapshot}: {found.rows} rows, {found.objects} objects, {found.bytes / 1e6:.1f} MB "
        f"read back in {found.seconds:.1f} s"
    )
    human = [first]
    human += [f"  {fault.where}: {fault.what}" for fault in found.faults] or ["  no fault found"]
    human += [f"  was missing in the archive already: {key}" for key in found.missing]
    context.answer(found.as_json(), "\n".join(human))
    return 3 if found.faults or found.missing else 0


def _note_verification(context: Context, found: Verified) -> None:
    """For the status page, where there is an archive here."""
    try:
        with opened(context.settings) as archive:
            now = archive.clock.now()
            place = history.place_name(archive.settings)
            ident = history.began(archive.engine, "verify", place, now=now, snapshot=found.snapshot)
            history.ended(
                archive.engine, ident, now=now, outcome="found" if found.faults else "done", rows=found.rows,
                objects=found.objects, bytes=found.bytes,
            )  # fmt: skip
    except ArchiveError as absent:
        logging.getLogger("archive").info("backup.verified without an archive here: %s", absent.code)


@backup.command("restore")
@click.option("--into", type=click.Path(file_okay=False), help="An empty folder, otherwise that of the settings.")
@click.option("--snapshot", help="Its id; otherwise the newest.")
@with_context
def backup_restore(context: Context, *, into: str | None, snapshot: str | None) -> int:
    """Make an archive of a snapshot, in the database and store of the settings, and compare everything."""
    settings = Settings.from_env(environment(), home=Path(into)) if into else context.settings
    _log_user()
    with _bars(context) as report:
        landed = restore(settings, snapshot=snapshot, progress=report)
    return _landed(context, landed)


def _landed(context: Context, landed: Landed) -> int:
    first = (
        f"{landed.origin} is in {landed.home} ({landed.database}): {landed.rows} rows, {landed.objects} objects, "
        f"{landed.bytes / 1e6:.1f} MB, {landed.indexed} records indexed in {landed.seconds:.1f} s"
    )
    human = [first, f"  audit log verified: {landed.size} leaves, root {landed.root}"]
    if landed.replayed:
        human.append(f"  {landed.replayed} records and files stay destroyed")
    human += [f"  was missing in the archive already: {key}" for key in landed.missing]
    context.answer(landed.as_json(), "\n".join(human))
    return 3 if landed.missing else 0


@backup.command("list")
@with_context
def backup_list(context: Context) -> None:
    """Snapshots in the place, oldest first."""
    settings = _said(context)
    vault = open_vault(place_of(settings), settings.backup_key)
    for snapshot in vault.snapshots():
        made = read_manifest(vault, snapshot)
        facts = {
            "snapshot": snapshot, "made_at": made.made_at, "rows": made.rows, "objects": made.objects,
            "bytes": made.bytes, "missing": list(made.missing),
            "head": {"size": made.head.size, "root": made.head.root},
        }  # fmt: skip
        context.answer(
            facts, f"{snapshot}  {made.made_at}  {made.rows} rows  {made.objects} objects  {made.bytes / 1e6:.1f} MB"
        )


@backup.command("prune")
@click.option("--keep", required=True, type=click.IntRange(min=1), help="How many of the newest snapshots stay.")
@with_context
def backup_prune(context: Context, *, keep: int) -> None:
    """Forget old snapshots, and remove what no other snapshot names."""
    with context.archive() as archive, the_only_one(archive) as still_alone, _bars(context) as report:
        settings = archive.settings
        vault = open_vault(place_of(settings), settings.backup_key)
        gone = prune(vault, keep=keep, still_alone=still_alone, progress=report)
    context.answer(
        gone.as_json(), f"{len(gone.snapshots)} snapshots forgotten, {gone.files} files removed, {gone.kept} kept"
    )


def _said(context: Context) -> Settings:
    _log_user()
    return context.settings


def _log_user() -> None:
    logging.getLogger("archive").info("command.run user=%s", getpass.getuser())


@click.command("move")
@click.option(
    "--target", required=True, type=click.Path(exists=True, dir_okay=False),
    help="File with the new home's settings, one ARCHIVE_…=… a line.",
)  # fmt: skip
@with_context
def move_archive(context: Context, *, target: str) -> int:
    """Move this archive to another home, database, store and index. It must be stopped, and stays as it is."""
    settings = _settings_in(Path(target))
    _log_user()
    with _bars(context) as report:
        landed = move(context.settings, settings, progress=report)
    return _landed(context, landed)


def _settings_in(path: Path) -> Settings:
    """Settings as `systemd` and `docker` read them from a file: no secret is an argument."""
    found = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not equals:
            raise InvalidInput("settings-invalid", **{f"line {number}": "not NAME=VALUE"})
        found[name.strip()] = value.strip().strip("\"'")
    if "ARCHIVE_HOME" not in found:
        raise InvalidInput("settings-invalid", ARCHIVE_HOME="missing")
    return Settings.from_env(found)


COMMANDS = (backup, move_archive)
