"""The status page, the health answers and the metrics: who is told what."""

import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from houses import a_batch, archivist, receive, samples, work
from site_browser import PASSWORD, a_browser

from archive_app.core.errors import Unavailable
from archive_app.web.app import create_app
from archive_app.wiring import Archive

TOKEN = "measure-me"


@pytest.fixture
def stranger(archive: Archive) -> FlaskClient:
    return create_app(archive).test_client()


def with_token(archive: Archive, token: str | None = TOKEN) -> FlaskClient:
    object.__setattr__(archive.settings, "metrics_token", token)
    return create_app(archive).test_client()


def values(text: str) -> dict[str, float]:
    lines = [line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def test_a_stranger_is_told_states_and_no_facts(stranger: FlaskClient) -> None:
    assert stranger.get("/healthz").json == {"state": "ok"}
    answer = stranger.get("/readyz")
    assert (answer.status_code, answer.json["state"]) == (200, "degraded")
    assert answer.json["parts"]["workers"] == "degraded"
    assert set(answer.json["parts"].values()) <= {"ok", "degraded", "down"}
    assert "backup" not in answer.json["parts"]


def test_a_part_that_is_down_makes_the_site_not_ready(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    def dead(*_: object) -> None:
        raise Unavailable("store-failed")

    monkeypatch.setattr(archive.store, "keys", dead)
    answer = create_app(archive).test_client().get("/readyz")
    assert (answer.status_code, answer.json["parts"]["store"]) == (503, "down")


def test_strangers_who_ask_often_make_no_work(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    client, asked = create_app(archive).test_client(), []
    keys = archive.store.keys
    monkeypatch.setattr(archive.store, "keys", lambda: asked.append(1) or keys())
    for _ in range(5):
        client.get("/readyz")
    assert len(asked) == 1


def test_whether_it_is_ready_costs_the_same_at_any_size(archive: Archive) -> None:
    receive(archive, a_batch(archive), *samples("0001"))
    work(archive)
    client, asked = create_app(archive).test_client(), list[str]()
    sa.event.listen(archive.engine, "before_cursor_execute", lambda _c, _k, statement, *_: asked.append(statement))
    assert client.get("/readyz").json["parts"]["index"] == "ok"
    grow = {"audit_leaf", "audit_value", "component", "field", "intake_file", "job", "ocr_result", "page", "record"}
    at_length = [each for each in asked if grow & set(re.findall(r"\w+", each)) and "LIMIT" not in each]
    assert asked
    assert at_length == []


def test_the_status_page_tells_each_part_and_what_to_do(archive: Archive) -> None:
    system = archive.accounts.viewer(archive.accounts.sign_in("system", PASSWORD))
    assert system.login == "system"
    with a_browser(archive, "system") as browser:
        page = browser.get("/status")
    assert page.status_code == 200
    assert page.text.count('<li class="part ') == 11
    assert "没有处理进程：来件不会被识读。" in page.text
    assert re.search(r'<li class="part part-degraded">\s*<h2 class="part-name">处理进程</h2>', page.text)


@pytest.mark.parametrize("token", [None, ""])
def test_without_a_token_in_the_settings_there_are_no_metrics_for_anybody(archive: Archive, token: str | None) -> None:
    client = with_token(archive, token)
    for headers in ({}, {"Authorization": "Bearer "}, {"X-Forwarded-For": "10.0.0.7"}):
        answer = client.get("/metrics", headers=headers, environ_base={"REMOTE_ADDR": "127.0.0.1"})
        assert (answer.status_code, "archive_" in answer.text) == (404, False)


@pytest.mark.parametrize("given", [None, "", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN} "])
def test_metrics_ask_for_their_token(archive: Archive, given: str | None) -> None:
    headers = {} if given is None else {"Authorization": given}
    assert with_token(archive).get("/metrics", headers=headers).status_code == 401


def test_methods_that_a_stranger_makes_up_are_one_series(archive: Archive) -> None:
    stranger = with_token(archive)
    for number in range(5):
        stranger.open("/healthz", method=f"MAKE{number}")
    text = stranger.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
    assert "MAKE" not in text
    assert values(text)['archive_http_request_seconds_count{endpoint="none",method="other",status="404"}'] == 5


def test_a_persons_token_opens_no_metrics(archive: Archive) -> None:
    token = (archive.settings.home / "token").read_text()
    assert with_token(archive).get("/metrics", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_the_metrics_tell_what_was_done(archive: Archive) -> None:
    client = with_token(archive)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    before = values(client.get("/metrics", headers=headers).text)
    assert before["archive_workers"] == 0
    assert before['archive_queue_jobs{lane="ocr",state="waiting"}'] == 0
    batch = a_batch(archive)
    receive(archive, batch, *samples("0001"))
    work(archive)
    receive(archive, batch, *samples("0027"))
    now = values(with_token(archive).get("/metrics", headers=headers).text)
    assert now['archive_intake_files{outcome="accepted"}'] == 1
    assert now['archive_intake_files{outcome="received"}'] == 1
    assert now['archive_queue_jobs{lane="light",state="waiting"}'] == 1
    assert now['archive_jobs_done_last_hour{job="page.read"}'] >= 1
    assert now["archive_ocr_seconds_per_page"] > 0
    assert now['archive_part_fact{fact="documents",part="index"}'] == 1
    assert now['archive_part_state{part="store",state="ok"}'] == 1


def test_what_was_refused_is_counted_by_its_reason(archive: Archive, tmp_path: Path) -> None:
    bad = tmp_path / "bad.pdf"
    bad.write_bytes(b"%PDF-1.7 nothing of the kind")
    receive(archive, a_batch(archive), bad)
    work(archive)
    found = values(with_token(archive).get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text)
    refused = {name: value for name, value in found.items() if name.startswith("archive_refused_files")}
    assert list(refused.values()) == [1]


def test_requests_are_timed_by_route_and_never_by_address(archive: Archive) -> None:
    client = with_token(archive)
    client.get("/api/v1/records/11010119900307123X", headers={"Authorization": "Bearer nobody"})
    text = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
    assert 'archive_http_request_seconds_count{endpoint="api.record",method="GET",status="401"} 1.0' in text
    assert "11010119900307123X" not in text


def test_the_metrics_of_a_dead_database_still_tell_that_it_is_dead(archive: Archive) -> None:
    client = with_token(archive)
    archivist(archive)
    database = archive.settings.home / "archive.db"
    archive.engine.dispose()
    for path in archive.settings.home.glob("archive.db*"):
        path.unlink()
    database.write_bytes(b"this is no database" * 100)
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    assert values(answer.text)['archive_part_state{part="database",state="down"}'] == 1
