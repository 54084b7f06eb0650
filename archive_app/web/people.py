"""Persons: found by number or name (by POST), and the page with a person's whole history."""

from typing import Any

from flask import Blueprint, g, render_template, request, url_for
from flask.typing import ResponseReturnValue

from archive_app import persons
from archive_app.core.unit import parse_id
from archive_app.core.vocabulary import Action
from archive_app.web.access import access, the_archive, viewer

bp = Blueprint("persons", __name__)
BLUEPRINTS = (bp,)


@bp.get("/persons")
@access(Action.PERSON_READ)
def find() -> ResponseReturnValue:
    """The form."""
    return render_template("persons.html", found=None, text="")


@bp.post("/persons")
@access(Action.PERSON_READ)
def found() -> ResponseReturnValue:
    """Persons with this number or name."""
    archive = the_archive()
    text = request.form.get("q", "").strip()
    with archive.reading(viewer()) as unit:
        lines = persons.find(unit, text, hasher=archive.hasher) if text else []
    return render_template("persons.html", found=lines, text=text, asked=request.form)


@bp.get("/persons/<person_id>")
@access(Action.PERSON_READ)
def show(person_id: str) -> ResponseReturnValue:
    """Everything about one person, by year and lane."""
    archive = the_archive()
    with archive.reading(viewer()) as unit:
        shown = persons.show(unit, parse_id(person_id, kind="person"), archive.tables)
    lanes = [(lane.code, lane.zh if g.language == "zh" else lane.en) for lane in archive.tables.lanes]
    coverage = shown["coverage"] if g.language == "zh" else persons.sentence_en(shown["coverage_facts"])
    return render_template("person.html", person=shown, lanes=lanes, years=_years(shown), coverage=coverage,
                           search_url=url_for("finding.show", person=shown["person"]))  # fmt: skip


def _years(shown: dict[str, Any]) -> list[dict[str, Any]]:
    """Years newest last, each with its papers, and the gaps between them."""
    by_year: dict[int | None, list[dict[str, Any]]] = {}
    for paper in shown["timeline"]:
        year = int(paper["date"][:4]) if paper["date"] else None
        by_year.setdefault(year, []).append(paper)
    gaps = {gap["from"]: gap for gap in shown["gaps"]}
    rows: list[dict[str, Any]] = []
    for year in sorted(year for year in by_year if year is not None):
        rows.append({"year": year, "papers": by_year[year], "gap": None})
        if year + 1 in gaps:
            rows.append({"year": None, "papers": [], "gap": gaps[year + 1]})
    if None in by_year:
        rows.append({"year": None, "papers": by_year[None], "gap": None})
    return rows
