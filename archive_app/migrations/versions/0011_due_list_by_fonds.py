"""The due list is read fonds by fonds: the others' rows are not walked, and nothing is sorted."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_record_due", table_name="record")
    where = sa.text("state = 'filed' AND due_on IS NOT NULL")
    op.create_index("ix_record_due", "record", ["fonds_id", "due_on", "id"], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_index("ix_record_due", table_name="record")
    op.create_index("ix_record_due", "record", ["due_on", "id"])
