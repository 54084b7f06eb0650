"""Who sees which record: SQL, a plain-Python oracle and the embedded index agree on generated viewers and records."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa
from factories import a_record, a_viewer, an_archive, everything, the_fonds
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive_app.core.model import Record
from archive_app.core.ports import IndexDocument, Query
from archive_app.core.vocabulary import Action, FondsId, Level, RecordId
from archive_app.wiring import Archive

CODES = ("J001", "J002")


class Holdings:
    """One record in each fonds at each level, as rows and as index documents."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.fonds: dict[str, FondsId] = {code: the_fonds(archive, code) for code in CODES}
        self.records: dict[UUID, tuple[str, Level]] = {}
        with archive.unit(everything(archive)) as unit:
            for code in CODES:
                for level in Level:
                    for _ in range(2):
                        record = a_record(unit, fonds=self.fonds[code], level=level)
                        self.records[record.id] = (code, level)
        archive.index.put(
            IndexDocument(
                record=RecordId(ident),
                version=1,
                fonds=code,
                level=int(level),
                state="described",
                code=str(ident)[:8],
                title="住院费用结算单",
                type=None,
                class_code=None,
                year=None,
                date=None,
            )
            for ident, (code, level) in self.records.items()
        )

    def oracle(self, codes: frozenset[str], clearance: Level) -> set[UUID]:
        """The access rule in plain words: the fonds is in scope and the level is not above the clearance."""
        return {ident for ident, (code, level) in self.records.items() if code in codes and level <= clearance}


@pytest.fixture(scope="module")
def holdings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Holdings]:
    archive = an_archive(Path(tmp_path_factory.mktemp("visibility")))
    yield Holdings(archive)
    archive.close()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    codes=st.frozensets(st.sampled_from(CODES)),
    clearance=st.sampled_from(Level),
    actions=st.frozensets(st.sampled_from(Action)),
)
def test_rows_and_index_show_what_the_rule_says(
    holdings: Holdings, codes: frozenset[str], clearance: Level, actions: frozenset[Action]
) -> None:
    viewer = a_viewer(
        fonds=tuple(holdings.fonds[code] for code in codes), codes=tuple(codes), clearance=clearance, actions=actions
    )
    wanted = holdings.oracle(codes, clearance)
    with holdings.archive.reading(viewer) as unit:
        rows = {row[0] for row in unit.rows(sa.select(Record.id))}
        counted = unit.count(sa.select(Record))
    page = holdings.archive.index.search(Query(size=50), viewer=viewer)
    assert rows == wanted
    assert counted == len(wanted)
    assert {hit.record for hit in page.hits} == wanted
    assert page.total == len(wanted)
    assert sum(page.facets["fonds"].values()) == len(wanted)
