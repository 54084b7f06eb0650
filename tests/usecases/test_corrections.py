"""Corrections after filing: two persons, one number, a new version, and everything that stood before is kept."""

import datetime as dt
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from factories import a_viewer, the_fonds
from papers import a_paper, a_reading_archive, an_archivist, taken_in, work

from archive_app import correcting
from archive_app.core.errors import Conflict, Forbidden, InvalidInput, NotFound, Refused, SecondPersonNeeded
from archive_app.core.model import AuditLeaf, Component, Field, Page, PartyLink, QueuedJob, Record, RecordVersion, User
from archive_app.core.vocabulary import Action, ComponentKind, JobState, Level, RecordId, RecordState, UserId, Viewer
from archive_app.correcting import Asked, Upload
from archive_app.disclosure import masker
from archive_app.store_check import check
from archive_app.wiring import Archive
from ingest.reviewing import Correction, confirm
from retention import filing
from search.find import Question, find

OLD_NUMBER = "11010119900307803X"
PROPOSER = frozenset({Action.RECORD_READ, Action.VALUE_UNMASK, Action.RECORD_CORRECT})
APPROVER = frozenset({Action.RECORD_READ, Action.VALUE_UNMASK, Action.CORRECTION_APPROVE})


@dataclass
class Office:
    archive: Archive
    clerk: Viewer
    head: Viewer
    record: RecordId

    def propose(self, *, by: Viewer | None = None, upload: Upload | None = None, **asked: Any) -> UUID:  # noqa: ANN401
        asked.setdefault("reason", "姓名录错")
        return correcting.propose(
            self.archive.workshop, by or self.clerk, self.record, Asked(**asked), person_of=self.person_of,
            upload=upload,
        )  # fmt: skip

    def approve(self, correction: UUID, *, by: Viewer | None = None) -> None:
        correcting.approve(self.archive.workshop, by or self.head, correction, person_of=self.person_of)

    def refuse(self, correction: UUID, *, by: Viewer | None = None, reason: str = "无依据") -> None:
        correcting.refuse(self.archive.workshop, by or self.head, correction, person_of=self.person_of, reason=reason)

    def withdraw(self, correction: UUID, *, by: Viewer | None = None) -> None:
        correcting.withdraw(self.archive.workshop, by or self.clerk, correction, person_of=self.person_of)

    @property
    def person_of(self) -> Callable[[UserId], str]:
        return self.archive.accounts.person_of

    def row(self) -> Record:
        with self.archive.reading(self.head) as unit:
            return unit.get(Record, self.record)

    def version(self, correction: UUID) -> RecordVersion:
        with self.archive.reading(self.head) as unit:
            return unit.get(RecordVersion, correction)

    def values(self) -> dict[str, str]:
        with self.archive.reading(self.head) as unit:
            rows = unit.rows(sa.select(Field.name, Field.value).where(Field.record_id == self.record))
        return {row[0]: row[1] for row in rows}

    def texts(self) -> list[str]:
        with self.archive.reading(self.head) as unit:
            pages = unit.all(sa.select(Page).where(Page.record_id == self.record).order_by(Page.number))
        assert [page.number for page in pages] == list(range(1, len(pages) + 1))
        return [(page.text or "").rpartition("灰度")[2] for page in pages]

    def components(self, kind: ComponentKind) -> list[Component]:
        with self.archive.reading(self.head) as unit:
            return list(
                unit.all(sa.select(Component).where(Component.record_id == self.record, Component.kind == kind))
            )

    def found(self, words: str) -> int:
        question = Question(words, {}, 20, None, "best")
        viewer = self.head
        return find(
            self.archive.reading, self.archive.index, question, viewer=viewer, hasher=self.archive.hasher,
            masker=masker(viewer, self.archive.tables),
        ).total  # fmt: skip

    def has_no_trouble(self) -> bool:
        found = check(self.archive, read_bytes=True)
        with self.archive.reading(self.head) as unit:
            buried = unit.rows(sa.select(QueuedJob.name).where(QueuedJob.state == JobState.BURIED))
        return not (found.missing or found.altered or found.strays or buried)

    def written(self) -> list[str]:
        with self.archive.reading(self.head) as unit:
            return [row[0] for row in unit.rows(sa.select(AuditLeaf.action).order_by(AuditLeaf.sequence))]


def an_account(archive: Archive, login: str, *, person: str, actions: frozenset[Action]) -> Viewer:
    """An account with its natural person, and its viewer within J001."""
    ident = UserId(uuid4())
    with archive.sessions.writing() as session:
        session.add(User(id=ident, login=login, name=login, person=person, created_at=archive.clock.now()))
        session.commit()
    return a_viewer(
        login=login, user_id=ident, actions=actions, fonds=(the_fonds(archive),), codes=("J001",),
        clearance=Level.HIGHLY_SENSITIVE,
    )  # fmt: skip


def an_office(archive: Archive) -> Office:
    by = an_archivist(archive)
    (record,) = taken_in(archive, by, [("three.tif", a_paper(10, 120, 230))])
    values = {"person_name": "王秀兰", "certno": OLD_NUMBER}
    with archive.unit(by) as unit:
        correction = Correction(
            type_code="SETTLE",
            title="王秀兰 住院费用结算单",
            formed_on=dt.date(2024, 3, 5),
            values=values,
        )
        confirm(unit, record, correction, tables=archive.tables, hasher=archive.hasher)
    with archive.unit(by) as unit:
        for place, row in enumerate(unit.all(sa.select(Field).where(Field.record_id == record)), start=2):
            unit.require(Action.RECORD_REVIEW, row)
            row.page, row.box = min(place, 3), [1, 1, 9, 9]
    with archive.unit(by) as unit:
        filing.file_record(unit, record, tables=archive.tables)
    work(archive)
    clerk = an_account(archive, "zhang.li", person="张丽", actions=PROPOSER)
    head = an_account(archive, "chen.hao", person="陈浩", actions=APPROVER)
    return Office(archive, clerk, head, record)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A filed record of three pages in one TIFF, with values read on its second and third page."""
    archive = a_reading_archive(tmp_path)
    try:
        yield an_office(archive)
    finally:
        archive.close()


def test_a_proposal_changes_nothing(office: Office):
    before = office.row()
    office.propose(title="王秀莲 住院费用结算单", values={"person_name": "王秀莲"})
    after = office.row()
    assert (after.title, after.version) == (before.title, before.version)
    assert office.values()["person_name"] == "王秀兰"


def test_an_approved_correction_is_a_new_version_under_the_same_number(office: Office):
    before = office.row()
    correction = office.propose(title="王秀莲 住院费用结算单", values={"person_name": "王秀莲"})
    office.approve(correction)
    after = office.row()
    assert after.code == before.code
    assert after.version == before.version + 1
    assert after.corrections == 1
    assert after.title == "王秀莲 住院费用结算单"
    assert office.values()["person_name"] == "王秀莲"
    assert after.state == RecordState.FILED


def test_what_stood_before_is_kept(office: Office):
    correction = office.propose(values={"person_name": "王秀莲"})
    office.approve(correction)
    row = office.version(correction)
    assert row.state == "approved"
    assert row.before["title"] == "王秀兰 住院费用结算单"
    assert {one["name"]: one["value"] for one in row.before["fields"]}["person_name"] == "王秀兰"
    assert [one["name"] for one in row.before["parties"] if one["role"] == "subject"] == ["王秀兰"]
    assert [page["number"] for page in row.before["pages"]] == [1, 2, 3]


def test_a_correction_of_a_value_alone_counts_the_version_up(office: Office):
    before = office.row().version
    office.approve(office.propose(values={"person_name": "王秀莲"}))
    assert office.row().version == before + 1


def test_the_parties_follow_a_corrected_value(office: Office):
    office.approve(office.propose(values={"person_name": "王秀莲"}))
    with office.archive.reading(office.head) as unit:
        links = unit.all(sa.select(PartyLink).where(PartyLink.record_id == office.record))
    assert [link.name for link in links if link.role.value == "subject"] == ["王秀莲"]


def test_search_finds_the_corrected_words_and_no_longer_the_old_ones(office: Office):
    assert (office.found("王秀兰"), office.found("王秀莲")) == (1, 0)
    office.approve(office.propose(title="王秀莲 住院费用结算单", values={"person_name": "王秀莲"}))
    work(office.archive)
    assert (office.found("王秀兰"), office.found("王秀莲")) == (0, 1)


def test_nobody_approves_or_refuses_an_own_proposal(office: Office):
    both = replace(office.clerk, actions=PROPOSER | APPROVER)
    correction = office.propose(by=both, values={"person_name": "王秀莲"})
    for decide in (office.approve, office.refuse):
        with pytest.raises(SecondPersonNeeded):
            decide(correction, by=both)
    assert office.version(correction).state == "proposed"
    assert office.written().count("correction:denied") == 2


def test_a_second_account_of_the_same_person_is_no_second_person(office: Office):
    other_account = an_account(office.archive, "zhang.li2", person="张丽", actions=APPROVER)
    correction = office.propose(values={"person_name": "王秀莲"})
    with pytest.raises(SecondPersonNeeded):
        office.approve(correction, by=other_account)
    assert office.values()["person_name"] == "王秀兰"


def _decide_by_hand(office: Office, correction: UUID, **values: object) -> None:
    with office.archive.owner_engine.begin() as connection:
        connection.execute(sa.update(RecordVersion.__table__).where(RecordVersion.id == correction).values(**values))


def test_the_database_itself_refuses_one_person_in_both_parts(office: Office):
    correction = office.propose(values={"person_name": "王秀莲"})
    other_account = an_account(office.archive, "zhang.li2", person="张丽", actions=APPROVER)
    with pytest.raises(sa.exc.IntegrityError, match="second_person"):
        _decide_by_hand(office, correction, state="approved", decided_by=other_account.user_id, decided_person="张丽")


def test_the_database_itself_refuses_a_person_who_is_not_the_accounts(office: Office):
    correction = office.propose(values={"person_name": "王秀莲"})
    with pytest.raises(sa.exc.IntegrityError, match=r"(?i)foreign key"):
        _decide_by_hand(office, correction, state="approved", decided_by=office.clerk.user_id, decided_person="陈浩")


def test_the_database_itself_refuses_an_approval_by_nobody(office: Office):
    correction = office.propose(values={"person_name": "王秀莲"})
    with pytest.raises(sa.exc.IntegrityError, match="decided_by_somebody"):
        _decide_by_hand(office, correction, state="approved")


def test_a_refusal_says_why_and_leaves_the_record_alone(office: Office):
    correction = office.propose(values={"person_name": "王秀莲"})
    office.refuse(correction, reason="身份证复印件为王秀兰")
    row = office.version(correction)
    assert (row.state, row.remark) == ("refused", "身份证复印件为王秀兰")
    assert office.row().corrections == 0
    with pytest.raises(Conflict, match="correction-decided"):
        office.approve(correction)


def test_a_refusal_and_a_proposal_need_a_reason(office: Office):
    with pytest.raises(InvalidInput):
        office.propose(reason="  ", values={"person_name": "王秀莲"})
    correction = office.propose(values={"person_name": "王秀莲"})
    with pytest.raises(InvalidInput):
        office.refuse(correction, reason=" ")


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"class_code": "YB04"}, "number-would-change"),
        ({"type_code": "INVOICE"}, "number-would-change"),
        ({"formed_on": dt.date(2023, 12, 31)}, "number-would-change"),
        ({"title": "王秀兰 住院费用结算单"}, "nothing-to-correct"),
        ({}, "nothing-to-correct"),
    ],
)
def test_what_would_change_the_number_or_nothing_is_refused(office: Office, asked: dict[str, Any], code: str):
    with pytest.raises(Conflict, match=code):
        office.propose(**asked)
    assert office.row().corrections == 0


def test_what_would_change_the_term_is_refused(office: Office):
    with office.archive.unit(an_archivist(office.archive)) as unit:
        row = unit.get(Record, office.record)
        unit.require(Action.RECORD_REVIEW, row)
        row.due_on = dt.date(2030, 12, 31)  # as an older rule may have stamped it
    with pytest.raises(Conflict, match="retention-would-change"):
        office.propose(formed_on=dt.date(2024, 6, 1))


def test_a_day_within_the_same_year_is_corrected(office: Office):
    before = office.row()
    office.approve(office.propose(formed_on=dt.date(2024, 6, 1)))
    after = office.row()
    assert (after.formed_on, after.code, after.due_on) == (dt.date(2024, 6, 1), before.code, before.due_on)


def test_one_proposal_waits_at_a_time(office: Office):
    first = office.propose(values={"person_name": "王秀莲"})
    with pytest.raises(Conflict, match="correction-waiting"):
        office.propose(values={"person_name": "王秀连"})
    office.refuse(first)
    office.propose(values={"person_name": "王秀连"})


def test_a_record_that_is_not_filed_is_changed_in_review(office: Office):
    (other,) = taken_in(office.archive, an_archivist(office.archive), [("x.png", a_paper(77))])
    with pytest.raises(Conflict, match="not-filed"):
        replace(office, record=other).propose(values={"person_name": "王秀莲"})


def test_values_are_taken_in_normal_form_only(office: Office):
    with pytest.raises(InvalidInput):
        office.propose(values={"certno": "110101199003078031"})
    with pytest.raises(InvalidInput):
        office.propose(values={"no_such_field": "x"})


def test_who_lacks_the_action_neither_proposes_nor_decides(office: Office):
    with pytest.raises(Forbidden):
        office.propose(by=office.head, values={"person_name": "王秀莲"})
    correction = office.propose(values={"person_name": "王秀莲"})
    with pytest.raises(Forbidden):
        office.approve(correction, by=office.clerk)


def test_a_correction_is_out_of_sight_with_its_record(office: Office):
    stranger = replace(office.head, fonds=frozenset({the_fonds(office.archive, "J002")}))
    correction = office.propose(values={"person_name": "王秀莲"})
    with pytest.raises(NotFound):
        office.approve(correction, by=stranger)
    with office.archive.reading(stranger) as unit:
        assert correcting.listing(unit, office.archive.tables) == []


def test_a_page_is_replaced_and_the_old_bytes_are_kept(office: Office):
    masters = {one.sha256 for one in office.components(ComponentKind.MASTER)}
    office.approve(office.propose(upload=Upload(a_paper(60), "again.png", replaces=2)))
    assert office.texts()[1] == ""  # waits to be read
    work(office.archive)
    assert office.texts() == ["10", "60", "230"]
    kept = {one.sha256: one for one in office.components(ComponentKind.MASTER)}
    assert masters < set(kept)
    assert all(kept[digest].superseded_at is None for digest in masters)  # two pages still stand in it
    assert [view.superseded_at is not None for view in office.components(ComponentKind.VIEW)].count(True) == 1
    assert office.has_no_trouble()


def test_a_master_without_a_page_is_superseded_and_kept(office: Office):
    old = office.components(ComponentKind.MASTER)[0].id
    for number, shade in ((1, 11), (2, 121), (3, 231)):
        office.approve(office.propose(upload=Upload(a_paper(shade), f"{shade}.png", replaces=number)))
    work(office.archive)
    assert office.texts() == ["11", "121", "231"]
    states = {one.id: one.superseded_at for one in office.components(ComponentKind.MASTER)}
    assert states.pop(old) == office.archive.clock.now()
    assert set(states.values()) == {None}
    assert office.has_no_trouble()


def test_the_text_of_a_page_that_goes_is_kept_in_the_version(office: Office):
    correction = office.propose(upload=Upload(a_paper(60), "again.png", replaces=2))
    office.approve(correction)
    pages = office.version(correction).before["pages"]
    assert [page.get("text") for page in pages] == [None, "住院费用结算单 灰度120", None]
    assert pages[1]["engine"]["name"] == "shade"


def test_an_inserted_page_moves_values_with_the_pages_they_were_read_on(office: Office):
    office.approve(office.propose(upload=Upload(a_paper(60, 70), "found.tif", after=1)))
    work(office.archive)
    assert office.texts() == ["10", "60", "70", "120", "230"]
    with office.archive.reading(office.head) as unit:
        rows = unit.rows(sa.select(Field.page, Field.box).where(Field.record_id == office.record))
    assert {row[0] for row in rows} == {4, 5}
    assert all(row[1] == [1, 1, 9, 9] for row in rows)


def test_a_box_on_a_page_that_goes_is_void(office: Office):
    office.approve(office.propose(upload=Upload(a_paper(60), "again.png", replaces=2)))
    with office.archive.reading(office.head) as unit:
        rows = unit.rows(sa.select(Field.page, Field.box).where(Field.record_id == office.record))
    assert {row[0]: row[1] for row in rows} == {2: None, 3: [1, 1, 9, 9]}


def test_the_words_of_a_new_page_are_found_when_it_was_read(office: Office):
    office.approve(office.propose(upload=Upload(a_paper(60), "again.png", replaces=2)))
    work(office.archive)
    assert (office.found("灰度60"), office.found("灰度120")) == (1, 0)


def test_proposed_pages_are_seen_by_those_who_propose_and_decide_only(office: Office):
    correction = office.propose(upload=Upload(a_paper(60), "again.png", replaces=2))
    picture = correcting.page_picture(office.archive.workshop, office.head, correction, 1)
    assert picture[:3] == b"\xff\xd8\xff"
    reader = replace(office.head, actions=frozenset({Action.RECORD_READ, Action.VALUE_UNMASK}))
    with pytest.raises(NotFound):
        correcting.page_picture(office.archive.workshop, reader, correction, 1)
    with office.archive.reading(reader) as unit:
        kinds = unit.rows(sa.select(Component.kind).where(Component.record_id == office.record))
    assert ComponentKind.PROPOSED not in {row[0] for row in kinds}


def test_refused_pages_are_let_go(office: Office):
    correction = office.propose(upload=Upload(a_paper(60), "again.png", replaces=2))
    assert len(office.components(ComponentKind.PROPOSED)) == 1
    office.refuse(correction)
    work(office.archive)
    assert office.components(ComponentKind.PROPOSED) == []
    assert office.has_no_trouble()


def test_who_proposed_takes_the_proposal_back_and_another_may_follow(office: Office):
    correction = office.propose(values={"person_name": "王秀莲"}, upload=Upload(a_paper(60), "again.png", replaces=2))
    office.withdraw(correction)
    work(office.archive)
    row = office.version(correction)
    assert (row.state, row.decided_by, row.decided_at is None) == ("withdrawn", None, False)
    assert office.components(ComponentKind.PROPOSED) == []
    assert office.has_no_trouble()
    for act in (office.approve, office.refuse, office.withdraw):
        with pytest.raises(Conflict, match="correction-decided"):
            act(correction)
    office.approve(office.propose(values={"person_name": "王秀莲"}))
    assert office.values()["person_name"] == "王秀莲"
    assert [action for action in office.written() if action.startswith("correction:withdrawn")]


def test_nobody_withdraws_what_another_proposed(office: Office):
    correction = office.propose(values={"person_name": "王秀莲"})
    other = an_account(office.archive, "ma.jun", person="马军", actions=PROPOSER)
    for by in (other, office.head):
        with pytest.raises(Forbidden):
            office.withdraw(correction, by=by)
    assert office.version(correction).state == "proposed"


def test_a_hostile_file_never_becomes_a_proposal(office: Office):
    half = io.BytesIO(a_paper(60).getvalue()[:80])
    with pytest.raises(Refused):
        office.propose(upload=Upload(half, "half.png", replaces=2))
    with pytest.raises(InvalidInput):
        office.propose(upload=Upload(a_paper(60), "again.png", replaces=9))
    assert office.has_no_trouble()


def test_every_step_is_written_down(office: Office):
    first = office.propose(values={"person_name": "王秀莲"})
    office.refuse(first)
    office.approve(office.propose(values={"person_name": "王秀莲"}))
    steps = [action for action in office.written() if action.startswith("correction:")]
    assert steps == ["correction:proposed", "correction:refused", "correction:proposed", "correction:approved"]
