"""What the index on Elasticsearch keeps when processes die, meet or take turns, and when the server is pressed.

The port's own promises are in `test_search_index`.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from uuid import UUID

import pytest
from elastic_indices import a_client, a_prefix, an_index

from archive_app.core.errors import InvalidInput, Unavailable
from archive_app.core.ports import Clause, IndexDocument, Query
from archive_app.core.vocabulary import Level, RecordId, UserId, Viewer
from search import elastic_lease, elastic_mapping
from search.elastic import ElasticIndex
from search.elastic_server import Address, Server, Write, parts

pytestmark = pytest.mark.services
ROOT = Path(__file__).resolve().parents[2]
VIEWER = Viewer(
    UserId(UUID(int=1)), "someone", frozenset(), frozenset(), Level.HIGHLY_SENSITIVE, fonds_codes=frozenset({"Z109"})
)
BUILDER = """
import sys
sys.path[:0] = [{root!r}, {tests!r}, {here!r}]
from test_elastic_index import *
index = an_index(sys.argv[1], lease_s=float(sys.argv[2]))
with index.rebuild() as fresh:
    fresh.put([a_document(2)])
    print("built", flush=True)
    input()
"""


def a_document(number: int, *, version: int = 1, page: str = "医保报销", **changes: object) -> IndexDocument:
    fields: dict[str, object] = {
        "record": RecordId(UUID(int=number)), "version": version, "fonds": "Z109", "level": 1, "state": "filed",
        "code": "", "title": "", "type": None, "class_code": None, "year": None, "date": None, "pages": (page,),
    }  # fmt: skip
    return IndexDocument(**{**fields, **changes})  # type: ignore[arg-type]  # a factory


def found(index: ElasticIndex, word: str = "报销") -> set[int]:
    page = index.search(Query((Clause("text", word),), size=500), viewer=VIEWER)
    return {hit.record.int for hit in page.hits}


@pytest.fixture
def prefix() -> Iterator[str]:
    with a_prefix() as fresh:
        yield fresh


def indices(prefix: str) -> set[str]:
    with a_client() as client:
        return set(client.indices.get_alias(index=f"{prefix}-records-*"))


class TestLayout:
    def test_an_index_that_nobody_prepared_is_no_empty_index(self, prefix: str):
        with pytest.raises(Unavailable, match="index-not-prepared"):
            found(an_index(prefix))

    def test_an_index_that_was_lost_is_not_replaced_by_an_empty_one_but_by_a_rebuild(self, prefix: str):
        index = an_index(prefix)
        index.put([a_document(1)])
        with a_client() as client:
            client.indices.delete(index=f"{prefix}-records-000001")
        for act in (lambda: found(index), lambda: index.put([a_document(2)]), lambda: index.remove([])):
            with pytest.raises(Unavailable, match="index-lost"):
                act()
        with index.rebuild() as fresh:
            fresh.put([a_document(1)])
        index.put([a_document(2)])
        assert found(index) == {1, 2}

    def test_the_template_gives_every_new_index_its_mapping(self, prefix: str):
        index = an_index(prefix)
        index.put([])
        with a_client() as client:
            template = client.indices.get_index_template(name=f"{prefix}-records")
            assert template["index_templates"][0]["index_template"]["_meta"] == {"format": elastic_mapping.FORMAT}
            mapping = client.indices.get_mapping(index=f"{prefix}-records")[f"{prefix}-records-000001"]["mappings"]
        assert mapping["dynamic"] == "false"
        assert mapping["properties"]["text"]["analyzer"] == "whitespace"

    def test_an_index_of_another_format_is_neither_read_nor_written(self, prefix: str, monkeypatch: pytest.MonkeyPatch):
        an_index(prefix).put([a_document(1)])
        monkeypatch.setattr(elastic_mapping, "FORMAT", elastic_mapping.FORMAT + 1)
        index = an_index(prefix)
        for act in (lambda: found(index), lambda: index.put([a_document(2)])):
            with pytest.raises(Unavailable, match="index-format-differs"):
                act()
        with index.rebuild() as fresh:
            fresh.put([a_document(3)])
        assert found(an_index(prefix)) == {3}

    def test_two_archives_share_a_cluster(self, prefix: str):
        with a_prefix() as other:
            here, there = an_index(prefix), an_index(other)
            here.put([a_document(1)])
            there.put([a_document(2)])
            assert (found(here), found(there)) == ({1}, {2})

    def test_a_word_longer_than_the_server_keeps_is_found_whole_only(self, prefix: str):
        index, word = an_index(prefix), "a" * 300
        index.put([a_document(1, page=f"编号 {word} 完"), a_document(2, page="b" * 255)])
        assert found(index, word) == {1}
        assert found(index, "a" * 255) == found(index, "a" * 45) == found(index, "b" * 254) == set()
        assert found(index, "b" * 255) == {2}

    def test_what_is_written_in_many_parts_is_all_there(self, prefix: str):
        index = an_index(prefix)
        page = "参保人员医疗费用报销" * 20_000
        index.put(a_document(n, page=page) for n in range(1, 31))
        assert found(index) == set(range(1, 31))

    def test_a_document_that_the_server_cannot_take_is_invalid_input(self, prefix: str):
        index = an_index(prefix)
        with pytest.raises(InvalidInput, match="index-refuses-document"):
            index.put([a_document(1), a_document(2, level=4000)])


class TestRebuilding:
    def test_no_search_fails_and_none_misses_a_record_while_it_is_rebuilt_and_written(self, prefix: str):
        index, kept = an_index(prefix), set(range(1, 101))
        index.put(a_document(n) for n in kept)
        over, faults, searches = threading.Event(), [], []
        written: set[int] = set()

        def look() -> None:
            seen = found(an_index(prefix))
            searches.append(len(seen))
            assert kept <= seen

        def write() -> None:
            number = 101 + len(written)
            written.add(number)  # the database first, as everywhere
            an_index(prefix).put([a_document(number), a_document(number % 50 + 1, version=number)])

        def repeat(deed: Callable[[], None]) -> None:
            while not over.is_set():
                try:
                    deed()
                except (Unavailable, AssertionError) as fault:
                    faults.append(repr(fault))

        threads = [threading.Thread(target=repeat, args=(deed,)) for deed in (look, look, write)]
        for thread in threads:
            thread.start()
        for _ in range(3):
            with index.rebuild() as fresh:
                fresh.put(a_document(n) for n in [*kept, *sorted(written)])
        over.set()
        for thread in threads:
            thread.join()
        assert faults == []
        assert min(len(searches), len(written)) > 0
        assert {record.int for record, _ in index.versions()} == kept | written
        assert len(indices(prefix)) == 1

    def test_a_rebuild_killed_halfway_leaves_the_old_index_and_is_swept(self, prefix: str):
        index = an_index(prefix, lease_s=3)
        index.put([a_document(1)])
        program = BUILDER.format(root=str(ROOT), tests=str(ROOT / "tests"), here=str(Path(__file__).parent))
        builder = subprocess.Popen(
            [sys.executable, "-c", program, prefix, "3"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert builder.stdout
        assert builder.stdout.readline().strip() == "built"
        assert index.status()["rebuilding"] is True
        with pytest.raises(Unavailable, match="index-rebuild-running"), index.rebuild():
            pytest.fail("a second rebuild began")
        index.put([a_document(3)])
        assert index.status()["rebuilding"] is True
        builder.kill()
        builder.communicate(timeout=30)
        assert found(index) == {1, 3}
        over = threading.Event()
        while len(indices(prefix)) > 1:  # once the dead one's lease is over, the next writer sweeps
            over.wait(0.5)
            index.put([a_document(4)])
        assert index.status()["rebuilding"] is False
        assert found(index) == {1, 3, 4}
        with index.rebuild() as fresh:
            fresh.put([a_document(5)])
        assert found(index) == {5}
        assert len(indices(prefix)) == 1

    def test_who_lost_the_lease_does_not_take_over(self, prefix: str, monkeypatch: pytest.MonkeyPatch):
        index, other = an_index(prefix), an_index(prefix)
        index.put([a_document(1)])
        slow = index.rebuild()
        fresh = slow.__enter__()
        fresh.put([a_document(2)])
        now = elastic_lease.time.time
        monkeypatch.setattr(elastic_lease.time, "time", lambda: now() + 2 * elastic_lease.LEASE_S)
        with other.rebuild() as quick:
            quick.put([a_document(3)])
            with pytest.raises(Unavailable, match="index-rebuild-lost"):
                fresh.put([a_document(4)])
        with pytest.raises(Unavailable, match="index-rebuild-lost"):
            slow.__exit__(None, None, None)
        assert found(other) == {3}
        assert len(indices(prefix)) == 1

    def test_a_renewal_whose_answer_was_lost_loses_no_rebuild(self, prefix: str):
        index = an_index(prefix)
        with index.rebuild() as fresh:
            fresh.put([a_document(1)])
            index._lease.changed(index._lease.seen(), until=elastic_lease.time.time() + 60)
        assert found(index) == {1}

    def test_what_was_removed_and_put_again_meanwhile_is_there(self, prefix: str):
        index = an_index(prefix)
        index.put([a_document(n) for n in (1, 2, 3)])
        with index.rebuild() as fresh:
            index.remove([RecordId(UUID(int=n)) for n in (1, 2)])
            index.put([a_document(2, version=1, page="回来了")])
            fresh.put([a_document(n) for n in (1, 2, 3)])
            index.remove([RecordId(UUID(int=3))])
        assert dict(index.versions()) == {UUID(int=2): 1}
        assert index.status()["documents"] == 1


class Pressed(BaseHTTPRequestHandler):
    """A server before the server that has no room for the first questions."""

    protocol_version = "HTTP/1.1"
    answers: list[tuple[int, dict[str, object]]]
    asked: list[int]

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.asked.append(body.count(b"\n") // 2)
        status, answer = self.answers.pop(0)
        raw = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("Content-Type", "application/vnd.elasticsearch+json; compatible-with=8")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = do_PUT = do_HEAD = _answer  # noqa: N815 - the library's names

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def pressed() -> Iterator[Callable[..., Server]]:
    servers = []

    def make(*answers: tuple[int, dict[str, object]]) -> Server:
        Pressed.answers, Pressed.asked = list(answers), []
        front = ThreadingHTTPServer(("127.0.0.1", 0), Pressed)
        threading.Thread(target=front.serve_forever, daemon=True).start()
        servers.append(front)
        return Server(Address.of(f"http://127.0.0.1:{front.server_port}"))

    yield make
    for front in servers:
        front.shutdown()
        front.server_close()


def done(*statuses: int) -> dict[str, object]:
    return {"errors": max(statuses) > 299, "items": [{"index": {"status": status}} for status in statuses]}


class TestPressure:
    def test_what_there_was_no_room_for_is_sent_again_and_nothing_else(self, pressed: Callable[..., Server]):
        server = pressed((429, {"error": "es_rejected"}), (200, done(200, 429, 409)), (200, done(201)))
        refused = server.write([Write("a", str(n), b"{}") for n in range(3)])
        assert [(one.write.ident, one.status) for one in refused] == [("2", 409)]
        assert Pressed.asked == [3, 3, 1]

    def test_a_question_waits_a_little_and_then_says_that_the_index_is_busy(self, pressed: Callable[..., Server]):
        server = pressed(*[(503, {})] * 50)
        with pytest.raises(Unavailable, match="index-busy"):
            server.ask(lambda client: client.cluster.health(), patience_s=0.5)
        assert 1 < len(Pressed.asked) < 10

    def test_a_key_that_is_refused_is_said(self, pressed: Callable[..., Server]):
        with pytest.raises(Unavailable, match="index-refuses-us"):
            pressed((401, {"error": "no"})).ask(lambda client: client.cluster.health())

    def test_a_server_that_is_not_there_is_unreachable(self):
        with pytest.raises(Unavailable, match="index-unreachable"):
            found(ElasticIndex(Address.of("http://127.0.0.1:9"), prefix="x"))

    def test_a_bulk_request_is_bounded_by_bytes(self):
        big = [Write("a", str(n), b"x" * 1_500_000) for n in range(6)]
        small = [Write("a", str(n), b"x") for n in range(1000)]
        assert [len(part) for part in parts([*big, *small])] == [2, 2, 1002]

    @pytest.mark.parametrize("urls", ["", "elastic:9200", "http://a:9200,ftp://b"])
    def test_an_address_that_is_none_is_invalid_input(self, urls: str):
        with pytest.raises(InvalidInput):
            Address.of(urls)
