"""Looking records up by number and name without the search index."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_party_link_name", "party_link", ["name"])
    op.create_index("ix_party_link_number", "party_link", ["number"])
    op.create_index("ix_record_document_number", "record", ["document_number"])


def downgrade() -> None:
    op.drop_index("ix_record_document_number", table_name="record")
    op.drop_index("ix_party_link_number", table_name="party_link")
    op.drop_index("ix_party_link_name", table_name="party_link")
