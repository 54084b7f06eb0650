"""Accounts: logins, what they were granted, and their credentials. Open tables: read only by `archive_app.accounts`."""

import datetime as dt
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from archive_app.core.model.base import Base
from archive_app.core.vocabulary import FondsId, Level, UserId


class User(Base):
    """用户: a login. `person` names the natural person behind it: two-person rules compare persons, not accounts."""

    __tablename__ = "user_account"
    __table_args__ = (sa.UniqueConstraint("id", "person"),)  # what two-person rules in other tables are tied to
    id: Mapped[UserId] = mapped_column(primary_key=True, default=uuid4)
    login: Mapped[str] = mapped_column(sa.String(64), unique=True)
    name: Mapped[str] = mapped_column(sa.String(120))
    person: Mapped[str] = mapped_column(sa.String(64), index=True)
    password_hash: Mapped[str | None] = mapped_column(sa.String(255))
    password_set_at: Mapped[dt.datetime | None]
    otp_secret: Mapped[str | None] = mapped_column(sa.String(64))
    otp_last: Mapped[int | None]  # the time step last accepted: a code is good once
    activation_hash: Mapped[str | None] = mapped_column(sa.String(64))
    clearance: Mapped[Level] = mapped_column(default=Level.PUBLIC)
    disabled: Mapped[bool] = mapped_column(default=False)
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[dt.datetime | None]
    session_serial: Mapped[int] = mapped_column(default=0)  # raised to end every session at once
    language: Mapped[str | None] = mapped_column(sa.String(8))
    created_at: Mapped[dt.datetime]


class RoleGrant(Base):
    """授权: a role given to a login by the security administrator."""

    __tablename__ = "role_grant"
    user_id: Mapped[UserId] = mapped_column(sa.ForeignKey("user_account.id"), primary_key=True)
    role: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    granted_by: Mapped[UserId | None] = mapped_column(sa.ForeignKey("user_account.id"))
    granted_at: Mapped[dt.datetime]


class FondsScope(Base):
    """A fonds within a login's scope."""

    __tablename__ = "fonds_scope"
    user_id: Mapped[UserId] = mapped_column(sa.ForeignKey("user_account.id"), primary_key=True)
    fonds_id: Mapped[FondsId] = mapped_column(sa.ForeignKey("fonds.id"), primary_key=True)


class Token(Base):
    """A bearer token, kept as a hash, that ends by itself."""

    __tablename__ = "token"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    user_id: Mapped[UserId] = mapped_column(sa.ForeignKey("user_account.id"), index=True)
    hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    created_at: Mapped[dt.datetime]
    expires_on: Mapped[dt.date]
    revoked_at: Mapped[dt.datetime | None]


class PasswordHistory(Base):
    """Hashes of former passwords, so that the last five are not used again."""

    __tablename__ = "password_history"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    user_id: Mapped[UserId] = mapped_column(sa.ForeignKey("user_account.id"), index=True)
    password_hash: Mapped[str] = mapped_column(sa.String(255))
    created_at: Mapped[dt.datetime]
