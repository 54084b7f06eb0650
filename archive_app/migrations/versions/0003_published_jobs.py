"""When the message of a job was published."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("job", sa.Column("published_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_job_published", "job", ["state", "lane", "published_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_job_published", table_name="job")
    op.drop_column("job", "published_at")
