"""How long each job took, and an index by its end."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("job", sa.Column("seconds", sa.Double(), nullable=True))
    op.create_index("ix_job_ended", "job", ["ended_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_job_ended", table_name="job")
    op.drop_column("job", "seconds")
