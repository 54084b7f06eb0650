"""The intake pages: files go in, the balance is told, refused files are decided on, the batch is signed."""

import csv
import io
import re

from houses import a_batch, archivist, samples, work
from site_browser import Browser

from archive_app.core.vocabulary import IntakeOutcome
from archive_app.wiring import Archive

_NOTHING = b"not a picture at all"


def put(browser: Browser, batch: object, name: str, data: bytes) -> str:
    answer = browser.upload(f"/intake/{batch}/files", file=(io.BytesIO(data), name), path=name)
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    return str(answer.json["files"][0]["id"])


def live(browser: Browser, batch: object, known: dict[str, str] | None = None) -> dict[str, object]:
    answer = browser.call(f"/intake/{batch}/live", {"known": known or {}})
    assert answer.status_code == 200
    assert isinstance(answer.json, dict)
    return answer.json


def test_a_batch_is_opened_with_what_was_declared_and_shown(browser: Browser, archive: Archive) -> None:
    fonds = next(iter(archivist(archive).fonds))
    browser.get("/intake/new")
    answer = browser.send("/intake/new", fonds=fonds, source="三号窗口", box="2024-7", declared_files="2")
    assert answer.status_code == 303
    page = browser.get(answer.location).text
    assert "三号窗口" in page
    assert "2024-7" in page
    assert "三号窗口" in browser.get("/intake").text


def test_a_count_that_is_none_is_told_beside_its_field_and_the_rest_is_kept(browser: Browser, archive: Archive) -> None:
    fonds = next(iter(archivist(archive).fonds))
    browser.get("/intake/new")
    answer = browser.send("/intake/new", fonds=fonds, source="邮寄件", declared_pages="十二")
    assert answer.status_code == 422
    assert 'value="邮寄件"' in answer.text
    assert re.search(r'name="declared_pages"[^>]*aria-invalid="true"', answer.text)


def test_files_end_as_accepted_duplicate_or_refused_and_the_equation_says_so(
    browser: Browser, archive: Archive
) -> None:
    batch = a_batch(archive)
    scan = samples("0001")[0].read_bytes()
    put(browser, batch, "box/一.jpg", scan)
    put(browser, batch, "box/again.jpg", scan)
    put(browser, batch, "box/nothing.jpg", _NOTHING)
    told = live(browser, batch)
    assert (told["waiting"], told["total"]) == (3, 3)
    work(archive)
    page = browser.get(f"/intake/{batch}").text
    found = re.search(r'id="equation">(.*?)</p>', page, re.DOTALL)
    assert found
    assert re.findall(r"<b>(\d+)</b>", found[1]) == ["3", "1", "1", "1"]
    refused = browser.get(f"/intake/{batch}?outcome={IntakeOutcome.REFUSED.value}").text
    assert "box/nothing.jpg" in refused
    assert "box/一.jpg" not in refused


def test_a_duplicate_leads_to_the_record_that_is_there_already(browser: Browser, archive: Archive) -> None:
    earlier, later = a_batch(archive), a_batch(archive)
    scan = samples("0001")[0].read_bytes()
    put(browser, earlier, "first.jpg", scan)
    work(archive)
    put(browser, later, "again.jpg", scan)
    work(archive)
    (made,) = re.findall(r'<a class="made" data-record="([0-9a-f-]{36})"', browser.get(f"/intake/{earlier}").text)
    again = browser.get(f"/intake/{later}").text
    assert f'href="/records/{made}"' in again


def test_only_what_changed_is_sent_again(browser: Browser, archive: Archive) -> None:
    batch = a_batch(archive)
    put(browser, batch, "one.jpg", samples("0001")[0].read_bytes())
    rows = live(browser, batch)["rows"]
    assert isinstance(rows, list)
    known = {row["id"]: row["stamp"] for row in rows}
    assert live(browser, batch, known)["rows"] == []
    work(archive)
    changed = live(browser, batch, known)
    assert [row["id"] for row in changed["rows"]] == list(known)  # type: ignore[attr-defined]
    assert changed["working"] is False


def test_a_file_too_large_to_send_is_counted_and_one_that_is_not_cannot_be_claimed_to_be(
    browser: Browser, archive: Archive
) -> None:
    batch = a_batch(archive)
    limit = archive.settings.limit_bytes
    assert browser.upload(f"/intake/{batch}/unsent", path="huge.tif", size=str(limit + 1)).status_code == 200
    assert browser.upload(f"/intake/{batch}/unsent", path="small.tif", size="10").status_code == 422
    page = browser.get(f"/intake/{batch}").text
    assert "huge.tif" in page
    assert "small.tif" not in page


def test_a_refused_file_is_examined_again_or_discarded(browser: Browser, archive: Archive) -> None:
    batch = a_batch(archive)
    ident = put(browser, batch, "nothing.jpg", _NOTHING)
    work(archive)
    assert browser.send(f"/intake/files/{ident}/examine", batch=batch).status_code == 303
    work(archive)
    assert browser.send(f"/intake/files/{ident}/discard", batch=batch).status_code == 303
    assert browser.call(f"/intake/files/{ident}/discard").status_code == 409
    assert f"/intake/files/{ident}/discard" not in browser.get(f"/intake/{batch}").text


def test_a_difference_must_be_explained_before_the_batch_is_signed_off(browser: Browser, archive: Archive) -> None:
    fonds = next(iter(archivist(archive).fonds))
    browser.get("/intake/new")
    batch = browser.send("/intake/new", fonds=fonds, declared_files="2").location.rpartition("/")[2]
    put(browser, batch, "one.jpg", samples("0001")[0].read_bytes())
    work(archive)
    assert browser.send(f"/intake/{batch}/sign-off").status_code == 422
    assert browser.send(f"/intake/{batch}/sign-off", difference="窗口多报一份").status_code == 303
    page = browser.get(f"/intake/{batch}").text
    assert "窗口多报一份" in page
    assert 'id="upload"' not in page
    late = browser.upload(f"/intake/{batch}/files", file=(io.BytesIO(_NOTHING), "late.jpg"))
    assert late.status_code == 409


def test_clear_records_are_filed_at_once_and_what_was_done_is_told_once(browser: Browser, archive: Archive) -> None:
    batch = a_batch(archive)
    put(browser, batch, "one.jpg", samples("0001")[0].read_bytes())
    work(archive)
    assert browser.send(f"/intake/{batch}/file-clear").status_code == 303
    assert "J019-" in (page := browser.get(f"/intake/{batch}").text)
    assert 'role="status"' in page
    assert "note-sound" not in browser.get(f"/intake/{batch}").text


def test_the_report_is_exported_and_a_spreadsheet_runs_nothing_of_it(browser: Browser, archive: Archive) -> None:
    batch = a_batch(archive)
    put(browser, batch, "=cmd.jpg", _NOTHING)
    work(archive)
    text = browser.get(f"/intake/{batch}.csv").data.decode("utf-8-sig")
    (line,) = csv.DictReader(io.StringIO(text))
    assert line["file"] == "'=cmd.jpg"
    assert line["outcome"] == "refused"
    report = browser.get(f"/intake/{batch}.json").get_json()
    assert report["summary"]["refused"] == 1
    assert report["files"][0]["file"] == "=cmd.jpg"


def test_a_request_without_the_forms_token_changes_nothing(browser: Browser, archive: Archive) -> None:
    batch = a_batch(archive)
    browser.token = ""
    answer = browser.upload(f"/intake/{batch}/files", file=(io.BytesIO(_NOTHING), "forged.jpg"))
    assert answer.status_code == 400
    assert "forged.jpg" not in browser.get(f"/intake/{batch}").text
