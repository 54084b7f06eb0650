"""What may go wrong with backups: runs killed, the place full, gone or altered, keys wrong, losses in the archive."""

import errno
import os
import random
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import databases
import pytest
import sqlalchemy as sa
from dumps import past_row_security, silent, tables_of
from factories import an_archive
from houses import a_batch, a_home, a_house, receive, samples, work
from processes import forkserver, run_backup, run_restore
from recorded_ocr import recorded_engine

from archive_app import database, schema, store_check
from archive_app.backup import history, job
from archive_app.backup.places import place_of
from archive_app.backup.prune import prune
from archive_app.backup.restore import restore
from archive_app.backup.run import Backup, drafts, run
from archive_app.backup.source import named_objects
from archive_app.backup.vault import open_vault
from archive_app.backup.verify import Verified, verify
from archive_app.core.errors import Conflict, InvalidInput, Unavailable
from archive_app.core.model import BackupRun, IntakeFile
from archive_app.core.ports import ClaimedJob, StoreKey, Warrant
from archive_app.core.settings import Settings
from archive_app.core.vocabulary import Lane
from archive_app.wiring import RESTORING, Archive, opened
from archive_app.worker import Worker

KEY = "口令：四个字不够"
FILES = samples("0001", "0002", "0003", "0018", "0031")


def settings_of(home: Path, *, key: str | None = KEY, **others: str) -> Settings:
    environment = {"ARCHIVE_BACKUP_URL": f"file://{home.parent}/place", **others}
    return Settings.from_env(environment | ({"ARCHIVE_BACKUP_KEY": key} if key else {}), home=home)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = a_home(tmp_path_factory.mktemp("filled"))
    with a_house(home.parent, home=home) as archive:
        receive(archive, a_batch(archive), *FILES)
        work(archive)
    return home


@pytest.fixture
def archive(filled: Path, tmp_path: Path) -> Iterator[Archive]:
    home = tmp_path / "home"
    shutil.copytree(filled, home)
    archive = Archive(settings_of(home), engines=recorded_engine)
    yield archive
    archive.close()


def the_place(archive: Archive) -> Path:
    return archive.settings.home.parent / "place"


def read_back(settings: Settings, made: Backup) -> Verified:
    return verify(open_vault(place_of(settings), settings.backup_key), made.snapshot, signer=None, progress=silent)


# ---------------------------------------------------------------- killed


@pytest.mark.prove
@pytest.mark.timeout(0)
def test_runs_killed_at_any_moment_lose_nothing_and_the_next_one_ends(
    archive: Archive, tmp_path: Path, count: Callable[[int, int], int]
):
    wanted, kills = count(6, 200), 0
    context: ForkServerContext = forkserver()
    before = tables_of(archive.settings)
    while kills < wanted:
        shutil.rmtree(the_place(archive), ignore_errors=True)
        with archive.engine.begin() as connection:
            connection.execute(sa.delete(BackupRun.__table__))
        for _ in range(6):
            process = context.Process(target=run_backup, args=(str(archive.settings.home), KEY), daemon=True)
            process.start()
            time.sleep(random.uniform(0.3, 2.5))  # noqa: S311 - a moment, no secret
            if process.exitcode is None:
                process.kill()
                kills += 1
            process.join()
            place = place_of(archive.settings)
            if place.size("archive-backup.json") is not None:
                for snapshot in open_vault(place, KEY).snapshots():  # what counts is whole, whenever it is looked at
                    assert verify(open_vault(place, KEY), snapshot, signer=None, progress=silent).faults == ()
        made = run(archive)
        assert made.sound
        assert read_back(archive.settings, made).faults == ()
        assert not list((the_place(archive) / ".drafts").iterdir())
    sys.stdout.write(f"{kills} killed\n")
    with archive.engine.begin() as connection:
        open_runs = connection.execute(sa.select(BackupRun.id).where(BackupRun.outcome.is_(None))).all()
    assert open_runs == []
    target = settings_of(tmp_path / "new" / "home", ARCHIVE_BACKUP_URL=str(archive.settings.backup_url))
    restore(target, snapshot=made.snapshot, progress=silent)
    with opened(target) as restored:
        assert tables_of(restored.settings) == before


@pytest.mark.prove
@pytest.mark.timeout(0)
@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def test_a_restore_that_was_killed_goes_on_and_ends_with_the_same_archive(
    archive: Archive, tmp_path: Path, kind: str, count: Callable[[int, int], int]
):
    run(archive)
    before, wanted, kills, number = tables_of(archive.settings), count(3, 60), 0, 0
    context: ForkServerContext = forkserver()
    while kills < wanted:
        number += 1
        home = tmp_path / f"new-{number}"
        environment = {"ARCHIVE_BACKUP_URL": str(archive.settings.backup_url), "ARCHIVE_BACKUP_KEY": KEY}
        if kind == "postgresql":
            environment |= databases.a_settled_database()
        for _ in range(3):
            process = context.Process(target=run_restore, args=(str(home), environment), daemon=True)
            process.start()
            time.sleep(random.uniform(0.2, 1.5))  # noqa: S311 - a moment, no secret
            if process.exitcode is None:
                process.kill()
                kills += 1
            process.join()
            if process.exitcode == 0:
                break  # it was done before anybody killed it
        settings = Settings.from_env(environment, home=home)
        if process.exitcode != 0:
            restore(settings, snapshot=None, progress=silent)
        with opened(settings) as restored:
            assert tables_of(restored.settings) == before
            checked = store_check.check(restored, read_bytes=True)
            assert (checked.missing, checked.altered, checked.strays) == ((), (), ())
            with past_row_security(restored.settings) as connection:
                runs = connection.execute(sa.select(BackupRun.outcome).where(BackupRun.outcome == "done")).all()
            assert len(runs) == 1
    sys.stdout.write(f"{kills} restores killed\n")


@pytest.mark.parametrize("revision", sorted(database.revisions())[::4])
def test_a_restore_that_was_killed_between_two_revisions_goes_on(archive: Archive, tmp_path: Path, revision: str):
    name = run(archive).snapshot
    before, home = tables_of(archive.settings), tmp_path / "new"
    environment = {"ARCHIVE_BACKUP_URL": str(archive.settings.backup_url), "ARCHIVE_BACKUP_KEY": KEY}
    settings = Settings.from_env(environment, home=home)
    home.mkdir(mode=0o700)
    (home / RESTORING).write_text(f"{name}\n", encoding="utf-8")
    engine = database.make_engine(settings.database_url)
    schema.upgrade(engine, revision)
    engine.dispose()
    restore(settings, snapshot=None, progress=silent)
    assert tables_of(settings) == before


def test_only_what_is_new_is_copied(archive: Archive):
    first = run(archive)
    again = run(archive)
    assert (first.copied, again.copied, again.copied_bytes) == (first.objects, 0, 0)
    shutil.rmtree(min((the_place(archive) / "objects").iterdir()))
    assert run(archive).copied == 0  # what the last snapshot names is taken to be there
    assert run(archive, thorough=True).copied > 0  # unless one looks
    assert read_back(archive.settings, again).faults == ()


def test_two_runs_at_once_are_one(archive: Archive):
    with pytest.raises(Conflict, match="backup-running"), job.the_only_one(archive):
        run(archive)


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[tuple[Archive, Archive]]:
    """One archive on two machines, that share the database and the place."""
    first = an_archive(tmp_path / "first", kind="postgresql")
    shared = databases.environment(first.settings.home) | {"ARCHIVE_BACKUP_URL": f"file://{tmp_path}/place"}
    first.close()
    shutil.copytree(first.settings.home, tmp_path / "second" / "home")
    both = [Archive(Settings.from_env(shared, home=tmp_path / name / "home")) for name in ("first", "second")]
    yield both[0], both[1]
    for one in both:
        one.close()


@pytest.mark.services
def test_two_machines_do_not_run_one_at_the_same_time(machines: tuple[Archive, Archive]):
    one, other = machines
    with job.the_only_one(one):
        for refused in (one, other):
            with pytest.raises(Conflict, match="backup-running"):
                run(refused)
    assert run(other).sound
    assert run(one).sound


@pytest.mark.services
def test_who_lost_the_lock_completes_nothing(machines: tuple[Archive, Archive], monkeypatch: pytest.MonkeyPatch):
    one, other = machines

    def cut(archive: Archive, *_: object, **__: object) -> bool:
        with archive.engine.connect() as connection:
            sessions = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2"
            assert connection.exec_driver_sql(sessions).scalars().all() == [True]
        return True

    with monkeypatch.context() as patched:
        patched.setattr("archive_app.backup.run.advance", cut)
        with pytest.raises(Unavailable, match="database-down"):
            run(one)
    vault = open_vault(place_of(one.settings), None)
    assert vault.snapshots() == []
    with job.the_only_one(other) as still_alone:
        still_alone()


# ---------------------------------------------------------------- the place


def test_a_full_place_is_said_and_the_next_run_goes_on(archive: Archive, monkeypatch: pytest.MonkeyPatch):
    real, left = os.fsync, [12]

    def full(number: int) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(number)

    with monkeypatch.context() as patched:
        patched.setattr("archive_app.backup.folder_place.os.fsync", full)
        with pytest.raises(Unavailable, match="backup-place-full"):
            run(archive)
    last = history.last(archive.engine, archive.settings, now=archive.clock.now())
    assert (last.at, last.failures, last.late) == (None, 1, True)
    assert "backup-place-full" in (last.fault or "")
    made = run(archive)
    assert read_back(archive.settings, made).faults == ()
    last = history.last(archive.engine, archive.settings, now=archive.clock.now())
    assert (last.snapshot, last.failures, last.late, last.bytes) == (made.snapshot, 0, False, made.bytes)


def test_a_place_that_is_empty_all_at_once_is_lost_and_not_new(archive: Archive):
    run(archive)
    the_place(archive).rename(the_place(archive).with_name("unplugged"))
    with pytest.raises(Unavailable, match="backup-place-lost"):
        run(archive)
    the_place(archive).mkdir()  # where the disk was mounted
    with pytest.raises(Unavailable, match="backup-place-lost"):
        run(archive)
    made = run(archive, anew=True)
    assert made.copied == made.objects


@pytest.mark.parametrize("kind", ["objects", "parts", "lists", "keys", "snapshots"])
@pytest.mark.parametrize("harm", ["flipped", "gone"])
@pytest.mark.parametrize("key", [KEY, None], ids=["sealed", "plain"])
def test_a_flipped_byte_or_a_lost_file_is_found_and_named(archive: Archive, kind: str, harm: str, key: str | None):
    if key is None and kind == "keys":
        return  # a plain backup has none, see below
    archive.settings = settings_of(archive.settings.home, key=key)
    made = run(archive)
    victim = max((the_place(archive) / kind).rglob("*"), key=lambda path: path.is_file())
    if harm == "gone" and kind == "snapshots":
        victim.unlink()
        assert open_vault(place_of(archive.settings), key).snapshots() == []  # it does not count
        return
    if harm == "gone":
        victim.unlink()
    else:
        content = bytearray(victim.read_bytes())
        content[len(content) // 2] ^= 1
        victim.write_bytes(content)
    name = victim.relative_to(the_place(archive)).as_posix()
    found = read_back(archive.settings, made)
    assert name in {fault.where for fault in found.faults}
    assert any(("missing" if harm == "gone" else "damaged") in fault.what for fault in found.faults)


def test_a_wrong_key_or_none_says_so(archive: Archive):
    made = run(archive)
    place = place_of(archive.settings)
    for secret, code in (("another", "backup-key-wrong"), (None, "backup-key-needed")):
        with pytest.raises(Unavailable, match=code):
            open_vault(place, secret)
    text = b"".join(path.read_bytes() for path in the_place(archive).rglob("*") if path.is_file())
    with past_row_security(archive.settings) as connection:
        entry = next(iter(named_objects(connection)))
    assert entry.key.sha256.encode() not in text
    assert not list(the_place(archive).rglob(f"*{entry.key.sha256}*"))
    assert made.apart == ()


def test_keys_are_not_put_where_anybody_reads_them(archive: Archive, tmp_path: Path):
    archive.settings = settings_of(archive.settings.home, key=None)
    made = run(archive)
    assert {Path(path).name for path in made.apart} == {"signing.pem", "hashing.key", "session.key"}
    assert not (the_place(archive) / "keys").exists()
    with pytest.raises(Conflict, match="backup-not-encrypted"):
        open_vault(place_of(archive.settings), KEY)
    target = settings_of(tmp_path / "new" / "home", key=None, ARCHIVE_BACKUP_URL=str(archive.settings.backup_url))
    with pytest.raises(Unavailable, match="keys-not-in-backup"):
        restore(target, snapshot=None, progress=silent)
    shutil.copytree(archive.settings.keys, target.keys)
    restore(target, snapshot=None, progress=silent)
    with opened(target) as restored:
        assert tables_of(restored.settings) == tables_of(archive.settings)


# ---------------------------------------------------------------- the archive


def first_object(archive: Archive) -> StoreKey:
    with past_row_security(archive.settings) as connection:
        return next(iter(named_objects(connection))).key


def test_an_object_that_the_archive_lost_is_named_and_everything_else_is_backed_up(archive: Archive, tmp_path: Path):
    lost = first_object(archive)
    archive.store.destroy(Warrant(lost, "a fault of the disk", lost.owner))
    made = run(archive)
    assert (made.missing, made.sound) == ((str(lost),), False)
    found = read_back(archive.settings, made)
    assert (found.faults, found.missing) == ((), (str(lost),))
    target = settings_of(tmp_path / "new" / "home", ARCHIVE_BACKUP_URL=str(archive.settings.backup_url))
    assert restore(target, snapshot=None, progress=silent).missing == (str(lost),)


def test_an_object_that_was_altered_in_the_archive_never_enters_the_backup(archive: Archive):
    key = first_object(archive)
    path = archive.settings.home / "store" / str(key)
    path.chmod(0o600)
    path.write_bytes(b"altered")
    made = run(archive)
    assert (made.altered, made.missing) == ((str(key),), ())
    assert read_back(archive.settings, made).faults == ()


def test_bytes_let_go_while_the_backup_runs_are_no_loss_and_no_gap(tmp_path: Path):
    """Rows were read, then a file is released before its bytes are copied: the rows are read again."""
    with a_house(tmp_path) as archive:
        archive.settings = settings_of(archive.settings.home)
        receive(archive, a_batch(archive), *FILES)
        real = archive.store.open
        released: list[StoreKey] = []

        def opened_late(key: StoreKey, *, version_id: str | None = None) -> BinaryIO:
            if not released:
                released.append(key)
                with archive.engine.begin() as connection:
                    connection.execute(
                        sa.update(IntakeFile.__table__).where(IntakeFile.id == key.owner).values(bytes_kept=False)
                    )
                archive.store.destroy(Warrant(key, "its records have masters of their own", key.owner))
            return real(key, version_id=version_id)

        archive.store.open = opened_late  # type: ignore[method-assign]
        made = run(archive)
        assert made.sound
        assert made.objects == len(FILES) - 1
        found = read_back(archive.settings, made)
        assert (found.faults, found.missing) == ((), ())


# ---------------------------------------------------------------- steps, and what goes again


def test_a_backup_in_steps_is_one_snapshot(archive: Archive, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(job, "STEP_SECONDS", -1.0)
    with archive.unit(archive.own_work("backup")) as unit:
        unit.later(job.first_step())
    worker, steps = Worker(archive), 0
    while worker.step():
        steps += 1
        assert steps < 100
    with past_row_security(archive.settings) as connection:
        objects = len(list(named_objects(connection)))
        runs = connection.execute(sa.select(BackupRun.outcome, BackupRun.objects)).all()
    assert steps >= objects > 5
    assert [tuple(row) for row in runs] == [("done", objects)]
    (snapshot,) = open_vault(place_of(archive.settings), KEY).snapshots()
    found = verify(open_vault(place_of(archive.settings), KEY), snapshot, signer=archive.signer, progress=silent)
    assert (found.faults, found.signed, found.objects) == ((), True, objects)
    assert list(place_of(archive.settings).list("drafts")) == []


def test_a_day_that_begins_while_the_last_one_is_under_way_goes_on_with_it(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(job, "STEP_SECONDS", -1.0)
    with archive.unit(archive.own_work("backup")) as unit:
        unit.later(job.first_step())
    worker = Worker(archive)
    assert worker.step()
    assert worker.step()
    monkeypatch.setattr(job, "STEP_SECONDS", 60.0)
    now = archive.clock.now()
    job.backup_step(archive, ClaimedJob(uuid4(), job.NAME, {"period": "2026-03-03"}, None, Lane.LIGHT, 1, 1, now))
    while worker.step():
        pass
    assert archive.queue.list() == []
    assert len(open_vault(place_of(archive.settings), KEY).snapshots()) == 1
    with past_row_security(archive.settings) as connection:
        assert connection.execute(sa.select(BackupRun.outcome)).scalars().all() == ["done"]


def test_without_a_place_the_job_has_nothing_to_do(archive: Archive):
    archive.settings = Settings.from_env({}, home=archive.settings.home)
    with archive.unit(archive.own_work("backup")) as unit:
        unit.later(job.first_step())
    while Worker(archive).step():
        pass
    assert archive.queue.list() == []
    assert history.last(archive.engine, archive.settings, now=archive.clock.now()).set_up is False


def test_old_snapshots_go_with_what_only_they_named(archive: Archive):
    with archive.unit(archive.own_work("backup")) as unit:
        unit.note("something", "user", "x")
    first, files = run(archive), set(place_of(archive.settings).list("parts"))
    with archive.unit(archive.own_work("backup")) as unit:
        unit.note("something", "user", "x")
    second = run(archive)
    vault = open_vault(place_of(archive.settings), KEY)
    gone = prune(vault, keep=1, progress=silent)
    assert (gone.snapshots, vault.snapshots()) == ((first.snapshot,), [second.snapshot])
    assert gone.files > 0
    assert not files <= set(place_of(archive.settings).list("parts"))
    assert read_back(archive.settings, second).faults == ()
    assert prune(vault, keep=1, progress=silent).files == 0


def test_a_snapshot_under_way_keeps_what_it_has_when_old_ones_go(archive: Archive, monkeypatch: pytest.MonkeyPatch):
    run(archive)
    with archive.unit(archive.own_work("backup")) as unit:
        unit.note("something", "user", "x")
    monkeypatch.setattr(job, "STEP_SECONDS", -1.0)
    now = archive.clock.now()
    vault = open_vault(place_of(archive.settings), KEY)
    shutil.rmtree(archive.settings.home.parent / "place" / "snapshots")  # so that every object is looked for anew
    job.backup_step(archive, ClaimedJob(uuid4(), job.NAME, {"period": "2026-03-03"}, None, Lane.LIGHT, 1, 1, now))
    (begun,) = drafts(vault)
    prune(vault, keep=1, progress=silent)
    monkeypatch.setattr(job, "STEP_SECONDS", 60.0)
    job.backup_step(archive, ClaimedJob(uuid4(), job.NAME, {"snapshot": begun}, None, Lane.LIGHT, 1, 1, now))
    assert vault.snapshots() == [begun]
    assert verify(vault, begun, signer=None, progress=silent).faults == ()


@pytest.mark.services
def test_a_backup_that_row_security_would_hide_rows_from_is_none_and_says_why(tmp_path: Path):
    home = tmp_path / "home"
    owned = an_archive(home, kind="postgresql").settings
    bound = settings_of(home, ARCHIVE_DATABASE_URL=owned.database_url)
    with opened(bound) as archive:
        with pytest.raises(InvalidInput) as refusal:
            run(archive)
        assert list(refusal.value.parameters) == ["ARCHIVE_DATABASE_BACKUP_URL"]
        last = history.last(archive.engine, bound, now=archive.clock.now())
        assert last.failures == 1
        assert "ARCHIVE_DATABASE_BACKUP_URL" in str(last.fault)


def test_a_run_that_a_foreign_error_ends_is_written_down(archive: Archive, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: object) -> None:
        raise sa.exc.DatabaseError("SELECT", {}, ValueError("张三"))

    monkeypatch.setattr("archive_app.backup.run._dump", broken)
    with pytest.raises(sa.exc.DatabaseError):
        run(archive)
    assert history.last(archive.engine, archive.settings, now=archive.clock.now()).fault == "DatabaseError"
