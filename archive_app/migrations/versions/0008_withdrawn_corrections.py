"""A proposed correction can be withdrawn by whoever proposed it: a state that nobody decides."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TABLE = "record_version"
_BOTH = "(decided_by IS NULL) = (decided_person IS NULL)"
_NOW = {
    "state": "state IN ('proposed', 'approved', 'refused', 'withdrawn')",
    "decided_by_somebody": f"(state IN ('proposed', 'withdrawn')) = (decided_by IS NULL) AND {_BOTH}",
}
_BEFORE = {
    "state": "state IN ('proposed', 'approved', 'refused')",
    "decided_by_somebody": f"(state = 'proposed') = (decided_by IS NULL) AND {_BOTH}",
}


def upgrade() -> None:
    _replace(_NOW)


def downgrade() -> None:
    op.execute(f"DELETE FROM {_TABLE} WHERE state = 'withdrawn'")  # noqa: S608 - a constant
    _replace(_BEFORE)


def _replace(checks: dict[str, str]) -> None:
    with op.batch_alter_table(_TABLE) as table:
        for name, text in checks.items():
            table.drop_constraint(op.f(f"ck_{_TABLE}_{name}"), type_="check")
            table.create_check_constraint(op.f(f"ck_{_TABLE}_{name}"), text)
