"""An index that differs from the database is found out, repaired record by record, or made anew part by part."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from elastic_indices import an_elastic_index
from houses import a_batch, a_house, assert_index_and_log_are_whole, receive, samples, work

from archive_app.core.ports import IndexDocument
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import RecordId
from archive_app.wiring import Archive
from search import sync


@pytest.fixture(params=["tantivy", pytest.param("elasticsearch", marks=pytest.mark.services)])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Archive]:
    with a_house(tmp_path) as opened:
        if request.param == "tantivy":
            yield opened
        else:
            with an_elastic_index() as index:
                opened.index = index  # type: ignore[method-assign]
                yield opened


def unit(archive: Archive) -> Unit:
    return archive.reading(archive.own_work("index"))


def a_ghost(number: int) -> IndexDocument:
    return IndexDocument(
        record=RecordId(UUID(int=number)), version=1, fonds="J019", level=1, state="filed", code="", title="",
        type=None, class_code=None, year=None, date=None,
    )  # fmt: skip


def filled(archive: Archive) -> list[RecordId]:
    receive(archive, a_batch(archive), *samples("0001", "0027", "0035"))
    work(archive)
    return [record for record, _ in archive.index.versions()]


def test_what_is_missing_stale_or_a_ghost_is_found_out_and_repaired(archive: Archive):
    missing, stale, *_ = filled(archive)
    version = dict(archive.index.versions())[stale]
    archive.index.remove([missing, stale])
    ghosts = [a_ghost(1), a_ghost((1 << 128) - 1)]
    archive.index.put([*ghosts, IndexDocument(**{**_fields(a_ghost(stale.int)), "version": version - 1})])
    found = sync.compare(unit(archive), archive.index)
    assert (found.missing, found.stale) == ((missing,), (stale,))
    assert found.ghosts == tuple(ghost.record for ghost in ghosts)
    assert sync.repair(unit(archive), archive.index, found, hasher=archive.hasher) == 4
    assert_index_and_log_are_whole(archive)


def _fields(document: IndexDocument) -> dict[str, object]:
    return {name: getattr(document, name) for name in IndexDocument.__slots__}


def test_a_rebuild_goes_part_by_part_and_ends_equal(archive: Archive, monkeypatch: pytest.MonkeyPatch):
    records = filled(archive)
    monkeypatch.setattr(sync, "_REBUILT", 1)
    monkeypatch.setattr(sync, "_LISTED", 1)
    archive.index.put([a_ghost(1)])
    steps: list[tuple[int, int]] = []
    done = sync.rebuild(
        unit(archive), archive.index, hasher=archive.hasher, progress=lambda now, total: steps.append((now, total))
    )
    assert done == len(records)
    assert steps == [(n + 1, len(records)) for n in range(len(records))]
    assert_index_and_log_are_whole(archive)
