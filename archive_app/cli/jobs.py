"""Commands about jobs: what waits, what was given up and why."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

import click

from archive_app import chores
from archive_app.cli.context import Context, with_context
from archive_app.core.errors import NotFound
from archive_app.core.vocabulary import JobState
from archive_app.wiring import Archive


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
    from archive_app.worker import CHORES  # noqa: PLC0415 - with everything that any job needs

    for one in chores.history(archive, [chore.name for chore in CHORES]).values():
        human = f"{one.name:20} last done {one.succeeded_at or 'never'}"
        if one.reason:
            human += f"; {'not done yet' if one.under_way else f'given up {one.failed_at}'}: {one.reason}"
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


COMMANDS = (job,)
