"""Why a login may or may not read a record: clause by clause, for the security administrator.

Of the record it tells the fonds and the level, which the answer needs, and nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from archive_app.accounts import Accounts
from archive_app.core.errors import NotFound
from archive_app.core.model import Fonds, Record
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import Action, Level, RecordId, Viewer


@dataclass(frozen=True, slots=True)
class _Facts:
    ident: RecordId
    fonds: str
    level: Level
    admitted: bool


def explain(
    units: Callable[[Viewer], Unit], accounts: Accounts, by: Viewer, *, login: str, record: str
) -> dict[str, object]:
    """`{"login","record","visible","clauses":[{"clause","holds"}]}` for a login and a record's id or number.

    `visible` is the access rule itself, asked of the database for that login's viewer; the clauses say which part of it
    refuses. The question is written into the audit log. Raises `Forbidden` for anybody but the security administrator,
    `NotFound` for a login or a record that is not there.
    """
    with units(by) as unit:
        unit.require(Action.USER_GRANT)
        target, live = accounts.viewer_for_explaining(by, login)
        facts = _facts(units, accounts, target, record)
        unit.note("access:explained", "record", facts.ident, login=login)
    clauses = {
        "account:live": live,
        f"action:{Action.RECORD_READ}": target.may(Action.RECORD_READ),
        f"fonds:{facts.fonds}": facts.fonds in target.fonds_codes,
        f"level:{facts.level.code}": facts.level <= target.clearance,
    }
    return {
        "login": login,
        "record": record,
        "visible": live and target.may(Action.RECORD_READ) and facts.admitted,
        "clauses": [{"clause": name, "holds": holds} for name, holds in clauses.items()],
    }


def _facts(units: Callable[[Viewer], Unit], accounts: Accounts, target: Viewer, record: str) -> _Facts:
    """Fonds and level of the record, and whether the rule admits the target; read as the archive's own work."""
    own = accounts.system_viewer("archive:access", actions=(Action.RECORD_READ,))
    with units(own) as unit:
        rows = unit.rows(
            sa.select(Record.id, Fonds.code, Record.level, Record.visible_to(target))
            .join(Fonds, Fonds.id == Record.fonds_id)
            .where(sa.or_(Record.code == record, Record.id == _id(record)))
        )
    if not rows:
        raise NotFound(kind="record")
    return _Facts(rows[0][0], rows[0][1], rows[0][2], admitted=bool(rows[0][3]))


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
