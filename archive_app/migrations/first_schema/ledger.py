"""The ledger: the audit log, jobs and who does them, rule tables, numbers, cached recognised text."""

import sqlalchemy as sa
from alembic import op


def create() -> None:
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "audit_leaf",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("leaf", sa.String(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("action", sa.String(length=80), nullable=False),
        sa.Column("subject_kind", sa.String(length=32), nullable=False),
        sa.Column("subject_id", sa.String(length=64), nullable=False),
        sa.Column("subject_number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_audit_leaf")),
        sa.UniqueConstraint(
            "subject_kind",
            "subject_id",
            "subject_number",
            name=op.f("uq_audit_leaf_subject_kind_subject_id_subject_number"),
        ),
    )
    op.create_index(op.f("ix_audit_leaf_action"), "audit_leaf", ["action"], unique=False)
    op.create_index(op.f("ix_audit_leaf_actor"), "audit_leaf", ["actor"], unique=False)
    op.create_index(op.f("ix_audit_leaf_at"), "audit_leaf", ["at"], unique=False)
    op.create_table(
        "audit_node",
        sa.Column("height", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("height", "position", name=op.f("pk_audit_node")),
    )
    op.create_table(
        "audit_value",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.Column("value", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("sequence", "name", name=op.f("pk_audit_value")),
    )
    op.create_table(
        "job",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("args", sa.JSON(), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("lane", sa.Enum("light", "ocr", "index", name="lane", native_enum=False, length=32), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("viewer_id", sa.Uuid(), nullable=True),
        sa.Column(
            "state",
            sa.Enum("queued", "leased", "done", "buried", name="jobstate", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("claims", sa.Integer(), nullable=False),
        sa.Column("run_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("worker", sa.String(length=80), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("key", name=op.f("uq_job_key")),
    )
    op.create_index("ix_job_claim", "job", ["state", "lane", "run_after"], unique=False)
    op.create_table(
        "lane_lease",
        sa.Column("lane", sa.Enum("light", "ocr", "index", name="lane", native_enum=False, length=32), nullable=False),
        sa.Column("worker", sa.String(length=80), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("lane", name=op.f("pk_lane_lease")),
    )
    op.create_table(
        "live_worker",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_live_worker")),
    )
    op.create_table(
        "number_series",
        sa.Column("key", sa.String(length=160), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_number_series")),
    )
    op.create_table(
        "ocr_result",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("picture", sa.String(length=64), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_ocr_result")),
    )
    op.create_index(op.f("ix_ocr_result_picture"), "ocr_result", ["picture"], unique=False)
    op.create_table(
        "rule_table",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("basis", sa.String(length=500), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("content", sa.String(), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_table")),
        sa.UniqueConstraint("kind", "version", name=op.f("uq_rule_table_kind_version")),
    )
    op.create_table(
        "void_number",
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_void_number")),
    )
    op.execute("INSERT INTO audit_head (id, size) VALUES (1, 0)")


def drop() -> None:
    op.drop_table("void_number")
    op.drop_table("rule_table")
    op.drop_index(op.f("ix_ocr_result_picture"), table_name="ocr_result")
    op.drop_table("ocr_result")
    op.drop_table("number_series")
    op.drop_table("live_worker")
    op.drop_table("lane_lease")
    op.drop_index("ix_job_claim", table_name="job")
    op.drop_table("job")
    op.drop_table("audit_value")
    op.drop_table("audit_node")
    op.drop_index(op.f("ix_audit_leaf_at"), table_name="audit_leaf")
    op.drop_index(op.f("ix_audit_leaf_actor"), table_name="audit_leaf")
    op.drop_index(op.f("ix_audit_leaf_action"), table_name="audit_leaf")
    op.drop_table("audit_leaf")
    op.drop_table("audit_head")
