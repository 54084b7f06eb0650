"""Why somebody may read a record: the answer is the rule's own, and tells nothing else of the record."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from factories import a_record, a_user, an_archive, everything, the_fonds

from archive_app.access_explained import explain
from archive_app.core.errors import Forbidden, NotFound
from archive_app.core.model import AuditLeaf, Record
from archive_app.core.vocabulary import Action, Level
from archive_app.wiring import Archive


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    made = an_archive(tmp_path)
    system = made.accounts.viewer(a_user(made, "system"))
    made.accounts.add(system, "chen.jie", name="陈洁")
    yield made
    made.close()


def test_the_answer_equals_the_rule_for_every_scope_level_and_role(archive: Archive) -> None:
    security = archive.accounts.viewer(a_user(archive, "security"))
    with archive.unit(everything(archive)) as unit:
        idents = [a_record(unit, fonds=the_fonds(archive), level=level).id for level in Level]
    seen = 0
    for role, fonds, clearance in (
        ("clerk", ("J001",), Level.INTERNAL),
        ("clerk", ("J002",), Level.HIGHLY_SENSITIVE),
        ("scan-operator", ("J001",), Level.HIGHLY_SENSITIVE),
    ):
        account = archive.accounts.grant(security, "chen.jie", roles=[role], fonds=fonds, level=clearance)
        viewer = archive.accounts.viewer(account.id)
        for ident in idents:
            found = explain(archive.reading, archive.accounts, security, login="chen.jie", record=str(ident))
            with archive.reading(viewer) as unit:
                rule = unit.count(sa.select(Record.id).where(Record.id == ident)) == 1
            assert found["visible"] == (rule and viewer.may(Action.RECORD_READ))
            clauses = found["clauses"]
            assert isinstance(clauses, list)
            assert found["visible"] == all(one["holds"] for one in clauses)
            seen += bool(found["visible"])
    assert seen == 2


def test_it_tells_the_fonds_and_the_level_and_nothing_else(archive: Archive) -> None:
    security = archive.accounts.viewer(a_user(archive, "security"))
    with archive.unit(everything(archive)) as unit:
        record = a_record(unit, fonds=the_fonds(archive), title="机密题名", code="J001-7")
    archive.accounts.disable(archive.accounts.viewer(a_user(archive, "system")), "chen.jie")
    found = explain(archive.reading, archive.accounts, security, login="chen.jie", record="J001-7")
    assert found == {
        "login": "chen.jie",
        "record": "J001-7",
        "visible": False,
        "clauses": [
            {"clause": "account:live", "holds": False},
            {"clause": "action:record:read", "holds": False},
            {"clause": "fonds:J001", "holds": False},
            {"clause": "level:sensitive", "holds": False},
        ],
    }
    with archive.sessions.reading() as session:
        last = session.scalars(sa.select(AuditLeaf).order_by(AuditLeaf.sequence.desc()).limit(1)).one()
    assert (last.actor, last.action, last.subject_id) == ("security", "access:explained", str(record.id))


def test_only_the_security_administrator_asks_and_only_of_what_is_there(archive: Archive) -> None:
    security = archive.accounts.viewer(a_user(archive, "security"))
    system = archive.accounts.viewer(a_user(archive, "system"))
    with pytest.raises(Forbidden):
        explain(archive.reading, archive.accounts, system, login="chen.jie", record="J001-7")
    for login, record in (("chen.jie", "J001-7"), ("nobody", "J001-7")):
        with pytest.raises(NotFound):
            explain(archive.reading, archive.accounts, security, login=login, record=record)
