"""The search index of an embedded archive: tantivy in a folder, rebuilt beside itself and swapped in without outage.

Any process may read and write; writers wait for each other. What is written while a rebuild runs goes into the
generation in force and is repeated in the new one before that takes over.
"""

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from archive_app.core.errors import Unavailable
from archive_app.core.ports import HitPage, IndexDocument, Query, SearchIndex
from archive_app.core.vocabulary import RecordId, Viewer
from search.generations import Generations, acts, append_act
from search.tantivy_generation import Generation

_T = TypeVar("_T")
_WRITE_WAIT_S = 120.0
_READ_ATTEMPTS = 5
_JOURNAL_PART = 500


class TantivyIndex:
    """`SearchIndex` on tantivy in `path`, which is made at the first use."""

    def __init__(self, path: Path) -> None:
        self._folders = Generations(path)
        self._guard = threading.Lock()
        self._open: Generation | None = None

    def put(self, documents: Iterable[IndexDocument]) -> None:
        """See `SearchIndex.put`. Raises `Unavailable` if other writers keep the index for two minutes."""
        with self._folders.writing(wait_s=_WRITE_WAIT_S):
            if self._folders.is_rebuilding():
                documents = list(documents)
                for document in documents:
                    append_act(self._folders.journal, {"put": asdict(document)})
            self._in_force(create=True).put(documents)

    def remove(self, records: Iterable[RecordId]) -> None:
        """See `SearchIndex.remove`."""
        records = list(records)
        with self._folders.writing(wait_s=_WRITE_WAIT_S):
            if self._folders.is_rebuilding():
                append_act(self._folders.journal, {"remove": [record.hex for record in records]})
            self._in_force(create=True).remove(records)

    def search(self, query: Query, *, viewer: Viewer) -> HitPage:
        """See `SearchIndex.search`."""
        return self._read(lambda generation: generation.search(query, viewer=viewer))

    def versions(self) -> Iterator[tuple[RecordId, int]]:
        """See `SearchIndex.versions`."""
        yield from self._read(lambda generation: list(generation.versions()))

    def status(self) -> Mapping[str, object]:
        """See `SearchIndex.status`; also whether a rebuild runs."""
        found = self._read(lambda generation: generation.status())
        return {**found, "rebuilding": self._folders.building.exists()}

    @contextlib.contextmanager
    def rebuild(self) -> Iterator[SearchIndex]:
        """See `SearchIndex.rebuild`. Raises `Unavailable("index-rebuild-running")` if another one runs."""
        with self._folders.rebuilding():
            with self._folders.writing(wait_s=_WRITE_WAIT_S):
                building = Generation.create(self._folders.begin())
            try:
                yield building
                with self._folders.writing(wait_s=_WRITE_WAIT_S):
                    self._repeat_journal(building)
                    self._folders.promote()
            except BaseException:
                self._folders.abandon()
                raise

    def _repeat_journal(self, building: Generation) -> None:
        waiting: list[IndexDocument] = []
        for act in acts(self._folders.journal):
            if "put" in act:
                waiting.append(_document(act["put"]))
            if waiting and ("remove" in act or len(waiting) >= _JOURNAL_PART):
                building.put(waiting)
                waiting = []
            if "remove" in act:
                building.remove(RecordId(UUID(hex=record)) for record in act["remove"])
        if waiting:
            building.put(waiting)

    def _read(self, ask: Callable[[Generation], _T]) -> _T:
        """Ask the generation in force; once more if it was replaced while it was opened."""
        for attempt in range(_READ_ATTEMPTS):
            try:
                return ask(self._in_force(create=False))
            except Unavailable:
                if attempt == _READ_ATTEMPTS - 1 or not self._was_replaced():
                    raise
        raise Unavailable("index-failed")

    def _was_replaced(self) -> bool:
        with self._guard:
            return self._open is None or self._open.path != self._folders.current()

    def _in_force(self, *, create: bool) -> Generation:
        current = self._folders.current()
        if current is None:
            current = self._first(locked=create)
        with self._guard:
            if self._open is None or self._open.path != current:
                self._open = None
                self._open = Generation(current)
            return self._open

    def _first(self, *, locked: bool) -> Path:
        """Make the empty first generation."""
        writing = contextlib.nullcontext() if locked else self._folders.writing(wait_s=_WRITE_WAIT_S)
        with writing:
            current = self._folders.current()
            if current is None:
                with self._folders.rebuilding():
                    Generation.create(self._folders.begin())
                    current = self._folders.promote()
            return current


def _document(fields: Mapping[str, Any]) -> IndexDocument:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}
    return IndexDocument(**{**values, "record": RecordId(UUID(fields["record"]))})
