"""The server of the rows is lost, busy, or has no connection left: all are told in our words, and it comes back."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import postgres_cluster
import pytest
import sqlalchemy as sa
from factories import a_record, an_archive, everything, the_fonds

from archive_app import database
from archive_app.core.errors import Unavailable
from archive_app.core.model import Record
from archive_app.core.vocabulary import Lane
from archive_app.web.app import create_app
from archive_app.wiring import Archive
from archive_app.worker import Worker

pytestmark = pytest.mark.services
_PASSWORD = "Qwert-98765x"


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    made = an_archive(tmp_path, kind="postgresql")
    yield made
    made.close()


def lose_connections(archive: Archive, *, for_good: bool = False) -> None:
    """End every session of the archive's database, and let no new one in until `readmit`."""
    name = archive.engine.url.database
    with postgres_cluster.administrator().connect() as server:
        if for_good:
            server.exec_driver_sql(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        server.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %(name)s", {"name": name}
        )


def readmit(archive: Archive) -> None:
    with postgres_cluster.administrator().connect() as server:
        server.exec_driver_sql(f"ALTER DATABASE {archive.engine.url.database} ALLOW_CONNECTIONS true")


def test_a_connection_that_broke_while_idle_is_noticed_by_nobody(archive: Archive) -> None:
    viewer = everything(archive)
    lose_connections(archive)
    with archive.reading(viewer) as unit:
        assert unit.rows(sa.select(Record.id)) == []


def test_a_unit_whose_server_goes_away_is_unavailable_and_leaves_nothing(archive: Archive) -> None:
    viewer, fonds = everything(archive), the_fonds(archive)

    def interrupted() -> None:
        with archive.unit(viewer) as unit:
            a_record(unit, fonds=fonds)
            lose_connections(archive)

    with pytest.raises(Unavailable) as told:
        interrupted()
    assert told.value.code == "database-down"
    with archive.reading(viewer) as unit:
        assert unit.rows(sa.select(Record.id)) == []


def test_sign_in_and_jobs_say_that_the_database_is_down_and_go_on_when_it_is_back(archive: Archive) -> None:
    lose_connections(archive, for_good=True)
    for attempt in (
        lambda: archive.accounts.sign_in("system", "Falsch-12345"),
        lambda: archive.queue.claim("w", lanes=tuple(Lane), lease=None),  # type: ignore[arg-type]  # not reached
        lambda: archive.own_work("check"),
    ):
        with pytest.raises(Unavailable) as told:
            attempt()
        assert told.value.code == "database-down"
    readmit(archive)
    assert archive.own_work("check").fonds


def test_a_worker_outlives_the_loss(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archive_app.worker._AWAY_SECONDS", 0.02)
    worker = Worker(archive)
    steps, back = threading.Event(), threading.Event()
    inner = worker.step

    def step() -> bool:
        try:
            found = inner()
        except Unavailable:
            steps.set()
            raise
        if steps.is_set():
            back.set()
        return found

    monkeypatch.setattr(worker, "step", step)
    lose_connections(archive, for_good=True)
    thread = threading.Thread(target=worker.run)
    thread.start()
    assert steps.wait(60)
    readmit(archive)
    assert back.wait(60)
    worker.stop()
    thread.join(60)
    assert not thread.is_alive()


def test_the_site_says_so_to_people_and_programs_and_asks_them_to_come_again(archive: Archive) -> None:
    code = (archive.settings.home / "activation" / "system.code").read_text(encoding="utf-8")
    archive.accounts.activate("system", code=code, password=_PASSWORD)
    client = create_app(archive).test_client()
    (form,) = re.findall(r'name="csrf-token" content="([^"]+)"', client.get("/sign-in").text)
    typed = {"login": "system", "password": _PASSWORD, "csrf_token": form}
    assert client.post("/sign-in", data=typed).status_code == 303
    lose_connections(archive, for_good=True)
    page = client.get("/")
    program = client.get(f"/api/v1/records/{uuid4()}", headers={"Authorization": "Bearer arc_x"})
    readmit(archive)
    assert (page.status_code, "数据库没有响应" in page.text) == (503, True)
    assert (program.status_code, program.get_json()["code"]) == (503, "database-down")
    assert page.headers["Retry-After"] == program.headers["Retry-After"]
    assert client.get("/").status_code == 200


def test_a_pool_gives_so_many_connections_and_then_says_that_it_is_busy(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = database.make_engine(archive.settings.database_url, pool=2)
    monkeypatch.setattr(engine.pool, "_timeout", 0.05)
    with engine.connect(), engine.connect(), pytest.raises(Unavailable) as told:
        engine.connect()
    assert told.value.code == "database-busy"
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar_one() == 1
    engine.dispose()


def test_who_waits_too_long_for_a_row_is_told_so(archive: Archive) -> None:
    with archive.engine.connect() as one, archive.engine.connect() as other:
        one.exec_driver_sql("SELECT * FROM audit_head FOR UPDATE")
        other.exec_driver_sql("SET LOCAL lock_timeout = '50ms'")
        with pytest.raises(Unavailable) as told:
            other.exec_driver_sql("SELECT * FROM audit_head FOR UPDATE")
    assert told.value.code == "database-busy"
