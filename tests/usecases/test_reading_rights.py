"""Scope alone reads nothing: whoever lacks the right to read gets nothing, by whatever door, nor from a log."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from factories import EVERY_ACTION, a_page, a_record, a_viewer, an_archive, everything, the_fonds

from archive_app import catalogue
from archive_app.core.errors import NotFound
from archive_app.core.model import AuditLeaf, Field, PartyLink, Person, Record
from archive_app.core.vocabulary import (
    Action,
    FieldState,
    Level,
    PartyKind,
    PartyRole,
    RecordId,
    RecordState,
    Viewer,
)
from archive_app.disclosure import masker, titled
from archive_app.wiring import Archive
from search import sync
from search.find import FoundRecord, Question, find


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    made = an_archive(tmp_path)
    yield made
    made.close()


def a_scan_operator(archive: Archive) -> Viewer:
    return a_viewer(
        login="scan.desk",
        fonds=(the_fonds(archive),),
        codes=("J001",),
        clearance=Level.HIGHLY_SENSITIVE,
        actions=EVERY_ACTION - {Action.RECORD_READ},
    )


def test_search_answers_only_who_may_read_records_and_writes_the_attempt_down(archive: Archive) -> None:
    by = a_scan_operator(archive)
    for text in ("", "结算"):
        with pytest.raises(NotFound):
            find(archive.reading, archive.index, Question(text, {}), viewer=by, hasher=archive.hasher,
                 masker=masker(by, archive.tables))  # fmt: skip
    with archive.sessions.reading() as session:
        written = session.execute(sa.select(AuditLeaf.actor, AuditLeaf.action)).tuples().all()
    assert written[-2:] == [("scan.desk", "search:denied")] * 2


def test_what_a_person_wrote_for_review_is_masked_as_all_texts_are(archive: Archive) -> None:
    with archive.unit(everything(archive)) as unit:
        record = a_record(unit, fonds=the_fonds(archive))
        record.review = ["person-missing", "与身份证 110105194912310021 不符"]
        record.type_reasons = ["title:住院费用结算单 110105194912310021"]
    clerk = a_viewer(
        fonds=(the_fonds(archive),), clearance=Level.HIGHLY_SENSITIVE, actions=frozenset({Action.RECORD_READ})
    )
    with archive.reading(clerk) as unit:
        shown = catalogue.show(unit, catalogue.resolve(unit, str(record.id)), archive.tables)
    assert shown["review"][0] == "person-missing"
    assert "19491231" not in str(shown)


def test_a_failing_statement_tells_no_values(archive: Archive) -> None:
    number = "110105194912310021"
    with (
        archive.sessions.on_behalf_of(everything(archive)).writing() as session,
        pytest.raises(sa.exc.IntegrityError) as caught,
    ):
        session.execute(sa.insert(Person.__table__).values(name=number))  # type: ignore[arg-type]
    assert number not in str(caught.value)


PROSE = "兹有赵立军于二〇一九年来我处说明情况"


def a_clerk(archive: Archive) -> Viewer:
    return a_viewer(
        login="counter",
        fonds=(the_fonds(archive),),
        codes=("J001",),
        clearance=Level.HIGHLY_SENSITIVE,
        actions=frozenset({Action.RECORD_READ}),
    )


def a_paper(
    archive: Archive,
    *,
    type_code: str | None = "YB03",
    state: RecordState = RecordState.DESCRIBED,
    linked: bool = False,
    named: bool = False,
    level: Level = Level.SENSITIVE,
) -> RecordId:
    """A paper with a name in its title and its prose; the name also as a party, or as a described value."""
    with archive.unit(everything(archive)) as unit:
        record = a_record(unit, fonds=the_fonds(archive), title="赵立军的情况说明", state=state, level=level)
        record.type_code = type_code
        a_page(unit, record, text=PROSE)
        of_record = {"record_id": record.id, "fonds_id": record.fonds_id, "level": record.level}
        if linked:
            unit.add(Action.RECORD_REVIEW, PartyLink(**of_record, kind=PartyKind.PERSON, role=PartyRole.SUBJECT,
                                                     name="赵立军"))  # fmt: skip
        if named:
            unit.add(Action.RECORD_REVIEW, Field(**of_record, position=1, name="person_name", value="赵立军",
                                                 state=FieldState.READ))  # fmt: skip
    sync.refresh(archive.reading(archive.own_work("index")), archive.index, [record.id], hasher=archive.hasher)
    return record.id


def as_shown(archive: Archive, by: Viewer, ident: RecordId) -> tuple[dict[str, Any], list[str], FoundRecord]:
    """The record's page, its titles in lists, and the hit of a search for words on it."""
    with archive.reading(by) as unit:
        record = catalogue.resolve(unit, str(ident))
        shown = catalogue.show(unit, record, archive.tables)
        listed = [str(line["title"]) for line in catalogue.listing(unit, archive.tables)]
        listed += [title for _, title in titled(unit, archive.tables, [record], of=lambda row: (row.id, row.title))]
    answer = find(archive.reading, archive.index, Question("说明情况", {}), viewer=by, hasher=archive.hasher,
                  masker=masker(by, archive.tables))  # fmt: skip
    return shown, listed, answer.hits[0]


@pytest.mark.parametrize("known", [{"linked": True}, {"named": True}])
def test_a_name_in_a_title_is_masked_alike_on_the_page_in_lists_and_among_hits(
    archive: Archive, known: dict[str, bool]
) -> None:
    shown, listed, hit = as_shown(archive, a_clerk(archive), a_paper(archive, **known))
    assert {shown["title"], hit.title, *listed} == {"赵*军的情况说明"}
    assert "赵立军" not in str(shown)
    assert [one.snippet.text for one in hit.snippets] == ["兹有赵*军于二〇一九年来我处说明情况"]


@pytest.mark.parametrize(
    ("paper", "withheld"),
    [
        ({"type_code": None, "state": RecordState.REVIEW}, True),
        ({"type_code": None, "state": RecordState.REVIEW, "linked": True}, True),
        ({"state": RecordState.READ}, True),
        ({"state": RecordState.REVIEW}, True),
        ({"state": RecordState.REVIEW, "named": True}, True),
        ({"state": RecordState.REVIEW, "linked": True}, False),
        ({"state": RecordState.DESCRIBED}, False),
        ({"type_code": None, "state": RecordState.FILED}, False),
        ({"type_code": None, "state": RecordState.REVIEW, "level": Level.PUBLIC}, False),
    ],
)
def test_texts_of_papers_of_which_nobody_knows_who_stands_on_them_are_withheld(
    archive: Archive, paper: dict[str, Any], *, withheld: bool
) -> None:
    shown, listed, hit = as_shown(archive, a_clerk(archive), a_paper(archive, **paper))
    page = shown["pages"][0]
    assert shown["withheld"] == hit.withheld == withheld
    assert (page["text"] is None, hit.snippets == ()) == (withheld, withheld)
    assert {shown["title"], hit.title, *listed} == {shown["code"] if withheld else listed[0]}
    assert not (withheld and "赵立军" in str((shown, listed, hit)))


def test_who_reads_values_in_clear_reads_every_text(archive: Archive) -> None:
    shown, listed, hit = as_shown(
        archive, everything(archive), a_paper(archive, type_code=None, state=RecordState.REVIEW)
    )
    assert (shown["pages"][0]["text"], shown["withheld"], hit.withheld) == (PROSE, False, False)
    assert {shown["title"], hit.title, *listed} == {"赵立军的情况说明"}


def test_a_record_that_leaves_sight_between_two_statements_is_left_out_of_a_list(archive: Archive) -> None:
    stays, leaves = a_paper(archive, linked=True), a_paper(archive, linked=True)
    clerk = a_viewer(fonds=(the_fonds(archive),), actions=frozenset({Action.RECORD_READ}))
    with archive.reading(clerk) as unit:
        rows = unit.rows(sa.select(Record.id, Record.title).order_by(Record.created_at))
    assert {row[0] for row in rows} == {stays, leaves}
    with archive.unit(everything(archive)) as unit:
        record = unit.get(Record, leaves)
        unit.require(Action.RECORD_CORRECT, record)
        record.level = Level.HIGHLY_SENSITIVE
    with archive.reading(clerk) as unit:
        shown = titled(unit, archive.tables, rows, of=lambda row: (row[0], row[1]))
    assert [(row[0], title) for row, title in shown] == [(stays, "赵*军的情况说明")]
