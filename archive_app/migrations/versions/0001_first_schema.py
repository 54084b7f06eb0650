"""First schema."""

from archive_app.migrations.first_schema import accounts, arrivals, fonds, ledger, parties, records

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

#: Each refers to those before it.
_SUBJECTS = (ledger, fonds, accounts, parties, arrivals, records)


def upgrade() -> None:
    for subject in _SUBJECTS:
        subject.create()


def downgrade() -> None:
    for subject in reversed(_SUBJECTS):
        subject.drop()
