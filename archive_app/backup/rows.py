"""Rows as lines of text that any database takes back: what is dumped from SQLite loads into PostgreSQL, and back.

A table's shape (columns with one of nine kinds, key, columns that point into the table itself) goes with its rows, so
a backup of an older schema is loaded as it was and then migrated. Memory is constant: rows stream in order of their
key, and are cut into parts at places that depend on the rows themselves, so that what did not change is cut alike.
"""

import base64
import datetime as dt
import hashlib
import json
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from archive_app import database
from archive_app.core.errors import Conflict, FixityMismatch
from archive_app.core.model import BackupRun, Base, InstallationFact, LaneLease, LiveWorker, OcrResult
from archive_app.core.model.base import UtcDateTime

#: Who works just now, what was backed up from here, how the store behaved, what was read lately: true of the machine,
#: not of the archive.
PASSING = frozenset(table.__tablename__ for table in (LiveWorker, LaneLease, BackupRun, InstallationFact, OcrResult))
PART_BYTES = 8 << 20
_CUT_EVERY = 4096  # rows, on average
_BY_BYTES = {"postgresql": "C", "sqlite": "BINARY"}
_LEVEL = 3  # 6 packs a tenth smaller, in two and a half times the time
_FETCH = 200
_INSERT = 500


@dataclass(frozen=True, slots=True)
class _Kind:
    """One way of writing a value, and the neutral type that reads and binds it."""

    type: sa.types.TypeEngine[Any]
    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


def _same(value: Any) -> Any:  # noqa: ANN401 - a value of any type
    return value


KINDS: dict[str, _Kind] = {
    "uuid": _Kind(sa.Uuid(), str, UUID),
    "moment": _Kind(UtcDateTime(), dt.datetime.isoformat, dt.datetime.fromisoformat),
    "day": _Kind(sa.Date(), dt.date.isoformat, dt.date.fromisoformat),
    "json": _Kind(sa.JSON(), lambda value: [value], lambda box: box[0]),  # boxed: its null is not the row's
    "integer": _Kind(sa.BigInteger(), _same, _same),
    "text": _Kind(sa.String(), _same, _same),
    "boolean": _Kind(sa.Boolean(), _same, _same),
    "real": _Kind(sa.Double(), _same, _same),
    "bytes": _Kind(sa.LargeBinary(), lambda value: base64.b64encode(value).decode(), base64.b64decode),
}


def _moment(text: str) -> str:
    """`2026-02-03 04:05:06.78+00` as `isoformat` has it."""
    whole, _, fraction = text.removesuffix("+00").partition(".")
    return f'"{whole[:10]}T{whole[11:]}{f".{fraction:0<6}" if fraction else ""}+00:00"'


def _boxed(text: str) -> str:
    return json.dumps([json.loads(text)], separators=(",", ":"))


#: What PostgreSQL says in text, as `json.dumps` writes the value; None where that is the same.
_AS_JSON: dict[str, Callable[[str], str] | None] = {
    "uuid": '"{}"'.format,
    "moment": _moment,
    "day": '"{}"'.format,
    "json": _boxed,
    "integer": None,
    "text": json.encoder.encode_basestring_ascii,
    "boolean": {"t": "true", "f": "false"}.__getitem__,
    "real": lambda text: json.dumps(float(text)),
    "bytes": lambda text: f'"{base64.b64encode(bytes.fromhex(text[2:])).decode()}"',
}


def _kind_of(column: sa.Column[Any]) -> str:
    kind = column.type
    if isinstance(kind, UtcDateTime):
        return "moment"
    if isinstance(kind, sa.TypeDecorator):
        kind = kind.impl_instance
    families: tuple[tuple[type[Any], str], ...] = (
        (sa.Uuid, "uuid"), (sa.JSON, "json"), (sa.Boolean, "boolean"), (sa.Integer, "integer"), (sa.Date, "day"),
        (sa.Float, "real"), (sa.LargeBinary, "bytes"), (sa.String, "text"),
    )  # fmt: skip
    for family, name in families:
        if isinstance(kind, family):
            return name
    raise Conflict("backup-unknown-type", column=str(column), type=str(kind))


@dataclass(frozen=True, slots=True)
class Shape:
    """A table as it was dumped. `own` are columns that name rows of the same table."""

    name: str
    columns: tuple[tuple[str, str], ...]  # name and kind
    key: tuple[str, ...]
    own: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """For the manifest."""
        return {"name": self.name, "columns": self.columns, "key": self.key, "own": self.own}

    @classmethod
    def of(cls, found: Any) -> "Shape":  # noqa: ANN401 - JSON
        """From the manifest."""
        columns = tuple((name, kind) for name, kind in found["columns"])
        return cls(found["name"], columns, tuple(found["key"]), tuple(found["own"]))

    def table(self) -> sa.Table:
        """The table with neutral types."""
        return sa.Table(self.name, sa.MetaData(), *(sa.Column(name, KINDS[kind].type) for name, kind in self.columns))


def shapes() -> list[Shape]:
    """Every table that is backed up; who is named by others comes before them."""
    return [_shape(table) for table in Base.metadata.sorted_tables if table.name not in PASSING]


def _shape(table: sa.Table) -> Shape:
    own = sorted(key.parent.name for key in table.foreign_keys if key.column.table is table)
    columns = tuple((column.name, _kind_of(column)) for column in table.columns)
    return Shape(table.name, columns, tuple(column.name for column in table.primary_key), tuple(own))


# ---------------------------------------------------------------- out


def lines(connection: sa.Connection, shape: Shape) -> Iterator[bytes]:
    """One line of JSON a row, in the order of the key, the same from every database."""
    return copied(connection, shape) if connection.dialect.name == "postgresql" else selected(connection, shape)


def selected(connection: sa.Connection, shape: Shape) -> Iterator[bytes]:
    """The lines by way of Python's values, from any database."""
    table = shape.table()
    wanted: list[sa.ColumnElement[Any]] = []
    for name, kind in shape.columns:
        wanted.append(table.c[name])
        if kind == "json":
            wanted.append(table.c[name].is_(sa.null()))  # absent, or a JSON null
    statement = sa.select(*wanted).order_by(*_order(table, shape, connection.dialect.name))
    for row in connection.execute(statement.execution_options(yield_per=_FETCH)):
        values = iter(row)
        yield json.dumps([_written(kind, values) for _, kind in shape.columns], separators=(",", ":")).encode() + b"\n"


def copied(connection: sa.Connection, shape: Shape) -> Iterator[bytes]:
    """The lines out of PostgreSQL by COPY: its texts become JSON without becoming values, several times as fast."""
    table = shape.table()
    statement = sa.select(*table.c).order_by(*_order(table, shape, connection.dialect.name))
    query = f"COPY ({statement.compile(dialect=connection.dialect)}) TO STDOUT"
    for setting in ("TimeZone = 'UTC'", "DateStyle = 'ISO'", "bytea_output = 'hex'", "extra_float_digits = 1"):
        connection.exec_driver_sql(f"SET LOCAL {setting}")
    writers = [_AS_JSON[kind] for _, kind in shape.columns]
    driver: Any = connection.connection.driver_connection
    with database.driver_faults(connection), driver.cursor() as cursor, cursor.copy(query) as copy:
        for row in copy.rows():
            pairs = zip(writers, row, strict=True)
            values = ["null" if text is None else write(text) if write else text for write, text in pairs]
            yield f"[{','.join(values)}]\n".encode("ascii")


def _written(kind: str, values: Iterator[Any]) -> Any:  # noqa: ANN401 - a JSON value
    value = next(values)
    absent = next(values) if kind == "json" else value is None
    return None if absent else KINDS[kind].write(value)


def _order(table: sa.Table, shape: Shape, dialect: str) -> Iterator[sa.ColumnElement[Any]]:
    """Texts by their bytes on every database."""
    kinds = dict(shape.columns)
    for name in shape.key:
        yield sa.collate(table.c[name], _BY_BYTES[dialect]) if kinds[name] == "text" else table.c[name]


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows, compressed; `digest` is the SHA-256 of `content`."""

    content: bytes
    digest: str
    rows: int


def cuts(rows: Iterable[bytes]) -> Generator[list[bytes], None, None]:
    """The rows of each part: cut after a row whose own digest says so, or when a part is full."""
    waiting: list[bytes] = []
    size = 0
    for line in rows:
        waiting.append(line)
        size += len(line)
        if size >= PART_BYTES or zlib.crc32(line) % _CUT_EVERY == 0:
            yield waiting
            waiting, size = [], 0
    if waiting:
        yield waiting


def part(rows: Sequence[bytes]) -> Part:
    """Some rows as they are written."""
    content = zlib.compress(b"".join(rows), _LEVEL)
    return Part(content, hashlib.sha256(content).hexdigest(), len(rows))


def lines_of(content: Iterable[bytes], name: str) -> Iterator[bytes]:
    """The rows of a part. Raises `FixityMismatch` for what is no part."""
    unpacking = zlib.decompressobj()
    rest = b""
    try:
        for piece in content:
            *whole, rest = (rest + unpacking.decompress(piece)).split(b"\n")
            yield from (line + b"\n" for line in whole)
        tail = unpacking.flush()
    except zlib.error as fault:
        raise FixityMismatch("backup-damaged", name=name) from fault
    if rest or tail or not unpacking.eof:
        raise FixityMismatch("backup-damaged", name=name)


# ---------------------------------------------------------------- in


class Tally:
    """Counts and digests what passes."""

    def __init__(self) -> None:
        self.rows = 0
        self._digest = hashlib.sha256()

    def over(self, rows: Iterable[bytes]) -> Iterator[bytes]:
        """The rows, counted."""
        for line in rows:
            self.rows += 1
            self._digest.update(line)
            yield line

    def digest(self) -> str:
        """SHA-256 over all lines so far."""
        return self._digest.hexdigest()


def parsed(shape: Shape, line: bytes) -> dict[str, Any]:
    """The row's values by column. Raises `FixityMismatch` for a line that is no row of this table."""
    try:
        values = json.loads(line)
        pairs = zip(shape.columns, values, strict=True)
        return {name: _absent(kind) if value is None else KINDS[kind].read(value) for (name, kind), value in pairs}
    except (ValueError, TypeError, IndexError) as fault:
        raise FixityMismatch("backup-damaged", name=shape.name) from fault


def _absent(kind: str) -> Any:  # noqa: ANN401 - None, as the type binds it
    """To a JSON column None is a JSON null; `sa.null()` is no value at all."""
    return sa.null() if kind == "json" else None


def load(connection: sa.Connection, shape: Shape, rows: Callable[[], Iterator[bytes]]) -> int:
    """Fill an empty table; rows that name others of the same table are tied together in a second pass."""
    table = shape.table()
    count, tied = 0, False
    source = rows()
    while batch := [parsed(shape, line) for line in islice(source, _INSERT)]:
        for row in batch:
            for name in shape.own:
                tied = tied or row[name] is not None
                row[name] = None
        connection.execute(sa.insert(table), batch)
        count += len(batch)
    if tied:
        for own in shape.own:
            _tie(connection, shape, own, rows())
    return count


def _tie(connection: sa.Connection, shape: Shape, own: str, rows: Iterator[bytes]) -> None:
    table = shape.table()
    by_key = [table.c[name] == sa.bindparam(f"key_{name}") for name in shape.key]
    statement = sa.update(table).where(*by_key).values({own: sa.bindparam("named")})
    naming = (row for row in (parsed(shape, line) for line in rows) if row[own] is not None)
    while batch := list(islice(naming, _INSERT)):
        keys = [{f"key_{name}": row[name] for name in shape.key} for row in batch]
        connection.execute(statement, [{"named": row[own], **key} for row, key in zip(batch, keys, strict=True)])


def replace(connection: sa.Connection, shape: Shape, rows: Callable[[], Iterator[bytes]]) -> int:
    """Change rows that the schema itself brought, and that nobody may delete, into those of the dump."""
    table, count = shape.table(), 0
    for row in (parsed(shape, line) for line in rows()):
        mine = [table.c[name] == row[name] for name in shape.key]
        connection.execute(sa.update(table).where(*mine).values({k: v for k, v in row.items() if k not in shape.key}))
        count += 1
    return count
