"""Indexes for what waits and for what is counted: neither costs more where more is filed."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_record_state", table_name="record")
    op.create_index("ix_record_state", "record", ["state", "fonds_id", "level"])
    _create_partly("ix_record_waiting", "record", ["state", "created_at", "id"], "state <> 'filed'")
    op.create_index("ix_intake_file_created", "intake_file", ["created_at"])
    _create_partly("ix_intake_file_received", "intake_file", ["batch_id"], "outcome = 'received'")
    _create_partly("ix_intake_file_quarantined", "intake_file", ["created_at"], "outcome = 'refused' AND bytes_kept")
    op.create_index("ix_page_scope", "page", ["fonds_id", "level"])
    op.create_index("ix_batch_state", "batch", ["state", "created_at"])
    op.create_index("ix_batch_number", "batch", ["fonds_id", "number"])
    if op.get_bind().dialect.name == "postgresql":
        of_chores = sa.text("key LIKE 'chore:%'")
        op.create_index("ix_job_chore", "job", ["name", "created_at"], postgresql_where=of_chores)


def _create_partly(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index("ix_job_chore", table_name="job")
    op.drop_index("ix_batch_number", table_name="batch")
    op.drop_index("ix_batch_state", table_name="batch")
    op.drop_index("ix_page_scope", table_name="page")
    op.drop_index("ix_intake_file_quarantined", table_name="intake_file")
    op.drop_index("ix_intake_file_received", table_name="intake_file")
    op.drop_index("ix_intake_file_created", table_name="intake_file")
    op.drop_index("ix_record_waiting", table_name="record")
    op.drop_index("ix_record_state", table_name="record")
    op.create_index("ix_record_state", "record", ["state", "fonds_id"])
