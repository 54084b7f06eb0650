"""A record's page, its page pictures and its components."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, Response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from archive_app import catalogue, disclosure
from archive_app.core.errors import InvalidInput
from archive_app.core.model import AuditLeaf, Component, Page, Record
from archive_app.core.unit import Unit, parse_id
from archive_app.core.vocabulary import Action, RecordId, RecordState, Viewer
from archive_app.web.access import access, the_archive, viewer
from archive_app.web.pictures import scaled
from ingest.kept_lines import line_from
from retention import filing
from search.query import parse
from search.snippets import matched_boxes
from search.sync import number_hash

bp = Blueprint("records", __name__)
BLUEPRINTS = (bp,)
_PIECE = 1 << 18
_EVENTS = 400
_RELATED = 50
_LOOKED = "record:viewed"
_LOOKS = frozenset({_LOOKED, "record:previewed", "page:viewed", "component:opened"})
#: Shown in the browser by itself; everything else is handed over as a download, never run.
_INLINE = frozenset({"image/jpeg", "image/png", "application/pdf"})


@bp.get("/records/<record_id>")
@access(Action.RECORD_READ)
def show(record_id: str) -> ResponseReturnValue:
    """Everything about one record."""
    return _page(record_id, "")


@bp.post("/records/<record_id>")
@access(Action.RECORD_READ)
def show_with_words(record_id: str) -> ResponseReturnValue:
    """The same with the words of a search boxed on the image; they travel by POST."""
    return _page(record_id, request.form.get("q", ""))


def _page(record_id: str, words: str) -> ResponseReturnValue:
    archive, by = the_archive(), viewer()
    with archive.reading(by) as unit:
        record = catalogue.resolve(unit, record_id)
        shown = catalogue.show(unit, record, archive.tables)
        history = _history(unit, record.id) if by.may(Action.VALUE_UNMASK) else ()
        related = _related(unit, record)
        viewer_data = viewer_of(unit, record, shown, words)
        term = None
        if record.class_code:
            term = filing.explain(unit, record, archive.tables)
        may = {
            "review": by.may(Action.RECORD_REVIEW) and record.state != RecordState.FILED,
            "file": by.may(Action.RECORD_FILE) and record.state == RecordState.DESCRIBED,
            "correct": by.may(Action.RECORD_CORRECT) and record.state == RecordState.FILED,
        }
        page = int(request.values.get("page", "1")) if request.values.get("page", "1").isdigit() else 1
        return render_template(
            "record.html", record=shown, history=history, related=related, viewer_data=viewer_data, term=term,
            may=may, words=words, first_page=page, rights=_rights(by), asked=request.form,
        )  # fmt: skip


def _rights(by: Viewer) -> list[tuple[str, bool]]:
    """What the viewer's roles allow with a record such as this, for the tab on access."""
    asked = (
        Action.RECORD_READ, Action.VALUE_UNMASK, Action.RECORD_REVIEW, Action.RECORD_FILE, Action.RECORD_CORRECT,
        Action.CORRECTION_APPROVE,
    )  # fmt: skip
    return [(action.value, by.may(action)) for action in asked]


def viewer_of(unit: Unit, record: Record, shown: dict[str, Any], words: str) -> dict[str, Any]:
    """What the page viewer gets: pages with image addresses, lines, and the boxes of the words looked for."""
    pictures = disclosure.may_see_pictures(unit.viewer, record)
    boxes = _boxes(unit, record, words) if words.strip() and pictures else {}
    return {
        "pages": [
            {**viewer_page(shown, page, picture=pictures), "boxes": boxes.get(page["number"], [])}
            for page in shown["pages"]
        ],
        "pictures": pictures,
    }


def viewer_page(shown: Mapping[str, Any], page: Mapping[str, Any], *, picture: bool = True) -> dict[str, Any]:
    """A page as the page viewer is given it.

    The version is in the address of the picture: after a split or a correction the number is another picture's.
    """
    there = picture and page["state"] != "waiting"
    image = url_for("records.page_image", record_id=shown["id"], number=page["number"], v=shown["version"])
    return {
        "number": page["number"],
        "width": page["width"],
        "height": page["height"],
        "rotation": page["rotation"],
        "image": image if there else None,
        "lines": [{"text": line["text"], "box": line["box"]} for line in page["lines"]],
    }


def _boxes(unit: Unit, record: Record, words: str) -> dict[int, list[list[int]]]:
    hash_number = number_hash(the_archive().hasher)
    try:
        clauses = parse(words, hash_number=hash_number)
    except InvalidInput:
        return {}  # a text that nothing can be searched for marks nothing
    found: dict[int, list[list[int]]] = {}
    for page in unit.all(sa.select(Page).where(Page.record_id == record.id)):
        lines = [line_from(line) for line in page.lines]
        matched = matched_boxes(lines, clauses, rotation=page.rotation, hash_number=hash_number)
        if matched:
            found[page.number] = [list(one.box) for one in matched]
    return found


def preview_of(record_id: str, words: str, number: int | None) -> dict[str, Any]:
    """The record, the page hit first and its boxes, for the drawer."""
    archive, by = the_archive(), viewer()
    with archive.reading(by) as unit:
        record = catalogue.resolve(unit, record_id)
        shown = catalogue.show(unit, record, archive.tables, purpose="previewed")
        data = viewer_of(unit, record, shown, words)
    hit = next((page for page in data["pages"] if page["boxes"]), None)
    wanted = next((page for page in data["pages"] if page["number"] == number), None)
    page = hit or wanted or (data["pages"][0] if data["pages"] else None)
    return {"record": shown, "page": page, "pictures": data["pictures"], "words": words}


def _history(unit: Unit, record_id: RecordId) -> list[dict[str, object]]:
    """What happened to the record, newest first: actions and who, no values. A person's looks in a row are one line."""
    rows = unit.rows(
        sa.select(AuditLeaf.at, AuditLeaf.actor, AuditLeaf.action, AuditLeaf.sequence)
        .where(AuditLeaf.subject_kind == "record", AuditLeaf.subject_id == str(record_id))
        .order_by(AuditLeaf.sequence.desc())
        .limit(_EVENTS)
    )
    lines = []
    for (actor, _), same in groupby(rows, key=lambda row: (row[1], row[2] in _LOOKS or row[3])):
        events = list(same)
        at, _, action, sequence = events[0]
        shown = _LOOKED if len(events) > 1 else action
        lines.append({"at": at, "actor": actor, "action": shown, "sequence": sequence, "times": len(events)})
    return lines


def _related(unit: Unit, record: Record) -> list[dict[str, object]]:
    """The same paper elsewhere in scope, found by digest, and papers of the same intake file."""
    digests = [
        row[0] for row in unit.rows(sa.select(Component.sha256).where(
            Component.record_id == record.id, Component.kind == "master"))
    ]  # fmt: skip
    # Asked one by one: no index answers a record that is related in one way or the other.
    idents = {row[0] for row in unit.rows(sa.select(Component.record_id).where(Component.sha256.in_(digests)))}
    if record.intake_file_id is not None:
        siblings = sa.select(Record.id).where(Record.intake_file_id == record.intake_file_id)
        idents.update(row[0] for row in unit.rows(siblings))
    related = sa.select(Record).where(Record.id.in_(idents - {record.id}), Record.state != RecordState.WITHDRAWN)
    others = unit.all(related.order_by(Record.created_at, Record.id).limit(_RELATED))
    shown = disclosure.titled(unit, the_archive().tables, others, of=lambda other: (other.id, other.title))
    return [
        {"id": str(other.id), "code": other.code, "title": title,
         "sibling": other.intake_file_id == record.intake_file_id}
        for other, title in shown
    ]  # fmt: skip


@bp.get("/records/<record_id>/pages/<int(max=999999):number>/image")
@access(Action.RECORD_READ)
def page_image(record_id: str, number: int) -> ResponseReturnValue:
    """A page's picture, at most `width` pixels wide."""
    return picture(record_id, number, request.args.get("width", type=int))


def picture(record_id: str, number: int, width: int | None) -> ResponseReturnValue:
    """The answer for a page's picture, for pages and the API alike."""
    archive = the_archive()
    with archive.reading(viewer()) as unit:
        found = catalogue.page_view(unit, RecordId(parse_id(record_id, kind="record")), number)
    with archive.store.open(found.key, version_id=found.version_id) as stream:
        data = stream.read()
    response = Response(scaled(data, width) if width else data, mimetype=found.media_type)
    # Kept by this browser for this session only, under an address that changes with the bytes.
    response.headers["Cache-Control"] = "private, max-age=600"
    response.set_etag(f"{found.key.sha256}-{width or 0}")
    return response.make_conditional(request)


@bp.get("/components/<component_id>")
@access(Action.RECORD_READ)
def component(component_id: str) -> ResponseReturnValue:
    """A component's bytes."""
    return component_bytes(component_id)


def component_bytes(component_id: str) -> ResponseReturnValue:
    """The answer for a component's bytes: streamed, never interpreted by us."""
    archive = the_archive()
    with archive.reading(viewer()) as unit:
        found = catalogue.component(unit, parse_id(component_id, kind="component"))
    stream = archive.store.open(found.key, version_id=found.version_id)

    def pieces() -> Iterator[bytes]:
        with stream:
            while piece := stream.read(_PIECE):
                yield piece

    response = Response(pieces(), mimetype=found.media_type)
    response.content_length = found.size
    kind = "inline" if found.media_type in _INLINE else "attachment"
    response.headers["Content-Disposition"] = f'{kind}; filename="{component_id}"'
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'; style-src 'unsafe-inline'"
    return response


@bp.post("/records/<record_id>/file")
@access(Action.RECORD_FILE)
def file(record_id: str) -> ResponseReturnValue:
    """File the record."""
    archive = the_archive()
    with archive.unit(viewer()) as unit:
        record = filing.file_record(unit, catalogue.resolve(unit, record_id).id, tables=archive.tables)
        session["flash"] = record.code
    return redirect(url_for("records.show", record_id=record_id), 303)
