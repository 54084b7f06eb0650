"""What surrounds the pages: the chip of running work, sessions that end by themselves, asking again, access told."""

import re

import sqlalchemy as sa
from houses import FONDS, a_batch, archivist, receive, samples, work
from site_browser import PASSWORD, Browser, a_browser

from archive_app import catalogue
from archive_app.core.model import PartyLink, Record
from archive_app.core.vocabulary import Action, Level, PartyKind, RecordState
from archive_app.wiring import Archive

CLEAR, DOUBTFUL = "0024", "0002"


def a_person(archive: Archive, login: str, role: str) -> None:
    accounts = archive.accounts
    system, security = (accounts.viewer(accounts.sign_in(name, PASSWORD)) for name in ("system", "security"))
    _, code = accounts.add(system, login, name=login)
    accounts.activate(login, code=code, password=PASSWORD)
    accounts.grant(security, login, roles=[role], fonds=[FONDS], level=Level.HIGHLY_SENSITIVE)


def records(archive: Archive) -> dict[str, str]:
    """Ids of the records by their state."""
    with archive.reading(archivist(archive)) as unit:
        return {str(line["state"]): str(line["id"]) for line in catalogue.listing(unit, archive.tables)}


def test_the_chip_tells_what_is_in_work_and_how_far_until_it_is_done(archive: Archive, browser: Browser) -> None:
    assert 'data-work="/work"' in browser.get("/").text
    assert browser.fetch("/work").json == {"left": 0, "sheet": ""}
    batch = a_batch(archive)
    receive(archive, batch, *samples(CLEAR, DOUBTFUL))
    told = browser.fetch("/work").json
    assert told is not None
    assert told["left"] == 2
    assert f"/intake/{batch}" in told["sheet"]
    assert f"批次 {FONDS} · " in told["sheet"]
    assert "已完成 0 / 2" in told["sheet"]
    work(archive)
    assert browser.fetch("/work").json == {"left": 0, "sheet": ""}


def test_who_takes_nothing_in_has_no_chip(archive: Archive) -> None:
    a_person(archive, "counter", "clerk")
    with a_browser(archive, "counter") as browser:
        assert "data-work" not in browser.get("/").text
        assert browser.fetch("/work").status_code == 404


def test_who_looks_people_up_begins_with_a_person_and_who_has_a_queue_with_what_waits(
    archive: Archive, browser: Browser
) -> None:
    a_person(archive, "counter", "clerk")
    with a_browser(archive, "counter") as counter:
        page = counter.get("/").text
        assert 'action="/persons"' in page
        assert "待我处理" not in page
    page = browser.get("/").text
    assert "待我处理" in page
    assert 'action="/persons"' not in page


def test_the_security_administrator_is_told_of_accounts_without_a_role(archive: Archive) -> None:
    system = archive.accounts.viewer(archive.accounts.sign_in("system", PASSWORD))
    archive.accounts.add(system, "newcomer", name="newcomer")
    with a_browser(archive, "security") as security:
        page = security.get("/").text
    line = re.search(r'href="/accounts">\s*<span[^>]*>未授权的账号</span>\s*<span[^>]*>(\d+)<', page)
    assert line is not None
    assert line[1] == "1"


def test_what_a_page_asks_by_itself_keeps_no_session_alive(browser: Browser) -> None:
    assert "Set-Cookie" in browser.get("/").headers
    assert "Set-Cookie" not in browser.fetch("/work").headers


def test_a_page_that_answers_words_holds_what_was_asked_but_no_token(browser: Browser) -> None:
    browser.get("/search")
    page = browser.send("/search", q="高血压", order="newest").text
    asked = re.search(r"<form data-asked hidden>(.*?)</form>", page, re.DOTALL)
    assert asked is not None
    assert re.findall(r'name="(\w+)" value="([^"]+)"', asked[1]) == [("q", "高血压"), ("order", "newest")]
    assert "data-asked" not in browser.get("/search").text


def test_an_address_that_is_none_keeps_the_frame_of_who_is_signed_in(browser: Browser) -> None:
    answer = browser.get("/no-such-page")
    assert answer.status_code == 404
    assert 'class="rail"' in answer.text


def test_the_page_of_a_record_says_who_may_read_it_and_why(archive: Archive, browser: Browser) -> None:
    receive(archive, a_batch(archive), *samples(CLEAR))
    work(archive)
    page = browser.get(f"/records/{records(archive)['described']}").text
    panel = page[page.index('id="panel-access"') :]
    assert FONDS in panel
    assert "高度敏感" in panel
    assert "安全管理员" in panel


def test_a_clerk_is_told_why_no_snippet_is_shown(archive: Archive) -> None:
    """Of a name that is masked; and of a paper that nobody has classified, whose text is withheld too."""
    receive(archive, a_batch(archive), *samples(CLEAR))
    work(archive)
    with archive.unit(archivist(archive)) as unit:
        (link,) = unit.all(sa.select(PartyLink).where(PartyLink.kind == PartyKind.PERSON))
    a_person(archive, "counter", "clerk")
    with a_browser(archive, "counter") as browser:
        browser.get("/search")
        page = browser.send("/search", q=link.name).text
        assert "属于对您的岗位遮盖的内容" in page
        assert "<mark>" not in page
        assert 'class="level level-sensitive"' in page
        with archive.unit(archivist(archive)) as unit:
            record = unit.get(Record, link.record_id)
            unit.require(Action.RECORD_REVIEW, record)
            record.type_code, record.state = None, RecordState.REVIEW
        page = browser.send("/search", q=link.name).text
        assert "全文不向您的岗位显示" in page
        assert record.title not in page
        page = browser.get(f"/records/{record.id}").text
        assert "全文不向您的岗位显示" in page
        assert str(link.name) not in page


def test_the_tokens_end_with_the_password_where_that_is_ticked(archive: Archive, browser: Browser) -> None:
    token = (archive.settings.home / "token").read_text(encoding="utf-8")
    assert "1 个有效令牌" in browser.get("/account").text
    kept = browser.send("/account/password", old=PASSWORD, new="Another-Word-77").text
    assert "仍有 1 个令牌有效" in kept
    assert archive.accounts.viewer_of_token(token)
    ended = browser.send("/account/password", old="Another-Word-77", new="Third-Word-78", revoke="yes").text
    assert "已吊销 1 个令牌" in ended
