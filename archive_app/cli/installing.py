"""Commands about the installation: they need no token and read no records."""

import json
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from tomllib import TOMLDecodeError, loads
from typing import Any
from uuid import UUID

import click
import sqlalchemy as sa
from rich.console import Console
from rich.progress import Progress

from archive_app import chores, database, installation, rules
from archive_app.cli.context import Context, OutputFile, with_context
from archive_app.core import audit
from archive_app.core.audit import TreeHead
from archive_app.core.errors import Conflict, InvalidInput, NotFound
from archive_app.core.model import AuditLeaf
from archive_app.core.reference import Kind
from archive_app.core.vocabulary import JobState
from archive_app.wiring import Archive
from archive_app.worker import CHORES
from search import sync


@click.command("init")
@click.option("--fonds", help="Code of the first fonds (全宗).")
@click.option("--name", help="Name of the first fonds.")
@click.option("--second-factor", is_flag=True, help="Administrators need a one-time code beside the password.")
@click.option("--or-upgrade", is_flag=True, help="Where there is an archive already, bring it up to date instead.")
@with_context
def init(context: Context, *, fonds: str | None, name: str | None, second_factor: bool, or_upgrade: bool) -> None:
    """Make a new archive with its three administrators."""
    if name and not fonds:
        raise click.UsageError("--name goes with --fonds")
    try:
        made = installation.install(context.settings, fonds=fonds, name=name, second_factor=second_factor)
    except Conflict as there:
        if not or_upgrade or there.code != "archive-exists":
            raise
        _upgrade(context)
        return
    files = {login: str(path) for login, path in made.activation.items()}
    lines = [f"archive made in {made.home}", "activation codes, readable by you only:"]
    lines += [f"  {login:10} {path}" for login, path in files.items()]
    context.answer({"home": str(made.home), "fonds": made.fonds, "activation": files}, "\n".join(lines))


@click.group("settings")
def settings() -> None:
    """What is in force."""


@settings.command("show")
@with_context
def settings_show(context: Context) -> None:
    """Every setting, its value and where it came from; secrets masked."""
    shown = context.settings.shown()
    width = max(map(len, shown))
    lines = [f"{key:{width}}  {one['value']!s:40}  {one['source']}" for key, one in shown.items()]
    context.answer(shown, "\n".join(lines))


@click.group("db")
def db() -> None:
    """The database's schema."""


@db.command("upgrade")
@with_context
def db_upgrade(context: Context) -> None:
    """Bring the schema to this program's version."""
    _upgrade(context)


def _upgrade(context: Context) -> None:
    with closing(Archive(context.settings)) as archive:
        before = archive.upgrade_database()
        after = database.current(archive.owner_engine)
        loaded = rules.load_bundled(archive.sessions, archive.clock)
    context.answer({"from": before, "to": after, "rules": loaded}, f"database: {before} → {after}")


@db.command("check")
@with_context
def db_check(context: Context) -> int:
    """Compare the schema with the program's tables."""
    with closing(Archive(context.settings)) as archive:
        differences = database.differences(archive.owner_engine)
        current = database.current(archive.owner_engine)
    context.answer(
        {"current": current, "newest": database.newest(), "differences": differences},
        "\n".join([f"revision {current}", *differences]) if differences else f"revision {current}: as it should be",
    )
    return 3 if differences or current != database.newest() else 0


@click.group("rules")
def rule_tables() -> None:
    """Rule tables: classes, types, retention, roles and the rest."""


@rule_tables.command("load")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False))
@with_context
def rules_load(context: Context, files: tuple[str, ...]) -> None:
    """Load new versions from TOML files; all faults are named together and nothing is loaded then."""
    texts: dict[Kind, str] = {}
    for name in files:
        text = Path(name).read_text(encoding="utf-8")
        texts[_kind_of(text, name)] = text
    with context.archive() as archive:
        changed = rules.load(archive.sessions, archive.clock, texts, actor="installation")
    context.answer({"loaded": changed}, f"loaded: {', '.join(changed) or 'nothing new'}")


def _kind_of(text: str, name: str) -> Kind:
    try:
        return Kind(str(loads(text).get("kind")))
    except (TOMLDecodeError, ValueError) as fault:
        raise InvalidInput(**{Path(name).name: "no rule table of a known kind"}) from fault


@rule_tables.command("list")
@with_context
def rules_list(context: Context) -> None:
    """Every version that was loaded."""
    with context.archive() as archive:
        for one in rules.listing(archive.sessions):
            mark = "in force" if one.in_force else ""
            context.answer(
                {"kind": one.kind, "version": one.version, "basis": one.basis, "in_force": one.in_force},
                f"{one.kind:18} {one.version:12} {mark:9} {one.basis}",
            )


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8080, show_default=True)
@click.option("--no-workers", is_flag=True, help="Only the site; workers run elsewhere.")
@with_context
def serve(context: Context, *, host: str, port: int, no_workers: bool) -> None:
    """Serve the site, with workers beside it."""
    from archive_app.web.serving import serve as serve_site  # noqa: PLC0415 - a second that no other command waits for

    serve_site(context.settings, host=host, port=port, workers=not no_workers)


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


@click.group("job")
def job() -> None:
    """Jobs: what waits, what was given up and why."""


@job.command("list")
@click.option("--state", type=click.Choice([state.value for state in JobState]))
@click.option("--chores", "of_chores", is_flag=True, help="How each periodic piece of work last went, instead.")
@with_context
def job_list(context: Context, *, state: str | None, of_chores: bool) -> None:
    """Jobs that are not done, or those of one state."""
    with context.archive() as archive:
        if of_chores:
            _chore_list(context, archive)
            return
        for row in archive.queue.list(state=JobState(state) if state else None):
            facts: dict[str, Any] = {
                "job": str(row.id), "name": row.name, "state": row.state, "attempt": row.attempt, "reason": row.reason,
            }  # fmt: skip
            context.answer(facts, f"{row.id}  {row.state:7}  {row.name:16} {row.attempt}  {row.reason or ''}")


def _chore_list(context: Context, archive: Archive) -> None:
    for one in chores.history(archive, [chore.name for chore in CHORES]).values():
        human = f"{one.name:20} last done {one.succeeded_at or 'never'}"
        if one.reason:
            human += f"; {'failing' if one.under_way else f'given up {one.failed_at}'}: {one.reason}"
        context.answer(asdict(one), human)


@job.command("retry")
@click.argument("ident", required=False)
@click.option("--all", "every", is_flag=True, help="Every buried job.")
@with_context
def job_retry(context: Context, *, ident: str | None, every: bool) -> None:
    """Queue a buried job again."""
    if (ident is None) == (not every):
        raise click.UsageError("name one job, or --all")
    with context.archive() as archive:
        count = archive.queue.retry(_job_id(ident) if ident else None)
    context.answer({"retried": count}, f"{count} jobs queued again")


@job.command("bury")
@click.argument("ident")
@click.option("--reason", required=True)
@with_context
def job_bury(context: Context, *, ident: str, reason: str) -> None:
    """Give a job up, with a reason."""
    with context.archive() as archive:
        archive.queue.bury_by_hand(_job_id(ident), reason=reason)
    context.answer({"buried": ident}, "buried")


def _job_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(kind="job") from None


@click.group("audit")
def audit_log() -> None:
    """The audit log."""


@audit_log.command("head")
@with_context
def audit_head(context: Context) -> None:
    """The signed tree head. Keep it outside the archive: what is proven holds up to it."""
    with context.archive() as archive, archive.sessions.reading() as session:
        head = audit.head(session, archive.signer, now=archive.clock.now())
    facts = {
        "size": head.size, "root": head.root, "time": head.time, "key": head.key, "signature": head.signature,
        "algorithm": head.algorithm,
    }  # fmt: skip
    context.answer(facts)


@audit_log.command("verify")
@click.option("--against", type=click.Path(exists=True, dir_okay=False), help="A tree head kept outside.")
@with_context
def audit_verify(context: Context, *, against: str | None) -> int:
    """Read every leaf again and compare with the stored tree and with a head kept outside."""
    with context.archive() as archive:
        head = _head_from(Path(against)) if against else None
        signed = head is not None and audit.signed_by(archive.signer, head)
        with archive.sessions.reading() as session:
            found = audit.verify(session, against=head)
            signed = signed or head is None
    faults = [{"index": fault.index, "what": fault.what} for fault in found.faults]
    if not signed:
        faults.append({"index": None, "what": "the given head is not signed by this archive's key"})
    human = [f"{found.size} leaves, root {found.root}"]
    human += [f"  {fault['index']}: {fault['what']}" for fault in faults] or ["  no fault found"]
    if head is None:
        human.append("  proven only against itself: give --against a head kept outside this archive")
    context.answer({"size": found.size, "root": found.root, "signed": signed, "faults": faults}, "\n".join(human))
    return 3 if faults else 0


def _head_from(path: Path) -> TreeHead:
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return TreeHead(
            int(kept["size"]), kept["root"], kept["time"], kept["key"], kept["signature"],
            kept.get("algorithm", "ed25519"),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError) as fault:
        raise InvalidInput(against="not a tree head") from fault


@audit_log.command("export")
@click.option("-o", "--output", required=True, type=OutputFile())
@with_context
def audit_export(context: Context, *, output: str) -> None:
    """Write every leaf as it was hashed, one a line: no personal values are in it."""
    count = 0
    with (
        context.archive() as archive,
        archive.sessions.reading() as session,
        Path(output).open("w", encoding="utf-8") as file,
    ):
        statement = sa.select(AuditLeaf.leaf).order_by(AuditLeaf.sequence).execution_options(yield_per=1000)
        for leaf in session.scalars(statement):
            file.write(leaf + "\n")
            count += 1
    context.answer({"leaves": count, "file": str(Path(output).resolve())}, f"{count} leaves written to {output}")


COMMANDS = (init, settings, db, rule_tables, serve, index, job, audit_log)
