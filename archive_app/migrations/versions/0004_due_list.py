"""Indexes for the due list and for the week's intake."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_record_due", "record", ["due_on", "id"])
    op.create_index("ix_record_created", "record", ["created_at"])


def downgrade() -> None:
    op.drop_index("ix_record_created", "record")
    op.drop_index("ix_record_due", "record")
