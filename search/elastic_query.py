"""How a question becomes a request to Elasticsearch, and its answer a page of hits.

The viewer's scope is the first filter of every request, so hits, totals and facets know nothing beyond it.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from archive_app.core.errors import InvalidInput, Unavailable
from archive_app.core.ports import Clause, Hit, HitPage, Query
from archive_app.core.vocabulary import RecordId, Viewer
from search import cursor as cursors
from search import text
from search.elastic_mapping import stream
from search.index_fields import FIELD_OF, HEAD_BOOST, MOST_VALUES, by_score, checked

_NOTHING: dict[str, Any] = {"match_none": {}}


def request(query: Query, *, viewer: Viewer) -> dict[str, Any]:
    """The body of the search. Raises `InvalidInput` for an order, size, filter, facet or cursor it does not know."""
    checked(query)
    after = None if query.after is None else cursors.parsed(query.after, query=query)
    scored = by_score(query)
    order: list[dict[str, str]] = [{"_score": "desc"}] if scored else []
    body: dict[str, Any] = {
        "query": _asked(query, viewer=viewer, scored=scored),
        "sort": [*order, {"date": "desc"}, {"record": "asc"}],
        "size": query.size + 1,
        "track_total_hits": True,
        "version": True,
        "stored_fields": "_none_",
    }
    if after is not None:
        body["search_after"] = [*([after.score] if scored else []), after.key, after.record.hex]
    if query.facets:
        body["aggs"] = _facets(query.facets)
    return body


def preference(query: Query) -> str:
    """Pages of one question ask the same copies: scores differ a little from copy to copy."""
    asked = repr((query.clauses, sorted(query.filters.items()), query.order))
    return hashlib.sha256(asked.encode()).hexdigest()[:16]


def page(answer: Mapping[str, Any], query: Query) -> HitPage:
    """The answer in our words."""
    try:
        return _page(answer, query)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise Unavailable("index-failed", kind=type(error).__name__) from error


def _page(answer: Mapping[str, Any], query: Query) -> HitPage:
    total, found = answer["hits"]["total"], answer["hits"]["hits"]
    hits = tuple(_hit(one, scored=by_score(query)) for one in found[: query.size])
    more = None
    if len(found) > query.size:
        before = cursors.parsed(query.after, query=query).rank if query.after is not None else 0
        last = hits[-1]
        key = int(found[query.size - 1]["sort"][-2])
        more = cursors.written(cursors.Cursor(before + len(hits), last.score, key, last.record), query=query)
    counts = answer.get("aggregations", {})
    facets = {key: {str(b["key"]): int(b["doc_count"]) for b in counts[key]["buckets"]} for key in query.facets}
    return HitPage(hits, int(total["value"]), exact=total["relation"] == "eq", facets=facets, after=more)


def _hit(one: Mapping[str, Any], *, scored: bool) -> Hit:
    record = RecordId(UUID(hex=one["sort"][-1]))
    return Hit(record, int(one["_version"]), float(one["sort"][0]) if scored else 0.0)


def _asked(query: Query, *, viewer: Viewer, scored: bool) -> dict[str, Any]:
    within = [*_scope(viewer), *_filters(query.filters)]
    parts = [part for clause in query.clauses for part in _clause(clause)]
    if not scored:
        return {"bool": {"filter": [*within, *parts]}}
    heads = [
        {"match_phrase": {"head": {"query": _tokens(phrase), "boost": HEAD_BOOST}}}
        for clause in query.clauses
        if clause.kind == "text"
        for phrase in text.phrases(clause.value)
        if phrase.tokens
    ]
    return {"bool": {"filter": within, "must": parts, "should": heads}}


def _scope(viewer: Viewer) -> list[dict[str, Any]]:
    """What this viewer may know of: all of these must hold. No fonds means nothing."""
    if not viewer.fonds_codes:
        return [_NOTHING]
    return [{"terms": {"fonds": sorted(viewer.fonds_codes)}}, {"range": {"level": {"lte": int(viewer.clearance)}}}]


def _filters(filters: Mapping[str, tuple[str, ...]]) -> Iterator[dict[str, Any]]:
    for key, values in sorted(filters.items()):
        if key not in FIELD_OF:
            raise InvalidInput(filters="unknown-filter", key=key)
        yield {"terms": {FIELD_OF[key]: sorted(values)}}


def _clause(clause: Clause) -> list[dict[str, Any]]:
    if clause.kind == "number":
        return [{"constant_score": {"filter": {"term": {"number_hash": clause.value}}, "boost": 0}}]
    if clause.kind != "text":
        raise InvalidInput(clauses="unknown-kind", kind=clause.kind)
    return [_phrase(phrase) for phrase in text.phrases(clause.value)] or [_NOTHING]


def _phrase(phrase: text.Phrase) -> dict[str, Any]:
    if phrase.initial is not None:  # no word begins with a Han character, so only tokens of ours do
        return {"prefix": {"text": phrase.initial}}
    return {"match_phrase": {"text": _tokens(phrase)}}


def _tokens(phrase: text.Phrase) -> str:
    return stream(" ".join(phrase.tokens))


def _facets(keys: Iterable[str]) -> dict[str, Any]:
    wanted: dict[str, Any] = {}
    for key in keys:
        if key not in FIELD_OF:
            raise InvalidInput(facets="unknown-facet", key=key)
        wanted[key] = {"terms": {"field": FIELD_OF[key], "size": MOST_VALUES}}
    return wanted
