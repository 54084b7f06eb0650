"""How filing, listing, a person's page and the due list slow down from 10,000 records to 1,000,000, on PostgreSQL.

    python -m tests.bench.growth --sizes 10000,1000000 --json growth.json

Rows are invented and put in by the server itself: of each record a component, a page, four fields, a party and an audit
leaf, the tree of the log whole. What is timed are the product's own use cases, each in a unit of its own. A growth is
the p50 at the largest size over that at the smallest, both of one run.
"""

import datetime as dt
import hashlib
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import click
import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).parent.parent))

import databases
from factories import a_record, a_user, a_viewer, everything, the_fonds

from archive_app import catalogue, database, due_list, persons
from archive_app.core.model import AuditHead, Person, Record
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import RecordId, RecordState, Viewer
from archive_app.installation import add_fonds, install
from archive_app.wiring import Archive
from retention import filing

#: Records from number {first} to {last}; 25 to a person, 100 to a batch.
_FILL = (
    """CREATE TEMP TABLE fresh AS
    SELECT n, gen_random_uuid() AS id, gen_random_uuid() AS component, (n / 25) AS person, (n / 100) AS batch,
           date '1995-01-01' + (n * 7919::bigint %% 11000)::int AS formed
    FROM generate_series({first}, {last}) AS n""",
    """INSERT INTO person (id, name, created_at)
    SELECT md5('person' || p)::uuid, substr('王李张刘陈杨黄赵吴周', 1 + p %% 10, 1) || '样' || p, now()
    FROM (SELECT DISTINCT person AS p FROM fresh) AS people ON CONFLICT DO NOTHING""",
    """INSERT INTO identifier (id, person_id, kind, hash, value)
    SELECT gen_random_uuid(), md5('person' || p)::uuid, 'personal-number',
           encode(sha256(('number' || p)::bytea), 'hex'), 'S' || p
    FROM (SELECT DISTINCT person AS p FROM fresh) AS people ON CONFLICT DO NOTHING""",
    """INSERT INTO batch (id, fonds_id, number, operator_id, state, created_at)
    SELECT md5('batch' || b)::uuid, '{fonds}', 'G-' || b, '{user}', 'signed-off', now() - interval '60 days'
    FROM (SELECT DISTINCT batch AS b FROM fresh) AS batches ON CONFLICT DO NOTHING""",
    """INSERT INTO record (id, fonds_id, level, code, title, state, version, batch_id, class_code, boundaries_set,
        type_code, type_confidence, type_reasons, formed_on, review, retention_rule, retention_basis,
        retention_outcome, due_on, filed_at, created_at, corrections)
    SELECT id, '{fonds}', 2, 'J001-ZY·YB03·2020·D10-' || lpad(n::text, 8, '0'), '住院费用结算单', 'filed', 2,
        md5('batch' || batch)::uuid, 'YB03', true, 'SETTLE', 0.97, '[]', formed, '[]', 'D10', '依据',
        'destroy', formed + interval '30 years', now(), now() - interval '60 days' - n * interval '1 second', 0
    FROM fresh""",
    """INSERT INTO component (id, record_id, fonds_id, level, kind, sha256, sm3, size, media_type, notes, derived_from,
        created_at)
    SELECT component, id, '{fonds}', 2, 'master', encode(sha256(id::text::bytea), 'hex'),
        encode(sha256(id::text::bytea), 'hex'), 100000, 'image/jpeg', '[]', '{{}}', now() FROM fresh""",
    """INSERT INTO page (id, record_id, fonds_id, level, number, component_id, master_page, width, height, rotation,
        has_picture, state, text, lines, text_source, quality)
    SELECT gen_random_uuid(), id, '{fonds}', 2, 1, component, 1, 2480, 3508, 0, true, 'read',
        repeat('参保人员基本医疗保险住院费用结算单 ', 20), '[]', 'ocr', '[]' FROM fresh""",
    """INSERT INTO field (id, record_id, fonds_id, level, position, name, value, page, confidence, checks, state)
    SELECT gen_random_uuid(), id, '{fonds}', 2, k, 'field' || k, '值' || n || k, 1, 0.98, '[]', 'read'
    FROM fresh, generate_series(1, 4) AS k""",
    """INSERT INTO party_link (id, record_id, fonds_id, level, kind, role, person_id, name)
    SELECT gen_random_uuid(), id, '{fonds}', 2, 'person', 'subject', md5('person' || person)::uuid, '样' || person
    FROM fresh""",
    """INSERT INTO audit_leaf (sequence, leaf, hash, at, actor, action, subject_kind, subject_id, subject_number)
    SELECT {leaves} + row_number() OVER (ORDER BY n) - 1, '{{}}', encode(sha256(id::text::bytea), 'hex'), now(),
        'bench', 'record:filed', 'record', id, 0 FROM fresh""",
    """INSERT INTO audit_node (height, position, hash)
    SELECT 0, sequence, hash FROM audit_leaf WHERE sequence >= {leaves}""",
    "DROP TABLE fresh",
)
_GROW = """INSERT INTO audit_node (height, position, hash)
    SELECT {height}, l.position / 2,
        encode(sha256('\\x01'::bytea || decode(l.hash, 'hex') || decode(r.hash, 'hex')), 'hex')
    FROM audit_node AS l JOIN audit_node AS r ON r.height = l.height AND r.position = l.position + 1
    WHERE l.height = {height} - 1 AND l.position %% 2 = 0
    ON CONFLICT DO NOTHING"""


def fill(owner: sa.Engine, archive: Archive, viewer: Viewer, *, first: int, last: int) -> None:
    """Records from number `first` to `last`, and the log grown by a leaf of each."""
    names = {"first": first, "last": last, "fonds": the_fonds(archive), "user": viewer.user_id}
    with owner.begin() as connection:
        leaves = connection.exec_driver_sql("SELECT size FROM audit_head WHERE id = 1 FOR UPDATE").scalar_one()
        for statement in _FILL:
            connection.exec_driver_sql(statement.format(**names, leaves=leaves))
        size = leaves + last - first + 1
        for height in range(1, size.bit_length()):
            connection.exec_driver_sql(_GROW.format(height=height))
        connection.execute(sa.update(AuditHead).values(size=size))
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")


def quantiles(values: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(values, n=20, method="inclusive")
    return {"p50": round(cuts[9], 3), "p95": round(cuts[18], 3)}


def timed(deed: Callable[[Unit], object], make: Callable[[], Unit]) -> float:
    """Milliseconds of one unit, its commit included."""
    start = time.perf_counter()
    with make() as unit:
        deed(unit)
    return (time.perf_counter() - start) * 1000


def ready_to_file(archive: Archive, viewer: Viewer, count: int) -> Iterator[RecordId]:
    """Described records that lack nothing."""
    with archive.unit(viewer) as unit:
        for _ in range(count):
            record = a_record(unit, fonds=the_fonds(archive), state=RecordState.DESCRIBED)
            record.type_code, record.class_code = "SETTLE", "YB03"
            record.formed_on = archive.clock.today()
            yield record.id


def measured(
    owner: sa.Engine, archive: Archive, viewer: Viewer, *, size: int, rounds: int
) -> dict[str, dict[str, float]]:
    """Every act at this size, `rounds` times."""
    middle = size // 2
    batch, person = _uuid(f"batch{middle // 100}"), _uuid(f"person{middle // 25}")
    with owner.connect() as connection:
        name = connection.execute(sa.select(Person.name).where(Person.id == person)).scalar_one()
        due = sa.select(Record.due_on).where(Record.due_on.is_not(None)).order_by(Record.due_on).limit(1).offset(99)
        soon = connection.execute(due).scalar_one() + dt.timedelta(days=1)
    waiting = list(ready_to_file(archive, viewer, rounds))
    tables = archive.tables

    def file_one(unit: Unit) -> None:
        filing.file_record(unit, waiting.pop(), tables=tables)

    acts: dict[str, tuple[Callable[[Unit], object], Callable[[Viewer], Unit]]] = {
        "file a record": (file_one, archive.unit),
        "list a batch": (lambda unit: catalogue.listing(unit, tables, batch=batch), archive.reading),
        "a person's page": (lambda unit: persons.show(unit, person, tables), archive.reading),
        "find a person by name": (lambda unit: persons.find(unit, name, hasher=archive.hasher), archive.reading),
        "due list, 100 rows": (lambda unit: list(due_list.due_records(unit, tables, before=soon)), archive.reading),
        "record by its number": (
            lambda unit: catalogue.resolve(unit, f"J001-ZY·YB03·2020·D10-{middle:08}"), archive.reading,
        ),
        "a record's page": (
            lambda unit: catalogue.show(unit, catalogue.resolve(unit, f"J001-ZY·YB03·2020·D10-{middle:08}"), tables),
            archive.reading,
        ),
    }  # fmt: skip
    answer = {}
    for act, (deed, make) in acts.items():
        times = [timed(deed, lambda make=make: make(viewer)) for _ in range(rounds)]  # type: ignore[misc]
        answer[act] = quantiles(times)
    return answer


def _bytes(owner: sa.Engine) -> int:
    """What the database takes on disk, indexes and log included."""
    with owner.connect() as connection:
        return int(connection.execute(sa.select(sa.func.pg_database_size(sa.func.current_database()))).scalar_one())


def _uuid(text: str) -> UUID:
    """The id that the filling gave it: the server's `md5(text)::uuid`."""
    return UUID(hashlib.md5(text.encode()).hexdigest())  # noqa: S324 - a name, not a proof


@click.command()
@click.option("--sizes", default="10000,1000000", show_default=True, help="Records, smallest first.")
@click.option("--rounds", default=100, show_default=True)
@click.option("--json", "output", type=click.Path(path_type=Path), help="Where the numbers go as JSON.")
def main(sizes: str, rounds: int, output: Path | None) -> None:
    """Measure and print a table."""
    steps = [int(size) for size in sizes.split(",")]
    found: dict[int, dict[str, dict[str, float]]] = {}
    per_record: dict[int, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        settings = databases.new_home(Path(folder) / "home", kind="postgresql")  # two roles, row security in force
        owner = database.make_engine(str(settings.database_owner_url))
        install(settings, fonds="J001", name="城东医保中心")
        archive = Archive(settings)
        with archive.unit(a_viewer()) as unit:
            add_fonds(unit, code="J002", name="城西医保中心")
        viewer = replace(everything(archive), user_id=a_user(archive))
        filled = 0
        for size in steps:
            fill(owner, archive, viewer, first=filled + 1, last=size)
            filled = size
            measured(owner, archive, viewer, size=size, rounds=5)  # warm
            found[size] = measured(owner, archive, viewer, size=size, rounds=rounds)
            per_record[size] = round(_bytes(owner) / size)
        archive.close()
        owner.dispose()
    smallest, largest = found[steps[0]], found[steps[-1]]
    growth = {act: round(largest[act]["p50"] / smallest[act]["p50"], 2) for act in smallest}
    report = {
        "machine": {"processors": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()},
        "sizes": found,
        "growth": growth,
        "bytes_per_record": per_record,
    }
    if output:
        output.write_text(json.dumps(report, ensure_ascii=False, indent=1))
    click.echo(f"bytes of the database to a record: {per_record}")
    click.echo(f"{'act':26}" + "".join(f"{size:>12} p50 {'p95':>8}" for size in steps) + f" {'growth':>7}")
    for act, ratio in growth.items():
        cells = "".join(f"{found[size][act]['p50']:16.2f} {found[size][act]['p95']:8.2f}" for size in steps)
        click.echo(f"{act:26}{cells} {ratio:7}")


if __name__ == "__main__":
    main()
