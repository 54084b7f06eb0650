"""The review pages: a queue that keeps its filter, confirmations that keep what was typed, papers arranged by hand."""

import errno
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import databases
import pytest
import sqlalchemy as sa
from houses import FONDS, a_batch, a_home, a_house, archivist, receive, samples, work
from site_browser import Browser

from archive_app.core.model import Component, Field, IntakeFile, Page, Record
from archive_app.core.vocabulary import ComponentKind, FieldState, IntakeOutcome, RecordId, RecordState
from archive_app.wiring import Archive

#: A form with a doubtful field, another of the same type, a stack of several papers, and one that is clear.
_PAPERS = ("0002", "0004", "0113", "0001")


@pytest.fixture(scope="module")
def read_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("read")
    home = a_home(folder)
    with a_house(folder, home=home) as archive:
        receive(archive, a_batch(archive), *samples(*_PAPERS))
        work(archive)
    return home


@pytest.fixture
def archive(tmp_path: Path, read_home: Path) -> Iterator[Archive]:
    home = tmp_path / "home"
    shutil.copytree(read_home, home)
    databases.copied_home(read_home, home)
    with a_house(tmp_path, home=home) as opened:
        yield opened


def records(archive: Archive, state: RecordState = RecordState.REVIEW) -> list[Record]:
    with archive.reading(archivist(archive)) as unit:
        statement = sa.select(Record).where(Record.state == state).order_by(Record.created_at, Record.id)
        return list(unit.all(statement))


def record_of(archive: Archive, ident: RecordId) -> Record:
    with archive.reading(archivist(archive)) as unit:
        return unit.get(Record, ident)


def fields_of(archive: Archive, ident: RecordId) -> dict[str, Field]:
    with archive.reading(archivist(archive)) as unit:
        return {one.name: one for one in unit.all(sa.select(Field).where(Field.record_id == ident))}


def a_doubtful(archive: Archive) -> Record:
    return next(one for one in records(archive) if str(one.review[0]).startswith("doubtful:"))


def seen(browser: Browser, ident: UUID, **arguments: str) -> dict[str, Any]:
    query = "&".join(f"{name}={value}" for name, value in arguments.items())
    answer = browser.fetch(f"/review/{ident}?{query}")
    assert answer.status_code == 200, answer.text
    assert isinstance(answer.json, dict)
    return answer.json


def test_the_queue_gives_the_oldest_first_and_goes_to_it(browser: Browser, archive: Archive) -> None:
    waiting = records(archive)
    page = browser.get("/review").text
    found = [UUID(ident) for ident in re.findall(r'href="/review/([0-9a-f-]{36})', page)]
    assert found == [one.id for one in waiting]
    assert page.count(f'<td class="nowrap wide-only">{FONDS} · ') == len(waiting)
    assert re.search(rf'<option value="[0-9a-f-]{{36}}">{FONDS} · ', page)
    assert str(waiting[0].id) in browser.get("/review?go=1").location


def test_next_and_previous_keep_the_filter_and_leave_out_what_it_leaves_out(browser: Browser, archive: Archive) -> None:
    wanted = [one for one in records(archive) if one.type_code == "ENROL_PERSON"]
    assert 1 < len(wanted) < len(records(archive))
    first = seen(browser, wanted[0].id, type="ENROL_PERSON")
    assert (first["position"], first["total"]) == (1, len(wanted))
    assert first["next"] == f"/review/{wanted[1].id}?type=ENROL_PERSON"
    assert first["previous"] is None


def test_a_reason_narrows_the_queue(browser: Browser, archive: Archive) -> None:
    stacks = [one for one in records(archive) if "possible-stack" in one.review]
    page = browser.get("/review?reason=possible-stack").text
    assert {UUID(ident) for ident in re.findall(r'href="/review/([0-9a-f-]{36})', page)} == {one.id for one in stacks}


def test_a_doubtful_field_is_a_stop_with_its_box_and_what_was_read(browser: Browser, archive: Archive) -> None:
    record = a_doubtful(archive)
    key = str(record.review[0]).partition(":")[2]
    panel = seen(browser, record.id)["panel"]
    found = re.search(rf'name="value:{key}"[^>]*>', panel)
    assert found
    assert "data-stop" in found[0]
    assert "data-box=" in found[0]


def test_a_printed_row_of_boxes_offers_its_options(browser: Browser, archive: Archive) -> None:
    record = next(one for one in records(archive) if "doubtful:psn_type" in one.review)
    panel = seen(browser, record.id)["panel"]
    row = panel[panel.index('data-row="psn_type"') :]
    offered = re.findall(r'data-alternative="([^"]+)"', row[: row.index("</li>\n      <li")])
    assert len(offered) >= 2
    assert not any("□" in text for text in offered[:2])


def test_what_is_confirmed_is_certain_and_the_next_record_follows(browser: Browser, archive: Archive) -> None:
    record = a_doubtful(archive)
    key = str(record.review[0]).partition(":")[2]
    shown = seen(browser, record.id)
    answer = browser.call(f"/review/{record.id}/confirm", {"version": shown["version"], "values": {key: "在职"}})
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["next"] == shown["next"]
    assert record_of(archive, record.id).state == RecordState.DESCRIBED
    field = fields_of(archive, record.id)[key]
    assert (field.value, field.state) == ("在职", FieldState.CONFIRMED)


def test_confirmed_and_filed_in_one_step_it_has_its_number(browser: Browser, archive: Archive) -> None:
    record = a_doubtful(archive)
    answer = browser.call(f"/review/{record.id}/confirm", {"file": True})
    assert answer.json is not None
    assert answer.json["done"] == "filed"
    assert answer.json["code"].startswith("J019-")
    assert record_of(archive, record.id).state == RecordState.FILED


def test_a_value_that_cannot_be_is_told_by_its_field_and_nothing_is_confirmed(
    browser: Browser, archive: Archive
) -> None:
    record = a_doubtful(archive)
    answer = browser.call(f"/review/{record.id}/confirm", {"values": {"certno": "420502195809244820"}})
    assert answer.status_code == 422
    assert answer.json is not None
    assert set(answer.json["faults"]) == {"certno"}
    assert record_of(archive, record.id).state == RecordState.REVIEW


def test_a_stale_version_is_told(browser: Browser, archive: Archive) -> None:
    record = a_doubtful(archive)
    answer = browser.call(f"/review/{record.id}/confirm", {"version": record.version - 1})
    assert answer.status_code == 409
    assert answer.json is not None
    assert answer.json["code"] == "stale-version"


def test_a_plain_form_confirms_too_and_keeps_what_was_typed_through_a_fault(browser: Browser, archive: Archive) -> None:
    record = a_doubtful(archive)
    page = browser.get(f"/review/{record.id}").text
    form = dict(re.findall(r'name="((?:value|was):person_name)" value="([^"]*)"', page))
    assert form["value:person_name"] == form["was:person_name"] != ""
    wrong = {**form, "value:certno": "1", "value:phone": "x" * 3000}
    kept = browser.send(f"/review/{record.id}/confirm", **wrong)
    assert kept.status_code == 422
    assert "x" * 3000 in kept.text
    right = browser.send(f"/review/{record.id}/confirm", **{**form, "value:person_name": "沈秋兰"})
    assert right.status_code == 303
    assert fields_of(archive, record.id)["person_name"].value == "沈秋兰"


def test_a_confirmation_taken_back_restores_the_values_and_waits_again(browser: Browser, archive: Archive) -> None:
    record = a_doubtful(archive)
    before = fields_of(archive, record.id)["person_name"].value
    browser.call(f"/review/{record.id}/confirm", {"values": {"person_name": "沈秋兰"}})
    answer = browser.call(f"/review/{record.id}/undo", {"values": {"person_name": before}})
    assert answer.status_code == 200
    assert fields_of(archive, record.id)["person_name"].value == before
    assert record_of(archive, record.id).state == RecordState.REVIEW


def test_another_types_fields_are_shown_before_it_is_confirmed(browser: Browser, archive: Archive) -> None:
    record = a_doubtful(archive)
    panel = seen(browser, record.id, as_type="SETTLE")["panel"]
    assert 'name="type" value="SETTLE"' in panel
    assert 'data-row="fixmedins_name"' in panel
    assert record_of(archive, record.id).type_code == record.type_code


def test_a_type_is_found_by_its_pinyin_initials(browser: Browser, archive: Archive) -> None:
    page = browser.get(f"/review/{a_doubtful(archive).id}").text
    found = re.search(r'<script type="application/json" id="review-data">(.*?)</script>', page, re.DOTALL)
    assert found
    types = {one["code"]: one["keys"].split() for one in json.loads(found[1])["types"]}
    assert "cbrydjb" in types["ENROL_PERSON"]
    assert "canbaorenyuandengjibiao" in types["ENROL_PERSON"]


def pages_of(archive: Archive, ident: RecordId) -> list[UUID]:
    with archive.reading(archivist(archive)) as unit:
        statement = sa.select(Page.id).where(Page.record_id == ident).order_by(Page.number)
        return [row[0] for row in unit.rows(statement)]


def a_stack(archive: Archive) -> Record:
    return next(one for one in records(archive) if len(pages_of(archive, one.id)) > 1)


def test_a_stack_is_split_before_a_page_and_both_parts_are_described_anew(browser: Browser, archive: Archive) -> None:
    record = a_stack(archive)
    first, *rest = pages_of(archive, record.id)
    answer = browser.call(f"/review/{record.id}/arrange", {"act": "split", "page": 2, "version": record.version})
    assert answer.status_code == 200, answer.text
    work(archive)
    assert pages_of(archive, record.id) == [first]
    with archive.reading(archivist(archive)) as unit:
        other = unit.get(Record, unit.get(Page, rest[0]).record_id)
    assert other.state in {RecordState.REVIEW, RecordState.DESCRIBED}


def test_a_page_moves_to_another_record_and_its_own_is_withdrawn_when_empty(browser: Browser, archive: Archive) -> None:
    moving, target = a_doubtful(archive), a_stack(archive)
    (page,) = pages_of(archive, moving.id)
    answer = browser.call(f"/review/{moving.id}/arrange", {"act": "move", "page": 1, "target": str(target.id)})
    assert answer.status_code == 200, answer.text
    assert pages_of(archive, target.id)[-1] == page
    assert record_of(archive, moving.id).state == RecordState.WITHDRAWN


def test_a_record_merges_into_the_one_before_it_in_the_batch(browser: Browser, archive: Archive) -> None:
    record = a_stack(archive)
    shown = seen(browser, record.id)
    before = RecordId(UUID(shown["merge_into"][0]))
    expected = pages_of(archive, before) + pages_of(archive, record.id)
    answer = browser.call(f"/review/{record.id}/arrange", {"act": "merge", "target": str(before)})
    assert answer.status_code == 200, answer.text
    assert pages_of(archive, before) == expected


def test_a_master_that_moves_whole_keeps_both_digests_where_the_store_notes_one(
    browser: Browser, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_arguments: object) -> bytes:
        raise OSError(errno.ENOTSUP, "no attributes here")

    record = a_stack(archive)
    before = RecordId(UUID(seen(browser, record.id)["merge_into"][0]))
    monkeypatch.setattr(os, "getxattr", unsupported)
    answer = browser.call(f"/review/{record.id}/arrange", {"act": "merge", "target": str(before)})
    assert answer.status_code == 200, answer.text
    masters = sa.select(Component.sm3).where(Component.record_id == before, Component.kind == ComponentKind.MASTER)
    with archive.reading(archive.own_work("test")) as unit:
        digests = [row[0] for row in unit.rows(masters)]
    assert len(digests) > 1
    assert all(digests)


def test_a_page_that_is_not_there_is_refused(browser: Browser, archive: Archive) -> None:
    record = a_stack(archive)
    assert browser.call(f"/review/{record.id}/arrange", {"act": "split", "page": 1}).status_code == 422
    assert browser.call(f"/review/{record.id}/arrange", {"act": "move", "page": 9, "target": "new"}).status_code == 422


def test_what_is_sent_to_rescan_needs_a_reason_and_counts_as_refused(browser: Browser, archive: Archive) -> None:
    record = a_doubtful(archive)
    assert browser.call(f"/review/{record.id}/rescan", {"reason": " "}).status_code == 422
    assert browser.call(f"/review/{record.id}/rescan", {"reason": "边缘缺失"}).status_code == 200
    assert record_of(archive, record.id).state == RecordState.WITHDRAWN
    with archive.reading(archivist(archive)) as unit:
        assert record.intake_file_id is not None
        assert unit.get(IntakeFile, record.intake_file_id).outcome == IntakeOutcome.REFUSED


def test_a_request_without_the_token_changes_nothing(browser: Browser, archive: Archive) -> None:
    record = a_doubtful(archive)
    assert browser.call(f"/review/{record.id}/confirm", {}, token="").status_code == 400
    assert record_of(archive, record.id).state == RecordState.REVIEW


def test_a_record_that_is_not_there_is_not_found(browser: Browser) -> None:
    assert browser.fetch("/review/00000000-0000-4000-8000-000000000000").status_code == 404
