"""One tantivy index in one folder: written by one process at a time, read by any number while it is written."""

import contextlib
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import metadata
from itertools import islice
from pathlib import Path
from uuid import UUID

import tantivy

from archive_app.core.errors import InvalidInput, Unavailable
from archive_app.core.ports import Hit, HitPage, IndexDocument, Query, SearchIndex
from archive_app.core.vocabulary import RecordId, Viewer
from search import cursor as cursors
from search.tantivy_schema import FORMAT, Asking, facets_answer, facets_request, schema, written

ENGINE = "tantivy"
MOST_HITS = 500
_ORDERS = frozenset({"best", "newest"})
_WRITER_BYTES = 64_000_000
_COMMIT_EVERY = 10_000  # documents; bounds what is remembered of a batch


class Generation:
    """A `SearchIndex` without `rebuild`. Writers of several processes are kept apart by the caller."""

    def __init__(self, path: Path) -> None:
        """Open what is there. Raises `Unavailable` for a missing index or one of another format."""
        self.path = path
        self._guard = threading.Lock()
        self._stamp: tuple[int, int] | None = None
        with _engine():
            if (path / "FORMAT").read_text() != str(FORMAT):
                raise Unavailable("index-format-differs")
            self._index = tantivy.Index.open(str(path))
            self._index.config_reader("manual", 0)
        self._asking = Asking(self._index.schema)

    @classmethod
    def create(cls, path: Path) -> "Generation":
        """An empty index in an empty folder."""
        with _engine():
            tantivy.Index(schema(), path=str(path), reuse=False)
            (path / "FORMAT").write_text(str(FORMAT))
        return cls(path)

    def searcher(self) -> tantivy.Searcher:
        """The last commit of any process."""
        state = (self.path / "meta.json").stat()
        stamp = (state.st_mtime_ns, state.st_ino)
        with self._guard:
            if stamp != self._stamp:
                self._index.reload()
                self._stamp = stamp
            return self._index.searcher()

    # -------------------------------------------------------- writing

    def put(self, documents: Iterable[IndexDocument]) -> None:
        """See `SearchIndex.put`; a long series is committed in parts."""
        rest = iter(documents)
        with _engine():
            writer = self._index.writer(heap_size=_WRITER_BYTES, num_threads=1)
            try:
                while part := list(islice(rest, _COMMIT_EVERY)):
                    self._put_part(writer, part)
                    writer.commit()
            finally:
                writer.wait_merging_threads()

    def _put_part(self, writer: tantivy.IndexWriter, part: Sequence[IndexDocument]) -> None:
        searcher = self.searcher()
        newest: dict[RecordId, IndexDocument] = {}
        for document in part:
            held = newest.get(document.record)
            if held is None or held.version <= document.version:
                newest[document.record] = document
        for document in newest.values():
            known = self._version(searcher, document.record)
            if known is not None and known > document.version:
                continue
            prepared = written(document, of=self._index.schema)
            if known is not None:
                writer.delete_documents_by_term("record", document.record.hex)
            writer.add_document(prepared)

    def _version(self, searcher: tantivy.Searcher, record: RecordId) -> int | None:
        if not searcher.num_docs:
            return None
        hits = searcher.search(self._asking.record(record), limit=1, count=False).hits
        if not hits:
            return None
        return _numbers(searcher, "version", [hits[0][1]])[0]

    def remove(self, records: Iterable[RecordId]) -> None:
        """See `SearchIndex.remove`."""
        with _engine():
            writer = self._index.writer(heap_size=_WRITER_BYTES, num_threads=1)
            try:
                for record in records:
                    writer.delete_documents_by_term("record", record.hex)
                writer.commit()
            finally:
                writer.wait_merging_threads()

    # -------------------------------------------------------- reading

    def search(self, query: Query, *, viewer: Viewer) -> HitPage:
        """See `SearchIndex.search`."""
        checked(query)
        after = None if query.after is None else cursors.parsed(query.after, query=query)
        wanted = facets_request(query.facets)
        matching = self._asking.matching(query, viewer=viewer)
        by_score = query.order == "best" and any(clause.kind == "text" for clause in query.clauses)
        with _engine():
            searcher = self.searcher()
            total = _count(searcher, matching)
            facets = facets_answer(searcher.aggregate(matching, wanted)) if wanted else {}
            if by_score:
                ranking = _Ranking(searcher, self._asking.scored(query, viewer=viewer), total)
                places = ranking.best(query.size + 1, after)
            else:
                ranking = _Ranking(searcher, self._newest(matching, after), total)
                places = ranking.newest(query.size + 1, after)
            shown = places[: query.size]
            versions = _numbers(searcher, "version", [place.address for place in shown])
        hits = tuple(Hit(p.record, v, p.score) for p, v in zip(shown, versions, strict=True))
        more = None
        if len(places) > query.size:
            last = shown[-1]
            rank = (after.rank if after else 0) + len(shown)
            more = cursors.written(cursors.Cursor(rank, last.score, last.key, last.record), query=query)
        return HitPage(hits, total, exact=True, facets=facets, after=more)

    def _newest(self, matching: tantivy.Query, after: cursors.Cursor | None) -> tantivy.Query:
        return matching if after is None else matching.and_must_match(self._asking.up_to(after.key))

    def versions(self) -> Iterator[tuple[RecordId, int]]:
        """See `SearchIndex.versions`; what was committed when the first one is asked for."""
        with _engine():
            searcher = self.searcher()
            addresses = [a for _, a in searcher.search(tantivy.Query.all_query(), limit=max(1, searcher.num_docs)).hits]
            versions = _numbers(searcher, "version", addresses)
            records = _records(searcher, addresses)
        yield from zip(records, versions, strict=True)

    def status(self) -> Mapping[str, object]:
        """See `SearchIndex.status`."""
        with _engine():
            searcher = self.searcher()
            sizes = [file.stat().st_size for file in self.path.iterdir() if file.is_file()]
        return {
            "engine": ENGINE,
            "version": metadata.version("tantivy"),
            "format": FORMAT,
            "documents": searcher.num_docs,
            "segments": searcher.num_segments,
            "bytes": sum(sizes),
        }

    def rebuild(self) -> contextlib.AbstractContextManager[SearchIndex]:
        """Not here: `TantivyIndex` rebuilds into a new generation."""
        raise Unavailable("index-rebuild-running")


class _Place:
    """A hit in its order: higher score first, then newer, then lesser record."""

    __slots__ = ("address", "key", "record", "score")

    def __init__(self, score: float, key: int, record: RecordId, address: tantivy.DocAddress) -> None:
        self.score = score
        self.key = key
        self.record = record
        self.address = address

    @property
    def order(self) -> tuple[float, int, int]:
        return (-self.score, -self.key, self.record.int)


class _Ranking:
    """The first hits of a query in a total order, though the engine orders by one number only.

    Where hits tie at the end of what was taken, more are taken until the tie is whole.
    """

    def __init__(self, searcher: tantivy.Searcher, query: tantivy.Query, total: int) -> None:
        self._searcher = searcher
        self._query = query
        self._total = total

    def newest(self, count: int, after: cursors.Cursor | None) -> list[_Place]:
        return self._first(count, after, order_by_field="sort_key")

    def best(self, count: int, after: cursors.Cursor | None) -> list[_Place]:
        return self._first(count, after, skip=after.rank if after else 0)

    def _first(
        self, count: int, after: cursors.Cursor | None, *, skip: int = 0, order_by_field: str | None = None
    ) -> list[_Place]:
        limit = skip + count + 1
        while True:
            hits = self._searcher.search(self._query, limit=limit, count=False, order_by_field=order_by_field).hits
            whole = len(hits) < limit
            if not whole:  # the last value may go on beyond what was taken
                last = hits[-1][0]
                hits = [hit for hit in hits if hit[0] != last]
            places = self._places(hits, scored=order_by_field is None)
            if after is not None:
                mark = (-after.score, -after.key, after.record.int)
                places = [place for place in places if place.order > mark]
            if whole or len(places) >= count:
                return sorted(places, key=lambda place: place.order)[:count]
            limit *= 4

    def _places(self, hits: Sequence[tuple[float, tantivy.DocAddress]], *, scored: bool) -> list[_Place]:
        addresses = [address for _, address in hits]
        keys = _numbers(self._searcher, "sort_key", addresses)
        records = _records(self._searcher, addresses)
        return [
            _Place(float(value) if scored else 0.0, key, record, address)
            for (value, address), key, record in zip(hits, keys, records, strict=True)
        ]


def _records(searcher: tantivy.Searcher, addresses: list[tantivy.DocAddress]) -> list[RecordId]:
    highs = _numbers(searcher, "record_high", addresses)
    lows = _numbers(searcher, "record_low", addresses)
    return [RecordId(UUID(int=high << 64 | low)) for high, low in zip(highs, lows, strict=True)]


def _numbers(searcher: tantivy.Searcher, field: str, addresses: list[tantivy.DocAddress]) -> list[int]:
    values = searcher.fast_field_values(field, addresses)
    whole = [value for value in values if isinstance(value, int)]
    if len(whole) != len(values):
        raise Unavailable("index-failed")
    return whole


def _count(searcher: tantivy.Searcher, query: tantivy.Query) -> int:
    found: int = searcher.search(query, limit=1, count=True).count  # type: ignore[attr-defined]  # not in its stubs
    return found


def checked(query: Query) -> None:
    """Raises `InvalidInput` for an order or a size that no index answers."""
    if query.order not in _ORDERS:
        raise InvalidInput(order="unknown-order")
    if not 1 <= query.size <= MOST_HITS:
        raise InvalidInput(size="out-of-range")


@contextlib.contextmanager
def _engine() -> Iterator[None]:
    """Lets no exception of the engine or its files out."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise Unavailable("index-failed") from error
