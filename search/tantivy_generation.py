"""One tantivy index in one folder: written by one process at a time, read by any number while it is written."""

import contextlib
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import metadata
from itertools import islice
from pathlib import Path

import tantivy

from archive_app.core.errors import Unavailable
from archive_app.core.ports import Hit, HitPage, IndexDocument, Query, SearchIndex
from archive_app.core.vocabulary import RecordId, Viewer
from search import cursor as cursors
from search.generations import index_errors, sync_folder, write_durably
from search.index_fields import by_score, checked
from search.tantivy_ranking import counted, first_places, numbers, records_of
from search.tantivy_schema import FORMAT, Asking, facets_answer, facets_request, schema, written

ENGINE = "tantivy"
_WRITER_BYTES = 64_000_000
_COMMIT_EVERY = 10_000  # documents; bounds what is remembered of a batch


class Generation:
    """A `SearchIndex` without `rebuild`. Writers of several processes are kept apart by the caller."""

    def __init__(self, path: Path) -> None:
        """Open what is there. Raises `Unavailable` for a missing index or one of another format."""
        self.path = path
        self._guard = threading.Lock()
        self._stamp: tuple[int, int] | None = None
        with index_errors():
            if (path / "FORMAT").read_text() != str(FORMAT):
                raise Unavailable("index-format-differs")
            self._index = tantivy.Index.open(str(path))
            self._index.config_reader("manual", 0)

    @classmethod
    def create(cls, path: Path) -> "Generation":
        """An empty index in an empty folder."""
        with index_errors():
            tantivy.Index(schema(), path=str(path), reuse=False)
            write_durably(path / "FORMAT", str(FORMAT))
            sync_folder(path)
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
        with self._writer() as writer:
            while part := list(islice(rest, _COMMIT_EVERY)):
                with index_errors():
                    self._put_part(writer, part)
                    writer.commit()

    @contextlib.contextmanager
    def _writer(self) -> Iterator[tantivy.IndexWriter]:
        """A writer that ends with its merges done; what was not committed is dropped."""
        with index_errors():
            writer = self._index.writer(heap_size=_WRITER_BYTES, num_threads=1)
        try:
            yield writer
        finally:
            with index_errors():
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
        query = tantivy.Query.term_query(self._index.schema, "record", record.hex, index_option="basic")
        hits = searcher.search(query, limit=1, count=False).hits
        return numbers(searcher, "version", [hits[0][1]])[0] if hits else None

    def remove(self, records: Iterable[RecordId]) -> None:
        """See `SearchIndex.remove`."""
        with self._writer() as writer:
            for record in records:
                with index_errors():
                    writer.delete_documents_by_term("record", record.hex)
            with index_errors():
                writer.commit()

    # -------------------------------------------------------- reading

    def search(self, query: Query, *, viewer: Viewer) -> HitPage:
        """See `SearchIndex.search`."""
        checked(query)
        after = None if query.after is None else cursors.parsed(query.after, query=query)
        wanted = facets_request(query.facets)
        scored = by_score(query)
        with index_errors():
            searcher = self.searcher()
            asking = Asking(self._index.schema, frequency=searcher.doc_freq)
            matching = asking.matching(query, viewer=viewer)
            facets = facets_answer(searcher.aggregate(matching, wanted)) if wanted else {}
            if scored:
                ranked = first_places(
                    searcher, asking.scored(query, viewer=viewer), query.size + 1, by=None, after=after
                )
            else:
                rest = matching if after is None else matching.and_must_match(asking.up_to(after.key))
                ranked = first_places(searcher, rest, query.size + 1, by="sort_key", after=after)
            total = ranked.total if scored or after is None else counted(searcher, matching)
            shown = ranked.places[: query.size]
            versions = numbers(searcher, "version", [place.address for place in shown])
        hits = tuple(Hit(p.record, v, p.score) for p, v in zip(shown, versions, strict=True))
        more = None
        if len(ranked.places) > query.size:
            last = shown[-1]
            rank = (after.rank if after else 0) + len(shown)
            more = cursors.written(cursors.Cursor(rank, last.score, last.key, last.record), query=query)
        return HitPage(hits, total, exact=True, facets=facets, after=more)

    def versions(self) -> Iterator[tuple[RecordId, int]]:
        """See `SearchIndex.versions`; what was committed when the first one is asked for."""
        with index_errors():
            searcher = self.searcher()
            addresses = [a for _, a in searcher.search(tantivy.Query.all_query(), limit=max(1, searcher.num_docs)).hits]
            versions = numbers(searcher, "version", addresses)
            records = records_of(searcher, addresses)
        yield from sorted(zip(records, versions, strict=True))

    def status(self) -> Mapping[str, object]:
        """See `SearchIndex.status`."""
        with index_errors():
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
