"""The access rule is one rule: through the unit on both databases, as row security alone, and as filter of the index.

Viewers are drawn as grants make them: roles, fonds and a level. For every draw each way must show the same rows of
every table with an audience, and each index the same records.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from elastic_indices import an_elastic_index
from factories import NOON, a_user, a_viewer, an_archive

from archive_app.core import row_security
from archive_app.core.model import (
    Base,
    Batch,
    Box,
    CaseFile,
    Component,
    Employer,
    Field,
    Fonds,
    Identifier,
    IntakeFile,
    Page,
    PartyLink,
    Person,
    Provider,
    Record,
    RecordVersion,
    User,
)
from archive_app.core.ports import IndexDocument, Query, SearchIndex
from archive_app.core.vocabulary import (
    ComponentKind,
    FieldState,
    FondsId,
    IdentifierKind,
    Level,
    PartyKind,
    PartyRole,
    ProviderKind,
    RecordId,
    RecordState,
    UserId,
    Viewer,
)
from archive_app.wiring import Archive
from search.embedded import TantivyIndex

CODES = ("E001", "E002", "E003")
RECORDS = 60
GUARDED = row_security.guarded()
Seen = dict[str, set[UUID]]


class Drawer:
    """The same holdings and the same viewers for every database: all comes from one seed."""

    def __init__(self) -> None:
        self.chance = random.Random(20260302)  # noqa: S311 - draws of a test
        self.fonds = {code: FondsId(self.ident()) for code in CODES}
        self.rows = self._rows()
        self.records = [row for row in self.rows if isinstance(row, Record)]

    def ident(self) -> UUID:
        return UUID(int=self.chance.getrandbits(128), version=4)

    def _rows(self) -> list[Base]:
        rows: list[Base] = [
            Fonds(id=ident, code=code, name=code, created_at=NOON) for code, ident in self.fonds.items()
        ]
        self.user = UserId(self.ident())
        rows.append(User(id=self.user, login="draws", name="抽样", person="p1", created_at=NOON))
        parties = [self._party(number) for number in range(RECORDS // 2)]
        rows += [one for made in parties for one in made]
        for number in range(RECORDS):
            fonds, level = self.chance.choice(list(self.fonds.values())), self.chance.choice(list(Level))
            rows += self._record(number, fonds, level, parties)
        return rows

    def _party(self, number: int) -> tuple[Person, Identifier, Employer, Provider]:
        person = Person(id=self.ident(), name=f"人{number}", created_at=NOON)
        return (
            person,
            Identifier(
                id=self.ident(), person_id=person.id, kind=IdentifierKind.CITIZEN, hash=f"{number:064}", value="1"
            ),
            Employer(id=self.ident(), name=f"单位{number}"),
            Provider(id=self.ident(), name=f"医院{number}", kind=ProviderKind.HOSPITAL),
        )

    def _record(self, number: int, fonds: FondsId, level: Level, parties: list[Any]) -> list[Base]:
        ident = RecordId(self.ident())
        placed: dict[str, Any] = {"record_id": ident, "fonds_id": fonds, "level": level}
        box = Box(id=self.ident(), fonds_id=fonds, code=f"B{number}")
        batch = Batch(id=self.ident(), fonds_id=fonds, number=f"2026-{number}", operator_id=self.user, created_at=NOON)
        file = IntakeFile(
            id=self.ident(), batch_id=batch.id, fonds_id=fonds, sequence=1, path="a", sha256="0" * 64, size=1,
            created_at=NOON,
        )  # fmt: skip
        case_file = CaseFile(
            id=self.ident(), fonds_id=fonds, level=self.chance.choice(list(Level)), code=f"C{number}", title="案卷"
        )
        record = Record(
            id=ident, fonds_id=fonds, level=level, code=f"P-{number}", title="结算单", state=RecordState.DESCRIBED,
            created_at=NOON,
        )  # fmt: skip
        components = [
            Component(
                id=self.ident(), kind=kind, sha256="0" * 64, size=1, media_type="image/png", created_at=NOON, **placed
            )
            for kind in (ComponentKind.MASTER, self.chance.choice(list(ComponentKind)))
        ]
        page = Page(
            id=self.ident(), number=1, component_id=components[0].id, master_page=1, width=1, height=1, **placed
        )
        field = Field(id=self.ident(), position=1, name="name", value="值", state=FieldState.READ, **placed)
        version = RecordVersion(
            id=self.ident(), version=1, state="proposed", reason="r", change={}, before={}, proposed_by=self.user,
            proposed_person="p1", created_at=NOON, **placed,
        )  # fmt: skip
        links: list[Base] = []
        for person, _, employer, provider in self.chance.sample(parties, 2):
            links += [
                PartyLink(
                    id=self.ident(), kind=PartyKind.PERSON, role=PartyRole.SUBJECT, person_id=person.id, **placed
                ),
                PartyLink(
                    id=self.ident(), kind=PartyKind.EMPLOYER, role=PartyRole.EMPLOYER, employer_id=employer.id, **placed
                ),
                PartyLink(
                    id=self.ident(), kind=PartyKind.PROVIDER, role=PartyRole.HOSPITAL, provider_id=provider.id, **placed
                ),
            ]  # fmt: skip
        return [box, batch, file, case_file, record, *components, page, field, version, *links]

    def viewers(self, archive: Archive, draws: int) -> Iterator[Viewer]:
        """Grants of roles, fonds and a level, as viewers; now and then the archive's own work."""
        roles = sorted(role.code for role in archive.tables.roles.entries)
        for _ in range(draws):
            held = self.chance.sample(roles, self.chance.randint(0, 3))
            codes = self.chance.sample(CODES, self.chance.randint(0, 3))
            yield Viewer(
                user_id=self.user,
                login="draws",
                actions=archive.tables.actions_of(frozenset(held)),
                fonds=frozenset(self.fonds[code] for code in codes),
                fonds_codes=frozenset(codes),
                clearance=self.chance.choice(list(Level)),
                system="archive:check" if self.chance.random() < 0.1 else None,
            )


def _fill(archive: Archive, rows: list[Base]) -> None:
    """As the tables' owner, table by table in the order of their keys."""
    tables = Base.metadata.sorted_tables
    with archive.owner_engine.begin() as connection:
        for table in tables:
            kept = [row for row in rows if row.__tablename__ == table.name]
            for row in kept:
                mapper = sa.inspect(type(row))
                given = {
                    attribute.columns[0].name: getattr(row, attribute.key)
                    for attribute in mapper.column_attrs
                    if getattr(row, attribute.key) is not None
                }
                if isinstance(row, Record):
                    given["version"] = 1
                connection.execute(sa.insert(table).values(**given))


@dataclass
class Ways:
    """Everything that answers who sees what."""

    drawer: Drawer
    archives: list[Archive]


@pytest.fixture(scope="module")
def ways(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ways]:
    drawer = Drawer()
    archives = [an_archive(tmp_path_factory.mktemp(kind), kind=kind) for kind in ("sqlite", "postgresql")]
    for archive in archives:
        _fill(archive, drawer.rows)
    yield Ways(drawer, archives)
    for archive in archives:
        archive.close()


@pytest.fixture
def indexes(ways: Ways, tmp_path: Path) -> Iterator[dict[str, SearchIndex]]:
    """Each index that must filter by the same rule, with the same records."""
    drawer = ways.drawer
    code_of = {ident: code for code, ident in drawer.fonds.items()}
    with an_elastic_index() as elastic:
        made: dict[str, SearchIndex] = {"embedded": TantivyIndex(tmp_path), "elasticsearch": elastic}
        for index in made.values():
            index.put(
                IndexDocument(
                    record=record.id, version=1, fonds=code_of[record.fonds_id], level=int(record.level),
                    state="described", code=record.code, title=record.title, type=None, class_code=None, year=None,
                    date=None,
                )
                for record in drawer.records
            )  # fmt: skip
        yield made


def _key(entity: type[Base]) -> sa.Column[Any]:
    return sa.inspect(entity).local_table.primary_key.columns[0]


def _through_the_unit(archive: Archive, viewer: Viewer) -> Seen:
    with archive.reading(viewer) as unit:
        return {
            entity.__tablename__: {row[0] for row in unit.rows(sa.select(entity.id))}  # type: ignore[attr-defined]
            for entity in GUARDED
        }


def _by_row_security(archive: Archive, viewer: Viewer) -> Seen:
    """The tables themselves, read by the application's role without the unit's rule."""
    with archive.engine.connect() as connection:
        row_security.declare(connection, viewer)
        return {
            entity.__tablename__: set(connection.execute(sa.select(_key(entity))).scalars())  # type: ignore[arg-type]
            for entity in GUARDED
        }


def _of_these(seen: Seen, rows: list[Base]) -> Seen:
    """Without what installation made: its ids differ from database to database."""
    drawn: Seen = {entity.__tablename__: set() for entity in GUARDED}
    for row in rows:
        if row.__tablename__ in drawn:
            drawn[row.__tablename__].add(sa.inspect(row).mapper.primary_key_from_instance(row)[0])
    return {table: idents & drawn[table] for table, idents in seen.items()}


@pytest.mark.services
@pytest.mark.timeout(1800)
def test_every_way_shows_the_same_rows(
    ways: Ways, indexes: dict[str, SearchIndex], count: Callable[[int, int], int]
) -> None:
    on_sqlite, on_postgres = ways.archives
    some, none = 0, 0
    for viewer in ways.drawer.viewers(on_sqlite, count(100, 2000)):
        by_unit = _of_these(_through_the_unit(on_sqlite, viewer), ways.drawer.rows)
        on_server = _through_the_unit(on_postgres, viewer)
        assert _of_these(on_server, ways.drawer.rows) == by_unit, viewer
        assert _by_row_security(on_postgres, viewer) == on_server, viewer
        for name, index in indexes.items():
            found = {hit.record for hit in index.search(Query(size=RECORDS), viewer=viewer).hits}
            assert found == by_unit["record"], (name, viewer)
        some, none = some + bool(by_unit["record"]), none + (not by_unit["record"])
    assert some > none > 0  # draws that show nothing prove little, and must not be missing


@pytest.mark.services
@pytest.mark.parametrize("entity", GUARDED, ids=lambda entity: entity.__name__)
@pytest.mark.parametrize("of", ["an installed archive", "a filled archive"])
def test_without_a_viewer_there_is_an_error_and_no_empty_answer(
    ways: Ways, tmp_path: Path, entity: type[Base], of: str
) -> None:
    archive = ways.archives[1] if of == "a filled archive" else an_archive(tmp_path, kind="postgresql")
    with archive.sessions.reading() as session, pytest.raises(sa.exc.DBAPIError, match="no viewer is declared"):
        session.connection().execute(sa.select(_key(entity))).all()
    if of != "a filled archive":
        archive.close()


@pytest.mark.services
def test_a_viewer_is_declared_for_one_transaction_and_not_for_the_connection(ways: Ways) -> None:
    archive = ways.archives[1]
    with archive.engine.connect() as connection:
        row_security.declare(connection, a_viewer(user_id=a_user(archive)))
        connection.execute(sa.select(Record.id)).all()
        connection.rollback()
        with pytest.raises(sa.exc.DBAPIError, match="no viewer is declared"):
            connection.execute(sa.select(Record.id)).all()
