"""Asking the index and answering from the database: ids come from the index, what is shown comes through the unit.

The viewer's scope is part of the query, and the unit has the last word: a hit that the viewer may not see any more is
dropped. Texts are masked before snippets are cut, so a snippet shows nothing that the page would not. While the index
is away, numbers and names are looked up in the database, and the answer says so.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from archive_app.core.errors import InvalidInput, NotFound, Unavailable
from archive_app.core.masking import Masking
from archive_app.core.model import Field, Page, PartyLink, Record
from archive_app.core.ports import Clause, Hit, HitPage, NumberHasher, Query, SearchIndex
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import Action, RecordId, Viewer
from search import cursor as cursors
from search.lookup import LookedUp, look_up
from search.query import Meaning, explain, parse
from search.snippets import Snippet, matches, snippets
from search.sync import number_hash

FILTERS = frozenset({"class", "type", "year", "provider", "person", "fonds", "state"})
MAX_SIZE = 500
#: The list began while the index was away, and goes on as it began.
CONTINUED = "look-up-continued"
_SNIPPETS = 3

#: Says how the texts of one record reach this viewer, from the record, its fields and its links.
Masker = Callable[[Record, Sequence[Field], Sequence[PartyLink]], Masking]


@dataclass(frozen=True, slots=True)
class PageSnippet:
    """A stretch of text with its matches, and the page it stands on."""

    page: int
    snippet: Snippet


@dataclass(frozen=True, slots=True)
class FoundRecord:
    """A hit as it is shown."""

    record: RecordId
    code: str
    title: str
    type: str | None
    class_code: str | None
    state: str
    level: str
    fonds_id: object
    formed_on: str | None
    pages: tuple[int, ...]  # whose text matches; empty if only the description did
    snippets: tuple[PageSnippet, ...]
    parties: tuple[str, ...]
    withheld: bool  # its texts are not shown to this viewer


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found. `facets` hold counts of at least 1."""

    total: int
    exact: bool
    hits: tuple[FoundRecord, ...]
    facets: Mapping[str, Mapping[str, int]]
    after: str | None
    meaning: tuple[Meaning, ...]
    degraded: str | None = None  # why records were looked up in the database: the index's fault, or `CONTINUED`


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, as typed."""

    text: str
    filters: Mapping[str, tuple[str, ...]]
    size: int = 20
    after: str | None = None
    order: str = "best"


def find(
    units: Callable[[Viewer], Unit],
    index: SearchIndex,
    question: Question,
    *,
    viewer: Viewer,
    hasher: NumberHasher,
    masker: Masker,
) -> Answer:
    """Answer a question. The search is written into the audit log with its terms as commitments.

    Raises `NotFound` for who may not read records, whatever their scope; `InvalidInput` for an unknown filter, a size
    beyond 500 or a cursor we did not make; `Unavailable("full-text-unavailable")` where the index is away and the
    question is no look-up by number, archival number or name, `Unavailable("search-interrupted")` where it went away
    between two pages.
    """
    if not viewer.may(Action.RECORD_READ):
        with units(viewer) as unit:
            unit.note("search:denied", "user", viewer.user_id, "denied")
        raise NotFound(kind="record")
    if unknown := set(question.filters) - FILTERS:
        raise InvalidInput(filters=f"unknown: {', '.join(sorted(unknown))}")
    if not 1 <= question.size <= MAX_SIZE:
        raise InvalidInput(size=f"1 to {MAX_SIZE}")
    hash_number = number_hash(hasher)
    clauses = parse(question.text, hash_number=hash_number)
    query = Query(clauses, dict(question.filters), question.order, question.size, question.after)
    page, degraded = _asked(units, index, query, question.text, viewer=viewer, hash_number=hash_number)
    with units(viewer) as unit:
        hits = _shown(unit, [hit.record for hit in page.hits], clauses, hash_number, masker)
        unit.note("search:asked", "user", viewer.user_id, q=question.text, filters=dict(question.filters),
                  total=page.total)  # fmt: skip
    meaning = explain(clauses, query.filters)
    return Answer(page.total, page.exact, hits, page.facets, page.after, meaning, degraded)


def _asked(
    units: Callable[[Viewer], Unit],
    index: SearchIndex,
    query: Query,
    text: str,
    *,
    viewer: Viewer,
    hash_number: Callable[[str], str],
) -> tuple[HitPage, str | None]:
    """The index's answer; where it is away, the database's and why. Raises `Unavailable` where neither has one.

    The two have orders of their own: a list goes on where it began, also when the index is back.
    """

    def looked_up(shown: int) -> HitPage | None:
        with units(viewer) as unit:
            found = look_up(unit, text, query.filters, hash_number=hash_number, size=query.size, skip=shown)
        return None if found is None else _page_of(found, query, shown)

    shown = None if query.after is None else cursors.shown_by_look_up(query.after, query=query)
    if shown is not None:
        return looked_up(shown) or HitPage((), 0, exact=True, facets={}, after=None), CONTINUED
    try:
        return index.search(query, viewer=viewer), None
    except Unavailable as fault:
        if not fault.code.startswith("index-"):
            raise
        if query.after is not None:
            raise Unavailable("search-interrupted", reason=fault.code) from fault
        page = looked_up(0)
        if page is None:
            raise Unavailable("full-text-unavailable", reason=fault.code) from fault
        return page, fault.code


def _page_of(found: LookedUp, query: Query, skip: int) -> HitPage:
    hits = tuple(Hit(record, 0, 0.0) for record in found.records)
    shown = skip + len(hits)
    more = cursors.written_after_look_up(shown, query=query) if hits and shown < found.total else None
    return HitPage(hits, found.total, exact=True, facets={}, after=more)


def _shown(
    unit: Unit,
    idents: Sequence[RecordId],
    clauses: Sequence[Clause],
    hash_number: Callable[[str], str],
    masker: Masker,
) -> tuple[FoundRecord, ...]:
    records = {row.id: row for row in unit.all(sa.select(Record).where(Record.id.in_(idents)))}
    pages: dict[RecordId, list[sa.Row[RecordId, int, str | None]]] = {}
    statement = sa.select(Page.record_id, Page.number, Page.text).where(Page.record_id.in_(idents))
    for row in unit.rows(statement.order_by(Page.number)):
        pages.setdefault(row[0], []).append(row)
    fields: dict[RecordId, list[Field]] = {}
    for field in unit.all(sa.select(Field).where(Field.record_id.in_(idents))):
        fields.setdefault(field.record_id, []).append(field)
    links: dict[RecordId, list[PartyLink]] = {}
    for link in unit.all(sa.select(PartyLink).where(PartyLink.record_id.in_(idents))):
        links.setdefault(link.record_id, []).append(link)
    shown = []
    for ident in idents:
        record = records.get(ident)
        if record is None:
            continue
        masking = masker(record, fields.get(ident, ()), links.get(ident, ()))
        shown.append(
            _one(
                record,
                pages=pages.get(ident, []),
                links=links.get(ident, []),
                clauses=clauses,
                hash_number=hash_number,
                masking=masking,
            )
        )
    return tuple(shown)


def _one(
    record: Record,
    *,
    pages: Sequence[sa.Row[RecordId, int, str | None]],
    links: Sequence[PartyLink],
    clauses: Sequence[Clause],
    hash_number: Callable[[str], str],
    masking: Masking,
) -> FoundRecord:
    hit_pages = []
    cut: list[PageSnippet] = []
    for _, number, text in pages:
        if clauses and text and matches(text, clauses, hash_number=hash_number):
            hit_pages.append(number)
            if len(cut) < _SNIPPETS and not masking.withheld:
                found = snippets(masking.masked(text), clauses, most=_SNIPPETS - len(cut), hash_number=hash_number)
                cut += [PageSnippet(number, one) for one in found]
    return FoundRecord(
        record=record.id,
        code=record.code,
        title=masking.title(record.title, code=record.code),
        type=record.type_code,
        class_code=record.class_code,
        state=record.state.value,
        level=record.level.code,
        fonds_id=record.fonds_id,
        formed_on=record.formed_on.isoformat() if record.formed_on else None,
        pages=tuple(hit_pages),
        snippets=tuple(cut),
        parties=tuple(dict.fromkeys(masking.masked(link.name) for link in links if link.name)),
        withheld=masking.withheld,
    )


def as_json(found: Answer) -> dict[str, Any]:
    """The answer as the contract gives it."""
    return {
        "total": found.total,
        "exact": found.exact,
        "hits": [
            {
                "record": str(hit.record),
                "code": hit.code,
                "title": hit.title,
                "type": hit.type,
                "class": hit.class_code,
                "state": hit.state,
                "pages": list(hit.pages),
                "snippets": [one.snippet.text for one in hit.snippets],
                "withheld": hit.withheld,
            }
            for hit in found.hits
        ],
        "facets": {key: dict(values) for key, values in found.facets.items()},
        "after": found.after,
        **({"degraded": True, "reason": found.degraded} if found.degraded else {}),
    }
