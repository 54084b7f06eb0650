"""Pages of a record before filing: replaced, inserted, taken out; examined first, the old bytes let go by job."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from factories import a_viewer
from papers import a_paper, a_reading_archive, an_archivist, taken_in, work

from archive_app.core.errors import Conflict, Forbidden, InvalidInput, Refused, StaleVersion
from archive_app.core.model import AuditLeaf, Component, Page, QueuedJob, Record
from archive_app.core.vocabulary import Action, JobState, RecordId, RecordState, Viewer
from archive_app.store_check import check
from archive_app.wiring import Archive
from ingest.cataloguing import AWAITED
from ingest.page_changes import insert_pages, remove_page, replace_page, stored_file


@dataclass
class Desk:
    archive: Archive
    by: Viewer
    record: RecordId

    def texts(self) -> list[str]:
        """What was read on the pages, in order, checked to be numbered from 1 without a gap."""
        with self.archive.reading(self.by) as unit:
            pages = unit.all(sa.select(Page).where(Page.record_id == self.record).order_by(Page.number))
            assert [page.number for page in pages] == list(range(1, len(pages) + 1))
            return [(page.text or "").rpartition("灰度")[2] for page in pages]

    def row(self) -> Record:
        with self.archive.reading(self.by) as unit:
            return unit.get(Record, self.record)

    def digests(self) -> set[str]:
        with self.archive.reading(self.by) as unit:
            return {row[0] for row in unit.rows(sa.select(Component.sha256).where(Component.record_id == self.record))}

    def kept(self) -> set[str]:
        """What the store holds for the record."""
        return {key.sha256 for key in self.archive.store.keys() if key.owner == self.record}  # noqa: SIM118

    def has_no_trouble(self) -> bool:
        """No job was given up, nothing is missing, and every byte kept has a row."""
        found = check(self.archive, read_bytes=True)
        with self.archive.reading(self.by) as unit:
            buried = unit.rows(sa.select(QueuedJob.name).where(QueuedJob.state == JobState.BURIED))
        return not (found.missing or found.altered or found.strays or buried)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A record of three pages of different shades in one TIFF, read and described."""
    archive = a_reading_archive(tmp_path)
    by = an_archivist(archive)
    (record,) = taken_in(archive, by, [("three.tif", a_paper(10, 120, 230))])
    yield Desk(archive, by, record)
    archive.close()


def test_a_page_is_replaced_by_another_scan_and_the_old_one_is_nowhere_kept(desk: Desk):
    before = desk.kept()
    replace_page(desk.archive.workshop, desk.by, desk.record, 2, a_paper(60), name="again.png")
    work(desk.archive)
    assert desk.texts() == ["10", "60", "230"]
    assert desk.kept() == desk.digests()
    assert len(before & desk.kept()) == 2  # the views of the two pages that stayed
    assert desk.has_no_trouble()


def test_one_page_may_be_replaced_by_several(desk: Desk):
    replace_page(desk.archive.workshop, desk.by, desk.record, 1, a_paper(20, 30), name="both-sides.tif")
    work(desk.archive)
    assert desk.texts() == ["20", "30", "120", "230"]
    assert desk.has_no_trouble()


@pytest.mark.parametrize(
    ("after", "texts"),
    [
        (0, ["60", "70", "10", "120", "230"]),
        (2, ["10", "120", "60", "70", "230"]),
        (3, ["10", "120", "230", "60", "70"]),
    ],
)
def test_pages_are_inserted_where_they_are_said_to_stand(desk: Desk, after: int, texts: list[str]):
    insert_pages(desk.archive.workshop, desk.by, desk.record, after, a_paper(60, 70), name="found.tif")
    work(desk.archive)
    assert desk.texts() == texts
    assert desk.has_no_trouble()


def test_a_changed_record_is_described_again_and_confirmed_by_nobody(desk: Desk):
    with desk.archive.unit(desk.by) as unit:
        row = unit.get(Record, desk.record)
        unit.require(Action.RECORD_REVIEW, row)
        row.confirmed_by = desk.by.user_id
    insert_pages(desk.archive.workshop, desk.by, desk.record, 3, a_paper(60), name="found.png")
    assert desk.row().state == RecordState.CAPTURED
    assert desk.row().confirmed_by is None
    work(desk.archive)
    assert desk.row().state in {RecordState.REVIEW, RecordState.DESCRIBED}


def test_a_page_taken_out_is_awaited_until_its_new_scan_is_back(desk: Desk):
    remove_page(desk.archive.workshop, desk.by, desk.record, 2, reason="缺角")
    work(desk.archive)
    assert desk.texts() == ["10", "230"]
    assert desk.row().state == RecordState.REVIEW
    assert AWAITED in desk.row().review
    assert desk.kept() == desk.digests()
    insert_pages(desk.archive.workshop, desk.by, desk.record, 1, a_paper(121), name="rescanned.png")
    work(desk.archive)
    assert desk.texts() == ["10", "121", "230"]
    assert AWAITED not in desk.row().review
    assert desk.has_no_trouble()


def test_two_pages_may_be_replaced_while_the_first_is_still_being_read(desk: Desk):
    replace_page(desk.archive.workshop, desk.by, desk.record, 1, a_paper(11), name="one.png")
    replace_page(desk.archive.workshop, desk.by, desk.record, 3, a_paper(231), name="three.png")
    work(desk.archive)
    assert desk.texts() == ["11", "120", "231"]
    assert desk.has_no_trouble()


def test_the_same_scan_may_stand_for_two_pages(desk: Desk):
    insert_pages(desk.archive.workshop, desk.by, desk.record, 3, a_paper(60), name="blank.png")
    insert_pages(desk.archive.workshop, desk.by, desk.record, 4, a_paper(60), name="blank.png")
    work(desk.archive)
    remove_page(desk.archive.workshop, desk.by, desk.record, 5, reason="重复")
    work(desk.archive)
    assert desk.texts() == ["10", "120", "230", "60"]
    assert desk.has_no_trouble()


def test_a_page_that_is_being_read_is_neither_replaced_nor_taken_out(desk: Desk):
    insert_pages(desk.archive.workshop, desk.by, desk.record, 0, a_paper(60), name="found.png")
    with pytest.raises(Conflict, match="not-read-yet"):
        remove_page(desk.archive.workshop, desk.by, desk.record, 1, reason="模糊")


def test_the_only_page_is_not_taken_out(desk: Desk):
    for _ in range(2):
        remove_page(desk.archive.workshop, desk.by, desk.record, 1, reason="模糊")
    work(desk.archive)
    with pytest.raises(Conflict, match="only-page"):
        remove_page(desk.archive.workshop, desk.by, desk.record, 1, reason="模糊")
    assert desk.texts() == ["230"]


def test_a_damaged_file_is_refused_and_nothing_of_it_is_kept(desk: Desk):
    half = io.BytesIO(a_paper(60).getvalue()[:80])
    with pytest.raises(Refused):
        replace_page(desk.archive.workshop, desk.by, desk.record, 2, half, name="half.png")
    assert desk.texts() == ["10", "120", "230"]
    assert desk.has_no_trouble()
    with desk.archive.reading(desk.by) as unit:
        written = unit.rows(sa.select(AuditLeaf.action).where(AuditLeaf.subject_id == str(desk.record)))
    assert ("page:refused",) in [tuple(row) for row in written]


def test_a_file_past_the_limit_is_refused_before_it_is_opened(desk: Desk):
    small = replace(desk.archive.workshop, limit_bytes=10)
    with pytest.raises(Refused, match="too-large"):
        replace_page(small, desk.by, desk.record, 2, a_paper(60), name="big.png")
    assert desk.has_no_trouble()


def test_a_change_between_plan_and_writing_is_told_and_leaves_no_bytes(desk: Desk):
    class LateSource(io.BytesIO):
        """Somebody takes a page out while this one is still being sent."""

        def read(self, size: int | None = -1) -> bytes:
            if self.tell() == 0:
                remove_page(desk.archive.workshop, desk.by, desk.record, 1, reason="模糊")
            return super().read(size)

    with pytest.raises(StaleVersion):
        replace_page(
            desk.archive.workshop, desk.by, desk.record, 2, LateSource(a_paper(60).getvalue()), name="late.png"
        )
    work(desk.archive)
    assert desk.texts() == ["120", "230"]
    assert desk.kept() == desk.digests()


@pytest.mark.parametrize("number", [0, 4])
def test_a_page_that_is_not_there_is_not_replaced(desk: Desk, number: int):
    with pytest.raises(InvalidInput):
        replace_page(desk.archive.workshop, desk.by, desk.record, number, a_paper(60), name="x.png")


def test_who_may_not_review_changes_no_page(desk: Desk):
    reader = a_viewer(actions=frozenset({Action.RECORD_READ}), fonds=tuple(desk.by.fonds), clearance=desk.by.clearance)
    with pytest.raises(Forbidden):
        replace_page(desk.archive.workshop, reader, desk.record, 1, a_paper(60), name="x.png")
    assert desk.has_no_trouble()


def test_a_filed_record_changes_by_correction_only(desk: Desk):
    with desk.archive.unit(desk.by) as unit:
        row = unit.get(Record, desk.record)
        unit.require(Action.RECORD_REVIEW, row)
        row.state = RecordState.FILED
    with pytest.raises(Conflict, match="filed"):
        insert_pages(desk.archive.workshop, desk.by, desk.record, 0, a_paper(60), name="x.png")
    assert desk.has_no_trouble()


def test_what_the_block_did_not_name_is_let_go(desk: Desk):
    keys = []

    def fail_inside() -> None:
        with stored_file(desk.archive.workshop, desk.by, desk.record, a_paper(60), name="x.png") as new:
            keys.append(new.stored.key)
            assert desk.archive.store.stat(new.stored.key) is not None
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_inside()
    assert desk.archive.store.stat(keys[0]) is None
