"""Commands about the bytes: prepare the store, test it, compare it with the rows, renew its locks."""

from contextlib import closing

import click
from rich.console import Console
from rich.progress import Progress

from archive_app import keeping
from archive_app.cli.context import Context, with_context
from archive_app.core.errors import InvalidInput
from archive_app.store_check import check as check_store
from archive_app.wiring import Archive


@click.group("store")
def store() -> None:
    """The bytes."""


@store.command("prepare")
@with_context
def store_prepare(context: Context) -> int:
    """Make the buckets of store and register with versions and object lock, or say what an administrator has to do."""
    with closing(Archive(context.settings)) as archive:
        on_s3 = not context.settings.store_url.startswith("file:")
        made = [archive.prepare_store() if on_s3 else None, archive.prepare_register()]
    found = [one for one in made if one is not None]
    if not found:
        raise InvalidInput("settings-invalid", ARCHIVE_STORE_URL="a folder needs no preparing")
    for one in found:
        facts = {
            "bucket": one.bucket, "made": one.made, "versions": one.versions, "locks": one.locks,
            "todo": list(one.todo),
        }  # fmt: skip
        lines = [f"bucket {one.bucket}: {'made' if one.made else 'was there' if one.versions else 'not ready'}"]
        lines += [f"  versions {_yes(one.versions)}, object lock {_yes(one.locks)}"]
        lines += [f"  to do: {words}" for words in one.todo]
        context.answer(facts, "\n".join(lines))
    return 3 if any(one.todo for one in found) else 0


@store.command("self-test")
@with_context
def store_self_test(context: Context) -> int:
    """Try with the archive's own credentials to change what is locked; what gets through is named."""
    with context.archive() as archive:
        found = keeping.try_store(archive)
    facts = {
        "kind": found.kind, "write_once": found.holds, "versions": found.versions, "locks": found.locks,
        "attempts": [{"name": one.name, "held": one.held, "answer": one.answer} for one in found.attempts],
    }  # fmt: skip
    lines = ["write-once: everything tried was refused" if found.holds else "NOT write-once"]
    if found.kind == "folder":
        lines.append("  a folder keeps its locks against this program only: who may write to the disk may change it")
    elif not found.holds:
        lines.append(f"  versions {_yes(found.versions)}, object lock {_yes(found.locks)}")
    lines += [f"  {one.name:20} {'held' if one.held else 'GOT THROUGH'} ({one.answer})" for one in found.attempts]
    context.answer(facts, "\n".join(lines))
    return 0 if found.holds else 3


@store.command("renew-locks")
@with_context
def store_renew_locks(context: Context) -> int:
    """Lock filed masters again whose lock runs out in less than 200 days."""
    locked = missing = 0
    with context.archive() as archive:
        while True:
            found = keeping.renew_locks(archive)
            locked, missing = locked + found.locked, missing + len(found.missing)
            if not found.more:
                break
        ending = keeping.locks_ending(archive)
    facts = {"locking": found.locking, "locked": locked, "missing": missing, "ending": ending}
    human = f"{locked} locked, {missing} missing, {ending} locked for less than 100 days"
    context.answer(facts, human if found.locking else "this store locks nothing")
    return 3 if missing or ending else 0


@store.command("check")
@click.option("--read", "read_bytes", is_flag=True, help="Read every byte again and compare digests.")
@click.option("--sweep", is_flag=True, help="Let go of bytes that no row names and that are older than a day.")
@with_context
def store_check(context: Context, *, read_bytes: bool, sweep: bool) -> int:
    """Compare rows with bytes, both ways."""
    with context.archive() as archive, Progress(console=Console(stderr=True), disable=context.as_json) as bar:
        task = bar.add_task("objects", total=None)
        found = check_store(
            archive, read_bytes=read_bytes, sweep=sweep, progress=lambda now: bar.update(task, completed=now)
        )
    human = (
        f"{found.rows} rows, {found.objects} objects: missing {len(found.missing)}, altered {len(found.altered)}, "
        f"strays {len(found.strays)}, swept {found.swept}"
    )
    context.answer(found.as_json(), human)
    return 3 if found.missing or found.altered or (found.strays and not sweep) else 0


def _yes(fact: bool) -> str:  # noqa: FBT001 - the one argument
    return "yes" if fact else "NO"


COMMANDS = (store,)
