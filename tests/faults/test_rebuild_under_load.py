"""A rebuild of many records while one process files and another searches: no search fails and no record is missing.

PostgreSQL with two roles and Elasticsearch, as in production; the rebuild is what `archive index rebuild` does, the
index jobs of the filed records are done by a worker, each in a process of its own.
"""

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import databases
import pytest
import services
import sqlalchemy as sa
from elastic_indices import a_prefix
from factories import a_page, a_user, an_archive, everything
from many_records import fill, ready_to_file
from processes import forkserver

from archive_app.core.model import Record
from archive_app.core.vocabulary import Lane, RecordId, RecordState, Viewer
from archive_app.disclosure import masker
from archive_app.wiring import Archive
from archive_app.worker import Worker
from retention import filing
from search import sync
from search.find import Answer, Question, find

_STOP = "stop"
_FILED_AT_ONCE = 5
_PAUSE_S = 0.1
_LETTERS = str.maketrans("0123456789", "ghijklmnop")

pytestmark = [pytest.mark.services, pytest.mark.prove, pytest.mark.timeout(0)]


@dataclass(frozen=True, slots=True)
class Searches:
    """How the searches of one process went."""

    asked: int
    slowest_s: float
    failed: tuple[str, ...]


def opened(home: str) -> tuple[Archive, Viewer]:
    archive = Archive(databases.settings(Path(home)))
    return archive, replace(everything(archive), user_id=a_user(archive))


def asked(archive: Archive, viewer: Viewer, text: str, order: str = "best") -> Answer:
    return find(
        archive.reading, archive.index, Question(text, {}, order=order),
        viewer=viewer, hasher=archive.hasher, masker=masker(viewer, archive.tables),
    )  # fmt: skip


def search_without_pause(home: str, records: int) -> Searches:
    """Ask until there is nothing to wait for: one record by its number, and what stands on every one."""
    archive, viewer = opened(home)
    chance = random.Random(1)  # noqa: S311 - any will do, the same every time
    count, slowest, failed = 0, 0.0, list[str]()
    while not (Path(home) / _STOP).exists():
        number = f"J001-ZY·YB03·2020·D10-{chance.randint(1, records):08}"
        for text, least in ((number, 1), ("基本医疗保险住院费用", records)):
            start = time.perf_counter()
            answer = asked(archive, viewer, text, chance.choice(("best", "newest")))
            slowest, count = max(slowest, time.perf_counter() - start), count + 1
            if answer.degraded or answer.total < least or not answer.hits:
                failed.append(f"{text}: {answer.total}, {answer.degraded}")
    archive.close()
    return Searches(count, slowest, tuple(failed))


def file_and_index(home: str) -> list[RecordId]:
    """File some described records, do their index jobs, and so on until told to stop."""
    archive, viewer = opened(home)
    worker, filed = Worker(archive, lanes=(Lane.INDEX,)), list[RecordId]()
    while not (Path(home) / _STOP).exists():
        for ident in list(ready_to_file(archive, viewer, _FILED_AT_ONCE)):
            with archive.unit(viewer) as unit:
                a_page(unit, unit.get(Record, ident), text=said(ident))
            with archive.unit(viewer) as unit:
                filing.file_record(unit, ident, tables=archive.tables)
            filed.append(ident)
        worker.step()
        time.sleep(_PAUSE_S)
    while worker.step():
        pass
    archive.close()
    return filed


def said(ident: RecordId) -> str:
    """Words that stand on this record alone; in letters, since eleven digits in a row would not be searchable."""
    return f"重建期间归档的结算单 {ident.hex.translate(_LETTERS)}"


@contextmanager
def a_filled_home(folder: Path, records: int) -> Iterator[Path]:
    with a_prefix() as prefix:
        an_archive(folder, kind="postgresql").close()
        home = folder / "home"
        index = {"ARCHIVE_INDEX_URL": services.elasticsearch(), "ARCHIVE_INDEX_PREFIX": prefix}
        databases.keep(home, {**databases.environment(home), **index})
        archive, viewer = opened(str(home))
        fill(archive, viewer, first=1, last=records)
        archive.close()
        yield home


def rebuilt(archive: Archive) -> tuple[int, float]:
    """Number of documents, and how many a second."""
    start = time.perf_counter()
    done = sync.rebuild(archive.reading(archive.own_work("index")), archive.index, hasher=archive.hasher)
    return done, done / (time.perf_counter() - start)


def test_no_search_fails_and_no_record_is_missing_while_the_index_is_rebuilt(
    tmp_path: Path, count: Callable[[int, int], int], record_testsuite_property: Callable[[str, object], None]
):
    records = count(2_000, 100_000)
    with a_filled_home(tmp_path, records) as home, ProcessPoolExecutor(2, mp_context=forkserver()) as pool:
        archive, viewer = opened(str(home))
        done, alone = rebuilt(archive)
        assert done == records
        filing_process = pool.submit(file_and_index, str(home))
        searching = pool.submit(search_without_pause, str(home), records)
        try:
            _, loaded = rebuilt(archive)
        finally:
            (home / _STOP).touch()
        filed, searches = filing_process.result(), searching.result()
        facts = {
            "records": records, "documents_per_second_alone": round(alone),
            "documents_per_second_under_load": round(loaded), "filed": len(filed), "searches": searches.asked,
            "slowest_search_s": round(searches.slowest_s, 2),
        }  # fmt: skip
        for name, value in facts.items():
            record_testsuite_property(f"rebuild_under_load.{name}", value)

        assert searches.failed == ()
        assert min(searches.asked, len(filed)) > 0
        for ident in filed:
            assert [hit.record for hit in asked(archive, viewer, said(ident)).hits] == [ident]
        compared = sync.compare(archive.reading(archive.own_work("index")), archive.index)
        assert compared.equal, compared
        with archive.reading(viewer) as unit:
            assert compared.records == records + unit.count(
                sa.select(Record.id).where(Record.id.in_(filed), Record.state == RecordState.FILED)
            )
        archive.close()
