"""An archivist's morning in a real browser: from the sign-in to the sign-out, at a site that is really served.

What the browser itself complains of – errors of scripts, refused sources, failed requests – is a failure too.
"""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import databases
import pytest
import waitress
from houses import a_home, a_house, samples
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Error,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)
from recorded_ocr import recorded_engine

from archive_app.web.app import create_app
from archive_app.wiring import Archive
from archive_app.worker import Worker

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
LOGIN, PASSWORD = "archivist", "Qwert-98765x"
CLEAR, DOUBTFUL = "0024", "0002"  # a chronic-disease form that reads well, an enrolment with an unclear tick
WIDE: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
PATIENCE_MS = 60_000

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no Chromium at {CHROMIUM}"),
]


@contextmanager
def _serving(archive: Archive) -> Iterator[str]:
    server = waitress.create_server(create_app(archive), host="127.0.0.1", port=0, threads=6)
    thread = threading.Thread(target=server.run, name="site")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.trigger.pull_trigger(server.close)  # the loop closes itself in its own thread
        thread.join(timeout=20)


@contextmanager
def _working(home: Path) -> Iterator[None]:
    """The worker's lanes in a thread, on an archive opened for it alone, as a process of its own would."""
    archive = Archive(databases.settings(home), engines=recorded_engine)
    worker, ended = Worker(archive), threading.Event()

    def run() -> None:
        while not ended.is_set():
            if not worker.step():
                ended.wait(0.1)

    thread = threading.Thread(target=run, name="worker")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(timeout=60)
        archive.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    home = a_home(tmp_path)
    with a_house(tmp_path, home=home) as archive, _working(home), _serving(archive) as address:
        yield address


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(ARGUMENTS))
        yield browser
        browser.close()


@contextmanager
def _a_window(browser: Browser, site: str) -> Iterator[Page]:
    """A window whose complaints, all of them, are held to be none when it closes."""
    context = browser.new_context(viewport=WIDE, locale="zh-CN", base_url=site)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(f"{message.type}: {message.text}")

    def fail(fault: Error) -> None:
        complaints.append(f"script: {fault}")

    page.on("console", hear)
    page.on("pageerror", fail)
    yield page
    context.close()
    assert complaints == []


def _fits_a_phone(page: Page) -> None:
    """The page in hand has nothing to push aside at 390 pixels."""
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"], page.url
    page.set_viewport_size(WIDE)


def _sign_in(page: Page) -> None:
    page.goto("/")
    page.get_by_label("账号").fill(LOGIN)
    page.get_by_label("口令").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="工作台", level=1)).to_be_visible()
    _fits_a_phone(page)


def _take_in(page: Page) -> None:
    """Two files into a new batch; the table fills by itself while they are examined and read."""
    page.get_by_role("link", name="收件").click()
    page.get_by_role("link", name="新建批次").first.click()
    page.get_by_label("来源").fill("三号窗口")
    page.get_by_role("button", name="建立批次").click()
    expect(page.get_by_text("还没有文件")).to_be_visible()
    page.locator("#pick-files").set_input_files([str(path) for path in samples(CLEAR, DOUBTFUL)])
    rows = page.locator("#files tr")
    expect(rows).to_have_count(2)
    expect(rows.filter(has_text="已著录")).to_have_count(1)
    expect(rows.filter(has_text="待审核")).to_have_count(1)
    expect(page.locator("#balance")).to_contain_text("2")
    _fits_a_phone(page)


def _review(page: Page) -> None:
    """Enter begins, Enter confirms: the one doubtful place is in view and in focus, so nothing else is asked."""
    page.get_by_role("link", name="审核", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("1 件待审")
    page.wait_for_load_state("load")  # the page listens to keys once its script has run
    page.keyboard.press("Enter")
    expect(page.locator("#position")).to_have_text("第 1 / 1 件")
    doubtful = page.locator(".one.here.stop")
    expect(doubtful.get_by_text("人员类别")).to_be_visible()
    expect(doubtful.locator(".crop")).to_be_visible()
    _fits_a_phone(page)
    page.keyboard.press("Enter")
    page.wait_for_url("**/review*")
    expect(page.get_by_role("heading", level=1)).to_contain_text("0 件待审")
    expect(page.get_by_role("status")).to_contain_text("最后一件")


def _file_all(page: Page) -> None:
    page.get_by_role("link", name="收件").click()
    page.locator("tbody a").first.click()
    page.get_by_role("button", name="归档全部已著录的件（2）").click()
    expect(page.get_by_text("已归档 2 件")).to_be_visible()


def _search(page: Page) -> None:
    """A word of two characters: the list shows it marked, the drawer shows the page with its places boxed."""
    page.keyboard.press("/")
    page.keyboard.type("糖尿")
    page.keyboard.press("Enter")
    hits = page.locator("[data-hit]")
    expect(hits).to_have_count(1)
    expect(hits.locator("mark").first).to_have_text("糖尿")
    page.wait_for_load_state("load")  # the page listens to keys once its script has run
    page.keyboard.press("j")
    with page.expect_response(re.compile(r"/image\?.*width=")) as picture:
        page.keyboard.press(" ")
    assert picture.value.ok
    drawer = page.get_by_role("region", name="预览")
    expect(drawer.locator(".found-box").first).to_be_visible()
    _fits_a_phone(page)


def _back_and_forward(page: Page) -> None:
    """What was asked by POST is asked again: the list is there with its words, and the record with its boxes."""
    page.wait_for_load_state("load")  # what was asked is kept once the page stands
    page.go_back()
    expect(page.locator("[data-hit] mark").first).to_have_text("糖尿")
    page.reload()
    expect(page.locator("[data-hit] mark").first).to_have_text("糖尿")
    page.go_forward()
    expect(page.locator(".code.strong")).to_contain_text("J019-ZY")


def _record_to_record(page: Page) -> None:
    """From a list of two into a record, to the next and back; no word and no title stands in an address."""
    page.get_by_role("link", name="收件").click()
    page.locator("tbody a").first.click()
    page.locator("a.made").first.click()
    walk = page.get_by_role("navigation", name="来自的列表")
    expect(walk).to_contain_text("第 1 / 2 件")
    expect(walk.get_by_role("button", name="列表中的上一件")).to_be_disabled()
    page.wait_for_load_state("load")
    page.keyboard.press("j")
    expect(walk).to_contain_text("第 2 / 2 件")
    page.wait_for_load_state("load")
    page.keyboard.press("k")
    expect(walk).to_contain_text("第 1 / 2 件")


def _record_and_person(page: Page) -> None:
    page.get_by_role("button", name="查看该件").click()
    expect(page.locator(".code.strong")).to_contain_text("J019-ZY")
    _back_and_forward(page)
    expect(page.locator(".viewer-sheet").first).to_be_visible()
    page.get_by_role("tab", name="经过").click()
    expect(page.get_by_role("tabpanel", name="经过")).to_contain_text("归档")
    _fits_a_phone(page)
    page.get_by_role("tab", name="著录").click()
    page.locator("#panel-description a").first.click()
    expect(page.locator("h1")).not_to_be_empty()
    expect(page.get_by_role("button", name="时间线")).to_be_visible()
    _fits_a_phone(page)


def _in_english(page: Page) -> None:
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("link", name="Workbench")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "en")


def _sign_out(page: Page) -> None:
    """The door speaks the browser's language again, and the way back does not lead in."""
    page.get_by_label("Your account").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="登录")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="登录")).to_be_visible()


def test_an_archivist_takes_in_reviews_files_finds_and_leaves(chromium: Browser, site: str) -> None:
    with _a_window(chromium, site) as page:
        _sign_in(page)
        _take_in(page)
        _review(page)
        _file_all(page)
        _search(page)
        _record_and_person(page)
        _record_to_record(page)
        _in_english(page)
        _sign_out(page)
