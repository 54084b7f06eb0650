"""The drill: an archive is backed up, its home destroyed, and it comes back on the other database, whole."""

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import databases
import pytest
import services
import sqlalchemy as sa
from dumps import past_row_security, silent, tables_of
from houses import (
    a_batch,
    a_home,
    a_house,
    assert_index_and_log_are_whole,
    receive,
    work,
)
from minio import Minio
from recorded_ocr import SAMPLES, recorded_engine
from sqlalchemy.orm import Session

from archive_app import store_check
from archive_app.backup import landing
from archive_app.backup.moving import move
from archive_app.backup.places import place_of
from archive_app.backup.replay import replay
from archive_app.backup.restore import restore
from archive_app.backup.run import run
from archive_app.backup.source import named_objects
from archive_app.backup.vault import open_vault
from archive_app.backup.verify import verify
from archive_app.core import audit
from archive_app.core.errors import Conflict, Unavailable
from archive_app.core.model import Component, Fonds, Page, Record
from archive_app.core.ports import Destruction, StoreKey, Warrant
from archive_app.core.settings import Settings
from archive_app.core.vocabulary import RecordId, RecordState
from archive_app.disclosure import masker
from archive_app.wiring import RESTORING, Archive, opened
from search.find import Question, find
from search.sync import refresh

KEY = "6b" * 32
QUERY = "高血压"


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that must be equal before and after."""

    tables: dict[str, tuple[int, str]]
    objects: frozenset[tuple[str, int]]
    size: int
    root: str


def facts(archive: Archive) -> Facts:
    with past_row_security(archive.settings) as connection:
        objects = frozenset((str(entry.key), entry.size) for entry in named_objects(connection))
    with archive.sessions.reading() as session:
        head = audit.head(session, archive.signer, now=archive.clock.now())
    return Facts(tables_of(archive.settings), objects, head.size, head.root)


def settings_of(home: Path, place: Path, *, kind: str, **others: str) -> Settings:
    environment = {"ARCHIVE_BACKUP_URL": f"file://{place}/backup", "ARCHIVE_BACKUP_KEY": KEY, **others}
    environment.setdefault("ARCHIVE_REGISTER_URL", f"file://{place}/register")
    if kind == "postgresql":
        environment |= databases.a_settled_database()
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
    (tmp_path / "token").mkdir()
    shutil.copy(home / "token", tmp_path / "token" / "token")
    shutil.copy(home / "token", tmp_path / "old" / "token")
    archive = Archive(settings_of(home, tmp_path, kind="sqlite"), engines=recorded_engine)
    yield archive
    archive.close()


def lose(archive: Archive) -> Settings:
    """The home is gone, and with it whatever is not in another place."""
    archive.close()
    shutil.rmtree(archive.settings.home)
    return archive.settings


def assert_whole(archive: Archive, before: Facts, hits: set[RecordId]) -> None:
    assert facts(archive) == before
    assert found(archive) == hits
    assert_index_and_log_are_whole(archive)
    checked = store_check.check(archive, read_bytes=True)
    assert (checked.missing, checked.altered, checked.strays) == ((), (), ())
    assert checked.objects == len(before.objects)


@pytest.mark.parametrize(
    "kinds", [("sqlite",), pytest.param(("postgresql", "sqlite"), marks=pytest.mark.services)], ids="-".join
)
def test_a_destroyed_archive_comes_back_whole_and_again_on_the_other_database(
    house: Archive, tmp_path: Path, kinds: tuple[str, ...], record_testsuite_property: Callable[[str, object], None]
):
    hits = found(house)
    before = facts(house)
    assert hits
    archive = house
    for kind in kinds:
        made = run(archive)
        assert (made.sound, made.objects) == (True, len(before.objects))
        settings = lose(archive)
        checked = verify(open_vault(place_of(settings), KEY), made.snapshot, signer=None, progress=silent)
        assert checked.faults == ()
        target = settings_of(tmp_path / f"on-{kind}" / "home", tmp_path, kind=kind)
        shutil.copytree(tmp_path / "token", target.home.parent)
        landed = restore(target, snapshot=None, progress=silent)
        assert (landed.size, landed.root, landed.replayed) == (before.size, before.root, 0)
        for what, seconds, size in (
            ("backup", made.seconds, made.copied_bytes), ("verify", checked.seconds, checked.bytes),
            ("restore", landed.seconds, landed.bytes),
        ):  # fmt: skip
            rate = f"{landed.rows} rows, {size / 1e6:.1f} MB in {seconds:.1f} s: {size / 1e6 / seconds:.1f} MB/s"
            sys.stdout.write(f"{what} to {kind}: {rate}\n")
            record_testsuite_property(f"{what} to {kind}", rate)
        with opened(target) as archive:
            assert archive.engine.dialect.name == kind
            assert_whole(archive, before, hits)
            before = facts(archive)  # a search is an event of its own


def destroy(archive: Archive, ident: RecordId) -> list[StoreKey]:
    """What a disposal does to a record: noted in the register, rows gone but the tombstone, bytes gone."""
    approval, at = uuid4(), archive.clock.now()
    with archive.engine.begin() as connection, Session(connection) as session:
        code = session.scalars(sa.select(Fonds.code).join(Record, Record.fonds_id == Fonds.id)).first()
        digests = session.scalars(sa.select(Component.sha256).where(Component.record_id == ident)).all()
        keys = [StoreKey(str(code), ident, sha256) for sha256 in digests]
        destroyed = [Destruction(key, at, "期满", approval, record=ident) for key in keys]
        archive.register.note(*destroyed)
        assert replay(session, destroyed, now=at) == 1
        session.flush()
    for key in keys:
        archive.store.destroy(Warrant(key, "期满", approval))
    refresh(archive.reading(archive.own_work("index")), archive.index, [ident], hasher=archive.hasher)
    return keys


def a_bucket() -> dict[str, str]:
    """The settings of a store in a new bucket that locks."""
    server, bucket = services.minio(), f"drill-{uuid4().hex[:12]}"
    address = server.endpoint.partition("://")[2]
    client = Minio(address, access_key=server.access_key, secret_key=server.secret_key, secure=False)
    client.make_bucket(bucket, object_lock=True)
    return {
        "ARCHIVE_STORE_URL": f"s3+http://{address}/{bucket}",
        "ARCHIVE_STORE_ACCESS_KEY": server.access_key,
        "ARCHIVE_STORE_SECRET_KEY": server.secret_key,
    }


def a_register() -> dict[str, str]:
    """The settings of a register of destructions in a new bucket that locks."""
    return {name.replace("_STORE_", "_REGISTER_"): value for name, value in a_bucket().items()}


@pytest.mark.parametrize("register", [dict, pytest.param(a_register, marks=pytest.mark.services)], ids=["file", "s3"])
def test_what_was_destroyed_after_the_backup_stays_destroyed(
    house: Archive, tmp_path: Path, register: Callable[[], dict[str, str]]
):
    kept = register()
    house.settings = settings_of(house.settings.home, tmp_path, kind="sqlite", **kept)
    hits = found(house)
    made = run(house)
    victim = min(hits)
    keys = destroy(house, victim)
    assert found(house) == hits - {victim}
    before = facts(house).objects
    lose(house)

    target = settings_of(tmp_path / "new" / "home", tmp_path, kind="sqlite", **kept)
    shutil.copytree(tmp_path / "token", target.home.parent)
    landed = restore(target, snapshot=made.snapshot, progress=silent)
    assert landed.replayed == 1
    with opened(target) as archive:
        assert [archive.store.stat(key) for key in keys] == [None] * len(keys)
        assert found(archive) == hits - {victim}
        assert facts(archive).objects == before
        with past_row_security(archive.settings) as connection:
            tombstone = connection.execute(sa.select(Record.state).where(Record.id == victim)).scalar_one()
            content = connection.execute(sa.select(Page.id).where(Page.record_id == victim)).all()
        assert (tombstone, content) == (RecordState.DESTROYED, [])
        assert_index_and_log_are_whole(archive)
        with archive.sessions.reading() as session:
            assert audit.size(session) > landed.size - 1  # the log says that it was destroyed again


def test_nobody_gets_in_before_the_restore_has_ended(house: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    run(house)
    target = settings_of(tmp_path / "new" / "home", tmp_path, kind="sqlite")

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(landing.sync, "rebuild", die)
        with pytest.raises(KeyboardInterrupt):
            restore(target, snapshot=None, progress=silent)
    for marked in (True, False):  # the file keeps this home shut, the row every home on this database
        if not marked:
            (target.home / RESTORING).rename(target.home / "aside")
        with pytest.raises(Unavailable, match="restore-not-finished"), opened(target):
            pass
    (target.home / "aside").rename(target.home / RESTORING)
    before = facts(house)
    restore(target, snapshot=None, progress=silent)
    with opened(target) as archive:
        assert facts(archive) == before


def test_a_restore_goes_into_nothing_but_an_empty_home(house: Archive, tmp_path: Path):
    run(house)
    with pytest.raises(Conflict, match="home-not-empty"):
        restore(house.settings, snapshot=None, progress=silent)
    target = settings_of(
        tmp_path / "new" / "home", tmp_path, kind="sqlite", ARCHIVE_DATABASE_URL=house.settings.database_url
    )
    with pytest.raises(Conflict, match="database-not-empty"):
        restore(target, snapshot=None, progress=silent)
    assert not (target.home / RESTORING).exists()  # the next try must not take the database for its own


@pytest.mark.services
@pytest.mark.parametrize("store", [dict, a_bucket], ids=["folder", "s3"])
def test_an_archive_moves_to_production_and_back_without_a_difference(
    house: Archive, tmp_path: Path, store: Callable[[], dict[str, str]]
):
    hits = found(house)
    before = facts(house)
    settings = house.settings
    house.close()
    production = settings_of(tmp_path / "production" / "home", tmp_path, kind="postgresql", **store())
    again = settings_of(tmp_path / "again" / "home", tmp_path, kind="sqlite")
    for source, target in ((settings, production), (production, again)):
        shutil.copytree(tmp_path / "token", target.home.parent)
        landed = move(source, target, progress=silent)
        assert (landed.size, landed.root, landed.objects) == (before.size, before.root, len(before.objects))
        with opened(target) as archive:
            moved = facts(archive)
            assert (moved.objects, moved.size, moved.root) == (before.objects, before.size, before.root)
            checked = store_check.check(archive, read_bytes=True)
            assert (checked.missing, checked.altered, checked.strays) == ((), (), ())
    with opened(again) as archive:
        assert_whole(archive, before, hits)
    with opened(settings) as source_archive:
        assert facts(source_archive) == before  # untouched
