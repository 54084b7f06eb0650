"""The job `backup.run`: a snapshot in steps of a few minutes, each of which queues the next.

Whoever plans the day queues it without a snapshot's name: that begins one. A worker that dies loses one step.
"""

from archive_app.backup.run import (
    Draft,
    advance,
    begin,
    finish,
    forget_drafts,
    read_draft,
    save_draft,
    the_only_one,
    vault_for_writing,
    written_down,
)
from archive_app.core.ports import ClaimedJob, Job
from archive_app.core.vocabulary import Lane
from archive_app.wiring import Archive

NAME = "backup.run"
STEP_SECONDS = 240.0
_KEY = "backup.run"


def first_step() -> Job:
    """What begins a snapshot; while one is under way it is the same job."""
    return Job(NAME, {}, key=_KEY, lane=Lane.LIGHT)


def backup_step(archive: Archive, job: ClaimedJob) -> None:
    """Begin a snapshot or go on with one; without a place there is nothing to do."""
    if archive.settings.backup_url is None:
        return
    began = archive.clock.now()
    with the_only_one(archive):
        vault = vault_for_writing(archive)
        draft: Draft | None = read_draft(vault, job.args["snapshot"]) if "snapshot" in job.args else None
        with written_down(archive, draft.run if draft else None) as ident:
            if draft is None:
                forget_drafts(vault)
                draft = begin(archive, vault, ident)
            done = advance(archive, vault, draft, seconds=STEP_SECONDS)
            if done:
                finish(archive, vault, draft, seconds=(archive.clock.now() - began).total_seconds())
                return
            save_draft(vault, draft)
    with archive.unit(archive.own_work("backup")) as unit:
        unit.later(Job(NAME, {"snapshot": draft.manifest.snapshot}, key=_KEY, lane=Lane.LIGHT))
