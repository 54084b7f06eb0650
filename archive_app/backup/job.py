"""The job `backup.run`: a snapshot in steps of a few minutes, each of which queues the next.

Whoever plans the day queues it without a snapshot's name: that begins one. A worker that dies loses one step. The first
reads all rows, however long that takes: they are one look of the database, and a look ends with its process.

A step that meets another run, a prune or a move waits for its end. A day for which somebody has made a backup by then
has its own.
"""

import datetime as dt
from zoneinfo import ZoneInfo

from archive_app.backup import history
from archive_app.backup.run import (
    Draft,
    advance,
    begin,
    drafts,
    finish,
    read_draft,
    save_draft,
    the_only_one,
    vault_for_writing,
    written_down,
)
from archive_app.backup.vault import Vault
from archive_app.core.ports import ClaimedJob, Job
from archive_app.core.vocabulary import Lane
from archive_app.wiring import Archive

NAME = "backup.run"
STEP_SECONDS = 240.0
STALE = dt.timedelta(days=2)  # rows older than this are dumped anew
_KEY = "backup.run"


def first_step() -> Job:
    """What begins a snapshot; while one is under way it is the same job."""
    return Job(NAME, {}, key=_KEY, lane=Lane.LIGHT)


def backup_step(archive: Archive, job: ClaimedJob) -> None:
    """Begin a snapshot or go on with one; without a place there is nothing to do. Raises `UnderWay`."""
    if archive.settings.backup_url is None:
        return
    began = archive.clock.now()
    with the_only_one(archive) as still_alone:
        if _has_its_own(archive, job, now=began):
            return
        vault = vault_for_writing(archive)
        draft = _under_way(vault, job, now=began)
        if draft is None and "snapshot" in job.args:
            return  # another run has ended it
        with written_down(archive, draft.run if draft else None) as ident:
            if draft is None:
                draft = begin(archive, vault, ident)
            done = advance(archive, vault, draft, seconds=STEP_SECONDS)
            still_alone()
            if done:
                finish(archive, vault, draft, seconds=(archive.clock.now() - began).total_seconds())
                return
            save_draft(vault, draft)
    _go_on(archive, draft)


def _has_its_own(archive: Archive, job: ClaimedJob, *, now: dt.datetime) -> bool:
    """Whether the day that the job is for has a backup: one that was begun at the day's hour or later."""
    settings = archive.settings
    if "period" not in job.args or settings.backup_at is None:
        return False
    day, hour = dt.date.fromisoformat(job.args["period"]), dt.time.fromisoformat(settings.backup_at)
    due = dt.datetime.combine(day, hour, ZoneInfo(settings.time_zone))
    return history.succeeded(archive.engine, history.place_name(settings), begun=(due, now))


def _under_way(vault: Vault, job: ClaimedJob, *, now: dt.datetime) -> Draft | None:
    """The draft to go on with: the one named, or a young one that the day before did not end."""
    if "snapshot" in job.args:
        return read_draft(vault, job.args["snapshot"])
    for snapshot in drafts(vault):
        draft = read_draft(vault, snapshot)
        if draft is not None and now - dt.datetime.fromisoformat(draft.manifest.made_at) < STALE:
            return draft
    return None


def _go_on(archive: Archive, draft: Draft) -> None:
    with archive.unit(archive.own_work("backup")) as unit:
        unit.later(Job(NAME, {"snapshot": draft.manifest.snapshot}, key=_KEY, lane=Lane.LIGHT))
