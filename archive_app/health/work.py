"""What goes on in an archive: workers, jobs, the audit log, backups."""

import datetime as dt
from pathlib import Path
from urllib.parse import urlsplit

import sqlalchemy as sa

from archive_app.backup import history
from archive_app.core.model import AuditLeaf, QueuedJob
from archive_app.core.settings import Settings
from archive_app.core.vocabulary import JobState, Lane
from archive_app.health.part import Advice, Part, State
from archive_app.wiring import Archive

#: Work that waits so long although workers live: they are too few, or something keeps them.
_OLD_SECONDS = {Lane.LIGHT: 3600, Lane.OCR: 86_400, Lane.INDEX: 3600}


def workers(archive: Archive) -> Part:
    """Somebody does the jobs."""
    live = archive.queue.live_workers()
    facts = {"processes": live}
    return Part("workers", facts=facts) if live else Part("workers", State.DEGRADED, facts, Advice.WORKERS_NONE)


def jobs_at_a_glance(archive: Archive) -> Part:
    """Nothing was given up, and nothing waits for too long: looked for, not counted."""
    now = archive.clock.now()
    buried = sa.select(QueuedJob.id).where(QueuedJob.state == JobState.BURIED)
    old = [
        sa.select(QueuedJob.id).where(
            QueuedJob.state == JobState.QUEUED, QueuedJob.lane == lane,
            QueuedJob.run_after < now - dt.timedelta(seconds=seconds),
        )
        for lane, seconds in _OLD_SECONDS.items()
    ]  # fmt: skip
    with archive.sessions.reading() as session:
        found = [session.execute(statement.limit(1)).first() is not None for statement in (buried, *old)]
    if found[0]:
        return Part("jobs", State.DEGRADED, advice=Advice.JOBS_BURIED)
    return Part("jobs", State.DEGRADED, advice=Advice.JOBS_OLD) if any(found) else Part("jobs")


def jobs(archive: Archive) -> Part:
    """Nothing was given up, and nothing waits for too long."""
    depths = archive.queue.depths()
    buried = sum(depth.buried for depth in depths)
    facts: dict[str, object] = {
        "waiting": sum(depth.waiting for depth in depths),
        "running": sum(depth.running for depth in depths),
        "given-up": buried,
    }
    oldest = max(depth.oldest_seconds for depth in depths)
    if oldest:
        facts["oldest-seconds"] = round(oldest)
    if buried:
        return Part("jobs", State.DEGRADED, facts, Advice.JOBS_BURIED)
    if any(depth.oldest_seconds > _OLD_SECONDS[depth.lane] for depth in depths):
        return Part("jobs", State.DEGRADED, facts, Advice.JOBS_OLD)
    return Part("jobs", facts=facts)


def audit_log(archive: Archive) -> Part:
    """How long the log is, and how old its newest leaf."""
    with archive.sessions.reading() as session:
        newest = sa.select(AuditLeaf.sequence, AuditLeaf.at).order_by(AuditLeaf.sequence.desc()).limit(1)
        row = session.execute(newest).first()
    if row is None:
        return Part("audit", facts={"leaves": 0})
    age = max(0, round((archive.clock.now() - row[1]).total_seconds()))
    return Part("audit", facts={"leaves": row[0] + 1, "newest-seconds": age})


def backup(archive: Archive) -> Part:
    """A second place for everything, and how old what lies there is."""
    last = history.last(archive.engine, archive.settings, now=archive.clock.now())
    if not last.set_up:
        return Part("backup", State.OFF, advice=Advice.BACKUP_OFF)
    facts: dict[str, object] = {"daily-at": archive.settings.backup_at or "—"}
    if last.age is not None:
        facts |= {"snapshot": last.snapshot, "backup-seconds": round(last.age.total_seconds()), "bytes": last.bytes}
    if last.failures:
        return Part("backup", State.DEGRADED, {**facts, "fault": last.fault}, Advice.BACKUP_FAILED)
    if last.late:
        return Part("backup", State.DEGRADED, facts, Advice.BACKUP_LATE)
    beside = lies_beside(archive.settings)
    return Part("backup", State.DEGRADED, facts, Advice.BACKUP_BESIDE) if beside else Part("backup", facts=facts)


def lies_beside(settings: Settings) -> bool:
    """Whether backups lie on a disk or server of the archive's own, and would be lost with it."""
    place, store = urlsplit(settings.backup_url or ""), urlsplit(settings.store_url)
    if place.scheme != "file":
        return place.netloc == store.netloc
    own = [settings.home, *([Path(store.path)] if store.scheme == "file" else [])]
    disks = {folder.stat().st_dev for folder in own if folder.is_dir()}
    folder = Path(place.path)
    return folder.is_dir() and folder.stat().st_dev in disks
