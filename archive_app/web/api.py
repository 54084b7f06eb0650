"""The JSON API of the contract: `/api/v1/…`, the same use cases as the pages, described by an OpenAPI document."""

import re
from typing import Any, BinaryIO, cast

from apiflask import APIBlueprint, Schema
from apiflask.fields import Boolean, Dict, Integer, List, Nested, Raw, String
from apiflask.validators import Range
from flask import request
from flask.typing import ResponseReturnValue

from archive_app import batches, catalogue, persons
from archive_app.core.errors import InvalidInput, Refused
from archive_app.core.unit import parse_id
from archive_app.core.vocabulary import Action
from archive_app.disclosure import masker
from archive_app.web.access import access, the_archive, viewer
from archive_app.web.records import component_bytes, picture
from ingest import intake
from ingest.intake import fonds_in_scope
from search.find import Question, as_json, find

bp = APIBlueprint("api", __name__, url_prefix="/api/v1", tag="archive")
_NUMBER = re.compile(r"\d{1,9}")
_SECURITY = "bearer"


class ProblemOut(Schema):
    """What went wrong, as `application/problem+json`."""

    type = String()
    title = String()
    status = Integer()
    code = String()
    detail = String()
    incident = String()
    fields_ = Dict(data_key="fields")


class BatchOut(Schema):
    """A batch and what became of its files."""

    batch = String(required=True)
    state = String()
    work = Dict()
    files = List(Dict())
    summary = Dict()


class RecordOut(Schema):
    """A record as described: the shape of `archive record show`."""

    id = String(required=True)
    code = String(required=True)
    title = String(required=True)
    fonds = String()
    class_ = String(data_key="class", allow_none=True)
    type = Dict()
    state = String()
    level = String()
    version = Integer()
    formed_on = String(allow_none=True)
    document_number = String(allow_none=True)
    batch = String(allow_none=True)
    retention = Dict()
    parties = List(Dict())
    fields_ = List(Dict(), data_key="fields")
    pages = List(Dict())
    components = List(Dict())
    review = List(String())
    withheld = Boolean()


class SearchIn(Schema):
    """A search: words, filters, size and cursor."""

    q = String(required=True)
    filters = Dict(keys=String(), values=Raw(), load_default=dict)
    size = Integer(load_default=20)
    after = String(load_default=None, allow_none=True)
    order = String(load_default="best")


class WidthIn(Schema):
    """How wide a picture may be, in pixels."""

    width = Integer(validate=Range(min=1))


class HitOut(Schema):
    """A hit."""

    record = String()
    code = String()
    title = String()
    type = String(allow_none=True)
    class_ = String(data_key="class", allow_none=True)
    state = String()
    pages = List(Integer())
    snippets = List(String())
    withheld = Boolean()


class SearchOut(Schema):
    """What was found."""

    total = Integer()
    exact = Boolean()
    hits = List(Nested(HitOut))
    facets = Dict()
    after = String(allow_none=True)
    degraded = Boolean()
    reason = String(allow_none=True)


class PersonIn(Schema):
    """A number or a name."""

    number = String(load_default=None, allow_none=True)
    name = String(load_default=None, allow_none=True)


class PersonLine(Schema):
    """A person found."""

    person = String()
    masked_number = String(allow_none=True)
    name = String(allow_none=True)


class PersonOut(PersonLine):
    """A person's history."""

    timeline = List(Dict())
    gaps = List(Dict())
    coverage = String()


@bp.post("/intake")
@bp.output(BatchOut, status_code=201)
@bp.doc(security=_SECURITY, summary="Take files in (multipart, many files)")
@access(Action.INTAKE_WRITE)
def take_in() -> ResponseReturnValue:
    """Take every file of the request into a batch: a new one, or the open one named by `batch`."""
    archive, by = the_archive(), viewer()
    form = request.form
    batch_id = form.get("batch")
    if batch_id:
        batch = parse_id(batch_id, kind="batch")
    else:
        declared = intake.Declared(pages=_whole(form.get("declared_pages"), "declared_pages"))
        with archive.unit(by) as unit:
            fonds_id = fonds_in_scope(unit, form.get("fonds"))
            batch = intake.open_batch(unit, fonds_id=fonds_id, source=form.get("source"), declared=declared).id
    files = [file for _, file in request.files.items(multi=True)]
    if not files:
        raise InvalidInput(files="missing")
    for file in files:
        name = file.filename or "unnamed"
        try:
            intake.receive(archive.workshop, by, batch, cast("BinaryIO", file.stream), path=name)
        except Refused as refusal:
            intake.refuse_unread(archive.workshop, by, batch, path=name, size=0, refusal=refusal)
    return _batch(batch), 201


def _whole(text: str | None, name: str) -> int | None:
    if text is None or text == "":
        return None
    if not _NUMBER.fullmatch(text):
        raise InvalidInput(**{name: "not-a-number"})
    return int(text)


@bp.get("/intake/<batch>")
@bp.output(BatchOut)
@bp.doc(security=_SECURITY, summary="A batch's report")
@access(Action.INTAKE_READ)
def intake_report(batch: str) -> ResponseReturnValue:
    """What became of each file, the balance, and what is still to do."""
    return _batch(parse_id(batch, kind="batch"))


def _batch(batch: Any) -> dict[str, Any]:  # noqa: ANN401 - an id
    archive, by = the_archive(), viewer()
    with archive.reading(by) as unit:
        report = batches.report(unit, batch)
        work = batches.work_of(unit, archive.sessions, batch)
        state = report.batch.state.value
    return {
        "batch": str(report.batch.id),
        "state": state,
        "work": {
            "waiting": work.waiting, "pages": work.pages, "pages_done": work.pages_done,
            "buried": [{"job": name, "reason": reason} for name, reason in work.buried],
        },
        "files": [line.as_json() for line in report.files],
        "summary": report.summary()["summary"],
    }  # fmt: skip


@bp.get("/records/<record_id>")
@bp.output(RecordOut)
@bp.doc(security=_SECURITY, summary="A record by id or archival number")
@access(Action.RECORD_READ)
def record(record_id: str) -> ResponseReturnValue:
    """The record as described."""
    archive = the_archive()
    with archive.reading(viewer()) as unit:
        shown = catalogue.show(unit, catalogue.resolve(unit, record_id), archive.tables)
    return {**shown, "class_": shown["class"], "fields_": shown["fields"]}


@bp.get("/records/<record_id>/pages/<int(max=999999):number>/image")
@bp.input(WidthIn, location="query", arg_name="asked")
@bp.doc(security=_SECURITY, summary="A page's picture")
@access(Action.RECORD_READ)
def page_image(record_id: str, number: int, asked: dict[str, Any]) -> ResponseReturnValue:
    """A page's picture, at most `width` pixels wide."""
    return picture(record_id, number, asked.get("width"))


@bp.get("/components/<component_id>")
@bp.doc(security=_SECURITY, summary="A component's bytes")
@access(Action.RECORD_READ)
def component(component_id: str) -> ResponseReturnValue:
    """A component's bytes as they are kept."""
    return component_bytes(component_id)


@bp.post("/search")
@bp.input(SearchIn, arg_name="asked")
@bp.output(SearchOut)
@bp.doc(security=_SECURITY, summary="Search")
@access(Action.RECORD_READ)
def search(asked: dict[str, Any]) -> ResponseReturnValue:
    """Find records within the caller's scope."""
    archive, by = the_archive(), viewer()
    filters = {
        key: tuple(str(one) for one in (value if isinstance(value, list) else [value]))
        for key, value in asked["filters"].items()
    }
    question = Question(asked["q"], filters, asked["size"], asked["after"], asked["order"])
    found = find(archive.reading, archive.index, question, viewer=by, hasher=archive.hasher,
                 masker=masker(by, archive.tables))  # fmt: skip
    answer = as_json(found)
    answer["hits"] = [{**hit, "class_": hit["class"]} for hit in answer["hits"]]
    return answer


@bp.post("/persons/find")
@bp.input(PersonIn, arg_name="asked")
@bp.output(PersonLine(many=True))
@bp.doc(security=_SECURITY, summary="Persons by number or name")
@access(Action.PERSON_READ)
def persons_find(asked: dict[str, Any]) -> ResponseReturnValue:
    """Persons with this whole number, or this name, within the caller's scope."""
    text = asked["number"] or asked["name"]
    if not text:
        raise InvalidInput(number="missing")
    archive = the_archive()
    with archive.reading(viewer()) as unit:
        return persons.find(unit, text, hasher=archive.hasher)


@bp.get("/persons/<person_id>")
@bp.output(PersonOut)
@bp.doc(security=_SECURITY, summary="A person and the history")
@access(Action.PERSON_READ)
def person(person_id: str) -> ResponseReturnValue:
    """Every record about the person within scope, in order of date."""
    archive = the_archive()
    with archive.reading(viewer()) as unit:
        shown = persons.show(unit, parse_id(person_id, kind="person"), archive.tables)
    del shown["coverage_facts"]
    return shown
