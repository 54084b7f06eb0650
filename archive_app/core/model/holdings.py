"""Holdings: fonds, boxes, case files, records, pages, components and described values."""

import datetime as dt
from collections.abc import Iterable
from typing import Any, Self
from uuid import UUID, uuid4, uuid5

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from archive_app.core.model.base import Base, Guarded
from archive_app.core.ports import StoredObject
from archive_app.core.vocabulary import (
    Action,
    ComponentKind,
    FieldState,
    FondsId,
    Level,
    PageState,
    RecordId,
    RecordState,
    UserId,
    Viewer,
)


class Fonds(Guarded, Base):
    """全宗: all records of one agency (立档单位); the outer wall of access."""

    __tablename__ = "fonds"
    id: Mapped[FondsId] = mapped_column(primary_key=True, default=uuid4)
    code: Mapped[str] = mapped_column(sa.String(16), unique=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    agency: Mapped[str | None] = mapped_column(sa.String(200))
    created_at: Mapped[dt.datetime]

    @classmethod
    def visible_to(cls, viewer: Viewer) -> sa.ColumnElement[bool]:
        """Those in scope; administrators who add and grant see the list of fonds, not what is in them."""
        if viewer.may(Action.FONDS_ADD) or viewer.may(Action.USER_GRANT):
            return sa.true()
        return cls.id.in_(viewer.fonds)


class Box(Guarded, Base):
    """盒: what the paper came in, or is shelved in."""

    __tablename__ = "box"
    __table_args__ = (sa.UniqueConstraint("fonds_id", "code"),)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    fonds_id: Mapped[FondsId] = mapped_column(sa.ForeignKey("fonds.id"))
    code: Mapped[str] = mapped_column(sa.String(80))
    shelf: Mapped[str | None] = mapped_column(sa.String(80))  # 库房-列-节-层

    @classmethod
    def visible_to(cls, viewer: Viewer) -> sa.ColumnElement[bool]:
        """Those who take in, within their fonds."""
        return cls.fonds_id.in_(viewer.fonds) if viewer.may(Action.INTAKE_READ) else sa.false()


class CaseFile(Guarded, Base):
    """案卷: the records of one matter; opens and closes."""

    __tablename__ = "case_file"
    __table_args__ = (sa.UniqueConstraint("fonds_id", "code"),)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    fonds_id: Mapped[FondsId] = mapped_column(sa.ForeignKey("fonds.id"))
    level: Mapped[Level] = mapped_column(default=Level.INTERNAL)
    code: Mapped[str] = mapped_column(sa.String(80))
    title: Mapped[str] = mapped_column(sa.String(300))
    class_code: Mapped[str | None] = mapped_column(sa.String(16))
    case_type: Mapped[str | None] = mapped_column(sa.String(32))
    opened_on: Mapped[dt.date | None]
    closed_on: Mapped[dt.date | None]

    @classmethod
    def visible_to(cls, viewer: Viewer) -> sa.ColumnElement[bool]:
        """Within fonds and level."""
        return sa.and_(cls.fonds_id.in_(viewer.fonds), cls.level <= viewer.clearance)


class Record(Guarded, Base):
    """件: the unit that is described, borrowed, held and destroyed. A destroyed one stays as a tombstone."""

    __tablename__ = "record"
    __table_args__ = (
        sa.UniqueConstraint("fonds_id", "code"),
        sa.UniqueConstraint("id", "fonds_id", "level"),  # what children's audience is tied to
        sa.Index("ix_record_state", "state", "fonds_id", "level"),  # all that counting within a scope looks at
        sa.Index(
            "ix_record_waiting",
            "state",
            "created_at",
            "id",  # what waits for a person, oldest first, however much is filed
            sqlite_where=sa.text("state <> 'filed'"),  # noqa: TID251 - a constant of the schema
            postgresql_where=sa.text("state <> 'filed'"),  # noqa: TID251 - a constant of the schema
        ),
        sa.Index("ix_record_document_number", "document_number"),
        sa.Index(
            "ix_record_due",
            "fonds_id",
            "due_on",
            "id",  # the due list, read by position
            sqlite_where=sa.text("state = 'filed' AND due_on IS NOT NULL"),  # noqa: TID251 - a constant of the schema
            postgresql_where=sa.text("state = 'filed' AND due_on IS NOT NULL"),  # noqa: TID251 - likewise
        ),
        sa.Index("ix_record_created", "created_at"),  # the week's intake
    )
    id: Mapped[RecordId] = mapped_column(primary_key=True, default=uuid4)
    fonds_id: Mapped[FondsId] = mapped_column(sa.ForeignKey("fonds.id"))
    level: Mapped[Level] = mapped_column(default=Level.SENSITIVE)
    code: Mapped[str] = mapped_column(sa.String(80))  # 档号; `P-…` until filed
    title: Mapped[str] = mapped_column(sa.String(300))
    state: Mapped[RecordState] = mapped_column(default=RecordState.CAPTURED)
    version: Mapped[int] = mapped_column()
    case_file_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("case_file.id"))
    box_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("box.id"))
    batch_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("batch.id"), index=True)
    intake_file_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("intake_file.id"), index=True)
    class_code: Mapped[str | None] = mapped_column(sa.String(16))
    boundaries_set: Mapped[bool] = mapped_column(default=False)  # where it begins and ends was decided
    type_code: Mapped[str | None] = mapped_column(sa.String(32))
    type_confidence: Mapped[float | None]
    type_reasons: Mapped[list[Any]] = mapped_column(default=list)
    formed_on: Mapped[dt.date | None]  # 形成日期
    document_number: Mapped[str | None] = mapped_column(sa.String(120))
    review: Mapped[list[Any]] = mapped_column(default=list)  # why a person must look
    confirmed_by: Mapped[UserId | None] = mapped_column(sa.ForeignKey("user_account.id"))
    retention_rule: Mapped[str | None] = mapped_column(sa.String(16))
    retention_basis: Mapped[str | None] = mapped_column(sa.String(300))
    retention_outcome: Mapped[str | None] = mapped_column(sa.String(32))
    due_on: Mapped[dt.date | None]
    filed_at: Mapped[dt.datetime | None]
    filed_by: Mapped[UserId | None] = mapped_column(sa.ForeignKey("user_account.id"))
    created_at: Mapped[dt.datetime]
    merged_into: Mapped[RecordId | None] = mapped_column(sa.ForeignKey("record.id"))
    corrections: Mapped[int] = mapped_column(default=0)  # approved since filing

    pages: Mapped[list["Page"]] = relationship(back_populates="record", order_by="Page.number", viewonly=True)
    fields: Mapped[list["Field"]] = relationship(order_by="Field.position", viewonly=True)
    components: Mapped[list["Component"]] = relationship(viewonly=True, order_by="Component.created_at")
    fonds: Mapped[Fonds] = relationship(viewonly=True)

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - two archivists, one record: the second is told

    @classmethod
    def visible_to(cls, viewer: Viewer) -> sa.ColumnElement[bool]:
        """The access rule: fonds in scope and level within clearance. What narrows later is ANDed here."""
        return sa.and_(cls.fonds_id.in_(viewer.fonds), cls.level <= viewer.clearance)


def _tied_to_record(name: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["record_id", "fonds_id", "level"],
        ["record.id", "record.fonds_id", "record.level"],
        name=f"fk_{name}_record",
        onupdate="CASCADE",
    )


class Page(Guarded, Base):
    """页: one page of a record, with what was read on it and by whom."""

    __tablename__ = "page"
    __table_args__ = (
        _tied_to_record("page"),
        sa.Index("ix_page_record", "record_id", "number"),
        sa.Index("ix_page_scope", "fonds_id", "level"),  # counted without a look at the texts
    )
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    record_id: Mapped[RecordId]
    fonds_id: Mapped[FondsId]
    level: Mapped[Level]
    number: Mapped[int]  # within the record, from 1
    component_id: Mapped[UUID] = mapped_column(sa.ForeignKey("component.id"))  # the master it stands in
    master_page: Mapped[int]  # its number there, from 1
    width: Mapped[int]
    height: Mapped[int]
    dpi: Mapped[int | None]
    rotation: Mapped[int] = mapped_column(default=0)  # degrees clockwise to upright
    has_picture: Mapped[bool] = mapped_column(default=True)
    state: Mapped[PageState] = mapped_column(default=PageState.WAITING)
    failure: Mapped[str | None] = mapped_column(sa.String(200))
    text: Mapped[str | None]  # in reading order, one line a line; None until read
    lines: Mapped[list[Any]] = mapped_column(default=list)  # [{"text","box","confidence","words":[[text,box,conf]]}]
    text_source: Mapped[str | None] = mapped_column(sa.String(16))  # ocr | layer | document
    engine: Mapped[str | None] = mapped_column(sa.String(40))
    engine_version: Mapped[str | None] = mapped_column(sa.String(80))
    engine_model: Mapped[str | None] = mapped_column(sa.String(80))
    engine_parameters: Mapped[str | None] = mapped_column(sa.String(400))
    quality: Mapped[list[Any]] = mapped_column(default=list)
    record: Mapped[Record] = relationship(back_populates="pages", viewonly=True)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> sa.ColumnElement[bool]:
        """As its record."""
        return sa.and_(cls.fonds_id.in_(viewer.fonds), cls.level <= viewer.clearance)


class Component(Guarded, Base):
    """组件: one stored bit-stream of a record. Its store key is fonds/record/sha256."""

    __tablename__ = "component"
    __table_args__ = (
        _tied_to_record("component"),
        sa.Index("ix_component_record", "record_id"),
        sa.Index(
            "ix_component_locked",
            "locked_until",
            sqlite_where=sa.text("kind = 'master'"),  # noqa: TID251 - a constant of the schema
            postgresql_where=sa.text("kind = 'master'"),  # noqa: TID251 - a constant of the schema
        ),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    record_id: Mapped[RecordId]
    fonds_id: Mapped[FondsId]
    level: Mapped[Level]
    kind: Mapped[ComponentKind]
    page_id: Mapped[UUID | None] = mapped_column(index=True)  # of a view; pages name components by key, not both ways
    sha256: Mapped[str] = mapped_column(sa.String(64), index=True)
    sm3: Mapped[str | None] = mapped_column(sa.String(64))
    size: Mapped[int] = mapped_column(sa.BigInteger)
    media_type: Mapped[str] = mapped_column(sa.String(120))
    format: Mapped[str | None] = mapped_column(sa.String(120))
    version_id: Mapped[str | None] = mapped_column(sa.String(200))
    name: Mapped[str | None] = mapped_column(sa.String(255))
    notes: Mapped[list[Any]] = mapped_column(default=list)  # of its examination, such as `viewing-copy:none`
    derived_from: Mapped[dict[str, Any]] = mapped_column(default=dict)  # {"sha256","pages","tool"}
    superseded_at: Mapped[dt.datetime | None]  # replaced by a later version; the bytes stay
    locked_until: Mapped[dt.date | None]  # first day on which the store lets it go; None: not locked, as far as known
    created_at: Mapped[dt.datetime]

    @classmethod
    def of(cls, owner: Record | Page, stored: StoredObject, **facts: Any) -> Self:  # noqa: ANN401 - columns
        """The row of bytes that were stored for a record, or for a page of one; `facts` are its other columns."""
        return cls(
            record_id=owner.record_id if isinstance(owner, Page) else owner.id,
            fonds_id=owner.fonds_id,
            level=owner.level,
            sha256=stored.key.sha256,
            sm3=stored.sm3,
            size=stored.size,
            version_id=stored.version_id,
            **facts,
        )

    def new_pages(
        self, shapes: Iterable[tuple[int, int, int | None]], *, at: int = 0, has_picture: bool
    ) -> tuple[Page, ...]:
        """The rows of this new master's pages, waiting to be read, behind `at` others of the record.

        `shapes` are width, height and dots per inch of each.
        """
        return tuple(
            Page(
                id=uuid5(self.id, f"page {number}"),
                record_id=self.record_id,
                fonds_id=self.fonds_id,
                level=self.level,
                number=at + number,
                component_id=self.id,
                master_page=number,
                width=width,
                height=height,
                dpi=dpi,
                has_picture=has_picture,
            )
            for number, (width, height, dpi) in enumerate(shapes, start=1)
        )

    @classmethod
    def visible_to(cls, viewer: Viewer) -> sa.ColumnElement[bool]:
        """As its record; what is only proposed, by those who propose and decide, and by the archive's own work."""
        seen = sa.and_(cls.fonds_id.in_(viewer.fonds), cls.level <= viewer.clearance)
        if viewer.system or viewer.may(Action.RECORD_CORRECT) or viewer.may(Action.CORRECTION_APPROVE):
            return seen
        return sa.and_(seen, cls.kind != ComponentKind.PROPOSED)


class Field(Guarded, Base):
    """著录项: one described value, with where it was read and how sure it is."""

    __tablename__ = "field"
    __table_args__ = (_tied_to_record("field"), sa.Index("ix_field_record", "record_id"))
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    record_id: Mapped[RecordId]
    fonds_id: Mapped[FondsId]
    level: Mapped[Level]
    position: Mapped[int]
    name: Mapped[str] = mapped_column(sa.String(40))
    value: Mapped[str]
    as_read: Mapped[str | None]
    page: Mapped[int | None]
    row: Mapped[int | None]
    box: Mapped[list[Any] | None]
    confidence: Mapped[float | None]
    checks: Mapped[list[Any]] = mapped_column(default=list)  # [{"id","passed"}]
    state: Mapped[FieldState]

    @classmethod
    def visible_to(cls, viewer: Viewer) -> sa.ColumnElement[bool]:
        """As its record."""
        return sa.and_(cls.fonds_id.in_(viewer.fonds), cls.level <= viewer.clearance)


def _tied_to_person(account: str, person: str) -> sa.ForeignKeyConstraint:
    """The person named beside an account is that account's person, also when it is changed there."""
    return sa.ForeignKeyConstraint(
        [account, person],
        ["user_account.id", "user_account.person"],
        name=f"fk_record_version_{person}",
        onupdate="CASCADE",
    )


class RecordVersion(Guarded, Base):
    """更正: a change asked for after filing, and the description and page list that stood before it.

    Two natural persons, one who proposes and another who decides: the database itself holds them apart.
    """

    __tablename__ = "record_version"
    __table_args__ = (
        _tied_to_record("record_version"),
        _tied_to_person("proposed_by", "proposed_person"),
        _tied_to_person("decided_by", "decided_person"),
        sa.CheckConstraint("decided_person <> proposed_person", name="second_person"),
        sa.CheckConstraint(
            "(state IN ('proposed', 'withdrawn')) = (decided_by IS NULL) "
            "AND (decided_by IS NULL) = (decided_person IS NULL)",
            name="decided_by_somebody",
        ),
        sa.CheckConstraint("state IN ('proposed', 'approved', 'refused', 'withdrawn')", name="state"),
        sa.Index("ix_record_version_record", "record_id"),
        sa.Index(
            "ix_record_version_open",
            "record_id",
            unique=True,  # one at a time: each is judged against what stands
            sqlite_where=sa.text("state = 'proposed'"),  # noqa: TID251 - a constant of the schema
            postgresql_where=sa.text("state = 'proposed'"),  # noqa: TID251 - a constant of the schema
        ),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    record_id: Mapped[RecordId]
    fonds_id: Mapped[FondsId]
    level: Mapped[Level]
    version: Mapped[int]  # of the record that the change was asked against, and that `before` describes
    state: Mapped[str] = mapped_column(sa.String(16))  # proposed | approved | refused | withdrawn
    reason: Mapped[str] = mapped_column(sa.String(300))
    change: Mapped[dict[str, Any]]  # what is asked for
    before: Mapped[dict[str, Any]]  # what stood before, filled at approval
    proposed_by: Mapped[UserId]
    proposed_person: Mapped[str] = mapped_column(sa.String(64))
    decided_by: Mapped[UserId | None]
    decided_person: Mapped[str | None] = mapped_column(sa.String(64))
    decided_at: Mapped[dt.datetime | None]
    remark: Mapped[str | None] = mapped_column(sa.String(300))  # of who decided; of a refusal its reason
    created_at: Mapped[dt.datetime]

    @classmethod
    def visible_to(cls, viewer: Viewer) -> sa.ColumnElement[bool]:
        """As its record."""
        return sa.and_(cls.fonds_id.in_(viewer.fonds), cls.level <= viewer.clearance)
