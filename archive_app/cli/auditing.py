"""Commands about the audit log: they need no token and show no personal value."""

import json
from pathlib import Path

import click
import sqlalchemy as sa

from archive_app.cli.context import Context, OutputFile, with_context
from archive_app.core import audit
from archive_app.core.audit import TreeHead
from archive_app.core.errors import InvalidInput
from archive_app.core.model import AuditLeaf


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


COMMANDS = (audit_log,)
