"""Until when masters are locked, and what the installation found out about itself."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("component", sa.Column("locked_until", sa.Date(), nullable=True))
    op.create_index(
        "ix_component_locked",
        "component",
        ["locked_until"],
        sqlite_where=sa.text("kind = 'master'"),
        postgresql_where=sa.text("kind = 'master'"),
    )
    op.create_table(
        "installation_fact",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_installation_fact")),
    )


def downgrade() -> None:
    op.drop_table("installation_fact")
    op.drop_index("ix_component_locked", table_name="component")
    op.drop_column("component", "locked_until")
