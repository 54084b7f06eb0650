"""The search index of an archive on servers: Elasticsearch, written and rebuilt by any number of processes.

Readers and writers know aliases only. A rebuild fills the next index while a third alias makes every writer write there
too, and one action of the cluster moves the aliases. What a writer wrote to the old index alone, because it looked
before the rebuild began, it had read from the database before the rebuild read it there.
"""

import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from archive_app.core.errors import Unavailable
from archive_app.core.ports import HitPage, IndexDocument, Query, SearchIndex
from archive_app.core.vocabulary import RecordId, Viewer
from search import elastic_mapping, elastic_query, elastic_reading
from search.elastic_building import Building, also_there
from search.elastic_lease import LEASE_S, Held, Lease
from search.elastic_names import Layout, Names
from search.elastic_server import Address, Conflicting, Server, Write, absence_is, sent_behind
from search.elastic_writing import deletion, insertion, refused_for_good

_LOG = logging.getLogger("archive.index")
_T = TypeVar("_T")
_ATTEMPTS = 4  # while aliases move under a caller


class ElasticIndex:
    """`SearchIndex` on a cluster, below the names that begin with `prefix`.

    A rebuild that shows no life for `lease_s` seconds is taken to be dead.
    """

    def __init__(self, address: Address, *, prefix: str, lease_s: float = LEASE_S) -> None:
        self._server, self._names = Server(address), Names(prefix)
        self._lease = Lease(self._server, self._names, seconds=lease_s)
        self._sound: set[str] = set()  # aliases and indices whose format was looked at

    # -------------------------------------------------------- layout

    def prepare(self) -> None:
        """Put the template in force, and make the first, empty index. Doing it again changes nothing.

        Raises `Unavailable("index-lost")` if there was an index and it is gone: an empty one would hide that.
        """
        self._prepare_names()
        if self._layout().current is not None:
            return
        with self._leased() as held:
            if self._layout().current is not None:
                return
            if held.in_force is not None:
                raise Unavailable("index-lost", index=held.in_force)
            first = self._names.concrete(held.number)
            self._make(first, aliases={self._names.read: {}, self._names.write: {}})
            held.renew(in_force=first)

    def _prepare_names(self) -> None:
        names = self._names
        body = elastic_mapping.template(names.pattern)
        self._server.ask(lambda client: client.indices.put_index_template(name=names.template, **body))
        if not self._server.ask(lambda client: bool(client.indices.exists(index=names.control))):
            with contextlib.suppress(Conflicting):  # another process was quicker
                self._make(
                    names.control, settings={"index": {"auto_expand_replicas": "0-1"}}, mappings={"dynamic": False}
                )

    def _make(self, index: str, **body: Any) -> None:  # noqa: ANN401 - the client's own words
        self._server.ask(lambda client: client.indices.create(index=index, **body))

    def _drop(self, index: str) -> None:
        with contextlib.suppress(LookupError):
            self._server.ask(lambda client: client.indices.delete(index=index))

    def _layout(self) -> Layout:
        aliases = self._server.ask(lambda client: client.indices.get_alias(index=self._names.pattern))
        return Layout.of(aliases.body, self._names)

    def _writable(self) -> Layout:
        """Where to write now; what a dead rebuild left behind is swept."""
        layout = self._layout()
        if layout.current is None:
            self.prepare()
            layout = self._layout()
        if layout.building is not None:
            seen = self._lease.seen()
            if not seen.is_held and self._lease.clear(seen):
                self._drop(layout.building)
                layout = self._layout()
        self._check_format(self._names.write if layout.current is None else layout.current)
        return layout

    def _check_format(self, index: str) -> None:
        """Raises `Unavailable` for an index whose documents mean something else than ours."""
        if index in self._sound:
            return
        answer = self._server.ask(lambda client: client.indices.get_mapping(index=index))
        if any(facts["mappings"].get("_meta", {}).get("format") != elastic_mapping.FORMAT
               for facts in answer.body.values()):  # fmt: skip
            raise Unavailable("index-format-differs")
        self._sound.add(index)

    # -------------------------------------------------------- writing

    def put(self, documents: Iterable[IndexDocument]) -> None:
        """See `SearchIndex.put`."""
        self._write(insertion(self._names.write, document) for document in documents)

    def remove(self, records: Iterable[RecordId]) -> None:
        """See `SearchIndex.remove`."""
        self._write(deletion(self._names.write, record.hex) for record in records)

    def _write(self, writes: Iterable[Write]) -> None:
        sent = sent_behind(writes, self._send)
        with absence_is("index-lost"):
            if sent:
                self._server.ask(lambda client: client.indices.refresh(index=self._names.write))
            else:
                self._writable()

    def _send(self, part: Sequence[Write]) -> None:
        """To the index in force and to the one that is built; again if the aliases moved on the way."""
        for _ in range(_ATTEMPTS):
            with absence_is("index-lost"):
                layout, acts = self._writable(), list(part)
            if layout.building is not None:
                acts += [act for write in part for act in also_there(write, self._names.building(layout.building))]
            gone = {one.write.ident for one in refused_for_good(self._server.write(acts))}
            part = [write for write in part if write.ident in gone]
            if not part:
                return
        raise Unavailable("index-failed", aliases="they move")

    # -------------------------------------------------------- reading

    def search(self, query: Query, *, viewer: Viewer) -> HitPage:
        """See `SearchIndex.search`."""
        elastic_query.request(query, viewer=viewer)  # what is wrong with it is said even if nothing answers
        return self._read(lambda alias: elastic_reading.search(self._server, alias, query, viewer=viewer))

    def versions(self) -> Iterator[tuple[RecordId, int]]:
        """See `SearchIndex.versions`; in order of record."""
        yield from elastic_reading.versions(
            lambda after: self._read(lambda alias: elastic_reading.listed(self._server, alias, after))
        )

    def status(self) -> Mapping[str, object]:
        """See `SearchIndex.status`; also the index in force and whether a rebuild runs."""
        found = self._read(lambda alias: elastic_reading.status(self._server, alias))
        layout = self._layout()
        rebuilding = layout.building is not None and self._lease.seen().is_held  # what a dead one left is no rebuild
        return {**found, "index": layout.current, "rebuilding": rebuilding}

    def _read(self, ask: Callable[[str], _T]) -> _T:
        """Ask the index in force; again if it was replaced on the way."""
        for _ in range(_ATTEMPTS):
            with contextlib.suppress(LookupError):
                self._check_format(self._names.read)
                return ask(self._names.read)
        seen = self._lease.seen()
        if seen.in_force is None:
            raise Unavailable("index-not-prepared")
        raise Unavailable("index-lost", index=seen.in_force)

    # -------------------------------------------------------- rebuilding

    @contextlib.contextmanager
    def rebuild(self) -> Iterator[SearchIndex]:
        """See `SearchIndex.rebuild`. Raises `Unavailable("index-rebuild-running")` if another one runs.

        Where the index was lost, nothing is found until the new one is whole.
        """
        self._prepare_names()
        with self._leased() as held:
            layout = self._layout()
            if layout.building is not None:
                self._drop(layout.building)
            index = self._names.concrete(held.number)
            self._make(index, aliases={self._names.building(index): {}}, settings={"index": {"refresh_interval": "-1"}})
            building = Building(self._server, self._names.building(index))
            try:
                yield building
                building.repeat_removals()
                self._take_over(index, building, held)
            except BaseException:
                self._abandon(index)
                raise
            self._sweep()

    @contextlib.contextmanager
    def _leased(self) -> Iterator[Held]:
        held = self._lease.take(number=self._layout().highest(self._names))
        try:
            with held.beating():
                yield held
        finally:
            held.release()

    def _take_over(self, index: str, building: Building, held: Held) -> None:
        """One action of the cluster: who reads or writes meanwhile has the old index or the new one."""
        usual = {"index": {"refresh_interval": None}}
        with absence_is("index-rebuild-lost"):
            self._server.ask(lambda client: client.indices.put_settings(index=index, settings=usual))
        building.refresh()
        names, current = self._names, self._layout().current
        old = [{"remove": {"index": current, "alias": alias}} for alias in (names.read, names.write) if current]
        new = [{"add": {"index": index, "alias": alias}} for alias in (names.read, names.write)]
        built = {"remove": {"index": index, "alias": names.building(index), "must_exist": True}}
        held.renew()
        with absence_is("index-rebuild-lost"):  # swept by somebody who took this rebuild to be dead
            self._server.ask(lambda client: client.indices.update_aliases(actions=[*old, *new, built]))
        held.renew(in_force=index)

    def _abandon(self, index: str) -> None:
        """Let go of what was built, unless it is in force: an answer may be lost where the act was done.

        If the cluster does not answer, the next writer or rebuild does it.
        """
        try:
            if self._layout().building == index:
                self._drop(index)
        except Unavailable as fault:
            _LOG.warning("index.rebuild.left code=%s", fault.code)

    def _sweep(self) -> None:
        """Remove the index that was replaced and what dead rebuilds left; if not now, the next rebuild does it."""
        try:
            layout = self._layout()
            for index in layout.indices:
                if index not in (layout.current, layout.building):
                    self._drop(index)
        except Unavailable as fault:
            _LOG.warning("index.rebuild.left code=%s", fault.code)
