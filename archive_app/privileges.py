"""What roles may do on PostgreSQL with tables that another one owns.

The application's does what the program does and no more. The backup's reads every row, past row security, and writes
none: it is made with BYPASSRLS, because a policy that lets it through would be one more way past the rule.
"""

from dataclasses import dataclass

import sqlalchemy as sa

from archive_app.core import row_security as policies
from archive_app.core.model import (
    AuditHead,
    AuditLeaf,
    AuditNode,
    AuditValue,
    Base,
    Component,
    Field,
    FondsScope,
    LiveWorker,
    OcrResult,
    Page,
    PartyLink,
    QueuedJob,
    RoleGrant,
)

#: Rows of other tables are added and changed, never deleted.
_DELETED = frozenset({Component, Field, FondsScope, LiveWorker, OcrResult, Page, PartyLink, QueuedJob, RoleGrant})
#: The audit log is added to; of its values the erasable ones may be erased (decision 16).
_AUDIT: dict[type[Base], str] = {
    AuditLeaf: "SELECT, INSERT",
    AuditNode: "SELECT, INSERT",
    AuditValue: "SELECT, INSERT, UPDATE (salt, value)",
    AuditHead: "SELECT, UPDATE",
}


def privileges_on(entity: type[Base]) -> str:
    """What the application needs on a table, as GRANT names it."""
    if entity in _AUDIT:
        return _AUDIT[entity]
    return "SELECT, INSERT, UPDATE, DELETE" if entity in _DELETED else "SELECT, INSERT, UPDATE"


def grant(connection: sa.Connection, role: str) -> None:
    """Give the role what it needs, and nothing that it was given before. For the tables' owner."""
    quoted = connection.dialect.identifier_preparer.quote(role)
    connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA public TO {quoted}")
    connection.exec_driver_sql(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {quoted}")
    connection.exec_driver_sql(f"GRANT SELECT ON alembic_version TO {quoted}")
    for mapper in Base.registry.mappers:
        entity = mapper.class_
        connection.exec_driver_sql(f"GRANT {privileges_on(entity)} ON {entity.__tablename__} TO {quoted}")
    connection.exec_driver_sql(f"GRANT EXECUTE ON FUNCTION archive_known_party(text, text, text) TO {quoted}")


def grant_reading(connection: sa.Connection, role: str) -> None:
    """Let the backup's role read what there is and what migrations add, and nothing else. For the tables' owner."""
    quoted = connection.dialect.identifier_preparer.quote(role)
    connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA public TO {quoted}")
    connection.exec_driver_sql(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {quoted}")
    connection.exec_driver_sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {quoted}")
    connection.exec_driver_sql(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {quoted}")


def reader_fault(engine: sa.Engine) -> str | None:
    """Why these connections are not a backup's: `hidden` rows, tables it may not read (`blind`), or one it `writes`."""
    mine = "FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    with engine.connect() as connection:
        reads, writes, hidden = connection.exec_driver_sql(
            "SELECT bool_and(has_table_privilege(oid, 'SELECT')),"
            " bool_or(has_any_column_privilege(oid, 'INSERT, UPDATE') OR has_table_privilege(oid, 'DELETE, TRUNCATE')),"
            f" bool_or(row_security_active(oid)) {mine}"
        ).one()
    return next((name for name, found in (("blind", not reads), ("hidden", hidden), ("writes", writes)) if found), None)


def granted(engine: sa.Engine) -> bool:
    """Whether this role may read the revision of the database, where it has one: one without any grant may not."""
    if engine.dialect.name != "postgresql":
        return True
    may_read = "SELECT has_schema_privilege(relnamespace, 'USAGE') AND has_table_privilege(oid, 'SELECT') FROM pg_class"
    there = "relname = 'alembic_version' AND relnamespace = 'public'::regnamespace"
    with engine.connect() as connection:
        return connection.exec_driver_sql(f"{may_read} WHERE {there}").scalar() is not False


@dataclass(frozen=True, slots=True)
class RowSecurity:
    """Whether the database itself holds the access rule against the application. `reason` says why not."""

    holds: bool
    reason: str | None = None  # no-postgresql | superuser | bypasses | owner | not-current


def row_security(engine: sa.Engine) -> RowSecurity:
    """Ask the database with the application's own connection."""
    if engine.dialect.name != "postgresql":
        return RowSecurity(holds=False, reason="no-postgresql")
    with engine.connect() as connection:
        superuser, bypasses = connection.exec_driver_sql(
            "SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
        ).one()
        owns = connection.exec_driver_sql(
            "SELECT coalesce(bool_or(pg_has_role(current_user, relowner, 'MEMBER')), false) FROM pg_class"
            " WHERE relrowsecurity AND relnamespace = 'public'::regnamespace"
        ).scalar_one()
        faults = {
            "superuser": superuser,
            "bypasses": bypasses,
            "owner": owns,
            "not-current": bool(policies.differences(connection)),
        }
    reason = next((name for name, found in faults.items() if found), None)
    return RowSecurity(holds=reason is None, reason=reason)
