"""Every table has an audience, or a reason why not."""

import pytest
import sqlalchemy as sa
from factories import a_viewer

from archive_app.core.model import OPEN_TABLES, Base, Guarded

ENTITIES = sorted((mapper.class_ for mapper in Base.registry.mappers), key=lambda entity: entity.__name__)


@pytest.mark.parametrize("entity", ENTITIES)
def test_every_table_is_guarded_or_open_with_a_reason(entity: type[Base]) -> None:
    assert issubclass(entity, Guarded) != (entity in OPEN_TABLES)
    assert entity not in OPEN_TABLES or OPEN_TABLES[entity].strip()


@pytest.mark.parametrize("entity", [one for one in ENTITIES if issubclass(one, Guarded)])
def test_every_guarded_table_says_itself_who_sees_it(entity: type[Guarded]) -> None:
    assert "visible_to" in vars(entity)
    assert isinstance(entity.visible_to(a_viewer()), sa.ColumnElement)


def test_every_table_is_mapped() -> None:
    assert {entity.__tablename__ for entity in ENTITIES} == set(Base.metadata.tables)


def test_every_constraint_has_a_name() -> None:
    nameless = [
        str(constraint)
        for table in Base.metadata.tables.values()
        for constraint in table.constraints
        if constraint.name is None
    ]
    assert nameless == []


def test_no_row_of_holdings_is_deleted_with_another() -> None:
    cascading = [
        f"{table.name}.{key.name}"
        for table in Base.metadata.tables.values()
        for key in table.foreign_key_constraints
        if key.ondelete is not None
    ]
    assert cascading == []
