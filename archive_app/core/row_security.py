"""The access rule as row security of PostgreSQL: a second wall behind the unit of work, made from the same rule.

The policies are not written by hand. `Guarded.visible_to` is asked on behalf of a viewer of whom nothing is known yet:
whatever it wants to know becomes a question to the transaction's settings, so rule and policy cannot drift. A
transaction that has not said on whose behalf it runs gets an error, not an empty answer. That holds against a scope
that was forgotten, not against injected SQL: whoever speaks as the role can say to be any viewer.

The tables' owner is not bound (no FORCE): migrations, the first fonds, backup and restore are its work and know no
viewer. The application must therefore be another role; `archive_app.privileges` says whether it is.
"""

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.sql import operators, visitors

from archive_app.core.model import Base, Employer, Guarded, Identifier, Provider
from archive_app.core.vocabulary import Action, FondsId, Viewer

#: What a transaction without a viewer is told, as SQLSTATE.
NO_VIEWER = "AR001"
#: Created anew by every upgrade, before the policies that call them. The first asks, the others answer.
FUNCTIONS = (
    f"""CREATE OR REPLACE FUNCTION archive_viewer(what text) RETURNS text LANGUAGE plpgsql STABLE AS $$
    DECLARE
        said text := current_setting('archive.' || what, true);
    BEGIN
        IF coalesce(said, '') = '' THEN
            RAISE EXCEPTION 'no viewer is declared in this transaction' USING ERRCODE = '{NO_VIEWER}';
        END IF;
        RETURN said;
    END $$""",
    # Called immutable so that it is asked when the statement is planned: a table that is empty, or of which no row is
    # looked at, gives the error too. Where such a plan is used again, the other functions still ask at every row.
    """CREATE OR REPLACE FUNCTION archive_viewer_declared() RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS
    $$ BEGIN RETURN archive_viewer('viewer') IS NOT NULL; END $$""",
    """CREATE OR REPLACE FUNCTION archive_viewer_fonds() RETURNS uuid[] LANGUAGE sql STABLE AS
    $$ SELECT archive_viewer('fonds')::uuid[] $$""",
    """CREATE OR REPLACE FUNCTION archive_viewer_clearance() RETURNS smallint LANGUAGE sql STABLE AS
    $$ SELECT archive_viewer('clearance')::smallint $$""",
    """CREATE OR REPLACE FUNCTION archive_viewer_may(action text) RETURNS boolean LANGUAGE sql STABLE AS
    $$ SELECT action = ANY (archive_viewer('actions')::text[]) $$""",
    """CREATE OR REPLACE FUNCTION archive_viewer_is_system() RETURNS boolean LANGUAGE sql STABLE AS
    $$ SELECT archive_viewer('system')::boolean $$""",
    # One person is one person in all fonds: by its owner's rights, an opaque id and nothing else.
    """CREATE OR REPLACE FUNCTION archive_known_party(party text, attribute text, given text) RETURNS uuid
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
        SELECT person_id FROM identifier WHERE party = 'identifier' AND kind = attribute AND hash = given
        UNION ALL SELECT id FROM employer WHERE party = 'employer' AND attribute = 'uscc' AND uscc = given
        UNION ALL SELECT id FROM employer WHERE party = 'employer' AND attribute = 'name' AND name = given
        UNION ALL SELECT id FROM provider WHERE party = 'provider' AND attribute = 'code' AND code = given
        UNION ALL SELECT id FROM provider WHERE party = 'provider' AND attribute = 'name' AND name = given
        LIMIT 1
    $$""",
)
#: The tables that `known_party` looks in.
PARTIES: tuple[type[Base], ...] = (Identifier, Employer, Provider)
_ALL_FONDS = frozenset({FondsId(UUID(int=0))})  # stands for the viewer's fonds until it is replaced by the question
_PREFIX = "archive_"


# ---------------------------------------------------------------- on whose behalf a transaction runs


def declare(connection: sa.Connection, viewer: Viewer) -> None:
    """Tell PostgreSQL on whose behalf this transaction runs, until its end. Nothing is told to other engines."""
    if connection.dialect.name != "postgresql":
        return
    facts = {
        "viewer": str(viewer.user_id),
        "fonds": "{" + ",".join(str(one) for one in viewer.fonds) + "}",
        "clearance": str(int(viewer.clearance)),
        "actions": "{" + ",".join(f'"{action}"' for action in viewer.actions) + "}",
        "system": "true" if viewer.system else "false",
    }
    connection.execute(
        sa.select(*(sa.func.set_config(f"archive.{name}", value, sa.true()) for name, value in facts.items()))
    )


def declare_always(sessions: "Session | sessionmaker[Session]", viewer: Viewer) -> None:
    """Declare the viewer at the beginning of every transaction of a session, or of all that a maker makes."""
    event.listen(sessions, "after_begin", lambda _session, _transaction, connection: declare(connection, viewer))


def known_party(dialect: str, entity: type[Base], equals: Mapping[str, Any]) -> sa.Select[Any]:
    """The statement that gives the id of the party with these values, also out of sight."""
    if dialect == "postgresql":
        if entity is Identifier:
            facts = (equals["kind"].value, equals["hash"])
        else:
            ((attribute, value),) = equals.items()
            facts = (attribute, value)
        return sa.select(sa.func.archive_known_party(entity.__tablename__, *facts, type_=sa.Uuid()))
    return _known(entity, tuple(equals)).params(**equals)


@lru_cache(maxsize=64)
def _known(entity: type[Base], names: tuple[str, ...]) -> sa.Select[Any]:
    table = sa.inspect(entity).local_table
    column = table.c.person_id if entity is Identifier else table.c.id
    return sa.select(column).where(*(table.c[name] == sa.bindparam(name) for name in names)).limit(1)


# ---------------------------------------------------------------- the rule as policies


class _AskedError(Exception):
    """The rule wants to know something of the viewer."""

    def __init__(self, question: str) -> None:
        super().__init__(question)
        self.question = question


class _Unknown:
    """A viewer of whom only some answers are assumed; whatever else the rule asks is raised as a question."""

    fonds = _ALL_FONDS

    def __init__(self, assumed: Mapping[str, bool]) -> None:
        self._assumed = assumed

    @property
    def clearance(self) -> sa.ColumnElement[Any]:
        return _once(sa.func.archive_viewer_clearance(type_=sa.SmallInteger))

    @property
    def system(self) -> str | None:
        return "system" if self._answer("") else None

    def may(self, action: Action) -> bool:
        return self._answer(action.value)

    def _answer(self, question: str) -> bool:
        if question not in self._assumed:
            raise _AskedError(question)
        return self._assumed[question]


def _once(call: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """A subquery that the planner runs once a statement, not once a row."""
    return sa.select(call).scalar_subquery()


def _rule(entity: type[Guarded], assumed: Mapping[str, bool]) -> sa.ColumnElement[bool]:
    try:
        return entity.visible_to(cast("Viewer", _Unknown(assumed)))
    except _AskedError as asked:
        question = asked.question
    call = sa.func.archive_viewer_may(question) if question else sa.func.archive_viewer_is_system()
    answer = _once(sa.type_coerce(call, sa.Boolean))
    yes, no = (_rule(entity, {**assumed, question: value}) for value in (True, False))
    return sa.or_(sa.and_(answer, yes), sa.and_(sa.not_(answer), no))


def _with_viewers_fonds(element: Any, **_: object) -> Any:  # noqa: ANN401 - any part of an expression
    if isinstance(element, sa.BinaryExpression) and element.operator is operators.in_op:
        fonds = sa.select(sa.func.archive_viewer_fonds()).scalar_subquery()
        return element.left == sa.any_(sa.cast(fonds, postgresql.ARRAY(sa.Uuid())))
    return None


def condition(entity: type[Guarded]) -> str:
    """The rule of one table as the text of a policy."""
    table = sa.inspect(entity).local_table
    rule = visitors.replacement_traverse(_rule(entity, {}), {}, _with_viewers_fonds)
    whole: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(table).where(rule)
    compiled = whole.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})  # type: ignore[no-untyped-call]
    return str(compiled).partition("WHERE ")[2]


def policies(entity: type[Guarded]) -> dict[str, str]:
    """Policies of one table by name: what is seen, added, changed and removed.

    A changed row must still be seen by its writer: PostgreSQL holds the first policy against it as well.
    """
    table = cast("type[Base]", entity).__tablename__
    declared = "archive_viewer_declared()"
    rule = f"{declared} AND ({condition(entity)})"
    added = declared if entity.precedes_its_link else rule
    texts = {
        "seen": f"FOR SELECT USING ({rule})",
        "added": f"FOR INSERT WITH CHECK ({added})",
        "changed": f"FOR UPDATE USING ({rule}) WITH CHECK ({declared})",
        "removed": f"FOR DELETE USING ({rule})",
    }
    return {f"{_PREFIX}{name}": f"CREATE POLICY {_PREFIX}{name} ON {table} {text}" for name, text in texts.items()}


# ---------------------------------------------------------------- in the database


def guarded() -> list[type[Guarded]]:
    """Every table with an audience, in order of name."""
    found = [mapper.class_ for mapper in Base.registry.mappers if issubclass(mapper.class_, Guarded)]
    return sorted(found, key=lambda entity: entity.__name__)


def _fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _installed(connection: sa.Connection) -> dict[tuple[str, str], str | None]:
    """Fingerprints of the policies that are in force, by table and name."""
    statement = (
        "SELECT c.relname, p.polname, obj_description(p.oid, 'pg_policy') FROM pg_policy p"
        " JOIN pg_class c ON c.oid = p.polrelid WHERE c.relrowsecurity AND c.relnamespace = 'public'::regnamespace"
    )
    return {(row[0], row[1]): row[2] for row in connection.exec_driver_sql(statement)}


def differences(connection: sa.Connection) -> list[str]:
    """Policies that are missing, left over, or made from another rule than the code's."""
    if connection.dialect.name != "postgresql":
        return []
    there = {key: mark for key, mark in _installed(connection).items() if key[1].startswith(_PREFIX)}
    wanted = {
        (cast("type[Base]", entity).__tablename__, name): _fingerprint(text)
        for entity in guarded()
        for name, text in policies(entity).items()
    }
    odd = [key for key in sorted(wanted.keys() | there.keys()) if wanted.get(key) != there.get(key)]
    return [f"row security: policy {name} of {table} differs from the rule" for table, name in odd]


def install(connection: sa.Connection) -> None:
    """Make functions and policies what the code's rule says; what is so already is not touched."""
    for function in FUNCTIONS:
        connection.exec_driver_sql(function)
    connection.exec_driver_sql("REVOKE ALL ON FUNCTION archive_known_party(text, text, text) FROM PUBLIC")
    there = _installed(connection)
    for entity in guarded():
        table = cast("type[Base]", entity).__tablename__
        wanted = policies(entity)
        if all(there.get((table, name)) == _fingerprint(text) for name, text in wanted.items()):
            continue
        connection.exec_driver_sql(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        for name, text in wanted.items():
            connection.exec_driver_sql(f"DROP POLICY IF EXISTS {name} ON {table}")
            connection.exec_driver_sql(text)
            connection.exec_driver_sql(f"COMMENT ON POLICY {name} ON {table} IS '{_fingerprint(text)}'")


def remove(connection: sa.Connection) -> None:
    """Take policies and functions away before a downgrade: row security stays on, and then shows nothing at all."""
    for table, name in _installed(connection):
        if name.startswith(_PREFIX):
            connection.exec_driver_sql(f"DROP POLICY {name} ON {table}")
    for function in FUNCTIONS:
        head = function.partition("FUNCTION ")[2].partition(" RETURNS")[0]
        connection.exec_driver_sql(f"DROP FUNCTION IF EXISTS {head}")
