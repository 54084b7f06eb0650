"""Fonds, and where their papers stand: boxes and case files."""

import sqlalchemy as sa
from alembic import op


def create() -> None:
    op.create_table(
        "fonds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("agency", sa.String(length=200), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fonds")),
        sa.UniqueConstraint("code", name=op.f("uq_fonds_code")),
    )
    op.create_table(
        "box",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("fonds_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("shelf", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(["fonds_id"], ["fonds.id"], name=op.f("fk_box_fonds_id_fonds")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_box")),
        sa.UniqueConstraint("fonds_id", "code", name=op.f("uq_box_fonds_id_code")),
    )
    op.create_table(
        "case_file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("fonds_id", sa.Uuid(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("class_code", sa.String(length=16), nullable=True),
        sa.Column("case_type", sa.String(length=32), nullable=True),
        sa.Column("opened_on", sa.Date(), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["fonds_id"], ["fonds.id"], name=op.f("fk_case_file_fonds_id_fonds")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_file")),
        sa.UniqueConstraint("fonds_id", "code", name=op.f("uq_case_file_fonds_id_code")),
    )


def drop() -> None:
    op.drop_table("case_file")
    op.drop_table("box")
    op.drop_table("fonds")
