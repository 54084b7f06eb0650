"""The index that a rebuild fills: what the database says goes in first, what others do meanwhile has the last word.

Others put their documents here too, where versions decide. What they remove could come back by the rebuild's own
documents; so a note stays here for each removal, and before the index takes over the noted records are removed, unless
somebody put them again.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from archive_app.core.errors import Unavailable
from archive_app.core.ports import HitPage, IndexDocument, Query, SearchIndex
from archive_app.core.vocabulary import RecordId, Viewer
from search import elastic_reading
from search.elastic_mapping import REMOVED
from search.elastic_server import Client, Server, Write, absence_is, sent_behind
from search.elastic_writing import deletion, insertion, refused_for_good

_T = TypeVar("_T")
_NOTES = 1_000


def note_of(alias: str, record: str) -> Write:
    """Says that this record was removed while a rebuild ran."""
    return Write(alias, f"{REMOVED}-{record}", json.dumps({REMOVED: record}).encode(), (("routing", record),))


def also_there(write: Write, alias: str) -> Iterator[Write]:
    """What a writer does to the index that is built, beside its act on the one in force."""
    note = note_of(alias, write.ident)
    yield note if write.document is None else Write(alias, note.ident, None, note.meta)
    yield write.through(alias)


class Building:
    """A `SearchIndex` for the one who rebuilds."""

    def __init__(self, server: Server, alias: str) -> None:
        self._server, self._alias = server, alias

    def _ask(self, call: Callable[[Client], _T]) -> _T:
        with absence_is("index-rebuild-lost"):
            return self._server.ask(call)

    def put(self, documents: Iterable[IndexDocument]) -> None:
        """See `SearchIndex.put`; searchable when the index takes over."""
        sent_behind((insertion(self._alias, document) for document in documents), self._send)

    def remove(self, records: Iterable[RecordId]) -> None:
        """See `SearchIndex.remove`."""
        sent_behind((deletion(self._alias, record.hex) for record in records), self._send)

    def _send(self, part: Sequence[Write]) -> None:
        if refused_for_good(self._server.write(part)):
            raise Unavailable("index-rebuild-lost")

    def repeat_removals(self) -> None:
        """Remove what was removed meanwhile. The caller has put everything."""
        self.refresh()
        after: list[Any] | None = None
        while notes := self._notes(after):
            self._repeat([note["sort"][0] for note in notes])
            after = notes[-1]["sort"]

    def _notes(self, after: list[Any] | None) -> list[Mapping[str, Any]]:
        answer = self._ask(
            lambda client: client.search(
                index=self._alias,
                query={"exists": {"field": REMOVED}},
                sort=[{REMOVED: "asc"}],
                size=_NOTES,
                search_after=after,
            )
        )
        found: list[Mapping[str, Any]] = answer["hits"]["hits"]
        return found

    def _repeat(self, records: list[str]) -> None:
        """The record is looked at before its note: whoever puts it in between takes the note away, or changes it."""
        held = self._there(records)
        noted = self._there([f"{REMOVED}-{record}" for record in records], routing=records)
        deletions = []
        for record in records:
            note = note_of(self._alias, record)
            if note.ident not in noted:
                continue
            if record in held:
                place = (("if_seq_no", held[record]["_seq_no"]), ("if_primary_term", held[record]["_primary_term"]))
                deletions.append(Write(self._alias, record, None, place))
            deletions.append(Write(self._alias, note.ident, None, note.meta))
        if deletions:
            self._send(deletions)

    def _there(self, idents: list[str], *, routing: list[str] | None = None) -> dict[str, Mapping[str, Any]]:
        asked = [{"_id": ident, "routing": way} for ident, way in zip(idents, routing or idents, strict=True)]
        answer = self._ask(lambda client: client.mget(index=self._alias, docs=asked, realtime=True))
        return {one["_id"]: one for one in answer["docs"] if one.get("found")}

    def refresh(self) -> None:
        """Make everything put so far searchable."""
        self._ask(lambda client: client.indices.refresh(index=self._alias))

    def search(self, query: Query, *, viewer: Viewer) -> HitPage:
        """See `SearchIndex.search`."""
        self.refresh()
        with absence_is("index-rebuild-lost"):
            return elastic_reading.search(self._server, self._alias, query, viewer=viewer)

    def versions(self) -> Iterator[tuple[RecordId, int]]:
        """See `SearchIndex.versions`."""
        self.refresh()
        with absence_is("index-rebuild-lost"):
            yield from elastic_reading.versions(lambda after: elastic_reading.listed(self._server, self._alias, after))

    def status(self) -> Mapping[str, object]:
        """See `SearchIndex.status`."""
        self.refresh()
        with absence_is("index-rebuild-lost"):
            return elastic_reading.status(self._server, self._alias)

    def rebuild(self) -> AbstractContextManager[SearchIndex]:
        """Not here: one rebuild at a time."""
        raise Unavailable("index-rebuild-running")
