"""The drill: an archive is backed up, its home destroyed, and it comes back on the other database, whole."""

import datetime as dt
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import postgres_cluster
import pytest
import sqlalchemy as sa
from houses import (
    a_batch,
    a_home,
    a_house,
    archivist,
    assert_index_and_log_are_whole,
    receive,
    work,
)
from recorded_ocr import SAMPLES, recorded_engine

from archive_app import store_check
from archive_app.backup import rows
from archive_app.backup.places import place_of
from archive_app.backup.restore import restore
from archive_app.backup.run import run
from archive_app.backup.source import named_objects, one_look
from archive_app.backup.vault import open_vault
from archive_app.backup.verify import verify
from archive_app.core import audit
from archive_app.core.errors import Unavailable
from archive_app.core.model import Component, Fonds, Page, Record
from archive_app.core.ports import Destruction, StoreKey, Warrant
from archive_app.core.settings import Settings
from archive_app.core.vocabulary import RecordId, RecordState
from archive_app.disclosure import masker
from archive_app.wiring import RESTORING, Archive, opened
from search.find import Question, find

KEY = "6b" * 32
QUERY = "高血压"
OTHER = {"sqlite": "postgresql", "postgresql": "sqlite"}


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that must be equal before and after."""

    tables: dict[str, tuple[int, str]]
    objects: frozenset[tuple[str, int]]
    size: int
    root: str


def facts(archive: Archive) -> Facts:
    tables = {}
    with one_look(archive.engine) as connection:
        for shape in rows.shapes():
            tally = rows.Tally()
            for _ in tally.over(rows.lines(connection, shape)):
                pass
            tables[shape.name] = (tally.rows, tally.digest())
        objects = frozenset((str(entry.key), entry.size) for entry in named_objects(connection))
    with archive.sessions.reading() as session:
        head = audit.head(session, archive.signer, now=archive.clock.now())
    return Facts(tables, objects, head.size, head.root)


def silent(_what: str, _done: int, _total: int | None) -> None:
    return


def settings_of(home: Path, place: Path, *, kind: str, **others: str) -> Settings:
    environment = {"ARCHIVE_BACKUP_URL": f"file://{place}/backup", "ARCHIVE_BACKUP_KEY": KEY, **others}
    environment["ARCHIVE_REGISTER_URL"] = f"file://{place}/register"
    if kind == "postgresql":
        environment["ARCHIVE_DATABASE_URL"] = postgres_cluster.a_database()
    return Settings.from_env(environment, home=home)


def found(archive: Archive, text: str = QUERY) -> set[RecordId]:
    viewer = archivist_of(archive)
    answer = find(
        archive.reading, archive.index, Question(text, {}, 500), viewer=viewer, hasher=archive.hasher,
        masker=masker(viewer, archive.tables),
    )  # fmt: skip
    return {hit.record for hit in answer.hits}


def archivist_of(archive: Archive) -> Any:  # noqa: ANN401
    token = (archive.settings.home.parent / "token").read_text(encoding="utf-8")
    return archive.accounts.viewer_of_token(token)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that has taken in all the samples."""
    place = tmp_path_factory.mktemp("filled")
    home = a_home(place)
    with a_house(place, home=home) as archive:
        receive(archive, a_batch(archive), *sorted(one for one in SAMPLES.rglob("*.*") if one.name != "truth.json"))
        work(archive)
    return home


@pytest.fixture
def house(filled: Path, tmp_path: Path) -> Iterator[Archive]:
    """That archive, with a place for backups."""
    home = tmp_path / "old" / "home"
    shutil.copytree(filled, home)
    for token in (tmp_path / "old" / "token", tmp_path / "new" / "token"):
        token.parent.mkdir(exist_ok=True)
        shutil.copy(home / "token", token)
    archive = Archive(settings_of(home, tmp_path, kind="sqlite"), engines=recorded_engine)
    yield archive
    archive.close()


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def test_a_destroyed_archive_comes_back_whole(
    house: Archive, tmp_path: Path, kind: str, record_testsuite_property: Callable[[str, object], None]
):
    hits = found(house)
    before = facts(house)
    assert hits
    made = run(house)
    assert made.sound
    assert made.objects == len(before.objects)
    settings = house.settings
    house.close()
    shutil.rmtree(settings.home)

    vault = open_vault(place_of(settings), KEY)
    checked = verify(vault, made.snapshot, signer=None, progress=silent)
    assert checked.faults == ()
    target = settings_of(tmp_path / "new" / "home", tmp_path, kind=kind)
    landed = restore(target, snapshot=None, progress=silent)
    for what, seconds, size in (
        ("backup", made.seconds, made.bytes), ("verify", checked.seconds, checked.bytes),
        (f"restore on {kind}", landed.seconds, landed.bytes),
    ):  # fmt: skip
        rate = f"{size / 1e6 / seconds:.1f} MB/s"
        sys.stdout.write(f"{what}: {landed.rows} rows, {size / 1e6:.1f} MB in {seconds:.1f} s, {rate}\n")
        record_testsuite_property(f"{what} {kind}", rate)
    with opened(target) as archive:
        after = facts(archive)
        assert after == before
        assert (landed.size, landed.root) == (before.size, before.root)
        assert found(archive) == hits
        assert_index_and_log_are_whole(archive)
        checked_store = store_check.check(archive, read_bytes=True)
        assert (checked_store.missing, checked_store.altered, checked_store.strays) == ((), (), ())
        assert archive.engine.dialect.name == kind
