"""Pages of the three administrators and of operations: accounts, audit log, jobs, status; and the health answers."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import Blueprint, g, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from archive_app import chores, database, installation, keeping
from archive_app.backup import history
from archive_app.backup.history import LastBackup
from archive_app.core import audit
from archive_app.core.errors import ArchiveError, Conflict, DuplicateCode, InvalidInput, Unavailable
from archive_app.core.model import AuditLeaf, Fonds
from archive_app.core.unit import parse_id
from archive_app.core.vocabulary import Action, JobState, Lane, Level
from archive_app.web.access import access, public, the_archive, viewer
from archive_app.web.words import error_text, fault_text
from archive_app.wiring import Archive
from archive_app.worker import CHORES

users = Blueprint("users", __name__)
log = Blueprint("audit", __name__)
jobs = Blueprint("jobs", __name__)
status = Blueprint("status", __name__)
BLUEPRINTS = (users, log, jobs, status)
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
    reasons = [fault_text(str(reason), g.language) for reason in fault.parameters.values()]
    text = error_text(fault.code, fault.parameters, g.language)
    return f"{text} {'；'.join(reasons)}" if reasons and isinstance(fault, InvalidInput) else text


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
        statement = statement.where(AuditLeaf.action.startswith(filters["action"], autoescape=True))
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
    return render_template("audit.html", head=head, leaves=leaves, verification=verification, filters=filters,
                           older=older)  # fmt: skip


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


@status.get("/status")
@access(Action.STATUS_READ)
def show_status() -> ResponseReturnValue:
    """Each part, its state and its facts."""
    return render_template("status.html", parts=parts())


status.add_url_rule("/status", "show", show_status)


@status.get("/healthz")
@public
def healthz() -> ResponseReturnValue:
    """The process lives."""
    return jsonify(state="ok")


@status.get("/readyz")
@public
def readyz() -> ResponseReturnValue:
    """Each part: ok, degraded or down; no facts for strangers."""
    found = {part["name"]: part["state"] for part in parts() if part["state"] != "off"}
    worst = "down" if "down" in found.values() else "degraded" if "degraded" in found.values() else "ok"
    return jsonify(state=worst, parts=found), 503 if worst == "down" else 200


def parts() -> list[dict[str, Any]]:
    """The state of database, store, index, workers, jobs and backup."""
    archive = the_archive()

    def database_facts() -> tuple[str, dict[str, object]]:
        current = database.current(archive.engine)
        facts: dict[str, object] = {"engine": archive.engine.dialect.name, "revision": current}
        return ("ok" if current == database.newest() else "degraded"), facts

    def store_facts() -> tuple[str, dict[str, object]]:
        next(iter(archive.store.keys()), None)
        facts: dict[str, object] = {"kind": type(archive.store).__name__}
        tested = keeping.last_test(archive)
        if tested is None:
            return "ok", {**facts, "write-once": "not-tested"}
        found = tested.found
        facts["write-once"] = "folder-honest" if found.kind == "folder" else "held" if found.holds else "not-held"
        facts |= {f"got-through-{number}": one.name for number, one in enumerate(found.attempts, 1) if not one.held}
        if found.locks:
            facts["locks-ending"] = keeping.locks_ending(archive)
        sound = found.kind == "folder" or (found.holds and not facts.get("locks-ending"))
        return ("ok" if sound else "degraded"), facts

    def worker_facts() -> tuple[str, dict[str, object]]:
        live = archive.queue.live_workers()
        return ("ok" if live else "degraded"), {"processes": live}

    def job_facts() -> tuple[str, dict[str, object]]:
        counts = archive.queue.counts()
        buried = sum(n for (_, state), n in counts.items() if state == JobState.BURIED)
        waiting = sum(n for (_, state), n in counts.items() if state in (JobState.QUEUED, JobState.LEASED))
        return ("degraded" if buried else "ok"), {"waiting": waiting, "given-up": buried}

    def backup_facts() -> tuple[str, dict[str, object]]:
        return _backup(history.last(archive.engine, archive.settings, now=archive.clock.now()))

    return [
        _part("database", database_facts),
        _part("store", store_facts),
        _part("index", lambda: ("ok", dict(archive.index.status()))),
        _part("workers", worker_facts),
        _part("jobs", job_facts),
        _part("backup", backup_facts),
    ]


def _backup(last: LastBackup) -> tuple[str, dict[str, object]]:
    """How the backup stands: late after 26 hours, and not well where the last try failed."""
    if not last.set_up:
        return "off", {"place": "no-backup-place"}
    facts: dict[str, object] = {"last-backup": last.at or "never"}
    if last.at is not None:
        facts |= {
            "backup-age": last.age.total_seconds() if last.age else None,
            "snapshot": last.snapshot,
            "objects": last.objects,
            "bytes": last.bytes,
        }
    facts["verified"] = last.verified_at or "never"
    if last.failures:
        facts |= {"failures": last.failures, "fault": last.fault}
    return ("degraded" if last.late or last.failures else "ok"), facts


def _part(name: str, ask: Callable[[], tuple[str, dict[str, object]]]) -> dict[str, Any]:
    try:
        state, facts = ask()
    except (ArchiveError, OSError, sa.exc.SQLAlchemyError) as fault:
        return {"name": name, "state": "down", "facts": {"fault": getattr(fault, "code", type(fault).__name__)}}
    return {"name": name, "state": state, "facts": facts}
