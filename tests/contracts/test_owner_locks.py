"""What every `OwnerLocks` promises: owners are held by one process at a time, and by a dead one not at all."""

import multiprocessing
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import postgres_cluster
import pytest
import sqlalchemy as sa

from archive_app import database
from archive_app.core.errors import Unavailable
from archive_app.core.ports import OwnerLocks
from archive_app.locks import AdvisoryLocks, FileLocks

ONE, OTHER, SAME_STRIPE = UUID(int=1), UUID(int=2), UUID(int=65)


def locks_at(place: str) -> OwnerLocks:
    return AdvisoryLocks(database.make_lone_engine(place)) if "://" in place else FileLocks(Path(place))


@pytest.fixture(params=["files", pytest.param("advisory", marks=pytest.mark.services)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "locks") if request.param == "files" else postgres_cluster.a_database()


def hold(place: str, owner: str, log: str, seconds: float) -> None:
    with locks_at(place).holding(UUID(owner)):
        with Path(log).open("a", encoding="utf-8") as file:
            file.write("in\n")
        time.sleep(seconds)
        with Path(log).open("a", encoding="utf-8") as file:
            file.write("out\n")


def run(place: str, tmp_path: Path, first: UUID, second: UUID) -> list[str]:
    context = multiprocessing.get_context("spawn")
    log = tmp_path / "log"
    log.touch()
    arguments = [(place, str(owner), str(log), 0.5) for owner in (first, second)]
    processes = [context.Process(target=hold, args=given) for given in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return log.read_text(encoding="utf-8").split()


def test_one_owner_is_held_by_one_process_at_a_time(place: str, tmp_path: Path) -> None:
    assert run(place, tmp_path, ONE, ONE) == ["in", "out", "in", "out"]


def test_a_dead_process_holds_nothing(place: str, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    log = tmp_path / "log"
    process = context.Process(target=hold, args=(place, str(ONE), str(log), 60))
    process.start()
    while not log.exists() or not log.read_text(encoding="utf-8"):
        time.sleep(0.02)
    process.kill()
    process.join()
    with locks_at(place).holding(ONE):
        pass


def test_another_owner_is_not_waited_for(place: str) -> None:
    with locks_at(place).holding(ONE), locks_at(place).holding(OTHER):
        pass


def test_what_failed_in_the_block_lets_go(place: str) -> None:
    locks = locks_at(place)
    with pytest.raises(KeyError), locks.holding(ONE):
        raise KeyError
    with locks.holding(ONE):
        pass


def test_owners_named_twice_or_sharing_a_lock_are_held_without_waiting_for_themselves(place: str) -> None:
    with locks_at(place).holding(ONE, SAME_STRIPE, OTHER, ONE):
        pass


# ---------------------------------------------------------------- PostgreSQL alone


@pytest.fixture
def engine() -> Iterator[sa.Engine]:
    made = database.make_lone_engine(postgres_cluster.a_database())
    yield made
    made.dispose()


@pytest.mark.services
def test_who_holds_takes_no_connection_of_the_pool_and_leaves_none_behind(engine: sa.Engine) -> None:
    url = engine.url.render_as_string(hide_password=False)
    pool = database.make_engine(url, pool=1)
    there = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with pool.connect() as only, AdvisoryLocks(engine).holding(ONE, OTHER):
        assert only.exec_driver_sql(there).scalar_one() == 1
        held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        assert only.exec_driver_sql(held).scalar_one() == 2
    pool.dispose()


@pytest.mark.services
def test_who_waits_too_long_is_told_so(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archive_app.locks._LONGEST_WAIT", "50ms")
    with AdvisoryLocks(engine).holding(ONE):
        with pytest.raises(Unavailable) as told, AdvisoryLocks(engine).holding(OTHER, ONE):
            pass
        with AdvisoryLocks(engine).holding(OTHER):  # what it had taken already is free again
            pass
    assert told.value.code == "database-busy"
