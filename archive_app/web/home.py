"""The workbench: what waits for me, the week's intake, and the state of the system in one line."""

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue

from archive_app.core.model import Batch, IntakeFile, Page, Record, RecordVersion
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import Action, BatchState, IntakeOutcome, RecordState
from archive_app.extent import extent
from archive_app.web.access import access, the_archive, viewer
from retention.corrections import PROPOSED

bp = Blueprint("home", __name__)
BLUEPRINTS = (bp,)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A line of work: how many, and how old the oldest is in seconds."""

    title: str
    count: int
    oldest: float | None
    url: str


@dataclass(frozen=True, slots=True)
class Day:
    """Pages taken in on a day; `share` of the week's best day, 0 to 1."""

    day: dt.date
    pages: int
    share: float


@dataclass(frozen=True, slots=True)
class System:
    """The state of the parts, for those who may know."""

    workers: int
    queued: int
    buried: int


@bp.get("/")
@access()
def show() -> ResponseReturnValue:
    """The workbench of the caller."""
    archive = the_archive()
    by = viewer()
    with archive.reading(by) as unit:
        waiting = _waiting(unit)
        week = _week(unit) if by.may(Action.INTAKE_READ) else ()
        holdings = extent(unit, archive.sessions) if by.may(Action.RECORD_READ) else None
    system = None
    if by.may(Action.STATUS_READ) or by.may(Action.JOB_READ):
        depths = archive.queue.depths()
        queued = sum(depth.waiting + depth.running for depth in depths)
        system = System(archive.queue.live_workers(), queued, sum(depth.buried for depth in depths))
    looks_up = not waiting and by.may(Action.PERSON_READ)  # whose work comes to the counter, not into a queue
    return render_template(
        "home.html", waiting=waiting, looks_up=looks_up, week=week, holdings=holdings, system=system
    )  # fmt: skip


def _waiting(unit: Unit) -> list[Waiting]:
    by, lines = unit.viewer, []
    if by.may(Action.RECORD_REVIEW):
        lines.append(_records_waiting(unit, "To review", RecordState.REVIEW, url_for("review.queue")))
    if by.may(Action.RECORD_FILE):
        url = url_for("finding.show", state=RecordState.DESCRIBED.value)
        lines.append(_records_waiting(unit, "Described, to be filed", RecordState.DESCRIBED, url))
    if by.may(Action.CORRECTION_APPROVE):
        proposed = sa.select(sa.func.count(), sa.func.min(RecordVersion.created_at)).where(
            RecordVersion.state == PROPOSED, RecordVersion.proposed_by != by.user_id
        )
        count, oldest = unit.rows(proposed)[0]
        lines.append(Waiting("Corrections to decide", count, _age(unit, oldest), url_for("corrections.show_all")))
    if by.may(Action.INTAKE_READ):
        batches = sa.select(sa.func.count(), sa.func.min(Batch.created_at)).where(Batch.state == BatchState.OPEN)
        count, oldest = unit.rows(batches)[0]
        lines.append(Waiting("Open batches", count, _age(unit, oldest), url_for("intake.batches")))
        refused = sa.select(sa.func.count(), sa.func.min(IntakeFile.created_at)).where(
            IntakeFile.outcome == IntakeOutcome.REFUSED, IntakeFile.bytes_kept
        )
        count, oldest = unit.rows(refused)[0]
        lines.append(Waiting("Refused files to decide on", count, _age(unit, oldest), url_for("intake.batches")))
    if by.may(Action.USER_GRANT):
        idle = the_archive().accounts.without_role(by)
        lines.append(Waiting("Accounts without a role", idle, None, url_for("users.show")))
    return lines


def _records_waiting(unit: Unit, title: str, state: RecordState, url: str) -> Waiting:
    statement = sa.select(sa.func.count(), sa.func.min(Record.created_at)).where(Record.state == state)
    count, oldest = unit.rows(statement)[0]
    return Waiting(title, count, _age(unit, oldest), url)


def _age(unit: Unit, since: dt.datetime | None) -> float | None:
    return None if since is None else (unit.clock.now() - since).total_seconds()


def _week(unit: Unit) -> tuple[Day, ...]:
    today = unit.clock.today()
    since = unit.clock.now() - dt.timedelta(days=7)
    statement = (
        sa.select(Record.created_at, sa.func.count(Page.id))
        .join(Page, Page.record_id == Record.id)
        .where(Record.created_at > since)
        .group_by(Record.id, Record.created_at)
    )
    zone = ZoneInfo(the_archive().settings.time_zone)
    pages: dict[dt.date, int] = {}
    for moment, count in unit.rows(statement):
        day = moment.astimezone(zone).date()
        pages[day] = pages.get(day, 0) + count
    most = max(pages.values(), default=0) or 1
    days = [today - dt.timedelta(days=back) for back in range(6, -1, -1)]
    return tuple(Day(day, pages.get(day, 0), pages.get(day, 0) / most) for day in days)
