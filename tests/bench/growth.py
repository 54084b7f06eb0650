"""How filing, lists, pages and work slow down from 10,000 records to 1,000,000, on PostgreSQL as the bound role.

    python -m tests.bench.growth --sizes 10000,1000000 --json growth.json

What is timed are the product's own use cases, each in a unit of its own, and its pages, whole. Beside milliseconds
stand the blocks of 8 KB that an act touches: they do not depend on what else the machine does. A growth is what is
found at the largest size over what is found at the smallest, both of one run.
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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from uuid import UUID

import click
import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).parent.parent / "web"))
sys.path.insert(0, str(Path(__file__).parent.parent))

import databases
import postgres_cluster
from factories import a_record, the_fonds
from houses import FONDS, archivist, furnish
from many_records import fill, ready_to_file
from site_browser import PASSWORD, Browser

from archive_app import catalogue, due_list, persons
from archive_app.core.model import Base, Person, Record
from archive_app.core.settings import Settings
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import Lane, RecordState, Viewer
from archive_app.disclosure import masker
from archive_app.web.app import create_app
from archive_app.wiring import Archive
from retention import filing
from search import find, sync
from search.lookup import look_up

_WAITING_FOR_REVIEW = 200
_SHOWN = 20
_DUE = 500
_WARM = 20  # until statements are prepared, and the server has settled on their plans

Act = Callable[[], object]


@dataclass(frozen=True, slots=True)
class House:
    """An archive with people at its site."""

    archive: Archive
    archivist: Browser
    system: Browser
    audit: Browser


@contextmanager
def a_house(settings: Settings) -> Iterator[House]:
    """The archive of these settings, with an archivist and two administrators signed in."""
    archive = Archive(settings)
    site = create_app(archive)
    people = [Browser(site.test_client()) for _ in range(3)]
    for browser, login in zip(people, ("archivist", "system", "audit"), strict=True):
        browser.sign_in(login)
    yield House(archive, *people)
    archive.close()


def prepare(settings: Settings) -> None:
    """Install an archive, with a few records that wait for a person."""
    furnish(settings)
    archive = Archive(settings)
    code = (settings.home / "activation" / "audit.code").read_text(encoding="utf-8")
    archive.accounts.activate("audit", code=code, password=PASSWORD)
    with archive.unit(archivist(archive)) as unit:
        for _ in range(_WAITING_FOR_REVIEW):
            a_record(unit, fonds=the_fonds(archive, FONDS), state=RecordState.REVIEW)
    archive.close()


def acts(house: House, *, size: int, rounds: int) -> dict[str, Act]:
    """Every act at this size; filing and work are good for this many rounds."""
    archive, middle = house.archive, size // 2
    viewer = archivist(archive)
    tables, code, batch, person = archive.tables, code_of(middle), _uuid(f"batch{middle // 100}"), _person(middle)
    with archive.owner_engine.connect() as connection:
        name = connection.execute(sa.select(Person.name).where(Person.id == person)).scalar_one()
        near = sa.select(Record.id).where(Record.code.in_([code_of(middle + n) for n in range(_SHOWN)]))
        shown = connection.execute(near.order_by(Record.code)).scalars().all()
    sync.refresh(archive.reading(archive.own_work("index")), archive.index, shown, hasher=archive.hasher)
    question = find.Question("住院费用结算单", {}, _SHOWN)
    waiting = list(ready_to_file(archive, viewer, rounds, code=FONDS))

    def reading(deed: Callable[[Unit], object]) -> Act:
        return partial(_in_unit, archive.reading, viewer, deed)

    def first_due(unit: Unit) -> None:
        later = archive.clock.today() + dt.timedelta(days=5 * 365)
        assert len(list(islice(due_list.due_records(unit, tables, before=later), _DUE))) == _DUE

    def searched() -> None:
        answer = find.find(archive.reading, archive.index, question, viewer=viewer, hasher=archive.hasher,
                           masker=masker(viewer, tables))  # fmt: skip
        assert len(answer.hits) == _SHOWN

    def worked() -> None:
        (job,) = archive.queue.claim("bench", lanes=[Lane.LIGHT], lease=dt.timedelta(minutes=1))
        archive.queue.done("bench", job, seconds=1.0)

    def looked_up(unit: Unit, text: str) -> None:
        found = look_up(unit, text, {}, hash_number=sync.number_hash(archive.hasher), size=_SHOWN)
        assert found is not None
        assert found.records

    def page(browser: Browser, path: str) -> Act:
        def seen() -> None:
            assert browser.get(path).status_code == 200

        return seen

    def file_one(unit: Unit) -> None:
        filing.file_record(unit, waiting.pop(), tables=tables)

    return {
        "file a record": partial(_in_unit, archive.unit, viewer, file_one),
        "list a batch": reading(lambda unit: catalogue.listing(unit, tables, batch=batch)),
        "a person's history": reading(lambda unit: persons.show(unit, person, tables)),
        "find a person by name": reading(lambda unit: persons.find(unit, name, hasher=archive.hasher)),
        "due list, first 500": reading(first_due),
        "record by its number": reading(lambda unit: catalogue.resolve(unit, code)),
        "a record's description": reading(lambda unit: catalogue.show(unit, catalogue.resolve(unit, code), tables)),
        "search, 20 hits": searched,
        "look up a number": reading(lambda unit: looked_up(unit, code)),
        "look up a name": reading(lambda unit: looked_up(unit, name)),
        "claim and end a job": worked,
        "page: a record": page(house.archivist, f"/records/{shown[0]}"),
        "page: a person": page(house.archivist, f"/persons/{person}"),
        "page: review queue": page(house.archivist, "/review"),
        "page: first to review": page(house.archivist, f"/review/{_to_review(archive)}"),
        "page: batches": page(house.archivist, "/intake"),
        "page: a batch": page(house.archivist, f"/intake/{batch}"),
        "chip of running work": page(house.archivist, "/work"),
        "page: workbench": page(house.archivist, "/"),
        "page: jobs": page(house.system, "/jobs"),
        "page: audit log": page(house.audit, "/audit"),
    }


def _in_unit(make: Callable[[Viewer], Unit], viewer: Viewer, deed: Callable[[Unit], object]) -> None:
    with make(viewer) as unit:
        deed(unit)


def _to_review(archive: Archive) -> UUID:
    with archive.owner_engine.connect() as connection:
        waiting = sa.select(Record.id).where(Record.state == RecordState.REVIEW).order_by(Record.created_at, Record.id)
        return connection.execute(waiting.limit(1)).scalar_one()


def code_of(number: int) -> str:
    """The archival number that the filling gave."""
    return f"{FONDS}-ZY·YB03·2020·D10-{number:08}"


def _person(number: int) -> UUID:
    return _uuid(f"person{number // 25}")


def _uuid(text: str) -> UUID:
    """The id that the filling gave it: the server's `md5(text)::uuid`."""
    return UUID(hashlib.md5(text.encode()).hexdigest())  # noqa: S324 - a name, not a proof


def measured(archive: Archive, act: Act, *, rounds: int) -> dict[str, float]:
    """Milliseconds of the act, its commit included, and the blocks it touches on average, on a warm connection."""
    beginning = _blocks(archive)
    _repeated(act, _WARM)
    warmed = _blocks(archive)
    _repeated(act, _WARM)
    times = _repeated(act, rounds)
    blocks = (_blocks(archive) - warmed) - (warmed - beginning)
    cuts = statistics.quantiles(times, n=20, method="inclusive")
    return {"p50": round(cuts[9], 3), "p95": round(cuts[18], 3), "blocks": round(blocks / rounds)}


def _repeated(act: Act, times: int) -> list[float]:
    return [_timed(act) for _ in range(times)]


def _timed(act: Act) -> float:
    start = time.perf_counter()
    act()
    return (time.perf_counter() - start) * 1000


def _blocks(archive: Archive) -> int:
    """Blocks that this database was asked for so far; the server counts those of a connection when it ends."""
    archive.engine.dispose()
    name = archive.engine.url.database
    open_ = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'"
    statistic = "SELECT blks_hit + blks_read FROM pg_stat_database WHERE datname = %s"
    with postgres_cluster.administrator().connect() as connection:
        while connection.exec_driver_sql(open_, (name,)).scalar_one():
            time.sleep(0.05)
        return int(connection.exec_driver_sql(statistic, (name,)).scalar_one())


def _bytes(owner: sa.Engine, tables: Sequence[sa.Table]) -> dict[str, int]:
    """What each table takes on disk, indexes and long values included."""
    with owner.connect() as connection:
        sizes = sa.select(*(sa.func.pg_total_relation_size(table.name).label(table.name) for table in tables))
        return dict(connection.execute(sizes).mappings().one())


def _growth(found: dict[int, dict[str, dict[str, float]]], steps: Sequence[int], name: str) -> dict[str, float]:
    smallest, largest = found[steps[0]][name], found[steps[-1]][name]
    return {what: round(largest[what] / max(smallest[what], 1), 2) for what in ("p50", "blocks")}


@click.command()
@click.option("--sizes", default="10000,1000000", show_default=True, help="Records, smallest first.")
@click.option("--rounds", default=100, show_default=True)
@click.option("--json", "output", type=click.Path(path_type=Path), help="Where the numbers go as JSON.")
def main(sizes: str, rounds: int, output: Path | None) -> None:
    """Measure and print a table."""
    steps = [int(size) for size in sizes.split(",")]
    found: dict[int, dict[str, dict[str, float]]] = {}
    per_record: dict[int, dict[str, int]] = {}
    with tempfile.TemporaryDirectory() as folder:
        settings = databases.new_home(Path(folder) / "home", kind="postgresql")  # two roles, row security in force
        prepare(settings)
        filled = 0
        with a_house(settings) as house:
            for size in steps:
                fill(house.archive, archivist(house.archive), first=filled + 1, last=size, code=FONDS)
                filled = size
                found[size] = {
                    name: measured(house.archive, act, rounds=rounds)
                    for name, act in acts(house, size=size, rounds=rounds + 2 * _WARM).items()
                }
                taken = _bytes(house.archive.owner_engine, Base.metadata.sorted_tables)
                per_record[size] = {name: round(bytes_ / size) for name, bytes_ in taken.items() if bytes_ > size}
    report = {
        "machine": {"processors": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()},
        "sizes": found,
        "growth": {name: _growth(found, steps, name) for name in found[steps[0]]},
        "bytes_per_record": per_record,
    }
    if output:
        output.write_text(json.dumps(report, ensure_ascii=False, indent=1))
    for size in steps:
        click.echo(f"bytes to a record at {size}: {sum(per_record[size].values())} {per_record[size]}")
    click.echo(
        f"{'act':24}" + "".join(f"{size:>12} p50 {'p95':>8} {'blocks':>8}" for size in steps) + "   growth blocks"
    )
    for name in found[steps[0]]:
        cells = "".join("{p50:16.2f} {p95:8.2f} {blocks:8}".format(**found[size][name]) for size in steps)
        click.echo(f"{name:24}{cells} " + " ".join(f"{ratio:8.2f}" for ratio in _growth(found, steps, name).values()))


if __name__ == "__main__":
    main()
