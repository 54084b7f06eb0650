"""How fast rows leave PostgreSQL for a backup: read as values, by COPY, and the whole dump with what it puts away.

    python -m tests.bench.backup_rows --records 100000 --json rows.json

A record here is 15 rows or so in all tables; its page holds some hundred characters and no places of lines, so
bytes a second are told beside rows a second.
"""

import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import click
import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).parent.parent))

import databases
from factories import a_user, a_viewer
from many_records import fill

from archive_app.backup import rows
from archive_app.backup.places import place_of
from archive_app.backup.run import begin
from archive_app.backup.source import one_look, reading_engine
from archive_app.backup.vault import open_vault
from archive_app.core.settings import Settings
from archive_app.installation import install
from archive_app.wiring import Archive

Lines = Callable[[sa.Connection, rows.Shape], Iterator[bytes]]


def read(settings: Settings, lines: Lines) -> dict[str, float]:
    """Every row of every table, and nothing done with it."""
    engine = reading_engine(settings)
    count = size = 0
    since = Since()
    with one_look(engine) as connection:
        for shape in rows.shapes():
            for line in lines(connection, shape):
                count, size = count + 1, size + len(line)
    engine.dispose()
    return since.rates(count, size)


class Since:
    """Time from here, and this process's share of it: on a busy machine only the latter says something."""

    def __init__(self) -> None:
        self._start, self._cpu = time.perf_counter(), time.process_time()

    def rates(self, count: int, size: int) -> dict[str, float]:
        seconds, cpu = time.perf_counter() - self._start, time.process_time() - self._cpu
        return {
            "rows": count, "MB": round(size / 1e6, 1), "seconds": round(seconds, 2), "of CPU": round(cpu, 2),
            "rows/s of CPU": round(count / cpu), "MB/s of CPU": round(size / 1e6 / cpu, 1),
        }  # fmt: skip


def dumped(archive: Archive, size: float) -> dict[str, dict[str, float]]:
    """A first dump into an empty sealed place, and a second one of which nearly nothing is new."""
    found = {}
    vault = open_vault(place_of(archive.settings), archive.settings.backup_key, create=True)
    for name in ("first dump", "dump again"):
        since = Since()
        draft = begin(archive, vault, a_user(archive))
        found[name] = since.rates(draft.manifest.rows, int(size * 1e6))
    return found


@click.command()
@click.option("--records", default=100_000, show_default=True)
@click.option("--json", "output", type=click.Path(dir_okay=False))
def main(records: int, output: str | None) -> None:
    """Measure and print."""
    databases.Chosen.kind = "postgresql"
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        settings = databases.new_home(home)
        install(settings, fonds="J001", name="城东医保中心")
        place = {"backup_url": f"file://{folder}/place", "backup_key": "ab" * 32}
        archive = Archive(replace(settings, **place))
        fill(archive, replace(a_viewer(), user_id=a_user(archive)), first=1, last=records)
        found = {"as values": read(archive.settings, rows.selected), "by COPY": read(archive.settings, rows.copied)}
        found |= dumped(archive, found["by COPY"]["MB"])
        archive.close()
    facts = {"machine": f"{platform.machine()}, {os.cpu_count()} cores", "records": records, "found": found}
    for name, one in found.items():
        click.echo(f"{name:12} " + "  ".join(f"{value:>10} {unit}" for unit, value in one.items()))
    ratio = found["as values"]["of CPU"] / found["by COPY"]["of CPU"]
    click.echo(f"COPY is {ratio:.1f} times as fast as reading values")
    if output:
        Path(output).write_text(json.dumps(facts, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
