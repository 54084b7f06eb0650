"""The audit log is only added to, also by who reaches the database; links and waiting jobs are found by index."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ONLY_ADDED_TO = ("audit_leaf", "audit_node")
_MESSAGE = "the audit log is only added to"
#: Of a value only its erasure is a change (decision 16).
_ERASES = "NEW.value IS NULL AND NEW.sequence = OLD.sequence AND NEW.name = OLD.name"


def upgrade() -> None:
    op.create_index("ix_party_link_employer", "party_link", ["employer_id"])
    op.create_index("ix_party_link_provider", "party_link", ["provider_id"])
    if op.get_bind().dialect.name == "postgresql":
        _index_waiting_jobs()
        _guard_on_postgresql()
    else:
        _guard_on_sqlite()


def _index_waiting_jobs() -> None:
    op.create_index(
        "ix_job_open",
        "job",
        ["lane", sa.text("priority DESC"), "created_at", "id"],
        postgresql_where=sa.text("state IN ('queued', 'leased')"),
    )


def _guard_on_postgresql() -> None:
    op.execute(
        sa.text(
            "CREATE FUNCTION archive_only_added_to() RETURNS trigger LANGUAGE plpgsql AS $$"
            f" BEGIN RAISE EXCEPTION '{_MESSAGE}' USING ERRCODE = 'restrict_violation'; END $$"
        )
    )
    refuse = "EXECUTE FUNCTION archive_only_added_to()"
    for table in _ONLY_ADDED_TO:
        op.execute(sa.text(f"CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {refuse}"))
    op.execute(sa.text(f"CREATE TRIGGER audit_value_kept BEFORE DELETE ON audit_value FOR EACH ROW {refuse}"))
    op.execute(
        sa.text(
            "CREATE TRIGGER audit_value_erased BEFORE UPDATE ON audit_value FOR EACH ROW"
            f" WHEN (NOT ({_ERASES})) {refuse}"
        )
    )
    for table in (*_ONLY_ADDED_TO, "audit_value", "audit_head"):
        op.execute(
            sa.text(f"CREATE TRIGGER {table}_not_emptied BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {refuse}")
        )
    op.execute(sa.text(f"CREATE TRIGGER audit_head_kept BEFORE DELETE ON audit_head FOR EACH ROW {refuse}"))


def _guard_on_sqlite() -> None:
    def trigger(name: str, event: str, table: str, when: str = "") -> None:
        refuse = f"BEGIN SELECT RAISE(ABORT, '{_MESSAGE}'); END"
        op.execute(sa.text(f"CREATE TRIGGER {name} BEFORE {event} ON {table} {when} {refuse}"))

    for table in _ONLY_ADDED_TO:
        trigger(f"{table}_kept", "DELETE", table)
        trigger(f"{table}_unchanged", "UPDATE", table)
    trigger("audit_value_kept", "DELETE", "audit_value")
    trigger("audit_value_erased", "UPDATE", "audit_value", f"WHEN NOT ({_ERASES})")
    trigger("audit_head_kept", "DELETE", "audit_head")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index("ix_job_open", table_name="job")
        op.execute(sa.text("DROP FUNCTION archive_only_added_to() CASCADE"))  # and the triggers that call it
    else:
        names = [
            *(f"{table}_{what}" for table in _ONLY_ADDED_TO for what in ("kept", "unchanged")),
            "audit_value_kept",
            "audit_value_erased",
            "audit_head_kept",
        ]
        for name in names:
            op.execute(sa.text(f"DROP TRIGGER {name}"))
    op.drop_index("ix_party_link_provider", table_name="party_link")
    op.drop_index("ix_party_link_employer", table_name="party_link")
