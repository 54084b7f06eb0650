"""What arrives: batches and their files."""

import sqlalchemy as sa
from alembic import op


def create() -> None:
    op.create_table(
        "batch",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("fonds_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=32), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=True),
        sa.Column("box_id", sa.Uuid(), nullable=True),
        sa.Column("operator_id", sa.Uuid(), nullable=False),
        sa.Column("ocr_engine", sa.String(length=32), nullable=True),
        sa.Column("declared_files", sa.Integer(), nullable=True),
        sa.Column("declared_pages", sa.Integer(), nullable=True),
        sa.Column("declared_sheets", sa.Integer(), nullable=True),
        sa.Column("declared_sides", sa.Integer(), nullable=True),
        sa.Column(
            "state", sa.Enum("open", "signed-off", name="batchstate", native_enum=False, length=32), nullable=False
        ),
        sa.Column("difference", sa.String(length=300), nullable=True),
        sa.Column("signed_by", sa.Uuid(), nullable=True),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["box_id"], ["box.id"], name=op.f("fk_batch_box_id_box")),
        sa.ForeignKeyConstraint(["fonds_id"], ["fonds.id"], name=op.f("fk_batch_fonds_id_fonds")),
        sa.ForeignKeyConstraint(["operator_id"], ["user_account.id"], name=op.f("fk_batch_operator_id_user_account")),
        sa.ForeignKeyConstraint(["signed_by"], ["user_account.id"], name=op.f("fk_batch_signed_by_user_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
        sa.UniqueConstraint("id", "fonds_id", name=op.f("uq_batch_id_fonds_id")),
    )
    op.create_index(op.f("ix_batch_created_at"), "batch", ["created_at"], unique=False)
    op.create_table(
        "intake_file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("fonds_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("path", sa.String(length=1024), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("sm3", sa.String(length=64), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("version_id", sa.String(length=200), nullable=True),
        sa.Column("media_type", sa.String(length=120), nullable=True),
        sa.Column("format", sa.String(length=120), nullable=True),
        sa.Column(
            "outcome",
            sa.Enum("received", "accepted", "duplicate", "refused", name="intakeoutcome", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("reason_facts", sa.JSON(), nullable=False),
        sa.Column("equals_file_id", sa.Uuid(), nullable=True),
        sa.Column("pages", sa.Integer(), nullable=True),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.Column("bytes_kept", sa.Boolean(), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id", "fonds_id"],
            ["batch.id", "batch.fonds_id"],
            name=op.f("fk_intake_file_batch_id_fonds_id_batch"),
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["user_account.id"], name=op.f("fk_intake_file_decided_by_user_account")
        ),
        sa.ForeignKeyConstraint(
            ["equals_file_id"], ["intake_file.id"], name=op.f("fk_intake_file_equals_file_id_intake_file")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intake_file")),
        sa.UniqueConstraint("batch_id", "path", "sha256", name=op.f("uq_intake_file_batch_id_path_sha256")),
    )
    op.create_index(
        "ix_intake_file_accepted",
        "intake_file",
        ["fonds_id", "sha256"],
        unique=True,
        sqlite_where=sa.text("outcome = 'accepted'"),
        postgresql_where=sa.text("outcome = 'accepted'"),
    )


def drop() -> None:
    op.drop_index(
        "ix_intake_file_accepted",
        table_name="intake_file",
        sqlite_where=sa.text("outcome = 'accepted'"),
        postgresql_where=sa.text("outcome = 'accepted'"),
    )
    op.drop_table("intake_file")
    op.drop_index(op.f("ix_batch_created_at"), table_name="batch")
    op.drop_table("batch")
