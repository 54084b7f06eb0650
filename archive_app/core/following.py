"""The jobs that follow a change of a record, whoever makes it: to read, describe, index, and let go of bytes."""

from uuid import UUID

from archive_app.core.ports import Job, StoreKey
from archive_app.core.vocabulary import Lane, RecordId


def read_job(page_id: UUID, *, priority: int = 0) -> Job:
    """The job that reads one page."""
    return Job("page.read", {"page": str(page_id)}, key=f"read:{page_id}", lane=Lane.OCR, priority=priority)


def describe_job(record_id: RecordId) -> Job:
    """The job that describes a record whose pages are read."""
    args = {"record": str(record_id)}
    return Job("record.describe", args, key=f"describe:{record_id}", lane=Lane.LIGHT, priority=8)


def refresh_job(record_id: RecordId) -> Job:
    """The job that brings the index up to date with a record."""
    return Job("search.refresh", {"record": str(record_id)}, key=f"refresh:{record_id}", lane=Lane.INDEX)


def release_bytes_job(key: StoreKey) -> Job:
    """The job that lets go of bytes of a record that no row names any more."""
    args = {"fonds": key.fonds, "owner": str(key.owner), "sha256": key.sha256}
    return Job("store.release", args, key=f"release:{key}", lane=Lane.LIGHT)


def release_intake_job(file_id: UUID) -> Job:
    """The job that lets go of an intake file's bytes once nothing needs them."""
    return Job("intake.release", {"file": str(file_id)}, key=f"release:{file_id}", lane=Lane.LIGHT)
