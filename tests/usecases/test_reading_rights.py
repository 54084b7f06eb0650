"""Scope alone reads nothing: whoever lacks the right to read gets nothing, by whatever door, nor from a log."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from factories import EVERY_ACTION, a_record, a_viewer, an_archive, everything, the_fonds

from archive_app import catalogue
from archive_app.core.errors import NotFound
from archive_app.core.model import AuditLeaf, Person
from archive_app.core.vocabulary import Action, Level, Viewer
from archive_app.disclosure import masker
from archive_app.wiring import Archive
from search.find import Question, find


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
