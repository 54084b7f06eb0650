"""Rows as lines: every kind of value survives the way out of one database and into another."""

import datetime as dt
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import postgres_cluster
import pytest
import sqlalchemy as sa

from archive_app import database
from archive_app.backup import rows
from archive_app.core.errors import FixityMismatch, Unavailable
from archive_app.core.model import Base

SHAPE = rows.Shape(
    "every_kind",
    (
        ("id", "uuid"), ("code", "text"), ("at", "moment"), ("on", "day"), ("facts", "json"), ("number", "integer"),
        ("yes", "boolean"), ("ratio", "real"), ("raw", "bytes"), ("parent", "uuid"),
    ),
    ("code",),
    ("parent",),
)  # fmt: skip
AT = dt.datetime(2026, 2, 3, 4, 5, 6, 789_012, tzinfo=dt.UTC)
FIRST, SECOND = uuid4(), uuid4()
VALUES: list[dict[str, Any]] = [
    {
        "id": FIRST, "code": "乙-Ω", "at": AT, "on": dt.date(1949, 10, 1),
        "facts": {"z": [1, 0.1, None], "a": "赵\ud800"},
        "number": 1 << 40, "yes": True, "ratio": 0.1 + 0.2, "raw": b"\x00\xff",
        "parent": SECOND,  # named before it is there
    },
    {
        "id": SECOND, "code": "丙", "at": None, "on": None, "facts": None, "number": None, "yes": None, "ratio": None,
        "raw": None, "parent": None,
    },
    {
        "id": uuid4(), "code": "B", "at": AT, "on": None, "facts": sa.null(), "number": 0, "yes": False, "ratio": 0.0,
        "raw": b"", "parent": FIRST,
    },
]  # fmt: skip


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    made = an_engine(request.param, tmp_path / "one")
    yield made
    made.dispose()


def an_engine(kind: str, folder: Path) -> sa.Engine:
    folder.mkdir()
    made = database.make_engine(f"sqlite:///{folder}/rows.db" if kind == "sqlite" else postgres_cluster.a_database())
    table = SHAPE.table()
    table.append_constraint(sa.PrimaryKeyConstraint("id"))
    table.append_constraint(sa.ForeignKeyConstraint(["parent"], ["every_kind.id"]))
    table.metadata.create_all(made)
    return made


def dumped(engine: sa.Engine) -> list[bytes]:
    with engine.connect() as connection:
        return list(rows.lines(connection, SHAPE))


def test_the_other_database_gives_the_same_lines(engine: sa.Engine, tmp_path: Path):
    with engine.begin() as connection:
        connection.execute(sa.insert(SHAPE.table()), [{**row, "parent": None} for row in VALUES])
        for row in VALUES:
            table = SHAPE.table()
            connection.execute(sa.update(table).where(table.c.id == row["id"]).values(parent=row["parent"]))
    lines = dumped(engine)
    assert [rows.parsed(SHAPE, line)["code"] for line in lines] == ["B", "丙", "乙-Ω"]  # by bytes, on each engine alike
    other = an_engine("sqlite", tmp_path / "two")
    with other.begin() as connection:
        assert rows.load(connection, SHAPE, lambda: iter(lines)) == len(VALUES)
    assert dumped(other) == lines
    other.dispose()
    with engine.begin() as connection:
        connection.execute(sa.update(SHAPE.table()).values(parent=None))
        connection.execute(sa.delete(SHAPE.table()))
        rows.load(connection, SHAPE, lambda: iter(lines))
    assert dumped(engine) == lines


ODD: dict[str, list[Any]] = {
    "code": ["", "\\N", "\\", "a\tb\nc\rd", '"', "\u2028\x7f\x1f", "𠮷家", "null", "/"],
    "at": [
        AT.replace(microsecond=0),
        AT.replace(microsecond=1),
        AT.replace(microsecond=780_000),
        AT.replace(year=1949),
    ],
    "on": [dt.date(1, 1, 1), dt.date(9999, 12, 31)],
    "facts": [{"é": "\\\t赵"}, [], "\\N", 1e22, -0.0, 1 << 80, "t", {"a": {"b": [None, True]}}, 0.1],
    "number": [-(1 << 63), (1 << 63) - 1, 0],
    "ratio": [1.0, -0.0, 1e300, 5e-324, 1 / 3, 1e16, 123456789.123],
    "raw": [b"", bytes(range(256)), b"\\x00"],
}


@pytest.mark.services
@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_copied_lines_are_those_of_the_values(engine: sa.Engine):
    odd = [{"id": uuid4(), "code": f"{name} {n}", name: value} for name in ODD for n, value in enumerate(ODD[name])]
    names = [name for name, _ in SHAPE.columns]
    rows_of_all = [dict.fromkeys(names) | {"facts": sa.null()} | row for row in odd]
    with engine.begin() as connection:
        for row in [*VALUES, *rows_of_all]:
            connection.execute(sa.insert(SHAPE.table()), {**row, "parent": None})
    with engine.connect() as connection:
        connection.exec_driver_sql("SET TimeZone = 'Asia/Shanghai'")
        found = list(rows.copied(connection, SHAPE))
        assert found == list(rows.selected(connection, SHAPE))
    assert len(found) == len(VALUES) + len(odd)
    assert [rows.parsed(SHAPE, line)["at"] for line in found].count(AT) == 2


@pytest.mark.services
@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_a_server_that_dies_while_rows_are_copied_is_down_in_our_words(engine: sa.Engine):
    with engine.begin() as connection:
        many = ({"id": uuid4(), "code": f"{number:06}", "raw": bytes(1000)} for number in range(5000))
        whole = [dict.fromkeys(name for name, _ in SHAPE.columns) | {"facts": sa.null()} | row for row in many]
        connection.execute(sa.insert(SHAPE.table()), whole)
    with engine.connect() as connection:
        lines = rows.copied(connection, SHAPE)
        next(lines)
        pid = connection.connection.driver_connection.info.backend_pid  # type: ignore[union-attr]
        with postgres_cluster.administrator().connect() as other:
            other.exec_driver_sql(f"SELECT pg_terminate_backend({pid})")
        with pytest.raises(Unavailable, match="database-down"):
            list(lines)


def test_no_value_and_a_null_in_json_stay_two_things(tmp_path: Path):
    engine = an_engine("sqlite", tmp_path / "one")
    with engine.begin() as connection:
        connection.execute(sa.insert(SHAPE.table()), [{**row, "parent": None} for row in VALUES])
        absent = [line for line in rows.lines(connection, SHAPE) if b"[null]" not in line]
        assert len(absent) == 2
    engine.dispose()


def test_every_table_of_the_archive_has_a_shape_and_parents_come_first():
    shapes = rows.shapes()
    named = [shape.name for shape in shapes]
    assert set(named) == set(Base.metadata.tables) - rows.PASSING
    for shape in shapes:
        for key in Base.metadata.tables[shape.name].foreign_keys:
            parent = key.column.table.name
            assert parent == shape.name or named.index(parent) < named.index(shape.name)
        assert rows.Shape.of(shape.as_json()) == shape


def a_line(number: int) -> bytes:
    return f'["{UUID(int=number)}","{"x" * (number % 50)}"]\n'.encode()


def test_parts_hold_the_lines_and_change_only_where_the_lines_did():
    before = [a_line(number) for number in range(60_000)]
    after = [*before[:30_000], a_line(1 << 70), *before[30_000:]]
    cut, again = ([rows.part(lines) for lines in rows.cuts(all_lines)] for all_lines in (before, after))
    assert len(cut) > 5
    joined = itertools.chain.from_iterable(rows.lines_of([part.content], "some") for part in cut)
    assert list(joined) == before
    assert len({part.digest for part in again} - {part.digest for part in cut}) <= 2


def test_a_part_is_never_larger_than_one_is_allowed_to_be():
    big = [b'["' + str(number).encode() + b"x" * 1_000_000 + b'"]\n' for number in range(20)]
    assert all(len(lines) <= 9 for lines in rows.cuts(big))


@pytest.mark.parametrize("content", [b"", b"no part", b"x\x9c"])
def test_what_is_no_part_is_damaged(content: bytes):
    with pytest.raises(FixityMismatch, match="backup-damaged"):
        list(rows.lines_of([content], "parts/ab/abcd"))


@pytest.mark.parametrize("line", [b"no json\n", b"[]\n", b'["not-an-id"]\n'])
def test_a_line_that_is_no_row_is_damaged(line: bytes):
    with pytest.raises(FixityMismatch, match="backup-damaged"):
        rows.parsed(rows.Shape("some", (("id", "uuid"),), ("id",), ()), line)
