"""The jobs that follow when what is known of a record changed: it is described, and the index brought up to date."""

from archive_app.core.ports import Job
from archive_app.core.vocabulary import Lane, RecordId


def describe_job(record_id: RecordId) -> Job:
    """The job that describes a record whose pages are read."""
    args = {"record": str(record_id)}
    return Job("record.describe", args, key=f"describe:{record_id}", lane=Lane.LIGHT, priority=8)


def refresh_job(record_id: RecordId) -> Job:
    """The job that brings the index up to date with a record."""
    return Job("search.refresh", {"record": str(record_id)}, key=f"refresh:{record_id}", lane=Lane.INDEX)
