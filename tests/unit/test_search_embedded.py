"""What the embedded index keeps when processes die, meet or take turns; the port's own promises are in the contract."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from archive_app.core.errors import Unavailable
from archive_app.core.ports import Clause, IndexDocument, Query
from archive_app.core.vocabulary import Level, RecordId, UserId, Viewer
from search import tantivy_generation
from search.embedded import TantivyIndex
from search.generations import Generations, acts, append_act, locked

ROOT = Path(__file__).resolve().parents[2]
VIEWER = Viewer(
    UserId(uuid4()), "someone", frozenset(), frozenset(), Level.HIGHLY_SENSITIVE, fonds_codes=frozenset({"Z109"})
)
START = """
import sys
sys.path[:0] = [{root!r}, {here!r}]
from pathlib import Path
from test_search_embedded import *
index = TantivyIndex(Path(sys.argv[1]))
"""


def a_document(number: int, *, version: int = 1, page: str = "医保报销") -> IndexDocument:
    return IndexDocument(
        record=RecordId(UUID(int=number)),
        version=version,
        fonds="Z109",
        level=1,
        state="filed",
        code="",
        title="",
        type=None,
        class_code=None,
        year=None,
        date=None,
        pages=(page,),
    )


def found(index: TantivyIndex, word: str = "报销") -> set[int]:
    page = index.search(Query((Clause("text", word),), size=500), viewer=VIEWER)
    return {hit.record.int for hit in page.hits}


def another_process(path: Path, program: str) -> subprocess.Popen[str]:
    start = START.format(root=str(ROOT), here=str(Path(__file__).parent))
    return subprocess.Popen(
        [sys.executable, "-c", start + program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def answer(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def told(process: subprocess.Popen[str], word: str) -> str:
    assert process.stdin
    process.stdin.write(word + "\n")
    process.stdin.flush()
    return answer(process)


def ended(process: subprocess.Popen[str], *, kill: bool = False) -> None:
    if kill:
        os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)


def test_a_reader_in_another_process_sees_writes_and_swaps(tmp_path: Path):
    index = TantivyIndex(tmp_path)
    index.put([a_document(1)])
    reader = another_process(tmp_path, "for line in sys.stdin: print(sorted(found(index)), flush=True)")
    assert told(reader, "look") == "[1]"
    index.put([a_document(2)])
    assert told(reader, "look") == "[1, 2]"
    with index.rebuild() as fresh:
        fresh.put([a_document(3)])
        assert told(reader, "look") == "[1, 2]"
    assert told(reader, "look") == "[3]"
    ended(reader)


@pytest.mark.parametrize("acknowledged", [1, 4, 9])
def test_a_writer_killed_at_any_moment_loses_nothing_it_acknowledged(tmp_path: Path, acknowledged: int):
    writer = another_process(
        tmp_path,
        "for n in range(1, 10_000):\n    index.put([a_document(n), a_document(n + 50_000)])\n    print(n, flush=True)",
    )
    while int(answer(writer)) < acknowledged:
        pass
    os.kill(writer.pid, signal.SIGKILL)
    rest = writer.communicate(timeout=30)[0].split()
    last = int(rest[-1]) if rest else acknowledged
    index = TantivyIndex(tmp_path)
    assert set(range(1, last + 1)) <= found(index)
    index.put([a_document(99_999)])
    assert 99_999 in found(index)
    assert len(list(index.versions())) == len({record for record, _ in index.versions()})


def test_a_rebuild_killed_halfway_leaves_the_old_index_and_is_swept(tmp_path: Path):
    index = TantivyIndex(tmp_path)
    index.put([a_document(1)])
    builder = another_process(
        tmp_path, "with index.rebuild() as fresh:\n    fresh.put([a_document(2)]); print('built', flush=True); input()"
    )
    assert answer(builder) == "built"
    assert index.status()["rebuilding"] is True
    index.put([a_document(3)])
    ended(builder, kill=True)
    assert found(index) == {1, 3}
    index.put([a_document(4)])
    assert index.status()["rebuilding"] is False
    assert not Generations(tmp_path).building.exists()
    with index.rebuild() as fresh:
        fresh.put([a_document(5)])
    assert found(index) == {5}
    assert len(list(tmp_path.glob("generation-*"))) == 1


def test_what_other_processes_write_during_a_rebuild_is_kept(tmp_path: Path):
    index = TantivyIndex(tmp_path)
    index.put([a_document(1), a_document(2)])
    builder = another_process(
        tmp_path,
        "with index.rebuild() as fresh:\n"
        "    fresh.put([a_document(1), a_document(2)]); print('built', flush=True); input()\n"
        "print('swapped', flush=True)",
    )
    assert answer(builder) == "built"
    index.put([a_document(2, version=2, page="新的医保"), a_document(3)])
    index.remove([RecordId(UUID(int=1))])
    assert told(builder, "go on") == "swapped"
    ended(builder)
    assert dict(index.versions()) == {UUID(int=2): 2, UUID(int=3): 1}
    assert found(index, "新的") == {2}


def test_writers_take_turns(tmp_path: Path):
    index = TantivyIndex(tmp_path)
    other = another_process(tmp_path, "for n in range(100, 110): index.put([a_document(n)])\nprint('done', flush=True)")
    for number in range(10):
        index.put([a_document(number)])
    assert answer(other) == "done"
    ended(other)
    assert found(index) == {*range(10), *range(100, 110)}


def test_threads_search_while_one_writes(tmp_path: Path):
    index = TantivyIndex(tmp_path)
    index.put([a_document(0)])
    seen: list[set[int]] = []
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            seen.append(found(index))

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(1, 6):
        index.put([a_document(number)])
        with index.rebuild() as fresh:
            fresh.put([a_document(n) for n in range(number + 1)])
    stop.set()
    for thread in threads:
        thread.join(timeout=30)
    assert seen
    assert all(hits == set(range(len(hits))) for hits in seen)
    assert found(index) == set(range(6))


def test_a_lock_that_is_held_is_waited_for_and_then_refused(tmp_path: Path):
    with (
        locked(tmp_path / "lock", wait_s=0, otherwise="busy"),
        pytest.raises(Unavailable, match="busy"),
        locked(tmp_path / "lock", wait_s=0.05, otherwise="busy"),
    ):
        pytest.fail("the lock was given twice")


def test_an_index_of_another_format_is_unavailable_until_it_is_rebuilt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    TantivyIndex(tmp_path).put([a_document(1)])
    monkeypatch.setattr(tantivy_generation, "FORMAT", 99)
    index = TantivyIndex(tmp_path)
    with pytest.raises(Unavailable, match="index-format-differs"):
        found(index)
    with pytest.raises(Unavailable, match="index-format-differs"):
        index.put([a_document(1)])
    with index.rebuild() as fresh:
        fresh.put([a_document(2)])
    assert found(index) == {2}


def test_a_damaged_index_is_unavailable_and_can_be_rebuilt(tmp_path: Path):
    TantivyIndex(tmp_path).put([a_document(1)])
    generation = Generations(tmp_path).current()
    assert generation
    (generation / "meta.json").write_text("{")
    index = TantivyIndex(tmp_path)
    with pytest.raises(Unavailable):
        found(index)
    with index.rebuild() as fresh:
        fresh.put([a_document(2)])
    assert found(index) == {2}


def test_a_torn_line_of_the_journal_is_passed_over(tmp_path: Path):
    journal = tmp_path / "journal.jsonl"
    append_act(journal, {"put": 1})
    with journal.open("a") as file:
        file.write('\n{"put": {"a": {}')
    append_act(journal, {"put": 2})
    assert list(acts(journal)) == [{"put": 1}, {"put": 2}]


def test_a_folder_that_cannot_be_used_is_unavailable(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    index = TantivyIndex(tmp_path / "file" / "index")
    with pytest.raises(Unavailable):
        index.put([a_document(1)])
    with pytest.raises(Unavailable):
        found(index)


def test_many_commits_in_one_put_keep_the_newest_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tantivy_generation, "_COMMIT_EVERY", 3)
    index = TantivyIndex(tmp_path)
    index.put([a_document(n % 5, version=v) for v in (2, 3, 1) for n in range(5)])
    assert dict(index.versions()) == {UUID(int=n): 3 for n in range(5)}


def test_an_error_in_the_series_of_documents_is_the_callers_own(tmp_path: Path):
    index = TantivyIndex(tmp_path)
    with pytest.raises(ZeroDivisionError):
        index.put(a_document(1 // n) for n in (1, 0))
    index.put([a_document(7)])
    assert 7 in found(index)
