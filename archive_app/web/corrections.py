"""Corrections (更正): proposed from a filed record, compared side by side, approved or refused by another person.

Also the page changes before filing, which the review page sends here: replace, insert, take out.
"""

from typing import Any, BinaryIO, cast
from uuid import UUID

from flask import Blueprint, Response, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import FileStorage

from archive_app import catalogue, correcting
from archive_app.core.errors import ArchiveError, Conflict, InvalidInput, Refused
from archive_app.core.model import Record
from archive_app.core.unit import Unit, parse_id
from archive_app.core.vocabulary import Action, RecordId
from archive_app.correcting import Asked, Upload
from archive_app.web.access import access, the_archive, viewer
from archive_app.web.pictures import scaled
from archive_app.web.records import viewer_of
from archive_app.web.words import error_text
from ingest import page_changes
from ingest.reasons import message as refusal_text
from ingest.reviewing import day
from retention.corrections import PROPOSED, correctable

bp = Blueprint("corrections", __name__)
BLUEPRINTS = (bp,)
_PAPERS = 3  # beside a correction at most
_PLACES = frozenset({"replace", "insert"})


@bp.get("/corrections")
@access(Action.RECORD_CORRECT, Action.CORRECTION_APPROVE)
def show_all() -> ResponseReturnValue:
    """What waits for a decision, the oldest first; with `all` what was decided too."""
    archive = the_archive()
    everything = request.args.get("all") == "1"
    with archive.reading(viewer()) as unit:
        lines = correcting.listing(unit, archive.tables, state=None if everything else PROPOSED)
    names = archive.accounts.names(correcting.people(lines))
    return render_template("corrections/list.html", lines=lines, names=names, everything=everything)


@bp.get("/corrections/<uuid:correction_id>")
@access(Action.RECORD_CORRECT, Action.CORRECTION_APPROVE)
def show(correction_id: UUID) -> ResponseReturnValue:
    """One correction: what stands beside what is to stand."""
    return _correction(correction_id, {}, {})


def _correction(correction_id: UUID, typed: dict[str, str], faults: dict[str, str]) -> str:
    archive, by = the_archive(), viewer()
    with archive.reading(by) as unit:
        line = correcting.show(unit, archive.tables, correction_id)
        papers = _papers(unit, line)
    accounts = archive.accounts
    own = accounts.person_of(line["proposed_by"]) == accounts.person_of(by.user_id)
    may_withdraw = own and line["state"] == PROPOSED and by.may(Action.RECORD_CORRECT)
    may_decide = line["state"] == PROPOSED and by.may(Action.CORRECTION_APPROVE)
    return render_template(
        "corrections/show.html", line=line, names=accounts.names(correcting.people([line])), own=own,
        may_decide=may_decide, may_withdraw=may_withdraw, typed=typed, faults=faults, papers=papers,
    )  # fmt: skip


def _papers(unit: Unit, line: dict[str, Any]) -> list[dict[str, Any]]:
    """The pages that who decides compares with: where the changed values stand, boxed, or else the first."""
    if line["state"] != PROPOSED or not line["changes"]:
        return []
    record = unit.get(Record, RecordId(UUID(line["record"])))
    shown = catalogue.show(unit, record, the_archive().tables, purpose="previewed")
    pages = [page for page in viewer_of(unit, record, shown, "")["pages"] if page["image"]]
    changed = {change["name"] for change in line["changes"]}
    boxes: dict[int, list[list[int]]] = {}
    for field in shown["fields"]:
        key = field["name"] if field["row"] is None else f"{field['name']}#{field['row']}"
        if key in changed and field["page"] and field["box"]:
            boxes.setdefault(field["page"], []).append(field["box"])
    told = [{**page, "boxes": boxes[page["number"]]} for page in pages if page["number"] in boxes]
    return told[:_PAPERS] or pages[:1]


@bp.get("/corrections/<uuid:correction_id>/pages/<int(max=999999):number>/image")
@access(Action.RECORD_CORRECT, Action.CORRECTION_APPROVE)
def page_image(correction_id: UUID, number: int) -> ResponseReturnValue:
    """A proposed page's picture."""
    data = correcting.page_picture(the_archive().workshop, viewer(), correction_id, number)
    response = Response(scaled(data, request.args.get("width", 800, type=int)), mimetype="image/jpeg")
    response.headers["Cache-Control"] = "private, max-age=600"
    return response


@bp.post("/corrections/<uuid:correction_id>/approve")
@access(Action.CORRECTION_APPROVE)
def approve(correction_id: UUID) -> ResponseReturnValue:
    """Approve another person's proposal."""
    archive = the_archive()
    record = correcting.approve(
        archive.workshop, viewer(), correction_id, person_of=archive.accounts.person_of,
        remark=request.form.get("remark"),
    )  # fmt: skip
    return redirect(url_for("records.show", record_id=record), 303)


@bp.post("/corrections/<uuid:correction_id>/refuse")
@access(Action.CORRECTION_APPROVE)
def refuse(correction_id: UUID) -> ResponseReturnValue:
    """Refuse another person's proposal, with a reason."""
    archive, typed = the_archive(), request.form.get("reason", "")
    try:
        correcting.refuse(archive.workshop, viewer(), correction_id, person_of=archive.accounts.person_of, reason=typed)
    except InvalidInput as fault:
        return _correction(correction_id, {"reason": typed}, _faults(fault)), 422
    return redirect(url_for("corrections.show_all"), 303)


@bp.post("/corrections/<uuid:correction_id>/withdraw")
@access(Action.RECORD_CORRECT)
def withdraw(correction_id: UUID) -> ResponseReturnValue:
    """Take one's own proposal back."""
    archive = the_archive()
    record = correcting.withdraw(archive.workshop, viewer(), correction_id, person_of=archive.accounts.person_of)
    return redirect(url_for("records.show", record_id=record), 303)


@bp.get("/records/<record_id>/correct")
@access(Action.RECORD_CORRECT)
def ask(record_id: str) -> ResponseReturnValue:
    """The form in which a correction of a filed record is proposed."""
    return _form(record_id, {}, None)


@bp.post("/records/<record_id>/correct")
@access(Action.RECORD_CORRECT)
def propose(record_id: str) -> ResponseReturnValue:
    """Propose it; what cannot be is told above the form, with what to do instead."""
    archive, by, typed = the_archive(), viewer(), request.form.to_dict()
    with archive.reading(by) as unit:
        ident = catalogue.resolve(unit, record_id).id
    try:
        correction = correcting.propose(
            archive.workshop, by, ident, _asked(typed), person_of=archive.accounts.person_of, upload=_upload(typed)
        )
    except (InvalidInput, Conflict, Refused) as fault:
        return _form(record_id, typed, fault), 422
    return redirect(url_for("corrections.show", correction_id=correction), 303)


def _form(record_id: str, typed: dict[str, str], fault: ArchiveError | None) -> str:
    archive, by = the_archive(), viewer()
    with archive.reading(by) as unit:
        record = catalogue.resolve(unit, record_id)
        if fault is None:
            correctable(unit, record.id)
        shown = catalogue.show(unit, record, archive.tables)
    faults = _faults(fault) if isinstance(fault, InvalidInput) else {}
    message = _message(fault) if fault is not None and not faults else None
    return render_template("corrections/propose.html", record=shown, typed=typed, message=message, faults=faults)


def _message(fault: ArchiveError) -> str:
    language = str(g.get("language", "zh"))
    if isinstance(fault, Refused):
        return refusal_text(fault.code, language, fault.parameters)
    return error_text(fault.code, fault.parameters, language)


def _faults(fault: ArchiveError) -> dict[str, str]:
    return {name: str(reason) for name, reason in fault.parameters.items()}


def _asked(typed: dict[str, str]) -> Asked:
    """Only what differs from what the form showed is asked for: masked values are not sent back as values."""
    values = {
        name.removeprefix("value-"): text
        for name, text in typed.items()
        if name.startswith("value-") and text != typed.get(f"was-{name}", "")
    }
    added = typed.get("new-name", "").strip()
    if added and typed.get("new-value", "").strip():
        values[added] = typed["new-value"]
    version = typed.get("version", "")
    return Asked(
        reason=typed.get("reason", ""),
        title=_changed(typed, "title"),
        formed_on=day(typed["formed_on"]) if _changed(typed, "formed_on") else None,
        document_number=_changed(typed, "document_number"),
        values=values,
        version=int(version) if version.isdigit() else None,
    )


def _changed(typed: dict[str, str], name: str) -> str | None:
    text = typed.get(name)
    return None if text is None or text == typed.get(f"was-{name}", "") else text


def _upload(typed: dict[str, str]) -> Upload | None:
    part = request.files.get("file")
    if part is None or not part.filename:
        return None
    place, number = typed.get("place", ""), _number(typed, "page")
    if place not in _PLACES:
        raise InvalidInput(place="unknown")
    if place == "replace":
        return Upload(cast(BinaryIO, part.stream), part.filename, replaces=number)
    return Upload(cast(BinaryIO, part.stream), part.filename, after=number)


def _number(typed: Any, name: str) -> int:  # noqa: ANN401 - a form, as Flask or a dictionary gives it
    text = str(typed.get(name, ""))
    if not (text.isascii() and text.isdigit() and len(text) < 6):  # noqa: PLR2004 - more than pages there may be
        raise InvalidInput(**{name: "no-such-page"})
    return int(text)


@bp.post("/records/<record_id>/pages/replace")
@access(Action.RECORD_REVIEW)
def replace_page(record_id: str) -> ResponseReturnValue:
    """Before filing: the pages of `file` in the place of page `page`."""
    return _bring_in(record_id, page_changes.replace_page)


@bp.post("/records/<record_id>/pages/insert")
@access(Action.RECORD_REVIEW)
def insert_pages(record_id: str) -> ResponseReturnValue:
    """Before filing: the pages of `file` behind page `page`; 0: before the first."""
    return _bring_in(record_id, page_changes.insert_pages)


def _bring_in(record_id: str, change: page_changes.BringsIn) -> ResponseReturnValue:
    ident, part = _unfiled(record_id), _sent()
    place = _number(request.form, "page")
    change(the_archive().workshop, viewer(), ident, place, cast(BinaryIO, part.stream), name=str(part.filename))
    return _back_to_review(ident)


@bp.post("/records/<record_id>/pages/remove")
@access(Action.RECORD_REVIEW)
def remove_page(record_id: str) -> ResponseReturnValue:
    """Before filing: take page `page` out, with a reason, to be scanned again."""
    ident = _unfiled(record_id)
    number, reason = _number(request.form, "page"), request.form.get("reason", "")
    page_changes.remove_page(the_archive().workshop, viewer(), ident, number, reason=reason)
    return _back_to_review(ident)


def _unfiled(record_id: str) -> RecordId:
    ident = RecordId(parse_id(record_id, kind="record"))
    with the_archive().reading(viewer()) as unit:
        return catalogue.resolve(unit, str(ident)).id  # out of sight is not told apart from wrongly asked


def _sent() -> FileStorage:
    part = request.files.get("file")
    if part is None or not part.filename:
        raise InvalidInput(file="missing")
    return part


def _back_to_review(ident: RecordId) -> ResponseReturnValue:
    return redirect(url_for("review.show", record_id=ident), 303)
