"""What people and programs are told while the index is away: what was looked up, and what was not searched."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from away_index import a_copy, a_name_on_all, an_away_house, come_back, named
from houses import a_house
from site_browser import a_browser
from werkzeug.test import TestResponse

from archive_app.core.settings import environment
from archive_app.web.app import create_app
from archive_app.wiring import Archive


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with an_away_house(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("text", ["医疗保险", ""])
def test_the_page_says_that_words_are_not_searched(archive: Archive, text: str):
    with a_browser(archive) as browser:
        page = browser.send("/search", q=text)
    assert page.status_code == 503
    assert "全文检索暂不可用" in page.text
    assert "Nothing found" not in page.text
    assert "没有" not in page.text


def test_the_page_says_that_a_name_was_looked_up(archive: Archive):
    link = named(archive)[0]
    with a_browser(archive) as browser:
        page = browser.send("/search", q=link.name)
    assert page.status_code == 200
    assert "以下结果按号码和姓名从数据库查得" in page.text
    assert str(link.record_id) in page.text


def test_the_api_gives_a_problem_with_its_code_or_a_marked_answer(archive: Archive):
    token = (archive.settings.home / "token").read_text(encoding="utf-8")
    with create_app(archive).test_client() as client:
        headers = {"Authorization": f"Bearer {token}"}
        refused = client.post("/api/v1/search", json={"q": "医疗保险"}, headers=headers)
        answer = client.post("/api/v1/search", json={"q": named(archive)[0].name}, headers=headers)
    assert (refused.status_code, refused.mimetype) == (503, "application/problem+json")
    assert refused.json["code"] == "full-text-unavailable"
    assert refused.headers["Retry-After"]
    assert (answer.status_code, answer.json["degraded"], answer.json["reason"]) == (200, True, "index-unreachable")


def test_a_list_goes_on_where_it_began_or_says_when_it_will(archive: Archive):
    name = a_name_on_all(archive)
    token = (archive.settings.home / "token").read_text(encoding="utf-8")

    def api(after: str | None = None) -> TestResponse:
        with create_app(archive).test_client() as client:
            question = {"q": name, "size": 1, "after": after}
            return client.post("/api/v1/search", json=question, headers={"Authorization": f"Bearer {token}"})

    def page(after: str) -> TestResponse:
        with a_browser(archive) as browser:
            return browser.send("/search", q=name, after=after)

    looked_up = api().json["after"]
    with come_back(archive):
        found = api().json["after"]
        assert (api(looked_up).status_code, api(looked_up).json["reason"]) == (200, "look-up-continued")
        assert "接着按原方式列出" in page(looked_up).text
    interrupted = api(found)
    assert (interrupted.status_code, interrupted.json["code"]) == (503, "search-interrupted")
    assert interrupted.headers["Retry-After"]
    shown = page(found)
    assert (shown.status_code, "恢复后可接着翻页" in shown.text, "回到开头" in shown.text) == (503, True, True)


def test_the_command_line_says_it_too(tmp_path: Path):
    home = a_copy(tmp_path)
    settings = {
        "PATH": environment()["PATH"], "ARCHIVE_HOME": str(home), "ARCHIVE_INDEX_URL": "http://127.0.0.1:9",
    }  # fmt: skip
    with a_house(tmp_path, home=home) as archive:
        name = named(archive)[0].name

    def search(question: str, *options: str) -> subprocess.CompletedProcess[str]:
        command = [
            sys.executable,
            "-m",
            "archive_app",
            *options,
            "--token-file",
            str(home / "token"),
            "search",
            "-",
        ]
        return subprocess.run(
            command, input=question, env=settings, text=True, capture_output=True, check=False, timeout=120
        )

    refused, looked_up = search("医疗保险"), search(str(name), "--json")
    assert refused.returncode == 1
    assert "full-text search does not answer now" in refused.stderr
    answer = json.loads(looked_up.stdout)
    assert (looked_up.returncode, answer["degraded"], answer["total"] > 0) == (0, True, True)
