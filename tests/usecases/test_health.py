"""Each part is asked in its own time; what is found is said in words, in both languages."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from houses import MovableClock, a_batch, a_house, receive, samples, work

from archive_app.core.errors import Unavailable
from archive_app.core.ports import Job
from archive_app.core.vocabulary import Lane
from archive_app.health import machine, servers
from archive_app.health import work as work_health
from archive_app.health.examination import MACHINE, PARTS, Check, Examination
from archive_app.health.part import Advice, Part, State, worst
from archive_app.web import health_words
from archive_app.wiring import Archive


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with a_house(tmp_path) as house:
        yield house


def examined(archive: Archive, *checks: tuple[str, Check]) -> dict[str, Part]:
    return {part.name: part for part in Examination(archive, checks or PARTS).parts()}


def test_a_new_archive_lacks_workers_and_a_backup_and_nothing_else(archive: Archive) -> None:
    parts = examined(archive)
    assert list(parts) == [name for name, _ in PARTS]
    assert {name for name, part in parts.items() if part.state == State.DEGRADED} == {"workers"}
    assert {name for name, part in parts.items() if part.state == State.OFF} == {"backup", "certificates"}
    archive.queue.beat("somebody")
    assert worst(examined(archive).values()) == State.OK


@pytest.mark.parametrize(("name", "check"), [*PARTS, *MACHINE])
def test_a_check_gives_its_own_part(archive: Archive, name: str, check: Check) -> None:
    assert check(archive).name == name


def test_a_part_that_hangs_keeps_nobody_waiting_and_is_not_asked_twice(archive: Archive) -> None:
    over, asked = threading.Event(), []

    def hangs(_archive: Archive) -> Part:
        asked.append(1)
        over.wait(60)
        return Part("store")

    examination = Examination(archive, (("store", hangs), ("jobs", dict(PARTS)["jobs"])), patience=0.2)
    for _ in range(3):
        silent, jobs = examination.parts()
        assert (silent.name, silent.state, silent.advice) == ("store", State.DOWN, Advice.ASK_SLOW)
        assert jobs.state == State.OK
    assert len(asked) == 1
    over.set()
    patient = Examination(archive, (("store", hangs),), patience=30)
    assert patient.parts()[0].state == State.OK


def test_a_check_that_fails_is_a_part_that_is_down_without_its_words(archive: Archive) -> None:
    def fails(_archive: Archive) -> Part:
        raise OSError(5, "张三")

    part = examined(archive, ("store", fails))["store"]
    assert (part.state, part.facts, part.advice) == (State.DOWN, {"fault": "OSError"}, Advice.ASK_FAILED)


def test_a_dead_store_and_a_dead_index_are_named(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    def dead(*_: object) -> None:
        raise Unavailable("index-failed")

    monkeypatch.setattr(archive.index, "status", dead, raising=False)
    monkeypatch.setattr(archive.store, "keys", dead)
    parts = examined(archive)
    assert parts["index"].advice == Advice.INDEX_DOWN
    assert parts["store"].advice == Advice.STORE_DOWN
    assert parts["database"].state == State.OK
    assert worst(parts.values()) == State.DOWN


def test_an_index_that_lost_a_record_differs_and_in_a_large_archive_one_that_lost_all(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive(archive, a_batch(archive), *samples("0001", "0027"))
    work(archive)
    assert (servers.index(archive).state, servers.index_whole(archive).state) == (State.OK, State.OK)
    first, *others = [ident for ident, _ in archive.index.versions()]
    archive.index.remove([first])
    assert examined(archive)["index"].advice == Advice.INDEX_DIFFERS
    monkeypatch.setattr(servers, "is_little", lambda _: False)
    assert examined(archive)["index"].advice is None
    whole = servers.index_whole(archive)
    assert (whole.advice, whole.facts) == (
        Advice.INDEX_DIFFERS, {"documents": len(others), "searchable": len(others) + 1},
    )  # fmt: skip
    archive.index.remove(others)
    assert examined(archive)["index"].advice == Advice.INDEX_DIFFERS


def test_a_glance_at_the_jobs_finds_what_counting_them_finds(archive: Archive) -> None:
    def advice() -> set[Advice | None]:
        return {work_health.jobs(archive).advice, work_health.jobs_at_a_glance(archive).advice}

    assert advice() == {None}
    with archive.unit(archive.own_work("test")) as unit:
        unit.later(Job("search.refresh", {"record": "none"}, key="k", lane=Lane.OCR))
    archive.clock.forward(hours=23)  # type: ignore[attr-defined]
    assert advice() == {None}
    archive.clock.forward(hours=2)  # type: ignore[attr-defined]
    assert advice() == {Advice.JOBS_OLD}
    archive.queue.bury_by_hand(archive.queue.list()[0].id, reason="tried")
    assert advice() == {Advice.JOBS_BURIED}


def test_an_index_job_that_waits_is_lag_and_a_buried_one_is_told(archive: Archive) -> None:
    clock = archive.clock
    assert isinstance(clock, MovableClock)
    with archive.unit(archive.own_work("test")) as unit:
        unit.later(Job("search.refresh", {"record": "none"}, key="k", lane=Lane.INDEX))
    clock.forward(seconds=900)
    parts = examined(archive)
    assert parts["index"].advice == Advice.INDEX_BEHIND
    assert parts["index"].facts["lag-seconds"] == pytest.approx(900, abs=30)
    (job,) = archive.queue.list()
    archive.queue.bury_by_hand(job.id, reason="tried")
    assert examined(archive)["jobs"].advice == Advice.JOBS_BURIED


def test_a_broker_that_nobody_serves_is_degraded_because_jobs_are_rows(
    archive: Archive,
) -> None:
    object.__setattr__(archive.settings, "broker_url", "amqp://archive:secret@127.0.0.1:1//")
    part = servers.broker(archive)
    assert (part.state, part.advice) == (State.DEGRADED, Advice.BROKER_DOWN)


def test_an_old_schema_names_the_command(archive: Archive) -> None:
    with archive.owner_engine.begin() as connection:
        connection.execute(sa.table("alembic_version", sa.column("version_num")).update().values(version_num="0001"))
    assert examined(archive)["database"].advice == Advice.DATABASE_BEHIND
    with archive.owner_engine.begin() as connection:
        connection.execute(sa.table("alembic_version", sa.column("version_num")).update().values(version_num="9999"))
    assert examined(archive)["database"].advice == Advice.DATABASE_AHEAD


def test_a_clock_that_went_back_is_told(archive: Archive) -> None:
    clock = archive.clock
    assert isinstance(clock, MovableClock)
    clock.forward(days=-1)
    part = machine.clock(archive)
    assert part.advice == Advice.CLOCK_BACK
    assert part.facts["back-seconds"] == pytest.approx(86_400, abs=600)


def test_a_disk_without_room_is_told(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_LOW_BYTES", 1 << 62)
    assert machine.disk(archive).advice == Advice.DISK_LOW
    monkeypatch.setattr(machine, "_FULL_BYTES", 1 << 62)
    assert machine.disk(archive).advice == Advice.DISK_FULL


def test_a_key_that_others_can_read_or_that_is_gone_is_told(archive: Archive) -> None:
    archive.keys.session.chmod(0o644)
    assert machine.keys(archive).facts == {"readable": archive.keys.session.name}
    archive.keys.session.chmod(0o600)
    assert machine.keys(archive).state == State.OK
    archive.keys.hashing.unlink()
    assert machine.keys(archive).advice == Advice.KEYS_MISSING


def test_every_advice_part_and_state_is_said_in_both_languages() -> None:
    assert set(health_words.ADVICE) == set(Advice)
    assert set(health_words.PARTS) == {name for name, _ in (*PARTS, *MACHINE)}
    assert set(health_words.STATES) == set(State)
    words = [*health_words.ADVICE.values(), *health_words.PARTS.values(), *health_words.STATES.values()]
    assert [pair for pair in words if not all(pair)] == []


def test_every_fact_that_is_told_has_a_name(archive: Archive) -> None:
    parts = [*Examination(archive, (*PARTS, *MACHINE)).parts()]
    assert [name for part in parts for name in part.facts if name not in health_words.FACTS] == []
