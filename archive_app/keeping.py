"""The archive's own care for its bytes: is the store write-once, and are locks renewed in time."""

import datetime as dt
from dataclasses import asdict, dataclass
from uuid import UUID

import sqlalchemy as sa

from archive_app.core.model import InstallationFact
from archive_app.core.ports import Attempt, ClaimedJob, Job, WriteOnce
from archive_app.core.vocabulary import RecordId
from archive_app.wiring import Archive
from retention import locks
from retention.locks import Renewal

_FACT = "store.self-test"


@dataclass(frozen=True, slots=True)
class Tested:
    """What the last self-test of the store found, and when."""

    found: WriteOnce
    at: dt.datetime


def try_store(archive: Archive) -> WriteOnce:
    """Try whether the store is write-once, and remember what was found. Raises `Unavailable`."""
    found = archive.store.self_test()
    with archive.sessions.writing() as session:
        session.merge(InstallationFact(name=_FACT, value=asdict(found), noted_at=archive.clock.now()))
        session.commit()
    return found


def last_test(archive: Archive) -> Tested | None:
    """What was found last; None before the first time."""
    with archive.sessions.reading() as session:
        row = session.scalars(sa.select(InstallationFact).where(InstallationFact.name == _FACT)).one_or_none()
    if row is None:
        return None
    attempts = tuple(Attempt(**attempt) for attempt in row.value["attempts"])
    return Tested(WriteOnce(**{**row.value, "attempts": attempts}), row.noted_at)


def renew_locks(archive: Archive, *, record: RecordId | None = None) -> Renewal:
    """One step of a few minutes at most, of one record or of all."""
    own = archive.own_work("locks")
    return locks.renew(
        lambda: archive.reading(own),
        lambda: archive.unit(own),
        archive.store,
        today=archive.clock.today(),
        record=record,
    )


def locks_ending(archive: Archive) -> int:
    """How many masters are locked for less than 100 days."""
    with archive.reading(archive.own_work("locks")) as unit:
        return locks.ending(unit, today=archive.clock.today())


# ---------------------------------------------------------------- jobs


def protect_job(archive: Archive, job: ClaimedJob) -> None:
    """`store.protect`: the masters of a record that was filed."""
    renew_locks(archive, record=RecordId(UUID(str(job.args["record"]))))


def renew_job(archive: Archive, job: ClaimedJob) -> None:  # noqa: ARG001 - every handler is given its job
    """`store.renew-locks`: a step, and another job for what is left."""
    found = renew_locks(archive)
    if found.more:
        with archive.unit(archive.own_work("locks")) as unit:
            unit.later(Job("store.renew-locks", {}, key="store.renew-locks:more"))


def self_test_job(archive: Archive, job: ClaimedJob) -> None:  # noqa: ARG001 - every handler is given its job
    """`store.self-test`."""
    try_store(archive)
