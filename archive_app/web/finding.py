"""Search: words travel by POST, so that what was looked for is in no address and no server log."""

import re
from dataclasses import dataclass

import sqlalchemy as sa
from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from archive_app.core.errors import InvalidInput, Unavailable
from archive_app.core.model import Fonds, Provider
from archive_app.core.unit import Unit, parse_id
from archive_app.core.vocabulary import Action
from archive_app.disclosure import masker
from archive_app.web.access import access, the_archive, viewer
from archive_app.web.records import preview_of
from search.find import CONTINUED, FILTERS, Answer, FoundRecord, Question, find

bp = Blueprint("finding", __name__)
BLUEPRINTS = (bp,)
_PAGE = 20
_AWAY = ("full-text-unavailable", "search-interrupted")
_ORDER = ("fonds", "class", "type", "year", "state")


@dataclass(frozen=True, slots=True)
class FacetValue:
    """A value of a facet with its count; `chosen` if the search is narrowed to it."""

    value: str
    label_kind: str | None
    text: str
    count: int
    chosen: bool


@bp.get("/search")
@access(Action.RECORD_READ)
def show() -> ResponseReturnValue:
    """The search page. Filters may stand in the address (codes only), words never do."""
    return _answer(request.args, "")


@bp.post("/search")
@access(Action.RECORD_READ)
def ask() -> ResponseReturnValue:
    """Search for what was typed."""
    return _answer(request.form, request.form.get("q", ""))


def _answer(values: "MultiDict[str, str]", text: str) -> ResponseReturnValue:
    archive, by = the_archive(), viewer()
    filters = {key: tuple(values.getlist(key)) for key in FILTERS if values.getlist(key)}
    order = values.get("order", "best")
    question = Question(text, filters, _PAGE, values.get("after") or None, order if order == "newest" else "best")
    faults: dict[str, object] = {}
    answer: Answer | None = None
    away: str | None = None  # the index does not answer, and the database cannot
    if text.strip() or filters or request.method == "POST":
        try:
            answer = find(archive.reading, archive.index, question, viewer=by, hasher=archive.hasher,
                          masker=masker(by, archive.tables))  # fmt: skip
        except InvalidInput as fault:
            faults = fault.parameters
        except Unavailable as fault:
            if fault.code not in _AWAY:
                raise
            away = fault.code
    with archive.reading(by) as unit:
        fonds = {row[0]: row[1] for row in unit.rows(sa.select(Fonds.code, Fonds.name))}
        facets = _facets(answer, filters, fonds) if answer else {}
        chosen = _names(unit, filters, fonds)
    page = render_template(
        "search.html",
        text=text, filters=filters, chosen=chosen, order=question.order, answer=answer, facets=facets,
        faults=faults, after=values.get("after"), fonds=fonds, best_snippets=_best_snippets, away=away,
        asked=request.form, continued=answer is not None and answer.degraded == CONTINUED,
    )  # fmt: skip
    return page, 422 if faults else 503 if away else 200


def _facets(answer: Answer, filters: dict[str, tuple[str, ...]], fonds: dict[str, str]) -> dict[str, list[FacetValue]]:
    kinds = {"class": "class", "type": "type", "state": "record-state", "year": None, "fonds": None}
    shown: dict[str, list[FacetValue]] = {}
    for key in _ORDER:
        values = answer.facets.get(key, {})
        ordered = sorted(values.items(), key=lambda item: (-int(item[0]), 0) if key == "year" else (-item[1], item[0]))
        shown[key] = [
            FacetValue(value, kinds[key], fonds.get(value, value) if key == "fonds" else value, count,
                       value in filters.get(key, ()))
            for value, count in ordered
        ]  # fmt: skip
    return {key: values for key, values in shown.items() if values}


def _names(unit: Unit, filters: dict[str, tuple[str, ...]], fonds: dict[str, str]) -> list[tuple[str, str, str]]:
    """Filters in force as (key, value, text) for the line of understood meaning."""
    named = []
    for key, values in filters.items():
        for value in values:
            text = fonds.get(value, value)
            if key == "provider":
                text = unit.get(Provider, parse_id(value, kind="provider")).name
            named.append((key, value, text))
    return named


def _best_snippets(hit: FoundRecord) -> list[tuple[int, list[tuple[str, bool]], bool, bool]]:
    """Snippets as pieces of text, each marked or not, with the page they stand on."""
    shown = []
    for one in hit.snippets:
        pieces: list[tuple[str, bool]] = []
        last = 0
        for start, end in one.snippet.spans:
            pieces += [(one.snippet.text[last:start], False), (one.snippet.text[start:end], True)]
            last = end
        pieces.append((one.snippet.text[last:], False))
        shown.append((one.page, [piece for piece in pieces if piece[0]], one.snippet.cut_before, one.snippet.cut_after))
    return shown


@bp.post("/search/preview/<uuid:record_id>")
@access(Action.RECORD_READ)
def preview(record_id: object) -> ResponseReturnValue:
    """The drawer beside the hits: the hit page with the words boxed."""
    page = request.form.get("page", "")
    number = int(page) if re.fullmatch(r"\d{1,5}", page) else None
    found = preview_of(str(record_id), request.form.get("q", ""), number)
    return render_template("_parts/preview.html", open_url=url_for("records.show", record_id=record_id), **found)
