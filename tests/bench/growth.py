"""How filing, listing, a person's page and the due list slow down from 10,000 records to 1,000,000, on PostgreSQL.

    python -m tests.bench.growth --sizes 10000,1000000 --json growth.json

What is timed are the product's own use cases, each in a unit of its own. A growth is
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
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import click
import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).parent.parent))

import databases
from factories import a_user, a_viewer, everything
from many_records import fill, ready_to_file

from archive_app import catalogue, due_list, persons
from archive_app.core.model import Person, Record
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import Viewer
from archive_app.installation import add_fonds, install
from archive_app.wiring import Archive
from retention import filing


def quantiles(values: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(values, n=20, method="inclusive")
    return {"p50": round(cuts[9], 3), "p95": round(cuts[18], 3)}


def timed(deed: Callable[[Unit], object], make: Callable[[], Unit]) -> float:
    """Milliseconds of one unit, its commit included."""
    start = time.perf_counter()
    with make() as unit:
        deed(unit)
    return (time.perf_counter() - start) * 1000


def measured(archive: Archive, viewer: Viewer, *, size: int, rounds: int) -> dict[str, dict[str, float]]:
    """Every act at this size, `rounds` times."""
    middle = size // 2
    batch, person = _uuid(f"batch{middle // 100}"), _uuid(f"person{middle // 25}")
    with archive.owner_engine.connect() as connection:
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
        install(settings, fonds="J001", name="城东医保中心")
        archive = Archive(settings)
        with archive.unit(a_viewer()) as unit:
            add_fonds(unit, code="J002", name="城西医保中心")
        viewer = replace(everything(archive), user_id=a_user(archive))
        filled = 0
        for size in steps:
            fill(archive, viewer, first=filled + 1, last=size)
            filled = size
            measured(archive, viewer, size=size, rounds=5)  # warm
            found[size] = measured(archive, viewer, size=size, rounds=rounds)
            per_record[size] = round(_bytes(archive.owner_engine) / size)
        archive.close()
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
