"""`archive ingest PATH…`: files and folders into a batch, with their outcome one by one and the balance at the end."""

import logging
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar
from uuid import UUID

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from archive_app import batches
from archive_app.cli.context import Context, with_context
from archive_app.core.errors import Conflict, Refused, StaleVersion, Unavailable
from archive_app.core.unit import parse_id
from archive_app.core.vocabulary import IntakeOutcome, Viewer
from archive_app.wiring import Archive
from archive_app.workforce import Workforce
from ingest import intake
from ingest.examining import examine

_LOG = logging.getLogger("archive")
T = TypeVar("T")
_POLL_SECONDS = 0.5
_PATIENCE_SECONDS = 600.0
_LONGEST_PAUSE_SECONDS = 15.0


@click.command("ingest")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True))
@click.option("--fonds", help="Code of the fonds; otherwise the only one in your scope.")
@click.option("--source", help="The desk it comes from.")
@click.option("--box", help="The box it came in.")
@click.option("--batch", "batch_id", help="Go on with this open batch.")
@click.option("--declared-files", type=int)
@click.option("--declared-pages", type=int)
@click.option("--declared-sheets", type=int)
@click.option("--engine", type=click.Choice(["rapidocr", "tesseract"]), help="OCR engine of this batch.")
@click.option("--wait", is_flag=True, help="Return when every record is described and searchable.")
@with_context
def ingest(
    context: Context,
    *,
    paths: tuple[str, ...],
    fonds: str | None,
    source: str | None,
    box: str | None,
    batch_id: str | None,
    declared_files: int | None,
    declared_pages: int | None,
    declared_sheets: int | None,
    engine: str | None,
    wait: bool,
) -> int:
    """Take files and folders in."""
    files = list(files_under(paths))
    if not files:
        raise click.UsageError("no file there")
    with context.archive() as archive:
        viewer = context.viewer(archive)
        if batch_id:
            batch = parse_id(batch_id, kind="batch")
        else:
            with archive.unit(viewer) as unit:
                declared = intake.Declared(declared_files, declared_pages, declared_sheets)
                batch = intake.open_batch(
                    unit, fonds_id=intake.fonds_in_scope(unit, fonds), source=source, box=box,
                    declared=declared, ocr_engine=engine,
                ).id  # fmt: skip
        report = take_in(archive, viewer, batch, files, wait=wait, quiet=context.as_json)
    for line in report.files:
        human = f"{line.outcome.value:9}  {line.file}" + (
            f"\n           {line.message}" if line.outcome == IntakeOutcome.REFUSED else ""
        )
        context.answer(line.as_json(), human)
    found = report.balance
    context.answer(
        report.summary(),
        f"received {found.received} = accepted {found.accepted} + duplicate {found.duplicate} + refused "
        f"{found.refused}" + (f" + waiting {found.waiting}" if found.waiting else "")
        + f"; {found.pages} pages, {found.records} records\nbatch {report.batch.number}: {report.batch.id}",
    )  # fmt: skip
    return 3 if found.refused else 0


def files_under(paths: Iterable[str]) -> Iterator[tuple[Path, str]]:
    """Everything but folders, with its name relative to the PATH it was found under; links in one are not followed."""
    for text in paths:
        path = Path(text)
        if path.is_dir():
            found = sorted(one for one in path.rglob("*") if one.is_symlink() or not one.is_dir())
            yield from ((one, one.relative_to(path).as_posix()) for one in found)
        else:
            yield path.resolve(), path.name


def take_in(
    archive: Archive, viewer: Viewer, batch: UUID, files: list[tuple[Path, str]], *, wait: bool, quiet: bool
) -> batches.Report:
    """Receive the files; without `wait` each is examined here, with it workers do all and the batch is waited for."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description:10}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=quiet) as bar:
        task = bar.add_task("received", total=len(files))
        for path, name in files:
            ident = _patiently(console, partial(_receive, archive, viewer, batch, path, name))
            if not wait and ident is not None:
                _examine_here(archive, ident)
            bar.advance(task)
        if wait:
            alone = _patiently(console, archive.queue.live_workers) == 0
            with Workforce(archive.settings, relay=True) if alone else nullcontext():
                _wait(archive, viewer, batch, bar)
    return _patiently(console, partial(_report, archive, viewer, batch))


def _patiently(console: Console, deed: Callable[[], T]) -> T:
    """Do it, and while a part of the archive is away do it again, saying so once. Nothing is taken in twice by that.

    Raises `Unavailable` after ten minutes.
    """
    until, pause = time.monotonic() + _PATIENCE_SECONDS, 1.0
    while True:
        try:
            return deed()
        except Unavailable as fault:
            if time.monotonic() >= until:
                raise
            if pause == 1.0:
                console.print(f"waiting: {fault.code}; going on as soon as it answers")
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


def _report(archive: Archive, viewer: Viewer, batch: UUID) -> batches.Report:
    with archive.reading(viewer) as unit:
        return batches.report(unit, batch)


def _receive(archive: Archive, viewer: Viewer, batch: UUID, path: Path, name: str) -> UUID | None:
    try:
        with _opened(path) as stream:
            return intake.receive(archive.workshop, viewer, batch, stream, path=name)
    except Refused as refusal:  # no file, or too large: nothing of it was kept
        intake.refuse_unread(archive.workshop, viewer, batch, path=name, size=path.lstat().st_size, refusal=refusal)
        return None
    except OSError as fault:
        unread = Refused("unreadable", detail=fault.strerror or "unreadable")
        intake.refuse_unread(archive.workshop, viewer, batch, path=name, size=0, refusal=unread)
        return None


def _opened(path: Path) -> BinaryIO:
    """Raises `Refused` for a link, pipe or device: nobody knows what it leads to, or whether it ever ends."""
    if not stat.S_ISREG(path.lstat().st_mode):
        raise Refused("not-a-file")
    return path.open("rb")


def _examine_here(archive: Archive, ident: UUID) -> None:
    try:
        examine(archive.workshop, archive.own_work("intake"), ident)
    except (Conflict, StaleVersion):
        return  # a worker was quicker
    except Unavailable as fault:  # its job is there: a worker does it, once what it needs is back
        _LOG.warning("intake.left.to.workers code=%s", fault.code)


def _wait(archive: Archive, viewer: Viewer, batch: UUID, bar: Progress) -> None:
    task = bar.add_task("pages read", total=None)
    while True:
        work = _patiently(bar.console, partial(_work, archive, viewer, batch))
        bar.update(task, completed=work.pages_done, total=work.pages or None)
        if not work.waiting:
            return
        time.sleep(_POLL_SECONDS)


def _work(archive: Archive, viewer: Viewer, batch: UUID) -> batches.Work:
    with archive.reading(viewer) as unit:
        return batches.work_of(unit, archive.sessions, batch)


COMMANDS = (ingest,)
