"""Intake (收件): batches, files one by one, the balance as it fills, decisions on refused files, sign-off."""

import csv
import io
import json
from collections import Counter
from typing import Any, BinaryIO, cast
from uuid import UUID

from flask import Blueprint, Response, g, jsonify, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage

from archive_app import batches
from archive_app.core.errors import InvalidInput, Refused
from archive_app.core.unit import parse_id
from archive_app.core.vocabulary import Action, FondsId, IntakeOutcome
from archive_app.web.access import access, the_archive, viewer
from archive_app.web.intake_pages import BatchPage, batch_lines, batch_page, fonds_choices
from ingest import intake as use_case
from ingest.intake import Declared
from retention import filing

bp = Blueprint("intake", __name__, url_prefix="/intake")
BLUEPRINTS = (bp,)
_DECLARED = ("files", "sheets", "sides", "pages")
_ENGINES = ("rapidocr", "tesseract")
#: A spreadsheet would run a cell that begins so.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@bp.get("", endpoint="batches")
@access(Action.INTAKE_READ)
def show_all() -> ResponseReturnValue:
    """The batches of the viewer's scope."""
    archive, by = the_archive(), viewer()
    with archive.reading(by) as unit:
        lines = batch_lines(unit)
    names = archive.accounts.names({line.operator_id for line in lines})
    return render_template("intake/batches.html", lines=lines, names=names, may_write=by.may(Action.INTAKE_WRITE))


@bp.get("/new")
@access(Action.INTAKE_WRITE)
def new() -> ResponseReturnValue:
    """The form for a new batch."""
    return _form({}, {})


@bp.post("/new")
@access(Action.INTAKE_WRITE)
def open_batch() -> ResponseReturnValue:
    """Open a batch; what cannot be used is told beside its field."""
    archive, typed = the_archive(), request.form
    try:
        declared = _declared()
        fonds = FondsId(parse_id(typed.get("fonds", ""), kind="fonds"))
        with archive.unit(viewer()) as unit:
            batch = use_case.open_batch(
                unit,
                fonds_id=fonds,
                source=typed.get("source", "").strip()[:200] or None,
                box=typed.get("box", "").strip()[:80] or None,
                declared=declared,
                ocr_engine=typed.get("ocr_engine") or None,
            )
            ident = batch.id
    except InvalidInput as fault:
        return _form(typed.to_dict(), {name: str(reason) for name, reason in fault.parameters.items()}), 422
    return redirect(url_for("intake.show", batch_id=ident), 303)


def _form(typed: dict[str, str], faults: dict[str, str]) -> str:
    archive = the_archive()
    with archive.reading(viewer()) as unit:
        fonds = fonds_choices(unit)
    return render_template(
        "intake/new.html", fonds=fonds, typed=typed, faults=faults, counted=_DECLARED, engines=_ENGINES,
        engine=archive.settings.ocr_engine,
    )  # fmt: skip


def _declared() -> Declared:
    numbers: dict[str, int | None] = {}
    faults: dict[str, object] = {}
    for name in _DECLARED:
        text = request.form.get(f"declared_{name}", "").strip()
        if text and not (text.isascii() and text.isdigit() and len(text) < 9):  # noqa: PLR2004 - a column's width
            faults[f"declared_{name}"] = "not-a-count"
            continue
        numbers[name] = int(text) if text else None
    if faults:
        raise InvalidInput(**faults)
    return Declared(**numbers)


@bp.get("/<uuid:batch_id>")
@access(Action.INTAKE_READ)
def show(batch_id: UUID) -> ResponseReturnValue:
    """One batch: its balance, its files, the work under way."""
    return _batch(batch_id, {}, {})


def _batch(batch_id: UUID, typed: dict[str, str], faults: dict[str, str]) -> str:
    archive, by = the_archive(), viewer()
    page = _page(batch_id)
    people = {page.batch.operator_id} | ({page.batch.signed_by} if page.batch.signed_by else set())
    return render_template(
        "intake/batch.html", page=page, names=archive.accounts.names(people), may=_may(), typed=typed, faults=faults,
        limit=archive.settings.limit_bytes, result=session.pop(f"filed-{batch_id}", None), user=by.login,
    )  # fmt: skip


def _page(batch_id: UUID) -> BatchPage:
    archive = the_archive()
    outcome = request.args.get("outcome", "")
    shown = IntakeOutcome(outcome) if outcome in {one.value for one in IntakeOutcome} else None
    start = max(0, request.args.get("start", 0, type=int))
    with archive.reading(viewer()) as unit:
        return batch_page(unit, archive.sessions, batch_id, language=_language(), shown=shown, start=start)


def _may() -> dict[str, bool]:
    by = viewer()
    return {
        "write": by.may(Action.INTAKE_WRITE),
        "sign": by.may(Action.BATCH_SIGN),
        "file": by.may(Action.RECORD_FILE),
        "read": by.may(Action.RECORD_READ),
        "review": by.may(Action.RECORD_REVIEW),
    }


def _language() -> str:
    return str(g.get("language", "zh"))


@bp.post("/<uuid:batch_id>/live")
@access(Action.INTAKE_READ)
def live(batch_id: UUID) -> ResponseReturnValue:
    """What changed since the caller last looked: `known` maps the files it shows to their stamps."""
    body: Any = request.get_json(silent=True)
    known: Any = body.get("known") if isinstance(body, dict) else None
    known = known if isinstance(known, dict) else {}
    page, may = _page(batch_id), _may()
    rows = [
        {
            "id": str(row.line.id),
            "stamp": row.stamp,
            "html": render_template("intake/_row.html", row=row, may=may, page_batch=batch_id),
        }
        for row in page.rows
        if known.get(str(row.line.id)) != row.stamp
    ]
    return jsonify(
        balance=render_template("intake/_balance.html", page=page, may=may),
        acts=render_template("intake/_acts.html", page=page, may=may),
        rows=rows,
        order=[str(row.line.id) for row in page.rows],
        working=page.is_working,
        pages_done=page.work.pages_done,
        pages=page.work.pages,
        total=page.total,
        waiting=page.balance.waiting,
        buried=len(page.work.buried),
    )


@bp.post("/<uuid:batch_id>/files")
@access(Action.INTAKE_WRITE)
def upload(batch_id: UUID) -> ResponseReturnValue:
    """Take in the files of this request; a script sends one a request and gets JSON, a plain form sends many."""
    sent = [part for part in request.files.getlist("file") if part.filename]
    if not sent:
        raise InvalidInput(file="missing")
    paths = request.form.getlist("path")
    answers = []
    for place, part in enumerate(sent):
        path = paths[place] if place < len(paths) and paths[place] else str(part.filename)
        answers.append(_receive(batch_id, part, path))
    if request.accept_mimetypes.best == "application/json":
        return jsonify(files=answers)
    return redirect(url_for("intake.show", batch_id=batch_id), 303)


def _receive(batch_id: UUID, part: FileStorage, path: str) -> dict[str, str]:
    workshop = the_archive().workshop
    try:
        ident = use_case.receive(workshop, viewer(), batch_id, cast("BinaryIO", part.stream), path=path)
    except Refused as refusal:
        ident = use_case.refuse_unread(workshop, viewer(), batch_id, path=path, size=_size(part), refusal=refusal)
    return {"file": path, "id": str(ident)}


def _size(part: FileStorage) -> int:
    part.stream.seek(0, io.SEEK_END)
    return part.stream.tell()


@bp.post("/<uuid:batch_id>/unsent")
@access(Action.INTAKE_WRITE)
def unsent(batch_id: UUID) -> ResponseReturnValue:
    """Register a file that is too large to be sent, so that the balance counts it. `size` in bytes."""
    archive = the_archive()
    size = request.form.get("size", 0, type=int)
    limit = archive.settings.limit_bytes
    if size <= limit:
        raise InvalidInput(size="form")
    refusal = Refused("too-large", limit=limit)
    path = request.form.get("path", "")
    ident = use_case.refuse_unread(archive.workshop, viewer(), batch_id, path=path, size=size, refusal=refusal)
    return jsonify(files=[{"file": path, "id": str(ident)}])


@bp.post("/<uuid:batch_id>/sign-off")
@access(Action.BATCH_SIGN)
def sign_off(batch_id: UUID) -> ResponseReturnValue:
    """结清: sign the balance; a difference must be explained."""
    typed = request.form.get("difference", "").strip()
    try:
        with the_archive().unit(viewer()) as unit:
            use_case.sign_off(unit, batch_id, difference=typed[:300] or None)
    except InvalidInput as fault:
        faults = {name: str(reason) for name, reason in fault.parameters.items()}
        return _batch(batch_id, {"difference": typed}, faults), 422
    return redirect(url_for("intake.show", batch_id=batch_id), 303)


@bp.post("/<uuid:batch_id>/file-clear")
@access(Action.RECORD_FILE)
def file_clear(batch_id: UUID) -> ResponseReturnValue:
    """File every record of the batch that is clear, and tell what was left and why."""
    archive = the_archive()
    with archive.unit(viewer()) as unit:
        done = filing.file_clear(unit, batch_id, tables=archive.tables)
    left = Counter(reason for _, reason in done.left)
    session[f"filed-{batch_id}"] = {"filed": len(done.filed), "left": dict(left)}
    return redirect(url_for("intake.show", batch_id=batch_id), 303)


@bp.post("/files/<uuid:file_id>/discard")
@access(Action.BATCH_SIGN)
def discard(file_id: UUID) -> ResponseReturnValue:
    """Discard a refused file from quarantine."""
    use_case.decide_refused(the_archive().workshop, viewer(), file_id)
    return _back()


@bp.post("/files/<uuid:file_id>/examine")
@access(Action.INTAKE_WRITE)
def examine(file_id: UUID) -> ResponseReturnValue:
    """Open a refused file once more."""
    with the_archive().unit(viewer()) as unit:
        use_case.examine_again(unit, file_id)
    return _back()


def _back() -> ResponseReturnValue:
    """To the batch whose page the form stood on; a script only wants to know that it is done."""
    if request.accept_mimetypes.best == "application/json":
        return jsonify(done=True)
    batch = parse_id(request.form.get("batch", ""), kind="batch")
    return redirect(url_for("intake.show", batch_id=batch, outcome=IntakeOutcome.REFUSED.value), 303)


@bp.get("/<uuid:batch_id>.json")
@access(Action.INTAKE_READ)
def as_json(batch_id: UUID) -> ResponseReturnValue:
    """The report in the contract's shape: a line a file, and the summary."""
    with the_archive().reading(viewer()) as unit:
        report = batches.report(unit, batch_id, language=_language())
        body = {"files": [line.as_json() for line in report.files], **report.summary()}
        number = report.batch.number
    text = json.dumps(body, ensure_ascii=False, indent=1)
    return _download(text.encode(), "application/json", f"batch-{number}.json")


@bp.get("/<uuid:batch_id>.csv")
@access(Action.INTAKE_READ)
def as_csv(batch_id: UUID) -> ResponseReturnValue:
    """The same as a table that office programs open."""
    with the_archive().reading(viewer()) as unit:
        report = batches.report(unit, batch_id, language=_language())
        lines = [line.as_json() for line in report.files]
        number = report.batch.number
    text = io.StringIO()
    table = csv.writer(text)
    columns = ("file", "outcome", "reason", "message", "pages", "records", "digest")
    table.writerow(columns)
    for line in lines:
        records = line["records"]
        flat = {**line, "records": " ".join(records) if isinstance(records, list) else ""}
        table.writerow([_cell(flat[name]) for name in columns])
    return _download(text.getvalue().encode("utf-8-sig"), "text/csv; charset=utf-8", f"batch-{number}.csv")


def _cell(value: object) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _download(data: bytes, media_type: str, name: str) -> Response:
    response = Response(data, content_type=media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
