"""The audit log is only added to, also by who reaches the tables themselves; a value can be erased and nothing else."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from factories import NOON, a_database
from sqlalchemy.orm import Session

from archive_app import database
from archive_app.core import audit


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def session(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Session]:
    """A log of three leaves, reached as the tables' owner."""
    engine = a_database(request.param, tmp_path)
    with database.make_sessions(engine).writing() as made:
        entries = [audit.Entry("wang.min", "record:read", "record", str(one), values={"q": one}) for one in range(3)]
        audit.append(made, entries, now=NOON)
        made.commit()
        yield made
    engine.dispose()


def run(session: Session, statement: str) -> None:
    session.connection().exec_driver_sql(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM audit_leaf",
        "DELETE FROM audit_node",
        "DELETE FROM audit_value",
        "DELETE FROM audit_head",
        "UPDATE audit_leaf SET hash = '0'",
        "UPDATE audit_node SET hash = '0'",
        "UPDATE audit_leaf SET actor = 'li.qiang'",
        "UPDATE audit_value SET value = '9'",
        "UPDATE audit_value SET sequence = 9, value = NULL",
    ],
)
def test_what_was_written_stays_as_it_is(session: Session, statement: str) -> None:
    with pytest.raises(sa.exc.IntegrityError, match="only added to"):
        run(session, statement)
    session.rollback()
    assert audit.verify(session).faults == ()
    assert audit.size(session) == 3


@pytest.mark.services
@pytest.mark.parametrize("session", ["postgresql"], indirect=True)  # SQLite has no TRUNCATE
@pytest.mark.parametrize("table", ["audit_leaf", "audit_node", "audit_value", "audit_head"])
def test_no_table_of_the_log_is_emptied_at_once(session: Session, table: str) -> None:
    with pytest.raises(sa.exc.IntegrityError, match="only added to"):
        run(session, f"TRUNCATE {table}")


def test_a_value_can_be_erased_and_the_log_still_proves_itself(session: Session) -> None:
    run(session, "UPDATE audit_value SET value = NULL, salt = '' WHERE sequence = 1")
    session.commit()
    assert audit.verify(session).faults == ()
