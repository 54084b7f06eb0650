"""The pages of corrections and of page changes: one proposes, another decides, the form says what else to do."""

import datetime as dt
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from factories import a_user
from flask.testing import FlaskClient
from papers import a_paper, a_reading_archive, an_archivist, taken_in, work
from werkzeug.test import TestResponse

from archive_app import correcting
from archive_app.core.model import Record
from archive_app.core.vocabulary import Level, RecordId, RecordState
from archive_app.web.app import create_app
from archive_app.wiring import Archive
from ingest.reviewing import Correction, confirm
from retention import filing

PASSWORD = "Qwerty-12345"


@dataclass
class Site:
    archive: Archive
    client: FlaskClient
    tokens: dict[str, str]
    filed: RecordId
    unfiled: RecordId

    def get(self, who: str, url: str) -> TestResponse:
        return self.client.get(url, headers={"Authorization": f"Bearer {self.tokens[who]}"})

    def post(self, who: str, url: str, **form: object) -> TestResponse:
        headers = {"Authorization": f"Bearer {self.tokens[who]}"}
        return self.client.post(url, headers=headers, data=form, content_type="multipart/form-data")

    def record(self, ident: RecordId) -> Record:
        with self.archive.reading(an_archivist(self.archive)) as unit:
            return unit.get(Record, ident)

    def waiting(self) -> list[str]:
        by = an_archivist(self.archive)
        with self.archive.reading(by) as unit:
            return [line["id"] for line in correcting.listing(unit, self.archive.tables)]


def a_token(archive: Archive, login: str, role: str) -> str:
    accounts = archive.accounts
    system = accounts.viewer(a_user(archive, "system"))
    security = accounts.viewer(a_user(archive, "security"))
    _, code = accounts.add(system, login, name=login)
    accounts.activate(login, code=code, password=PASSWORD)
    accounts.grant(security, login, roles=[role], fonds=["J001"], level=Level.HIGHLY_SENSITIVE)
    return accounts.tokens.add(accounts.sign_in(login, PASSWORD))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """One record filed, one described."""
    archive = a_reading_archive(tmp_path)
    try:
        by = an_archivist(archive)
        filed, unfiled = taken_in(archive, by, [("a.tif", a_paper(10, 120)), ("b.tif", a_paper(40, 90))])
        described = Correction(
            type_code="SETTLE",
            class_code="YB03",
            title="王秀兰 结算单",
            formed_on=dt.date(2024, 3, 5),
            values={"person_name": "王秀兰"},
        )
        with archive.unit(by) as unit:
            confirm(unit, filed, described, tables=archive.tables, hasher=archive.hasher)
        with archive.unit(by) as unit:
            filing.file_record(unit, filed, tables=archive.tables)
        tokens = {
            "archivist": a_token(archive, "zhang.li", "archivist"),
            "head": a_token(archive, "chen.hao", "head"),
            "clerk": a_token(archive, "sun.lei", "clerk"),
        }
        app = create_app(archive)
        yield Site(archive, app.test_client(), tokens, filed, unfiled)
    finally:
        archive.close()


def the_form(site: Site, **changed: object) -> dict[str, object]:
    """What the form sends when it is left as it was shown, but for what is changed."""
    shown = {"title": "王秀兰 结算单", "formed_on": "2024-03-05", "document_number": "", "value-person_name": "王秀兰"}
    before = {f"was-{name}": text for name, text in shown.items()}
    return {"reason": "录错", "version": site.record(site.filed).version, **shown, **before, **changed}


def test_a_proposal_goes_from_the_form_to_the_decision_of_another(site: Site):
    address = f"/records/{site.filed}/correct"
    assert "王秀兰".encode() in site.get("archivist", address).data
    answer = site.post("archivist", address, **the_form(site, title="王秀莲 结算单"))
    assert answer.status_code == 303
    page = site.get("head", answer.location).get_data(as_text=True)
    assert "<del>王秀兰 结算单</del>" in page
    assert "<ins>王秀莲 结算单</ins>" in page
    assert f"/records/{site.filed}/pages/1/image" in page  # the paper itself is there to compare with
    assert answer.location.rsplit("/", 1)[1] in site.get("head", "/corrections").get_data(as_text=True)
    assert site.post("head", f"{answer.location}/approve").status_code == 303
    assert site.record(site.filed).title == "王秀莲 结算单"


def test_what_would_change_the_number_is_told_with_what_to_do_instead(site: Site):
    answer = site.post("archivist", f"/records/{site.filed}/correct", **the_form(site, formed_on="2023-03-05"))
    assert answer.status_code == 422
    assert "重新收件" in answer.get_data(as_text=True)
    assert site.waiting() == []


def test_the_first_value_that_cannot_be_has_the_focus_and_not_the_reason(site: Site):
    assert re.search(r'id="reason"[^>]* autofocus', site.get("archivist", f"/records/{site.filed}/correct").text)
    answer = site.post("archivist", f"/records/{site.filed}/correct", **the_form(site, formed_on="2024-13-45"))
    assert answer.status_code == 422
    assert re.findall(r'<input id="(\w+)"[^>]* data-first-fault', answer.text) == ["formed_on"]
    assert "autofocus" not in answer.text


def test_a_form_left_as_it_was_proposes_nothing(site: Site):
    assert site.post("archivist", f"/records/{site.filed}/correct", **the_form(site)).status_code == 422
    assert site.waiting() == []


def test_a_proposed_page_is_shown_to_who_decides(site: Site):
    form = the_form(site, place="replace", page="2", file=(a_paper(60), "again.png"))
    answer = site.post("archivist", f"/records/{site.filed}/correct", **form)
    assert answer.status_code == 303
    picture = site.get("head", f"{answer.location}/pages/1/image")
    assert (picture.status_code, picture.data[:3]) == (200, b"\xff\xd8\xff")
    assert site.get("head", f"{answer.location}/pages/2/image").status_code == 404
    assert "替换第 2 页" in site.get("head", answer.location).get_data(as_text=True)


def test_a_page_that_was_replaced_has_another_address_so_that_no_browser_shows_the_old_one(site: Site):
    def addresses() -> set[str]:
        shown = site.get("archivist", f"/records/{site.filed}").text
        return set(re.findall(r"/records/[0-9a-f-]+/pages/2/image[^\"\s]*", shown))

    (before,) = addresses()
    form = the_form(site, place="replace", page="2", file=(a_paper(60), "again.png"))
    answer = site.post("archivist", f"/records/{site.filed}/correct", **form)
    assert site.post("head", f"{answer.location}/approve").status_code == 303
    work(site.archive)
    (after,) = addresses()
    assert before != after
    assert site.get("archivist", after).status_code == 200


def test_a_file_that_is_no_picture_is_refused_in_words(site: Site):
    form = the_form(site, place="insert", page="0", file=(io.BytesIO(b"not a scan at all"), "x.png"))
    answer = site.post("archivist", f"/records/{site.filed}/correct", **form)
    assert answer.status_code == 422
    assert site.waiting() == []


def test_a_refusal_without_a_reason_is_asked_for_it(site: Site):
    answer = site.post("archivist", f"/records/{site.filed}/correct", **the_form(site, title="王秀莲 结算单"))
    refused = site.post("head", f"{answer.location}/refuse", reason=" ")
    assert refused.status_code == 422
    assert site.post("head", f"{answer.location}/refuse", reason="无依据").status_code == 303
    assert site.waiting() == []
    assert "无依据" in site.get("archivist", answer.location).get_data(as_text=True)


def test_a_proposal_is_withdrawn_from_its_page_by_whoever_proposed_it(site: Site):
    address = site.post("archivist", f"/records/{site.filed}/correct", **the_form(site, title="王秀莲 结算单")).location
    assert f"{address}/withdraw" in site.get("archivist", address).text
    assert f"{address}/withdraw" not in site.get("head", address).text
    assert site.post("head", f"{address}/withdraw").status_code == 404
    assert site.post("archivist", f"{address}/withdraw").status_code == 303
    assert site.waiting() == []
    page = site.get("head", address).text
    assert "已撤回" in page
    assert f"{address}/approve" not in page


def test_pages_are_changed_before_filing_only(site: Site):
    for ident, status in ((site.unfiled, 303), (site.filed, 409)):
        url = f"/records/{ident}/pages"
        assert site.post("archivist", f"{url}/replace", page="1", file=(a_paper(61), "x.png")).status_code == status
        assert site.post("archivist", f"{url}/insert", page="2", file=(a_paper(62), "y.png")).status_code == status
        assert site.post("archivist", f"{url}/remove", page="2", reason="模糊").status_code == status
    work(site.archive)
    assert site.record(site.unfiled).state in {RecordState.REVIEW, RecordState.DESCRIBED}
    assert site.record(site.filed).state == RecordState.FILED


@pytest.mark.parametrize("url", ["/corrections", "/records/{}/correct"])
def test_who_neither_proposes_nor_decides_finds_no_such_page(site: Site, url: str):
    assert site.get("clerk", url.format(site.filed)).status_code == 404
