"""While the index is away: numbers and names are looked up, words on pages are refused in words, and work goes on."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from away_index import a_name_on_all, an_away_house, come_back, named
from houses import (
    a_batch,
    archivist,
    assert_index_and_log_are_whole,
    assert_nothing_is_stuck,
    receive,
    samples,
    work,
)

from archive_app.core.errors import InvalidInput, Unavailable
from archive_app.core.model import Identifier, PartyLink, Record
from archive_app.core.vocabulary import (
    Action,
    FondsId,
    IdentifierKind,
    JobState,
    Level,
    RecordId,
    Viewer,
)
from archive_app.disclosure import masker
from archive_app.jobs import MAX_ATTEMPTS
from archive_app.wiring import Archive
from archive_app.worker import Worker
from search.find import CONTINUED, Answer, Question, find


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with an_away_house(tmp_path) as opened:
        yield opened


def asked(archive: Archive, text: str, *, viewer: Viewer | None = None, **changes: Any) -> Answer:  # noqa: ANN401
    by = viewer or archivist(archive)
    question = Question(text, changes.pop("filters", {}), **changes)
    return find(
        archive.reading, archive.index, question, viewer=by, hasher=archive.hasher, masker=masker(by, archive.tables)
    )


def with_the_index(archive: Archive, text: str) -> set[RecordId]:
    with come_back(archive):
        return {hit.record for hit in asked(archive, text).hits}


def test_a_citizen_number_a_name_and_an_archival_number_find_what_the_index_finds(archive: Archive):
    link = named(archive)[0]
    with archive.reading(archivist(archive)) as unit:
        number = unit.all(
            sa.select(Identifier).where(
                Identifier.person_id == link.person_id, Identifier.kind == IdentifierKind.CITIZEN
            )
        )[0].value
        code = unit.get(Record, link.record_id).code
    for text in (number, link.name, f"「{link.name}」", code, code.replace("-", "—")):
        answer = asked(archive, text)
        assert answer.degraded == "index-unreachable"
        assert {hit.record for hit in answer.hits} == with_the_index(archive, text), text
        assert answer.total == len(answer.hits) > 0


def test_a_document_number_is_looked_up(archive: Archive):
    with archive.reading(archivist(archive)) as unit:
        numbered = unit.all(sa.select(Record).where(Record.document_number.is_not(None)))
        links = unit.all(sa.select(PartyLink).where(PartyLink.number.is_not(None), PartyLink.person_id.is_(None)))
    facts = [(str(record.document_number), record.id) for record in numbered]
    facts += [(str(link.number), link.record_id) for link in links]
    assert facts
    for number, record in facts:
        assert record in {hit.record for hit in asked(archive, number).hits}


@pytest.mark.parametrize("text", ["医疗保险", "报销 申请", "没有这个人", "", "13912345678"])
def test_what_only_the_index_knows_is_refused_with_its_reason(archive: Archive, text: str):
    with pytest.raises(Unavailable) as refused:
        asked(archive, text)
    assert (refused.value.code, refused.value.parameters) == (
        "full-text-unavailable",
        {"reason": "index-unreachable"},
    )


@pytest.mark.parametrize("text", ["320106198001011235", "P-ABCDEFGHIJKLM", "J019-ZY·YB04·2024·D10-99999"])
def test_a_number_that_nobody_has_is_an_answer(archive: Archive, text: str):
    answer = asked(archive, text)
    assert (answer.total, answer.hits, answer.degraded) == (0, (), "index-unreachable")


def test_a_look_up_stays_within_the_scope(archive: Archive):
    name = named(archive)[0].name
    whole = archivist(archive)
    for fonds, clearance in ((whole.fonds, Level.PUBLIC), (frozenset[FondsId](), whole.clearance)):
        narrow = Viewer(whole.user_id, whole.login, whole.actions, fonds, clearance)
        with pytest.raises(Unavailable, match="full-text-unavailable"):
            asked(archive, str(name), viewer=narrow)


def test_a_look_up_is_narrowed_and_paged(archive: Archive):
    name = str(named(archive)[0].name)
    answer = asked(archive, name)
    hit = answer.hits[0]
    year = str(hit.formed_on)[:4]
    fitting = {"class": (str(hit.class_code),), "type": (str(hit.type),), "year": (year,), "state": (hit.state,)}
    assert hit.record in {one.record for one in asked(archive, name, filters=fitting).hits}
    for key, value in (("class", "YB99"), ("year", "1901"), ("fonds", "Z999"), ("state", "captured")):
        with pytest.raises(Unavailable):
            asked(archive, name, filters={key: (value,)})
    with pytest.raises(InvalidInput):
        asked(archive, name, filters={"provider": ("x",)})
    shown, after = [], None
    while True:
        page = asked(archive, name, size=1, after=after)
        shown += [one.record for one in page.hits]
        after = page.after
        if after is None:
            break
    assert shown == [one.record for one in answer.hits]


def test_a_list_that_began_as_a_look_up_goes_on_as_one_when_the_index_is_back(archive: Archive):
    name = a_name_on_all(archive)
    whole = asked(archive, name)
    first = asked(archive, name, size=1)
    assert whole.total == first.total > 1
    with come_back(archive):
        second = asked(archive, name, size=1, after=first.after)
        assert second.degraded == CONTINUED
        assert [hit.record for hit in (*first.hits, *second.hits)] == [hit.record for hit in whole.hits][:2]
        with pytest.raises(InvalidInput, match="of-another-question"):
            asked(archive, name, size=1, after=first.after, order="newest")
        assert asked(archive, name).degraded is None


def test_a_list_whose_records_are_gone_when_it_goes_on_has_come_to_its_end(archive: Archive):
    name = a_name_on_all(archive)
    after = asked(archive, name, size=1).after
    with archive.unit(archivist(archive)) as unit:
        for link in unit.all(sa.select(PartyLink).where(PartyLink.name == name)):
            unit.require(Action.RECORD_REVIEW, link)
            link.name = "另一个人"
    answer = asked(archive, name, size=1, after=after)
    assert (answer.total, answer.hits, answer.after) == (0, (), None)


@pytest.mark.parametrize("text", ["医疗保险", "a name"])
def test_a_list_that_began_in_the_index_goes_on_only_there(archive: Archive, text: str):
    text = a_name_on_all(archive) if text == "a name" else text
    with come_back(archive):
        whole = asked(archive, text)
        first = asked(archive, text, size=1)
        assert first.after is not None
    with pytest.raises(Unavailable) as interrupted:
        asked(archive, text, size=1, after=first.after)
    assert (interrupted.value.code, interrupted.value.parameters) == (
        "search-interrupted",
        {"reason": "index-unreachable"},
    )
    with come_back(archive):
        second = asked(archive, text, size=1, after=first.after)
    assert [hit.record for hit in (*first.hits, *second.hits)] == [hit.record for hit in whole.hits][:2]


@pytest.mark.parametrize("after", ["", "x", "WzIsIngiLDFd", "=" * 900])
def test_a_place_that_nobody_gave_is_refused_while_the_index_is_away_too(archive: Archive, after: str):
    with pytest.raises(InvalidInput):
        asked(archive, str(named(archive)[0].name), after=after)


def test_index_jobs_outlast_any_absence_and_then_catch_up(archive: Archive):
    receive(archive, a_batch(archive), *samples("0002"))
    worker, clock = Worker(archive), archive.clock
    for _ in range(4 * MAX_ATTEMPTS):
        while worker.step():
            pass
        clock.forward(minutes=10)  # type: ignore[attr-defined]
    waiting = archive.queue.list()
    assert {(row.name, row.state, row.attempt) for row in waiting} == {("search.refresh", JobState.QUEUED, 0)}
    with come_back(archive):
        work(archive, worker=worker)
        assert_nothing_is_stuck(archive)
        assert_index_and_log_are_whole(archive)
