"""Records, and what hangs on one: components, fields, parties, versions, pages."""

import sqlalchemy as sa
from alembic import op


def create() -> None:
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


def drop() -> None:
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
