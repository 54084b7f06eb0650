# ruff: noqa: PT012 - the block is the unit of work: that its end raises is what is tested
"""Ways past the guard of the unit of work, and legitimate use that must keep working."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from factories import a_component, a_page, a_record, a_viewer, an_archive, everything, the_fonds
from sqlalchemy.orm import aliased, defer, joinedload, selectinload, subqueryload

from archive_app.core.errors import (
    Conflict,
    Forbidden,
    IllegalTransition,
    NotFound,
    StaleVersion,
    UncheckedWrite,
    UnscopedQuery,
)
from archive_app.core.model import (
    AuditLeaf,
    AuditValue,
    Employer,
    Fonds,
    Identifier,
    Page,
    PartyLink,
    Person,
    Provider,
    Record,
)
from archive_app.core.ports import Job
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import (
    Action,
    FondsId,
    IdentifierKind,
    Level,
    PartyKind,
    PartyRole,
    ProviderKind,
    RecordState,
    Viewer,
)
from archive_app.wiring import Archive

REVIEW = Action.RECORD_REVIEW


@dataclass
class Scene:
    """One visible record with a page, one in another fonds, one above the viewer's level; each with parties."""

    archive: Archive
    viewer: Viewer
    mine: FondsId
    other: FondsId
    seen: UUID
    foreign: UUID
    secret: UUID
    page: UUID
    foreign_page: UUID

    def unit(self) -> Unit:
        return self.archive.unit(self.viewer)

    def reading(self) -> Unit:
        return self.archive.reading(self.viewer)

    def actions(self) -> list[str]:
        with self.archive.sessions.reading() as session:
            return list(session.scalars(sa.select(AuditLeaf.action).order_by(AuditLeaf.sequence)))


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    archive = an_archive(tmp_path)
    mine, other = the_fonds(archive, "J001"), the_fonds(archive, "J002")
    with archive.unit(everything(archive)) as unit:
        seen = a_record(unit, fonds=mine, title="看得见的")
        foreign = a_record(unit, fonds=other, title="别的全宗")
        secret = a_record(unit, fonds=mine, level=Level.HIGHLY_SENSITIVE, title="高度敏感")
        page = a_page(unit, seen, text="可读")
        foreign_page = a_page(unit, foreign, text="不可读")
        a_page(unit, secret, text="不可读")
        for number, record in enumerate((seen, foreign, secret)):
            _parties(unit, record, number)
        answer = Scene(
            archive,
            a_viewer(fonds=(mine,), codes=("J001",), clearance=Level.SENSITIVE),
            mine,
            other,
            seen.id,
            foreign.id,
            secret.id,
            page.id,
            foreign_page.id,
        )
    yield answer
    archive.close()


def _parties(unit: Unit, record: Record, number: int) -> None:
    person = Person(id=uuid4(), name=f"当事人{number}", created_at=unit.clock.now())
    identifier = Identifier(
        id=uuid4(), person_id=person.id, kind=IdentifierKind.CITIZEN, hash=f"{number}" * 64, value=f"号{number}"
    )
    employer = Employer(id=uuid4(), name=f"单位{number}", uscc=f"{number}" * 18)
    provider = Provider(id=uuid4(), name=f"医院{number}", kind=ProviderKind.HOSPITAL, code=f"H{number:011}")
    links = [
        PartyLink(record_id=record.id, fonds_id=record.fonds_id, level=record.level, **party)
        for party in (
            {"kind": PartyKind.PERSON, "role": PartyRole.SUBJECT, "person_id": person.id},
            {"kind": PartyKind.EMPLOYER, "role": PartyRole.EMPLOYER, "employer_id": employer.id},
            {"kind": PartyKind.PROVIDER, "role": PartyRole.HOSPITAL, "provider_id": provider.id},
        )
    ]
    unit.add(REVIEW, person, identifier, employer, provider, *links)
    unit.flush()


# -- reading


def _titles(rows: object) -> list[str]:
    return sorted(row[0] for row in rows)  # type: ignore[attr-defined]


COLUMN_STATEMENTS = {
    "column": sa.select(Record.title),
    "aliased": sa.select(aliased(Record).title),
    "two names of one table": sa.select(Record.title).join(two := aliased(Record), two.id == Record.id),
    "cross join": sa.select((crossed := aliased(Record)).title).select_from(Record).join(crossed, sa.true()).distinct(),
    "alias joined on a condition": sa.select((near := aliased(Record)).title)
    .select_from(Page)
    .join(near, near.id.is_not(None)),
    "alias joined by relationship": sa.select((whole := aliased(Record)).title)
    .select_from(Page)
    .join(Page.record.of_type(whole)),
    "outer alias": sa.select((far := aliased(Record)).title).select_from(Page).outerjoin(far, far.title != "无"),
    "join to pages": sa.select(Record.title).join(Page, Page.record_id == Record.id),
    "join by relationship": sa.select(Record.title).join(Record.pages),
    "outer join": sa.select(Record.title).select_from(Page).outerjoin(Record, Page.record_id == Record.id),
    "exists": sa.select(Record.title).where(sa.exists().where(Page.record_id == Record.id)),
    "any": sa.select(Record.title).where(Record.pages.any()),
    "in_": sa.select(Record.title).where(Record.id.in_(sa.select(Page.record_id))),
    "from a subquery": sa.select(sa.select(Record.title).subquery().c.title),
    "from a CTE": sa.select(sa.select(Record.title).cte("titles").c.title),
    "entity from a subquery": sa.select(aliased(Record, sa.select(Record).subquery()).title),
    "scalar subquery": sa.select(
        sa.select(Record.title).where(Record.id == Page.record_id).correlate(Page).scalar_subquery()
    ).select_from(Page),
    "group by": sa.select(Record.title).group_by(Record.title).having(sa.func.count() > 0),
    "distinct": sa.select(Record.title).distinct(),
    "union": sa.select(
        sa.union(sa.select(Record.title), sa.select(Record.title).where(Record.version > 0)).subquery().c.title
    ),
    "or true": sa.select(Record.title).where(sa.or_(Record.fonds_id.is_not(None), sa.true())),
}


@pytest.mark.parametrize("name", COLUMN_STATEMENTS)
def test_columns_come_from_visible_rows_only(scene: Scene, name: str) -> None:
    with scene.reading() as unit:
        found = _titles(unit.rows(COLUMN_STATEMENTS[name]))
    assert found == ["看得见的"]


def test_a_scalar_subquery_out_of_sight_gives_nothing(scene: Scene) -> None:
    hidden = sa.select(Record.title).where(Record.id == scene.foreign).scalar_subquery()
    with scene.reading() as unit:
        assert unit.rows(sa.select(hidden)) == [(None,)]


def test_a_condition_on_a_hidden_row_is_not_an_oracle(scene: Scene) -> None:
    guess = sa.exists().where(Record.id == scene.foreign, Record.title.startswith("别"))
    with scene.reading() as unit:
        assert unit.count(sa.select(Record.id).where(guess)) == 0


def test_entities_are_visible_ones(scene: Scene) -> None:
    with scene.reading() as unit:
        assert [one.id for one in unit.all(sa.select(Record))] == [scene.seen]
        assert [one.id for one in unit.all(sa.select(aliased(Record)))] == [scene.seen]
        assert [one.id for one in unit.all(sa.select(Page))] == [scene.page]


def test_first_does_not_reach_past_the_scope(scene: Scene) -> None:
    with scene.reading() as unit:
        assert unit.first(sa.select(Record).where(Record.id == scene.foreign)) is None


def test_counts_and_aggregates_are_of_visible_rows(scene: Scene) -> None:
    with scene.reading() as unit:
        assert unit.count(sa.select(Record)) == 1
        assert unit.rows(sa.select(sa.func.count()).select_from(Record)) == [(1,)]
        assert unit.rows(sa.select(sa.func.count(Record.id))) == [(1,)]
        assert unit.rows(sa.select(sa.func.max(Record.level))) == [(Level.SENSITIVE,)]


def test_a_stream_is_scoped(scene: Scene) -> None:
    with scene.reading() as unit:
        assert [row[0] for row in unit.stream(sa.select(Record.id), chunk=1)] == [scene.seen]


@pytest.mark.parametrize("target", ["foreign", "secret"])
def test_get_of_a_hidden_row_is_not_found(scene: Scene, target: str) -> None:
    with pytest.raises(NotFound), scene.reading() as unit:
        unit.get(Record, getattr(scene, target))


def test_a_viewer_without_fonds_sees_nothing(scene: Scene) -> None:
    with scene.archive.reading(a_viewer(fonds=(), clearance=Level.HIGHLY_SENSITIVE)) as unit:
        for entity in (Record, Page, PartyLink, Person, Identifier, Employer, Provider):
            assert unit.count(sa.select(entity)) == 0, entity


def test_lazy_loads_are_scoped(scene: Scene) -> None:
    with scene.reading() as unit:
        assert [page.id for page in unit.get(Record, scene.seen).pages] == [scene.page]


@pytest.mark.parametrize("loading", [selectinload, joinedload, subqueryload])
def test_eager_loads_are_scoped(scene: Scene, loading: object) -> None:
    with scene.reading() as unit:
        found = unit.all(sa.select(Record).options(loading(Record.pages)))  # type: ignore[operator]
        assert [[page.id for page in one.pages] for one in found] == [[scene.page]]


def test_one_unit_does_not_hand_its_rows_to_the_next(scene: Scene) -> None:
    with scene.archive.reading(everything(scene.archive)) as unit:
        assert unit.count(sa.select(Record)) == 3
    with scene.reading() as unit:  # the compiled statement is cached; the viewer must not be
        assert unit.count(sa.select(Record)) == 1


def test_core_tables_and_raw_sql_are_refused(scene: Scene) -> None:
    with scene.reading() as unit:
        for statement in (
            sa.select(Record.__table__),
            sa.select(Record.__table__.c.title),
            sa.text("SELECT title FROM record"),  # noqa: TID251 - what must be refused
            sa.select(Record).from_statement(sa.text("SELECT * FROM record")),  # noqa: TID251
        ):
            with pytest.raises(UnscopedQuery):
                unit.rows(statement)  # type: ignore[arg-type]


def test_a_deferred_column_and_a_refresh_of_a_visible_row_work(scene: Scene) -> None:
    with scene.unit() as unit:
        record = unit.all(sa.select(Record).options(defer(Record.title)))[0]
        assert record.title == "看得见的"
        unit._session.refresh(record)
        assert record.title == "看得见的"


def test_parties_are_seen_through_visible_links_only(scene: Scene) -> None:
    with scene.reading() as unit:
        assert _titles(unit.rows(sa.select(Person.name))) == ["当事人0"]
        assert _titles(unit.rows(sa.select(Identifier.value))) == ["号0"]
        assert _titles(unit.rows(sa.select(Employer.name))) == ["单位0"]
        assert _titles(unit.rows(sa.select(Provider.name))) == ["医院0"]
        assert unit.count(sa.select(PartyLink)) == 3


def test_a_party_leaves_sight_with_its_last_visible_record(scene: Scene) -> None:
    with scene.archive.unit(everything(scene.archive)) as unit:
        record = unit.get(Record, scene.seen)
        unit.require(REVIEW, record)
        record.level = Level.HIGHLY_SENSITIVE
    with scene.reading() as unit:
        assert unit.count(sa.select(Person)) == 0
        assert unit.count(sa.select(Page)) == 0  # the children follow by foreign key


def test_known_gives_an_id_and_nothing_else(scene: Scene) -> None:
    with scene.unit() as unit:
        ident = unit.known(Identifier, kind=IdentifierKind.CITIZEN, hash="1" * 64)
        assert isinstance(ident, UUID)
        with pytest.raises(NotFound):
            unit.get(Person, ident)
        assert unit.known(Provider, code="H00000000009") is None


@pytest.mark.parametrize("entity", [Record, Page, Fonds, PartyLink, Person])
def test_known_does_not_answer_about_anything_but_numbers_and_institutions(scene: Scene, entity: type) -> None:
    with scene.unit() as unit, pytest.raises(UnscopedQuery):
        unit.known(entity, id=scene.foreign)


# -- writing


def test_a_checked_change_is_written(scene: Scene) -> None:
    with scene.unit() as unit:
        record = unit.get(Record, scene.seen)
        unit.require(REVIEW, record)
        record.title = "新题名"
    with scene.reading() as unit:
        assert unit.get(Record, scene.seen).title == "新题名"


def test_an_unchecked_change_is_refused_and_nothing_is_written(scene: Scene) -> None:
    with pytest.raises(UncheckedWrite), scene.unit() as unit:
        unit.get(Record, scene.seen).title = "偷改"
    with scene.reading() as unit:
        assert unit.get(Record, scene.seen).title == "看得见的"


def test_leave_for_one_row_is_not_leave_for_its_pages(scene: Scene) -> None:
    with pytest.raises(UncheckedWrite), scene.unit() as unit:
        record = unit.get(Record, scene.seen)
        unit.require(REVIEW, record)
        record.pages[0].text = "偷改"


def test_an_unchecked_new_row_is_refused(scene: Scene) -> None:
    with pytest.raises(UncheckedWrite), scene.unit() as unit:
        unit._session.add(Person(id=uuid4(), name="无名", created_at=unit.clock.now()))


def test_an_unchecked_delete_is_refused(scene: Scene) -> None:
    with pytest.raises(UncheckedWrite), scene.unit() as unit:
        unit._session.delete(unit.get(Page, scene.page))


def test_leave_needs_the_action(scene: Scene) -> None:
    poor = a_viewer(actions=frozenset({Action.RECORD_READ}), fonds=(scene.mine,))
    with pytest.raises(Forbidden), scene.archive.unit(poor) as unit:
        unit.require(REVIEW, unit.get(Record, scene.seen))


@pytest.mark.parametrize("statement", [sa.update(Record).values(title="全改"), sa.delete(Page)])
def test_bulk_statements_past_the_unit_are_refused(scene: Scene, statement: sa.Executable) -> None:
    with pytest.raises(UncheckedWrite), scene.unit() as unit:
        unit._session.execute(statement)


def test_a_page_under_a_hidden_record_is_refused(scene: Scene) -> None:
    with pytest.raises(Forbidden), scene.unit() as unit:
        unit.add(REVIEW, _page_of(scene, scene.foreign, fonds=scene.other))
        unit.flush()


def test_a_page_that_claims_another_audience_than_its_record_is_refused(scene: Scene) -> None:
    with pytest.raises(Conflict), scene.unit() as unit:
        unit.add(REVIEW, _page_of(scene, scene.foreign, fonds=scene.mine))
        unit.flush()


def _page_of(scene: Scene, record: UUID, *, fonds: FondsId) -> Page:
    with scene.archive.reading(everything(scene.archive)) as unit:
        component = unit.get(Page, scene.foreign_page).component_id
    return Page(
        id=uuid4(),
        record_id=record,
        fonds_id=fonds,
        level=Level.SENSITIVE,
        number=2,
        component_id=component,
        master_page=2,
        width=1,
        height=1,
    )


def test_the_hidden_parent_of_a_fresh_row_is_not_loaded(scene: Scene) -> None:
    """SQLAlchemy's own recipe leaves this hole: options travel with loaded objects, and a new one was never loaded."""
    with scene.unit() as unit:
        page = _page_of(scene, scene.foreign, fonds=scene.other)
        unit._session.add(page)
        with unit._session.no_autoflush:
            unit._session.enable_relationship_loading(page)
            assert page.record is None
        unit._session.expunge(page)


def test_the_visible_parent_of_a_fresh_row_is_loaded(scene: Scene) -> None:
    with scene.unit() as unit:
        record = unit.get(Record, scene.seen)
        page = a_page(unit, record, number=2)
        unit._session.expunge(record)
        assert page.record.title == "看得见的"


@pytest.mark.parametrize("change", ["fonds_id", "level"])
def test_a_row_is_not_written_out_of_sight(scene: Scene, change: str) -> None:
    with pytest.raises(Forbidden), scene.unit() as unit:
        record = unit.get(Record, scene.seen)
        unit.require(REVIEW, record)
        setattr(record, change, scene.other if change == "fonds_id" else Level.HIGHLY_SENSITIVE)
    with scene.reading() as unit:
        assert unit.get(Record, scene.seen).level == Level.SENSITIVE
    assert scene.actions()[-1] == "record:place-there:denied"  # found at the commit, and still written down


def test_a_declared_move_out_of_sight_is_written(scene: Scene) -> None:
    with scene.unit() as unit:
        record = unit.get(Record, scene.seen)
        unit.raise_level(REVIEW, record)
        record.level = Level.HIGHLY_SENSITIVE
    with scene.archive.reading(everything(scene.archive)) as unit:
        assert unit.get(Record, scene.seen).level == Level.HIGHLY_SENSITIVE
        assert unit.get(Page, scene.page).level == Level.HIGHLY_SENSITIVE


def test_a_new_record_in_an_unseen_fonds_is_refused(scene: Scene) -> None:
    with pytest.raises(Forbidden), scene.unit() as unit:
        a_record(unit, fonds=scene.other)


def test_what_was_flushed_out_of_sight_is_not_committed(scene: Scene) -> None:
    with pytest.raises(Forbidden), scene.unit() as unit:
        a_record(unit, fonds=scene.other, title="放不得")
        unit.flush()
        assert unit.count(sa.select(Record).where(Record.title == "放不得")) == 0
    with scene.archive.reading(everything(scene.archive)) as unit:
        assert unit.count(sa.select(Record).where(Record.title == "放不得")) == 0


def test_a_declared_move_excuses_no_other_row(scene: Scene) -> None:
    with pytest.raises(Forbidden), scene.unit() as unit:
        a_record(unit, fonds=scene.other)
        unit.flush()
        record = unit.get(Record, scene.seen)
        unit.raise_level(REVIEW, record)
        record.level = Level.HIGHLY_SENSITIVE


def test_what_was_written_before_its_record_left_went_with_it(scene: Scene) -> None:
    with scene.unit() as unit:
        page = unit.get(Page, scene.page)
        unit.require(REVIEW, page)
        page.text = "改过"
        unit.flush()
        record = unit.get(Record, scene.seen)
        unit.raise_level(REVIEW, record)
        record.level = Level.HIGHLY_SENSITIVE
    with scene.archive.reading(everything(scene.archive)) as unit:
        assert unit.get(Page, scene.page).text == "改过"


def test_what_was_written_and_removed_again_need_not_be_seen(scene: Scene) -> None:
    with scene.unit() as unit:
        link = PartyLink(
            id=uuid4(),
            record_id=scene.seen,
            fonds_id=scene.mine,
            level=Level.SENSITIVE,
            kind=PartyKind.PERSON,
            role=PartyRole.SUBJECT,
            name="一时",
        )
        unit.add(REVIEW, link)
        unit.flush()
        unit.remove(REVIEW, link)
    with scene.reading() as unit:
        assert unit.count(sa.select(PartyLink).where(PartyLink.name == "一时")) == 0


def test_an_illegal_move_is_refused(scene: Scene) -> None:
    with pytest.raises(IllegalTransition), scene.unit() as unit:
        record = unit.get(Record, scene.seen)
        unit.require(REVIEW, record)
        unit.move(record, RecordState.DESTROYED)


def test_the_second_of_two_writers_is_told(scene: Scene) -> None:
    with pytest.raises(StaleVersion), scene.archive.unit(scene.viewer) as unit:
        record = unit.get(Record, scene.seen)
        unit.require(REVIEW, record)
        record.title = "第二个"
        unit._session.connection().execute(  # as if another had committed since it was read
            sa.update(Record.__table__).values(version=Record.__table__.c.version + 1)
        )


def test_a_stale_row_met_by_a_query_is_told_in_our_words(scene: Scene) -> None:
    with pytest.raises(StaleVersion), scene.unit() as unit:
        record = unit.get(Record, scene.seen)
        unit.require(REVIEW, record)
        unit._session.connection().execute(sa.update(Record.__table__).values(version=Record.__table__.c.version + 1))
        record.title = "第二个"
        unit.count(sa.select(Record))  # flushes first


def test_a_broken_constraint_met_by_a_query_is_told_in_our_words(scene: Scene) -> None:
    with pytest.raises(Conflict), scene.unit() as unit:
        component = a_component(unit, unit.get(Record, scene.seen))
        component.record_id = scene.foreign
        unit.count(sa.select(Record))


def test_a_set_change_reaches_visible_rows_only_and_is_one_event(scene: Scene) -> None:
    with scene.unit() as unit:
        assert unit.bulk(REVIEW, Record, class_code="YB") == 1
    with scene.archive.reading(everything(scene.archive)) as unit:
        found = dict(unit.rows(sa.select(Record.id, Record.class_code)))
        assert found == {scene.seen: "YB", scene.foreign: None, scene.secret: None}
    assert scene.actions()[-1] == "record:changed-set"


def test_a_set_change_makes_older_reads_stale(scene: Scene) -> None:
    with scene.unit() as unit:
        before = unit.get(Record, scene.seen).version
        unit.bulk(REVIEW, Record, class_code="YB")
        assert unit.get(Record, scene.seen).class_code == "YB"
        assert unit.get(Record, scene.seen).version == before + 1


def test_a_set_change_cannot_move_rows_out_of_sight(scene: Scene) -> None:
    with pytest.raises(Forbidden), scene.unit() as unit:
        unit.bulk(REVIEW, Record, level=Level.HIGHLY_SENSITIVE)


# -- reading units


def test_a_reading_unit_refuses_a_change_a_row_a_set_and_a_job(scene: Scene) -> None:
    with pytest.raises(UncheckedWrite), scene.reading() as unit:
        record = unit.get(Record, scene.seen)
        unit.require(REVIEW, record)
        record.title = "只读"
        unit.note("record:seen", "record", record.id)  # what is noted must not hide what is refused
    with pytest.raises(UncheckedWrite), scene.reading() as unit:
        unit.add(REVIEW, Person(id=uuid4(), name="无名", created_at=unit.clock.now()))
    with pytest.raises(UncheckedWrite), scene.reading() as unit:
        unit.bulk(REVIEW, Record, title="只读")
    with pytest.raises(UncheckedWrite), scene.reading() as unit:
        unit.later(Job("index", {}, key="index:x"))
    with scene.reading() as unit:
        assert unit.get(Record, scene.seen).title == "看得见的"


def test_the_connection_of_a_reading_unit_cannot_write(scene: Scene) -> None:
    with scene.reading() as unit:
        connection = unit._session.connection()
        with pytest.raises(sa.exc.DBAPIError, match=r"read-?only"):
            connection.execute(sa.update(Record.__table__).values(title="只读"))


def test_notes_of_a_reading_unit_are_written(scene: Scene) -> None:
    with scene.reading() as unit:
        unit.note("record:seen", "record", scene.seen)
    assert scene.actions()[-1] == "record:seen"


# -- what is written down


def test_notes_are_written_with_the_work_and_lost_with_it(scene: Scene) -> None:
    with scene.unit() as unit:
        unit.note("record:touched", "record", scene.seen)
    with pytest.raises(RuntimeError), scene.unit() as unit:
        unit.note("record:never", "record", scene.seen)
        raise RuntimeError
    assert scene.actions()[-1] == "record:touched"


def test_a_denial_is_written_down_though_the_work_rolls_back(scene: Scene) -> None:
    poor = a_viewer(actions=frozenset({Action.RECORD_READ}), fonds=(scene.mine,))
    with pytest.raises(Forbidden), scene.archive.unit(poor) as unit:
        unit.note("record:never", "record", scene.seen)
        unit.require(REVIEW)
    assert scene.actions()[-1] == "record:review:denied"
    assert "record:never" not in scene.actions()


@pytest.mark.parametrize("kind", ["unit", "reading"])
def test_a_miss_is_written_down(scene: Scene, kind: str) -> None:
    with pytest.raises(NotFound), getattr(scene, kind)() as unit:
        unit.get(Record, scene.foreign)
    assert scene.actions()[-1] == "record:missed"


def test_a_unit_does_not_alter_the_audit_log(scene: Scene) -> None:
    with pytest.raises(UncheckedWrite), scene.unit() as unit:
        leaf = unit.first(sa.select(AuditLeaf))
        assert leaf is not None
        leaf.actor = "somebody else"
    with scene.unit() as unit, pytest.raises(UnscopedQuery):
        unit.rows(sa.delete(AuditValue.__table__))  # type: ignore[arg-type]
    with scene.unit() as unit, pytest.raises(UnscopedQuery):
        unit.rows(sa.insert(AuditLeaf.__table__))  # type: ignore[arg-type]


def test_a_job_is_queued_with_its_cause_or_not_at_all(scene: Scene) -> None:
    with pytest.raises(RuntimeError), scene.unit() as unit:
        unit.later(Job("index", {}, key="index:a"))
        raise RuntimeError
    with scene.unit() as unit:
        unit.later(Job("index", {}, key="index:b"))
    assert [row.key for row in scene.archive.queue.list()] == ["index:b"]
