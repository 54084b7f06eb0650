"""Review (审核): one record at a time, confirmed, corrected, arranged or sent back, then the next one.

Every act answers a script with where to go next, and a plain form with a redirect to the same place.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, g, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from archive_app.core.errors import InvalidInput, NotFound, StaleVersion
from archive_app.core.model import Record
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import Action, Level, RecordId, RecordState
from archive_app.web import review_pages
from archive_app.web.access import access, the_archive, viewer
from archive_app.web.review_queue import Filter, choices, first, place_of, waiting
from archive_app.web.words import fault_text
from ingest import arranging, reviewing
from ingest.arranging import Group
from ingest.reviewing import Correction, day
from retention import filing

bp = Blueprint("review", __name__, url_prefix="/review")
BLUEPRINTS = (bp,)
#: Prefix of the plain form's inputs that hold described values.
_VALUE = "value:"


@bp.before_request
def _values_in_clear() -> None:
    """Who confirms must see what is confirmed: a masked value would be written back masked."""
    if not viewer().may(Action.VALUE_UNMASK):
        raise NotFound(kind="page")


@bp.get("")
@access(Action.RECORD_REVIEW)
def queue() -> ResponseReturnValue:
    """What waits, oldest first; with `go`, the first of it at once."""
    narrowed = Filter.of(request.args)
    with the_archive().reading(viewer()) as unit:
        if request.args.get("go"):
            start = first(unit, narrowed)
            if start is not None:
                return redirect(url_for("review.show", record_id=start, **narrowed.arguments()), 303)
        lines, options = waiting(unit, narrowed), choices(unit)
        total = len(lines)
    return render_template("review/queue.html", lines=lines, options=options, narrowed=narrowed, total=total)


@bp.get("/<uuid:record_id>")
@access(Action.RECORD_REVIEW)
def show(record_id: UUID) -> ResponseReturnValue:
    """One record under review; as JSON, only what changes from record to record. `type`: fields of another type."""
    return _shown(record_id, {}, {})


def _shown(record_id: UUID, typed: Mapping[str, str], faults: Mapping[str, str]) -> ResponseReturnValue:
    archive, by = the_archive(), viewer()
    narrowed, language = Filter.of(request.args), _language()
    with archive.reading(by) as unit:
        record = unit.get(Record, RecordId(record_id))
        page = review_pages.review_record(
            unit, record, archive.tables, narrowed=narrowed, language=language, as_type=request.args.get("as_type")
        )
    facts = {
        "page": page, "narrowed": narrowed, "may_file": by.may(Action.RECORD_FILE), "typed": typed, "faults": faults,
        "levels": tuple(review_pages.levels()),
    }  # fmt: skip
    if request.accept_mimetypes.best == "application/json":
        return jsonify(**_facts(page, narrowed), panel=render_template("review/_panel.html", **facts))
    return render_template(
        "review/record.html",
        **facts,
        data=_facts(page, narrowed),
        types=review_pages.type_choices(archive.tables, language),
        classes=review_pages.class_choices(archive.tables, language),
    ), (422 if faults else 200)


def _facts(page: review_pages.ReviewRecord, narrowed: Filter) -> dict[str, Any]:
    arguments = narrowed.arguments()

    def address(ident: RecordId | None) -> str | None:
        return None if ident is None else url_for("review.show", record_id=ident, **arguments)

    return {
        "id": page.record["id"],
        "version": page.record["version"],
        "state": page.record["state"],
        "title": page.record["title"],
        "url": url_for("review.show", record_id=page.record["id"], **arguments),
        "next": address(page.place.next),
        "previous": address(page.place.previous),
        "position": page.place.position,
        "total": page.place.total,
        "merge_into": page.merge_into,
        "targets": page.targets,
        "batch": page.batch,
        "viewer": review_pages.viewer_data(page),
    }


def _language() -> str:
    return str(g.get("language", "zh"))


@bp.post("/<uuid:record_id>/confirm")
@access(Action.RECORD_REVIEW)
def confirm(record_id: UUID) -> ResponseReturnValue:
    """Confirm with corrections; with `file`, file it in the same piece of work."""
    archive, body = the_archive(), _body()
    ident = RecordId(record_id)
    try:
        correction = _correction(body)
        with archive.unit(viewer()) as unit:
            record = reviewing.confirm(unit, ident, correction, tables=archive.tables, hasher=archive.hasher)
            if body.get("file"):
                unit.flush()
                filing.file_record(unit, ident, tables=archive.tables)
            following = place_of(unit, Filter.of(request.args), record).next
            code, title = record.code, record.title
    except InvalidInput as fault:
        reasons = {_input_name(name): str(reason) for name, reason in fault.parameters.items()}
        if _is_script():
            told = {name: fault_text(reason, _language()) for name, reason in reasons.items()}
            return jsonify(code=fault.code, faults=told), 422
        return _shown(record_id, request.form.to_dict(), reasons)
    return _onward(following, done="filed" if body.get("file") else "confirmed", code=code, title=title)


def _input_name(name: str) -> str:
    return {"class_": "class"}.get(name, name)


def _body() -> Mapping[str, Any]:
    """What was sent: JSON of a script, or the plain form in the same shape."""
    if request.is_json:
        body: Any = request.get_json()
        if not isinstance(body, dict):
            abort(400)
        return body
    form = request.form.to_dict()
    values = {name.removeprefix(_VALUE): text for name, text in form.items() if name.startswith(_VALUE)}
    before = {name.removeprefix("was:"): text for name, text in form.items() if name.startswith("was:")}
    changed = {name: text for name, text in values.items() if text != before.get(name, "")}
    return {**form, "values": changed}


def _correction(body: Mapping[str, Any]) -> Correction:
    values = body.get("values") or {}
    if not isinstance(values, dict):
        abort(400)
    version = str(body.get("version") or "")
    level = str(body.get("level") or "")
    if level and level not in set(review_pages.levels()):
        raise InvalidInput(level="unknown")
    formed = str(body.get("formed_on") or "").strip()
    return Correction(
        type_code=str(body.get("type") or "") or None,
        class_code=str(body.get("class") or "") or None,
        title=None if body.get("title") is None else str(body["title"]),
        formed_on=day(formed) if formed else None,
        level=Level.of(level) if level else None,
        values={str(name): str(text) for name, text in values.items()},
        version=int(version) if version.isdigit() else None,
    )


@bp.post("/<uuid:record_id>/undo")
@access(Action.RECORD_REVIEW)
def undo(record_id: UUID) -> ResponseReturnValue:
    """Take a confirmation back: the values of before are confirmed again, and the record waits once more."""
    archive, body = the_archive(), _body()
    ident = RecordId(record_id)
    with archive.unit(viewer()) as unit:
        record = reviewing.confirm(unit, ident, _correction(body), tables=archive.tables, hasher=archive.hasher)
        if record.state == RecordState.DESCRIBED:
            reviewing.look_again(unit, ident, reason="sent-back")
    return jsonify(
        done="undone", next=url_for("review.show", record_id=record_id, **Filter.of(request.args).arguments())
    )


@bp.post("/<uuid:record_id>/rescan")
@access(Action.RECORD_REVIEW)
def rescan(record_id: UUID) -> ResponseReturnValue:
    """退回重扫: withdraw the record, so that the sheet is scanned again."""
    reason = str(_body().get("reason") or "").strip()[:300]
    with the_archive().unit(viewer()) as unit:
        record = unit.get(Record, RecordId(record_id))
        following = place_of(unit, Filter.of(request.args), record).next
        reviewing.send_to_rescan(unit, record.id, reason=reason)
    return _onward(following, done="sent-to-rescan", code=record.code, title=record.title)


@bp.post("/<uuid:record_id>/arrange")
@access(Action.RECORD_REVIEW)
def arrange(record_id: UUID) -> ResponseReturnValue:
    """Split before a page, move a page, put pages in another order, or merge with the record before."""
    archive, by, body = the_archive(), viewer(), _body()
    with archive.reading(by) as unit:
        record = unit.get(Record, RecordId(record_id))
        version = str(body.get("version") or "")
        if version.isdigit() and int(version) != record.version:
            raise StaleVersion(seen=int(version), now=record.version)
        groups = _groups(unit, record, body)
        following = place_of(unit, Filter.of(request.args), record).next
        code, title = record.code, record.title
    arranging.arrange(archive.workshop, by, groups)
    return _onward(following, done="arranged", code=code, title=title)


def _groups(unit: Unit, record: Record, body: Mapping[str, Any]) -> list[Group]:
    pages = tuple(review_pages.page_ids(unit, record.id))
    act, number = str(body.get("act") or ""), _number(body.get("page"))
    if act == "merge":
        target = _target(unit, record, body)
        return [Group((*review_pages.page_ids(unit, target), *pages), target)]
    if not 1 <= number <= len(pages):
        raise InvalidInput(page="unknown")
    at = number - 1
    if act == "split" and at > 0:
        return [Group(pages[:at], record.id), Group(pages[at:])]
    rest, moved = pages[:at] + pages[at + 1 :], pages[at]
    if act == "move" and body.get("target") == "new" and rest:
        return [Group(rest, record.id), Group((moved,))]
    if act == "move" and body.get("target") not in (None, "new"):
        target = _target(unit, record, body)
        joined = Group((*review_pages.page_ids(unit, target), moved), target)
        return [joined, Group(rest, record.id)] if rest else [joined]
    if act in {"earlier", "later"}:
        to = at - 1 if act == "earlier" else at + 1
        if 0 <= to < len(pages):
            return [Group((*rest[:to], moved, *rest[to:]), record.id)]
    raise InvalidInput(page="unknown")


def _number(value: object) -> int:
    text = str(value or "")
    return int(text) if text.isdigit() else 0


def _target(unit: Unit, record: Record, body: Mapping[str, Any]) -> RecordId:
    try:
        target = RecordId(UUID(str(body.get("target"))))
    except ValueError as error:
        raise InvalidInput(target="unknown") from error
    if target == record.id:
        raise InvalidInput(target="unknown")
    return unit.get(Record, target).id


def _is_script() -> bool:
    return request.accept_mimetypes.best == "application/json"


def _onward(following: RecordId | None, *, done: str, code: str, title: str) -> ResponseReturnValue:
    arguments = Filter.of(request.args).arguments()
    target = (
        url_for("review.show", record_id=following, **arguments) if following else url_for("review.queue", **arguments)
    )
    if _is_script():
        return jsonify(done=done, code=code, title=title, next=target if following else None, queue=target)
    return redirect(target, 303)
