"""A search index that scans everything it holds: the plainest reading of the port, held to its contract."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial

from archive_app.core.errors import InvalidInput, Unavailable
from archive_app.core.ports import Clause, Hit, HitPage, IndexDocument, Query, SearchIndex
from archive_app.core.vocabulary import RecordId, Viewer
from search import cursor as cursors
from search.text import contains, run_texts

_Order = tuple[float, int, int]


class MemoryIndex:
    def __init__(self) -> None:
        self._documents: dict[RecordId, IndexDocument] = {}
        self._meanwhile: list[Callable[[MemoryIndex], None]] | None = None  # what is written during a rebuild

    def put(self, documents: Iterable[IndexDocument]) -> None:
        for document in documents:
            held = self._documents.get(document.record)
            if held is None or held.version <= document.version:
                self._documents[document.record] = document
            if self._meanwhile is not None:
                self._meanwhile.append(partial(MemoryIndex.put, documents=[document]))

    def remove(self, records: Iterable[RecordId]) -> None:
        gone = list(records)
        for record in gone:
            self._documents.pop(record, None)
        if self._meanwhile is not None:
            self._meanwhile.append(partial(MemoryIndex.remove, records=gone))

    def search(self, query: Query, *, viewer: Viewer) -> HitPage:
        if query.order not in {"best", "newest"}:
            raise InvalidInput(order="unknown-order")
        if not 1 <= query.size <= 500:
            raise InvalidInput(size="out-of-range")
        for key in (*query.filters, *query.facets):
            if key not in _VALUES:
                raise InvalidInput(filters="unknown-filter", key=key)
        after = cursors.parsed(query.after, query=query) if query.after is not None else None
        found = [d for d in self._documents.values() if _visible(d, viewer) and _matching(d, query)]
        ordered = sorted((_order(d, query), d) for d in found)
        if after:
            mark = (-after.score, -after.key, after.record.int)
            rest = [(order, d) for order, d in ordered if order > mark]
        else:
            rest = ordered
        shown = rest[: query.size]
        more = None
        if len(rest) > query.size:
            (score, day, _), last = shown[-1]
            rank = (after.rank if after else 0) + len(shown)
            more = cursors.written(cursors.Cursor(rank, -score, -day, last.record), query=query)
        facets = {key: Counter(v for d in found for v in _VALUES[key](d)) for key in query.facets}
        return HitPage(
            tuple(Hit(d.record, d.version, -o[0]) for o, d in shown), len(found), exact=True, facets=facets, after=more
        )

    def versions(self) -> Iterator[tuple[RecordId, int]]:
        yield from sorted((d.record, d.version) for d in self._documents.values())

    @contextlib.contextmanager
    def rebuild(self) -> Iterator[SearchIndex]:
        if self._meanwhile is not None:
            raise Unavailable("index-rebuild-running")
        self._meanwhile = []
        fresh = MemoryIndex()
        try:
            yield fresh
            for repeat in self._meanwhile:
                repeat(fresh)
            self._documents = fresh._documents
        finally:
            self._meanwhile = None

    def status(self) -> Mapping[str, object]:
        return {"engine": "memory", "version": "1", "documents": len(self._documents), "bytes": 0}


def _one(value: object) -> tuple[str, ...]:
    return () if value is None else (str(value),)


_VALUES = {
    "class": lambda d: _one(d.class_code),
    "type": lambda d: _one(d.type),
    "year": lambda d: _one(d.year),
    "provider": lambda d: d.providers,
    "person": lambda d: d.persons,
    "fonds": lambda d: _one(d.fonds),
    "state": lambda d: _one(d.state),
}


def _visible(document: IndexDocument, viewer: Viewer) -> bool:
    return document.fonds in viewer.fonds_codes and document.level <= viewer.clearance


def _head(document: IndexDocument, run: str) -> bool:
    with_numbers = any(contains(part, run, numbers_too=True) for part in (document.code, *document.numbers))
    return with_numbers or any(contains(part, run) for part in (document.title, *document.names))


def _anywhere(document: IndexDocument, run: str) -> bool:
    return _head(document, run) or any(contains(part, run) for part in (document.description, *document.pages))


def _holds(document: IndexDocument, clause: Clause) -> bool:
    if clause.kind == "number":
        return clause.value in document.number_hashes
    runs = run_texts(clause.value)
    return bool(runs) and all(_anywhere(document, run) for run in runs)


def _matching(document: IndexDocument, query: Query) -> bool:
    return all(_holds(document, clause) for clause in query.clauses) and all(
        set(_VALUES[key](document)) & set(values) for key, values in query.filters.items()
    )


def _order(document: IndexDocument, query: Query) -> _Order:
    runs = [run for clause in query.clauses if clause.kind == "text" for run in run_texts(clause.value)]
    score = float(sum(_head(document, run) for run in runs)) if query.order == "best" else 0.0
    return (-score, -(document.date or 0), document.record.int)
