"""First schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
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
        "employer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("uscc", sa.String(length=18), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_employer")),
        sa.UniqueConstraint("uscc", name=op.f("uq_employer_uscc")),
    )
    op.create_index(op.f("ix_employer_name"), "employer", ["name"], unique=False)
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
        "person",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
    )
    op.create_index(op.f("ix_person_name"), "person", ["name"], unique=False)
    op.create_table(
        "provider",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind", sa.Enum("hospital", "pharmacy", name="providerkind", native_enum=False, length=32), nullable=False
        ),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider")),
        sa.UniqueConstraint("code", name=op.f("uq_provider_code")),
    )
    op.create_index(op.f("ix_provider_name"), "provider", ["name"], unique=False)
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
        "user_account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("login", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=True),
        sa.Column("password_set_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("otp_secret", sa.String(length=64), nullable=True),
        sa.Column("otp_last", sa.Integer(), nullable=True),
        sa.Column("activation_hash", sa.String(length=64), nullable=True),
        sa.Column("clearance", sa.SmallInteger(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("session_serial", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("id", "person", name=op.f("uq_user_account_id_person")),
        sa.UniqueConstraint("login", name=op.f("uq_user_account_login")),
    )
    op.create_index(op.f("ix_user_account_person"), "user_account", ["person"], unique=False)
    op.create_table(
        "void_number",
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_void_number")),
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
    op.create_table(
        "fonds_scope",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("fonds_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["fonds_id"], ["fonds.id"], name=op.f("fk_fonds_scope_fonds_id_fonds")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_fonds_scope_user_id_user_account")),
        sa.PrimaryKeyConstraint("user_id", "fonds_id", name=op.f("pk_fonds_scope")),
    )
    op.create_table(
        "identifier",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "citizen-number",
                "passport",
                "permit",
                "personal-number",
                "uscc",
                "provider-code",
                name="identifierkind",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("value", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_identifier_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identifier")),
        sa.UniqueConstraint("kind", "hash", name=op.f("uq_identifier_kind_hash")),
    )
    op.create_index(op.f("ix_identifier_person_id"), "identifier", ["person_id"], unique=False)
    op.create_table(
        "password_history",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_password_history_user_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_password_history")),
    )
    op.create_index(op.f("ix_password_history_user_id"), "password_history", ["user_id"], unique=False)
    op.create_table(
        "role_grant",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("granted_by", sa.Uuid(), nullable=True),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["granted_by"], ["user_account.id"], name=op.f("fk_role_grant_granted_by_user_account")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_role_grant_user_id_user_account")),
        sa.PrimaryKeyConstraint("user_id", "role", name=op.f("pk_role_grant")),
    )
    op.create_table(
        "token",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_token_user_id_user_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_token")),
        sa.UniqueConstraint("hash", name=op.f("uq_token_hash")),
    )
    op.create_index(op.f("ix_token_user_id"), "token", ["user_id"], unique=False)
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
    op.create_table(
        "record",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("fonds_id", sa.Uuid(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "captured",
                "read",
                "review",
                "described",
                "filed",
                "withdrawn",
                "destroyed",
                name="recordstate",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("case_file_id", sa.Uuid(), nullable=True),
        sa.Column("box_id", sa.Uuid(), nullable=True),
        sa.Column("batch_id", sa.Uuid(), nullable=True),
        sa.Column("intake_file_id", sa.Uuid(), nullable=True),
        sa.Column("class_code", sa.String(length=16), nullable=True),
        sa.Column("boundaries_set", sa.Boolean(), nullable=False),
        sa.Column("type_code", sa.String(length=32), nullable=True),
        sa.Column("type_confidence", sa.Double(), nullable=True),
        sa.Column("type_reasons", sa.JSON(), nullable=False),
        sa.Column("formed_on", sa.Date(), nullable=True),
        sa.Column("document_number", sa.String(length=120), nullable=True),
        sa.Column("review", sa.JSON(), nullable=False),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("retention_rule", sa.String(length=16), nullable=True),
        sa.Column("retention_basis", sa.String(length=300), nullable=True),
        sa.Column("retention_outcome", sa.String(length=32), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("filed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("filed_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("merged_into", sa.Uuid(), nullable=True),
        sa.Column("corrections", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batch.id"], name=op.f("fk_record_batch_id_batch")),
        sa.ForeignKeyConstraint(["box_id"], ["box.id"], name=op.f("fk_record_box_id_box")),
        sa.ForeignKeyConstraint(["case_file_id"], ["case_file.id"], name=op.f("fk_record_case_file_id_case_file")),
        sa.ForeignKeyConstraint(
            ["confirmed_by"], ["user_account.id"], name=op.f("fk_record_confirmed_by_user_account")
        ),
        sa.ForeignKeyConstraint(["filed_by"], ["user_account.id"], name=op.f("fk_record_filed_by_user_account")),
        sa.ForeignKeyConstraint(["fonds_id"], ["fonds.id"], name=op.f("fk_record_fonds_id_fonds")),
        sa.ForeignKeyConstraint(
            ["intake_file_id"], ["intake_file.id"], name=op.f("fk_record_intake_file_id_intake_file")
        ),
        sa.ForeignKeyConstraint(["merged_into"], ["record.id"], name=op.f("fk_record_merged_into_record")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record")),
        sa.UniqueConstraint("fonds_id", "code", name=op.f("uq_record_fonds_id_code")),
        sa.UniqueConstraint("id", "fonds_id", "level", name=op.f("uq_record_id_fonds_id_level")),
    )
    op.create_index(op.f("ix_record_batch_id"), "record", ["batch_id"], unique=False)
    op.create_index(op.f("ix_record_intake_file_id"), "record", ["intake_file_id"], unique=False)
    op.create_index("ix_record_state", "record", ["state", "fonds_id"], unique=False)
    op.create_table(
        "component",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("fonds_id", sa.Uuid(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("master", "view", "rendition", "proposed", name="componentkind", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("page_id", sa.Uuid(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("sm3", sa.String(length=64), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(length=120), nullable=False),
        sa.Column("format", sa.String(length=120), nullable=True),
        sa.Column("version_id", sa.String(length=200), nullable=True),
        sa.Column("name", sa.String(length=255), nullable=True),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.Column("derived_from", sa.JSON(), nullable=False),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["record_id", "fonds_id", "level"],
            ["record.id", "record.fonds_id", "record.level"],
            name="fk_component_record",
            onupdate="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_component")),
    )
    op.create_index(op.f("ix_component_page_id"), "component", ["page_id"], unique=False)
    op.create_index("ix_component_record", "component", ["record_id"], unique=False)
    op.create_index(op.f("ix_component_sha256"), "component", ["sha256"], unique=False)
    op.create_table(
        "field",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("fonds_id", sa.Uuid(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("as_read", sa.String(), nullable=True),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("row", sa.Integer(), nullable=True),
        sa.Column("box", sa.JSON(), nullable=True),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("checks", sa.JSON(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("read", "repaired", "doubtful", "confirmed", name="fieldstate", native_enum=False, length=32),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["record_id", "fonds_id", "level"],
            ["record.id", "record.fonds_id", "record.level"],
            name="fk_field_record",
            onupdate="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_field")),
    )
    op.create_index("ix_field_record", "field", ["record_id"], unique=False)
    op.create_table(
        "party_link",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("fonds_id", sa.Uuid(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("person", "employer", "provider", name="partykind", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column(
            "role",
            sa.Enum(
                "subject",
                "roster",
                "agent",
                "employer",
                "hospital",
                "transfer-hospital",
                "pharmacy",
                "legal-representative",
                name="partyrole",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("employer_id", sa.Uuid(), nullable=True),
        sa.Column("provider_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(length=120), nullable=True),
        sa.Column("number", sa.String(length=40), nullable=True),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("row", sa.Integer(), nullable=True),
        sa.Column("box", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["employer_id"], ["employer.id"], name=op.f("fk_party_link_employer_id_employer")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_party_link_person_id_person")),
        sa.ForeignKeyConstraint(["provider_id"], ["provider.id"], name=op.f("fk_party_link_provider_id_provider")),
        sa.ForeignKeyConstraint(
            ["record_id", "fonds_id", "level"],
            ["record.id", "record.fonds_id", "record.level"],
            name="fk_party_link_record",
            onupdate="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_party_link")),
    )
    op.create_index("ix_party_link_person", "party_link", ["person_id"], unique=False)
    op.create_index("ix_party_link_record", "party_link", ["record_id"], unique=False)
    op.create_table(
        "record_version",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("fonds_id", sa.Uuid(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("change", sa.JSON(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=False),
        sa.Column("proposed_person", sa.String(length=64), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_person", sa.String(length=64), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("remark", sa.String(length=300), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(state = 'proposed') = (decided_by IS NULL) AND (decided_by IS NULL) = (decided_person IS NULL)",
            name=op.f("ck_record_version_decided_by_somebody"),
        ),
        sa.CheckConstraint("state IN ('proposed', 'approved', 'refused')", name=op.f("ck_record_version_state")),
        sa.CheckConstraint("decided_person <> proposed_person", name=op.f("ck_record_version_second_person")),
        sa.ForeignKeyConstraint(
            ["decided_by", "decided_person"],
            ["user_account.id", "user_account.person"],
            name="fk_record_version_decided_person",
            onupdate="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["proposed_by", "proposed_person"],
            ["user_account.id", "user_account.person"],
            name="fk_record_version_proposed_person",
            onupdate="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["record_id", "fonds_id", "level"],
            ["record.id", "record.fonds_id", "record.level"],
            name="fk_record_version_record",
            onupdate="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_record_version")),
    )
    op.create_index(
        "ix_record_version_open",
        "record_version",
        ["record_id"],
        unique=True,
        sqlite_where=sa.text("state = 'proposed'"),
        postgresql_where=sa.text("state = 'proposed'"),
    )
    op.create_index("ix_record_version_record", "record_version", ["record_id"], unique=False)
    op.create_table(
        "page",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("fonds_id", sa.Uuid(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("component_id", sa.Uuid(), nullable=False),
        sa.Column("master_page", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("dpi", sa.Integer(), nullable=True),
        sa.Column("rotation", sa.Integer(), nullable=False),
        sa.Column("has_picture", sa.Boolean(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("waiting", "read", "failed", name="pagestate", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("failure", sa.String(length=200), nullable=True),
        sa.Column("text", sa.String(), nullable=True),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("text_source", sa.String(length=16), nullable=True),
        sa.Column("engine", sa.String(length=40), nullable=True),
        sa.Column("engine_version", sa.String(length=80), nullable=True),
        sa.Column("engine_model", sa.String(length=80), nullable=True),
        sa.Column("engine_parameters", sa.String(length=400), nullable=True),
        sa.Column("quality", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["component_id"], ["component.id"], name=op.f("fk_page_component_id_component")),
        sa.ForeignKeyConstraint(
            ["record_id", "fonds_id", "level"],
            ["record.id", "record.fonds_id", "record.level"],
            name="fk_page_record",
            onupdate="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_page")),
    )
    op.create_index("ix_page_record", "page", ["record_id", "number"], unique=False)
    op.execute("INSERT INTO audit_head (id, size) VALUES (1, 0)")


def downgrade() -> None:
    op.drop_index("ix_page_record", table_name="page")
    op.drop_table("page")
    op.drop_index("ix_record_version_record", table_name="record_version")
    op.drop_index(
        "ix_record_version_open",
        table_name="record_version",
        sqlite_where=sa.text("state = 'proposed'"),
        postgresql_where=sa.text("state = 'proposed'"),
    )
    op.drop_table("record_version")
    op.drop_index("ix_party_link_record", table_name="party_link")
    op.drop_index("ix_party_link_person", table_name="party_link")
    op.drop_table("party_link")
    op.drop_index("ix_field_record", table_name="field")
    op.drop_table("field")
    op.drop_index(op.f("ix_component_sha256"), table_name="component")
    op.drop_index("ix_component_record", table_name="component")
    op.drop_index(op.f("ix_component_page_id"), table_name="component")
    op.drop_table("component")
    op.drop_index("ix_record_state", table_name="record")
    op.drop_index(op.f("ix_record_intake_file_id"), table_name="record")
    op.drop_index(op.f("ix_record_batch_id"), table_name="record")
    op.drop_table("record")
    op.drop_index(
        "ix_intake_file_accepted",
        table_name="intake_file",
        sqlite_where=sa.text("outcome = 'accepted'"),
        postgresql_where=sa.text("outcome = 'accepted'"),
    )
    op.drop_table("intake_file")
    op.drop_index(op.f("ix_batch_created_at"), table_name="batch")
    op.drop_table("batch")
    op.drop_index(op.f("ix_token_user_id"), table_name="token")
    op.drop_table("token")
    op.drop_table("role_grant")
    op.drop_index(op.f("ix_password_history_user_id"), table_name="password_history")
    op.drop_table("password_history")
    op.drop_index(op.f("ix_identifier_person_id"), table_name="identifier")
    op.drop_table("identifier")
    op.drop_table("fonds_scope")
    op.drop_table("case_file")
    op.drop_table("box")
    op.drop_table("void_number")
    op.drop_index(op.f("ix_user_account_person"), table_name="user_account")
    op.drop_table("user_account")
    op.drop_table("rule_table")
    op.drop_index(op.f("ix_provider_name"), table_name="provider")
    op.drop_table("provider")
    op.drop_index(op.f("ix_person_name"), table_name="person")
    op.drop_table("person")
    op.drop_index(op.f("ix_ocr_result_picture"), table_name="ocr_result")
    op.drop_table("ocr_result")
    op.drop_table("number_series")
    op.drop_table("live_worker")
    op.drop_table("lane_lease")
    op.drop_index("ix_job_claim", table_name="job")
    op.drop_table("job")
    op.drop_table("fonds")
    op.drop_index(op.f("ix_employer_name"), table_name="employer")
    op.drop_table("employer")
    op.drop_table("audit_value")
    op.drop_table("audit_node")
    op.drop_index(op.f("ix_audit_leaf_at"), table_name="audit_leaf")
    op.drop_index(op.f("ix_audit_leaf_actor"), table_name="audit_leaf")
    op.drop_index(op.f("ix_audit_leaf_action"), table_name="audit_leaf")
    op.drop_table("audit_leaf")
    op.drop_table("audit_head")
