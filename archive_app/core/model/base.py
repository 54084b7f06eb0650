"""What every table shares: naming of constraints, portable types, and the audience of a row."""

import datetime as dt
import enum
from typing import Any, ClassVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase

from archive_app.core.vocabulary import FondsId, Level, PersonId, RecordId, UserId, Viewer


class UtcDateTime(sa.TypeDecorator[dt.datetime]):
    """An aware moment, kept as UTC on engines that know no zones (SQLite)."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: sa.Dialect) -> dt.datetime | None:
        """Refuse naive moments."""
        if value is None:
            return None
        if value.tzinfo is None:
            msg = "a moment without a zone"
            raise ValueError(msg)
        moment = value.astimezone(dt.UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: dt.datetime | None, dialect: sa.Dialect) -> dt.datetime | None:
        """Give every moment its zone back."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


class LevelType(sa.TypeDecorator[Level]):
    """A level as a small integer, so that `<=` is the clearance test."""

    impl = sa.SmallInteger
    cache_ok = True

    def process_bind_param(self, value: Level | int | None, dialect: sa.Dialect) -> int | None:
        """As its number."""
        del dialect
        return None if value is None else int(value)

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> Level | None:
        """As the enumeration."""
        del dialect
        return None if value is None else Level(value)


class Base(DeclarativeBase):
    """Base of all tables."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own form
        dt.datetime: UtcDateTime(),
        Level: LevelType(),
        UUID: sa.Uuid(),
        RecordId: sa.Uuid(),
        FondsId: sa.Uuid(),
        UserId: sa.Uuid(),
        PersonId: sa.Uuid(),
        dict[str, Any]: sa.JSON(),
        list[Any]: sa.JSON(),
        enum.StrEnum: sa.Enum(
            enum.StrEnum,
            native_enum=False,
            length=32,
            create_constraint=False,
            values_callable=lambda kind: [member.value for member in kind],
        ),
    }


class Guarded:
    """A row with an audience. Every mapped class is `Guarded` or stands in `OPEN_TABLES` with a reason."""

    #: Seen by way of a link that is written after it: it may be added before its writer sees it.
    precedes_its_link: ClassVar[bool] = False

    @classmethod
    def visible_to(cls, viewer: Viewer) -> sa.ColumnElement[bool]:
        """The rows this viewer may see, as a condition on this table alone."""
        raise NotImplementedError
