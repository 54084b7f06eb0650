"""Commands about the search index: they need no token and show no records."""

import click

from archive_app.cli.context import Context, with_context
from search import sync


@click.group("index")
def index() -> None:
    """The search index."""


@index.command("prepare")
@with_context
def index_prepare(context: Context) -> None:
    """Make an empty index where there is none, with the template that a server needs."""
    with context.archive() as archive:
        archive.index.put(())
        status = dict(archive.index.status())
    context.answer(status, f"{status['engine']} {status['version']}, {status['documents']} documents")


@index.command("rebuild")
@with_context
def index_rebuild(context: Context) -> None:
    """Make the index anew and swap it in without outage."""
    from rich.console import Console  # noqa: PLC0415 - `index status` draws no bar
    from rich.progress import Progress  # noqa: PLC0415

    with context.archive() as archive, Progress(console=Console(stderr=True), disable=context.as_json) as bar:
        task = bar.add_task("records", total=None)
        done = sync.rebuild(
            archive.reading(archive.own_work("index")),
            archive.index,
            hasher=archive.hasher,
            progress=lambda now, total: bar.update(task, completed=now, total=total),
        )
    context.answer({"records": done}, f"{done} records indexed")


@index.command("compare")
@click.option("--repair", is_flag=True, help="Bring every record that differs up to date.")
@with_context
def index_compare(context: Context, *, repair: bool) -> int:
    """Compare the index with the database both ways."""
    with context.archive() as archive:
        unit = archive.reading(archive.own_work("index"))
        found = sync.compare(unit, archive.index)
        repaired = sync.repair(unit, archive.index, found, hasher=archive.hasher) if repair else 0
    facts = {
        "records": found.records,
        "indexed": found.indexed,
        "missing": [str(ident) for ident in found.missing],
        "stale": [str(ident) for ident in found.stale],
        "ghosts": [str(ident) for ident in found.ghosts],
        "repaired": repaired,
    }
    human = (
        f"{found.records} records, {found.indexed} indexed: missing {len(found.missing)}, "
        f"stale {len(found.stale)}, ghosts {len(found.ghosts)}, repaired {repaired}"
    )
    context.answer(facts, human)
    return 0 if found.equal or repair else 3


@index.command("status")
@with_context
def index_status(context: Context) -> None:
    """Engine, version, documents, size."""
    with context.archive() as archive:
        context.answer(dict(archive.index.status()))


COMMANDS = (index,)
