"""Parties: persons, employers and providers, and the link of each to a record in a role."""

import datetime as dt
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from archive_app.core.model.base import Base, Guarded
from archive_app.core.vocabulary import (
    FondsId,
    IdentifierKind,
    Level,
    PartyKind,
    PartyRole,
    PersonId,
    ProviderKind,
    RecordId,
    Viewer,
)


class PartyLink(Guarded, Base):
    """A party in a role on a record; on a roster with its row and box. A name without a number has no person yet."""

    __tablename__ = "party_link"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["record_id", "fonds_id", "level"],
            ["record.id", "record.fonds_id", "record.level"],
            name="fk_party_link_record",
            onupdate="CASCADE",
        ),
        sa.Index("ix_party_link_record", "record_id"),
        sa.Index("ix_party_link_person", "person_id"),
        sa.Index("ix_party_link_employer", "employer_id"),
        sa.Index("ix_party_link_provider", "provider_id"),
        sa.Index("ix_party_link_name", "name"),
        sa.Index("ix_party_link_number", "number"),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    record_id: Mapped[RecordId]
    fonds_id: Mapped[FondsId]
    level: Mapped[Level]
    kind: Mapped[PartyKind]
    role: Mapped[PartyRole]
    person_id: Mapped[PersonId | None] = mapped_column(sa.ForeignKey("person.id"))
    employer_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("employer.id"))
    provider_id: Mapped[UUID | None] = mapped_column(sa.ForeignKey("provider.id"))
    name: Mapped[str | None] = mapped_column(sa.String(120))  # as written on this record
    number: Mapped[str | None] = mapped_column(sa.String(40))
    page: Mapped[int | None]
    row: Mapped[int | None]
    box: Mapped[list[Any] | None]
    # Parties are written before the links that make them visible, in one flush.
    person: Mapped["Person | None"] = relationship(lazy="raise")
    employer: Mapped["Employer | None"] = relationship(lazy="raise")
    provider: Mapped["Provider | None"] = relationship(lazy="raise")

    @classmethod
    def visible_to(cls, viewer: Viewer) -> sa.ColumnElement[bool]:
        """As its record."""
        return sa.and_(cls.fonds_id.in_(viewer.fonds), cls.level <= viewer.clearance)


def _stands_on_a_visible_record(column: str, party: sa.SQLColumnExpression[Any], viewer: Viewer) -> sa.Exists:
    """Asked party by party, by index: the links of one are few, those of all are as many as the papers."""
    link = PartyLink.__table__.alias()
    return (
        sa.exists()
        .where(link.c[column] == party, link.c.fonds_id.in_(viewer.fonds), link.c.level <= viewer.clearance)
        .correlate_except(link)
    )


class Person(Guarded, Base):
    """参保人/当事人: somebody records are about, with our own id. Never a login, never keyed on a number."""

    __tablename__ = "person"
    precedes_its_link = True
    id: Mapped[PersonId] = mapped_column(primary_key=True, default=uuid4)
    name: Mapped[str | None] = mapped_column(sa.String(120), index=True)
    created_at: Mapped[dt.datetime]
    identifiers: Mapped[list["Identifier"]] = relationship(viewonly=True)

    @classmethod
    def visible_to(cls, viewer: Viewer) -> sa.ColumnElement[bool]:
        """Whoever stands on a record the viewer sees; the others do not exist."""
        return _stands_on_a_visible_record("person_id", cls.id, viewer)


class Identifier(Guarded, Base):
    """证件号码: a number a person is known by. Found by keyed hash, matched whole."""

    __tablename__ = "identifier"
    precedes_its_link = True
    __table_args__ = (sa.UniqueConstraint("kind", "hash"),)
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    person_id: Mapped[PersonId] = mapped_column(sa.ForeignKey("person.id"), index=True)
    kind: Mapped[IdentifierKind]
    hash: Mapped[str] = mapped_column(sa.String(64))
    value: Mapped[str] = mapped_column(sa.String(40))
    person: Mapped[Person] = relationship(lazy="raise", overlaps="identifiers")

    @classmethod
    def visible_to(cls, viewer: Viewer) -> sa.ColumnElement[bool]:
        """As its person."""
        return _stands_on_a_visible_record("person_id", cls.person_id, viewer)


class Employer(Guarded, Base):
    """参保单位."""

    __tablename__ = "employer"
    precedes_its_link = True
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    name: Mapped[str] = mapped_column(sa.String(200), index=True)
    uscc: Mapped[str | None] = mapped_column(sa.String(18), unique=True)  # 统一社会信用代码

    @classmethod
    def visible_to(cls, viewer: Viewer) -> sa.ColumnElement[bool]:
        """Those that stand on a record the viewer sees."""
        return _stands_on_a_visible_record("employer_id", cls.id, viewer)


class Provider(Guarded, Base):
    """定点医药机构: hospital or pharmacy."""

    __tablename__ = "provider"
    precedes_its_link = True
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    kind: Mapped[ProviderKind]
    name: Mapped[str] = mapped_column(sa.String(200), index=True)
    code: Mapped[str | None] = mapped_column(sa.String(12), unique=True)  # H or P and 11 digits

    @classmethod
    def visible_to(cls, viewer: Viewer) -> sa.ColumnElement[bool]:
        """Those that stand on a record the viewer sees."""
        return _stands_on_a_visible_record("provider_id", cls.id, viewer)
