"""Pages of the three administrators and of operations: accounts, audit log, jobs."""

import datetime as dt
from collections.abc import Mapping
from uuid import UUID

import sqlalchemy as sa
from flask import Blueprint, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from archive_app import chores, installation
from archive_app.core import audit
from archive_app.core.errors import ArchiveError, Conflict, DuplicateCode, InvalidInput, Unavailable
from archive_app.core.model import AuditLeaf, Fonds
from archive_app.core.unit import parse_id
from archive_app.core.vocabulary import Action, Lane, Level
from archive_app.web.access import access, the_archive, viewer
from archive_app.web.job_words import why_not_done
from archive_app.web.words import error_text, faults_text
from archive_app.wiring import Archive
from archive_app.worker import CHORES

users = Blueprint("users", __name__)
log = Blueprint("audit", __name__)
jobs = Blueprint("jobs", __name__)
BLUEPRINTS = (users, log, jobs)
_LEAVES = 100
_ADMINISTERS = (Action.USER_ADD, Action.USER_GRANT)


@users.get("/accounts")
@access(*_ADMINISTERS)
def show() -> ResponseReturnValue:
    """Accounts and what they were granted."""
    return _users()


def _users(*, fault: ArchiveError | None = None, code: tuple[str, str] | None = None) -> ResponseReturnValue:
    archive, by = the_archive(), viewer()
    with archive.reading(by) as unit:
        fonds = [(row.code, row.name) for row in unit.all(sa.select(Fonds).order_by(Fonds.code))]
    page = render_template(
        "users.html",
        accounts=archive.accounts.all(by), may_add=by.may(Action.USER_ADD), may_grant=by.may(Action.USER_GRANT),
        may_add_fonds=by.may(Action.FONDS_ADD), roles=list(archive.tables.roles), fonds=fonds,
        levels=[level.code for level in Level], fault=_why(fault) if fault else None, code=code, typed=request.form,
    )  # fmt: skip
    return page, 422 if fault else 200


def _why(fault: ArchiveError) -> str:
    text = error_text(fault.code, fault.parameters, g.language)
    return f"{text} {faults_text(fault, g.language)}".rstrip() if isinstance(fault, InvalidInput) else text


@users.post("/accounts")
@access(Action.USER_ADD)
def add() -> ResponseReturnValue:
    """Create an account; its activation code is shown once."""
    form = request.form
    try:
        account, code = the_archive().accounts.add(
            viewer(), form.get("login", ""), name=form.get("name", ""), person=form.get("person") or None
        )
    except (InvalidInput, DuplicateCode) as fault:
        return _users(fault=fault)
    return _users(code=(account.login, code))


@users.post("/accounts/grant")
@access(Action.USER_GRANT)
def grant() -> ResponseReturnValue:
    """Set roles, fonds and level."""
    form = request.form
    try:
        level = Level.of(form.get("level", "public"))
        the_archive().accounts.grant(
            viewer(), form.get("login", ""), roles=form.getlist("role"), fonds=form.getlist("fonds"), level=level
        )
    except KeyError:
        return _users(fault=InvalidInput(level="unknown"))
    except (InvalidInput, Conflict) as fault:
        return _users(fault=fault)
    return redirect(url_for("users.show"), 303)


@users.post("/accounts/disable")
@access(Action.USER_ADD)
def disable() -> ResponseReturnValue:
    """Close an account at once."""
    the_archive().accounts.disable(viewer(), request.form.get("login", ""))
    return redirect(url_for("users.show"), 303)


@users.post("/fonds")
@access(Action.FONDS_ADD)
def add_fonds() -> ResponseReturnValue:
    """Add a fonds."""
    try:
        with the_archive().unit(viewer()) as unit:
            installation.add_fonds(unit, code=request.form.get("code", "").strip(), name=request.form.get("name", ""))
    except (InvalidInput, DuplicateCode) as fault:
        return _users(fault=fault)
    return redirect(url_for("users.show"), 303)


@log.get("/audit")
@access(Action.AUDIT_READ)
def show_log() -> ResponseReturnValue:
    """The newest leaves, and the head to be kept outside."""
    return _log(None)


@log.post("/audit/verify")
@access(Action.AUDIT_READ)
def verify() -> ResponseReturnValue:
    """Read every leaf again."""
    with the_archive().sessions.reading() as session:
        found = audit.verify(session)
    return _log(found)


def _log(verification: audit.Verification | None) -> ResponseReturnValue:
    archive, by = the_archive(), viewer()
    filters = {key: request.values.get(key, "").strip() for key in ("actor", "action")}
    before = request.args.get("before", type=int)
    statement = sa.select(
        AuditLeaf.at, AuditLeaf.actor, AuditLeaf.action, AuditLeaf.subject_kind, AuditLeaf.subject_id,
        AuditLeaf.sequence,
    ).order_by(AuditLeaf.sequence.desc()).limit(_LEAVES)  # fmt: skip
    if filters["actor"]:
        statement = statement.where(AuditLeaf.actor == filters["actor"])
    if filters["action"]:
        with archive.sessions.reading() as session:
            statement = statement.where(AuditLeaf.action.in_(audit.actions(session, beginning=filters["action"])))
    if before is not None:
        statement = statement.where(AuditLeaf.sequence < before)
    with archive.reading(by) as unit:
        leaves = [
            {"at": row[0], "actor": row[1], "action": row[2], "subject": f"{row[3]} {row[4]}", "sequence": row[5]}
            for row in unit.rows(statement)
        ]
        unit.note("audit:read", "user", by.user_id, **filters)
    with archive.sessions.reading() as session:
        head = audit.head(session, archive.signer, now=archive.clock.now())
    older = leaves[-1]["sequence"] if len(leaves) == _LEAVES else None
    return render_template(
        "audit.html",
        head=head, head_at=dt.datetime.fromisoformat(head.time), leaves=leaves, verification=verification,
        filters=filters, older=older,
    )  # fmt: skip


log.add_url_rule("/audit", "show", show_log)


@jobs.get("/jobs")
@access(Action.JOB_READ)
def show_jobs() -> ResponseReturnValue:
    """How much waits in each lane, jobs under way, those given up with their reasons, and how chores went."""
    archive = the_archive()
    queue = archive.queue
    at_broker, fault = _at_broker(archive)
    return render_template(
        "jobs.html", jobs=queue.list(), depths=queue.depths(), workers=queue.live_workers(), at_broker=at_broker,
        broker_fault=fault, chores=chores.history(archive, [chore.name for chore in CHORES]).values(),
        why_not_done=lambda reason: why_not_done(reason, g.language),
    )  # fmt: skip


def _at_broker(archive: Archive) -> tuple[Mapping[Lane, int] | None, str | None]:
    """How many messages wait at the broker, where there is one; or why it does not say."""
    if not archive.settings.on_broker:
        return None, None
    try:
        return archive.broker.depths(), None
    except Unavailable as fault:
        return None, error_text(fault.code, fault.parameters, g.language)


jobs.add_url_rule("/jobs", "show", show_jobs)


@jobs.post("/jobs/retry")
@access(Action.JOB_RETRY)
def retry() -> ResponseReturnValue:
    """Queue a given-up job again, or all of them."""
    ident = request.form.get("job")
    wanted: UUID | None = parse_id(ident, kind="job") if ident else None
    count = the_archive().queue.retry(wanted)
    with the_archive().unit(viewer()) as unit:
        unit.note("job:retried", "job", ident or "all", count=count)
    return redirect(url_for("jobs.show"), 303)
