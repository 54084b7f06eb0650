"""Arrivals: batches and the files in them, seen by those who take in and by nobody else."""

import datetime as dt
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from archive_app.core.model.base import Base, Guarded
from archive_app.core.vocabulary import Action, BatchState, FondsId, IntakeOutcome, UserId, Viewer


def _takes_in(column: sa.SQLColumnExpression[FondsId], viewer: Viewer) -> sa.ColumnElement[bool]:
    return column.in_(viewer.fonds) if viewer.may(Action.INTAKE_READ) else sa.false()


class Batch(Guarded, Base):
    """批次: what one operator took in at one time from one desk."""

    __tablename__ = "batch"
    __table_args__ = (
        sa.UniqueConstraint("id", "fonds_id"),
        sa.Index("ix_batch_state", "state", "created_at"),
        sa.Index("ix_batch_number", "fonds_id", "number"),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    fonds_id: Mapped[FondsId] = mapped_column(sa.ForeignKey("fonds.id"))
    number: Mapped[str] = mapped_column(sa.String(32))  # 2024-031
    source: Mapped[str | None] = mapped_column(sa.String(200))  # the desk it came from
    box_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("box.id"))
    operator_id: Mapped[UserId] = mapped_column(sa.ForeignKey("user_account.id"))
    ocr_engine: Mapped[str | None] = mapped_column(sa.String(32))  # None: the setting's
    declared_files: Mapped[int | None]
    declared_pages: Mapped[int | None]
    declared_sheets: Mapped[int | None]
    declared_sides: Mapped[int | None]
    state: Mapped[BatchState] = mapped_column(default=BatchState.OPEN)
    difference: Mapped[str | None] = mapped_column(sa.String(300))  # what the archivist says of a difference
    signed_by: Mapped[UserId | None] = mapped_column(sa.ForeignKey("user_account.id"))
    signed_at: Mapped[dt.datetime | None]
    created_at: Mapped[dt.datetime] = mapped_column(index=True)
    files: Mapped[list["IntakeFile"]] = relationship(viewonly=True, order_by="IntakeFile.sequence")

    @classmethod
    def visible_to(cls, viewer: Viewer) -> sa.ColumnElement[bool]:
        """Those who take in, within their fonds."""
        return _takes_in(cls.fonds_id, viewer)


class IntakeFile(Guarded, Base):
    """来件: a file as it arrived, perhaps a stack of several papers; never a component of a record (decision 10)."""

    __tablename__ = "intake_file"
    __table_args__ = (
        sa.ForeignKeyConstraint(["batch_id", "fonds_id"], ["batch.id", "batch.fonds_id"]),
        sa.UniqueConstraint("batch_id", "path", "sha256"),  # a batch fed again neither loses nor doubles
        sa.Index(
            "ix_intake_file_accepted",
            "fonds_id",
            "sha256",
            unique=True,  # of two equal files taken in at the same moment one is the duplicate
            sqlite_where=sa.text("outcome = 'accepted'"),  # noqa: TID251 - a constant of the schema
            postgresql_where=sa.text("outcome = 'accepted'"),  # noqa: TID251 - a constant of the schema
        ),
        sa.Index("ix_intake_file_created", "created_at"),
        sa.Index(
            "ix_intake_file_received",
            "batch_id",
            sqlite_where=sa.text("outcome = 'received'"),  # noqa: TID251 - a constant of the schema
            postgresql_where=sa.text("outcome = 'received'"),  # noqa: TID251 - a constant of the schema
        ),
        sa.Index(
            "ix_intake_file_quarantined",
            "created_at",
            sqlite_where=sa.text("outcome = 'refused' AND bytes_kept"),  # noqa: TID251 - a constant of the schema
            postgresql_where=sa.text("outcome = 'refused' AND bytes_kept"),  # noqa: TID251 - a constant of the schema
        ),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    batch_id: Mapped[UUID]
    fonds_id: Mapped[FondsId]
    sequence: Mapped[int]
    path: Mapped[str] = mapped_column(sa.String(1024))  # relative, as the sender named it
    sha256: Mapped[str] = mapped_column(sa.String(64))
    sm3: Mapped[str | None] = mapped_column(sa.String(64))
    size: Mapped[int] = mapped_column(sa.BigInteger)
    version_id: Mapped[str | None] = mapped_column(sa.String(200))
    media_type: Mapped[str | None] = mapped_column(sa.String(120))
    format: Mapped[str | None] = mapped_column(sa.String(120))
    outcome: Mapped[IntakeOutcome] = mapped_column(default=IntakeOutcome.RECEIVED)
    reason: Mapped[str | None] = mapped_column(sa.String(64))
    reason_facts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    equals_file_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("intake_file.id"))
    pages: Mapped[int | None]
    notes: Mapped[list[Any]] = mapped_column(default=list)
    bytes_kept: Mapped[bool] = mapped_column(default=True)  # false once its record is its own master, or discarded
    decided_by: Mapped[UserId | None] = mapped_column(sa.ForeignKey("user_account.id"))  # of a refused file
    created_at: Mapped[dt.datetime]

    @classmethod
    def visible_to(cls, viewer: Viewer) -> sa.ColumnElement[bool]:
        """Those who take in, within their fonds."""
        return _takes_in(cls.fonds_id, viewer)
