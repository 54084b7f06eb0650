"""The command line from an empty folder on, along the contract: every command answers in its shape and exit code.

One archive is made, filled by the default engine and asked; each test states one thing about it. Each holds on an
embedded archive and on the servers of production, whose processes are started as containers and units start them.
"""

import json
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from command_line import CommandLine, Said
from production import Production, prepare, production
from recorded_ocr import SAMPLES

pytestmark = [pytest.mark.ocr, pytest.mark.timeout(900)]

NAME, NUMBER = "周文远", "420502196203183173"  # invented, of the samples
FILES = {
    "in/forms/0001.jpg": "J019/box-01/0001.jpg",
    "in/forms/0027.jpg": "J019/box-04/0027.jpg",
    "in/forms/0044-copy.jpg": "J019/box-04/0044-copy.jpg",
    "in/0035.xml": "J019/box-04/0035.xml",
    "in/0041.docx": "J019/box-04/0041.docx",
    "in/refused/0051-truncated.jpg": "J019/refused/0051-truncated.jpg",
}
ELSEWHERE = "J020/box-02/0108.jpg"
SHOWN = {
    "id", "code", "title", "fonds", "class", "type", "state", "level", "version", "retention", "parties", "fields",
    "pages", "components", "review",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Journey:
    """The archive after its first intake."""

    archive: CommandLine
    ingested: Said
    head: Path
    production: Production | None

    def of(self, file: str) -> str:
        """The record made of a file."""
        line = next(line for line in self.ingested.values if line.get("file") == file)
        (record,) = line["records"]
        return str(record)

    def show(self, file: str, *, login: str = "archivist") -> dict[str, Any]:
        shown: dict[str, Any] = self.archive("record", "show", self.of(file), login=login).value
        return shown


@pytest.fixture(scope="module", params=["embedded", pytest.param("production", marks=pytest.mark.services)])
def journey(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    place = tmp_path_factory.mktemp("journey")
    archive = CommandLine(place)
    if request.param == "embedded":
        yield _travelled(archive, None)
        return
    with production(archive) as running:
        yield _travelled(archive, running)


def _travelled(archive: CommandLine, running: Production | None) -> Journey:
    place = archive.place
    for name, sample in FILES.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SAMPLES / sample, place / name)
    name = "江州市医疗保障服务中心"
    if running:
        made = prepare(archive, fonds="J019", name=name).value
        running.start()
    else:
        made = archive("init", "--fonds", "J019", "--name", name).value
    assert made["home"] == str(archive.home)
    assert made["fonds"] == "J019"
    assert made["activation"].keys() == {"system", "security", "audit"}
    assert all(stat.S_IMODE(Path(file).stat().st_mode) == 0o600 for file in made["activation"].values())
    for login, file in made["activation"].items():
        archive.join(login, file)
        assert not Path(file).exists()
    assert archive("fonds", "add", "J020", "--name", "临江区医疗保障局", login="system").value["fonds"] == "J020"
    archive.add_user("archivist", role="archivist", fonds=("J019",), level="highly-sensitive")
    archive.add_user("clerk", role="clerk", fonds=("J019",), level="sensitive")
    archive.add_user("elsewhere", role="archivist", fonds=("J020",), level="highly-sensitive")
    ingested = archive("ingest", "in", "--source", "窗口", "--wait", login="archivist", ends=3)
    archive("ingest", str(SAMPLES / ELSEWHERE), "--wait", login="elsewhere")
    head = place / "head.json"
    head.write_text(archive("audit", "head").out, encoding="utf-8")
    return Journey(archive, ingested, head, running)


# ---------------------------------------------------------------- taking in


def test_each_file_is_named_with_its_outcome_and_the_summary_adds_up(journey: Journey):
    *lines, last = journey.ingested.values
    assert {line["file"] for line in lines} == {name.removeprefix("in/") for name in FILES}
    for line in lines:
        more = {"equals"} if line["outcome"] == "duplicate" else set()
        assert line.keys() == {"file", "outcome", "reason", "message", "digest", "pages", "records"} | more
    outcomes = {line["file"]: line["outcome"] for line in lines}
    assert sorted(outcomes.values()) == ["accepted"] * 4 + ["duplicate", "refused"]
    assert outcomes["refused/0051-truncated.jpg"] == "refused"
    assert {"forms/0027.jpg", "forms/0044-copy.jpg"} >= {name for name, what in outcomes.items() if what == "duplicate"}
    (twice,) = (line for line in lines if line["outcome"] == "duplicate")
    assert twice["equals"] == next(
        {"file": line["file"], "batch": last["batch"], "records": line["records"]}
        for line in lines
        if line["digest"] == twice["digest"] and line["outcome"] == "accepted"
    )
    assert last["summary"] == {"accepted": 4, "duplicate": 1, "refused": 1, "pages": 4, "records": 4}


def test_a_refused_file_has_its_reason_in_code_and_words_and_no_record(journey: Journey):
    line = next(line for line in journey.ingested.values if line.get("outcome") == "refused")
    assert line["reason"] == "truncated"
    assert line["message"]
    assert line["records"] == []


def test_after_waiting_every_record_is_described_or_in_review_and_no_job_is_left(journey: Journey):
    rows = journey.archive("record", "list", login="archivist").values
    assert len(rows) >= 4
    assert {row["state"] for row in rows} <= {"described", "review", "filed"}
    assert journey.archive("job", "list").values == []


def test_feeding_the_folder_again_neither_loses_nor_doubles(journey: Journey):
    before = {row["id"] for row in journey.archive("record", "list", login="archivist").values}
    batch = journey.ingested.values[-1]["batch"]
    again = journey.archive("ingest", "in", "--batch", batch, "--wait", login="archivist", ends=3)
    assert again.values[-1] == journey.ingested.values[-1]
    *lines, summary = journey.archive("ingest", "in", "--wait", login="archivist", ends=3).values
    assert summary["summary"] == {"accepted": 0, "duplicate": 5, "refused": 1, "pages": 0, "records": 0}
    assert all(line["records"] == [] for line in lines)
    assert {row["id"] for row in journey.archive("record", "list", login="archivist").values} == before


# ---------------------------------------------------------------- seeing


def test_a_record_is_shown_in_the_shape_of_the_contract(journey: Journey):
    shown = journey.show("forms/0001.jpg")
    assert shown.keys() >= SHOWN
    assert shown["type"].keys() == {"code", "confidence", "reasons"}
    assert shown["type"]["code"] == "ENROL_PERSON"
    assert shown["retention"].keys() == {"rule", "basis", "due", "outcome"}
    (page,) = shown["pages"]
    assert page.keys() >= {"number", "width", "height", "rotation", "text", "lines", "quality"}
    assert page["text"].split("\n") == [line["text"] for line in page["lines"]]
    assert {component["kind"] for component in shown["components"]} == {"master", "view"}
    for component in shown["components"]:
        assert component.keys() >= {"id", "kind", "digest", "size", "media_type"}
    for field in shown["fields"]:
        assert field.keys() >= {
            "name", "value", "as_read", "page", "row", "box", "confidence", "checks", "state",
        }  # fmt: skip
    assert {party["number"] for party in shown["parties"] if party["role"] == "subject"} == {NUMBER}


def test_a_record_is_found_by_its_provisional_number_too(journey: Journey):
    code = journey.show("forms/0001.jpg")["code"]
    assert journey.archive("record", "show", code, login="archivist").value["id"] == journey.of("forms/0001.jpg")


def test_the_list_narrows_by_batch_and_state(journey: Journey):
    batch = journey.ingested.values[-1]["batch"]
    rows = journey.archive("record", "list", "--batch", batch, login="archivist").values
    assert {row["id"] for row in rows} >= {journey.of("forms/0001.jpg"), journey.of("0035.xml")}
    assert all(row.keys() == {"id", "code", "title", "type", "class", "state", "level", "fonds"} for row in rows)
    captured = journey.archive("record", "list", "--state", "captured", login="archivist").values
    assert captured == []


def test_a_search_finds_exactly_the_records_that_hold_the_words(journey: Journey):
    rows = journey.archive("record", "list", login="archivist").values
    shown = [journey.archive("record", "show", row["id"], login="archivist").value for row in rows]
    for words in ("住院", NAME, '"参保登记表"'):
        wanted = words.strip('"')
        holding = {one["id"] for one in shown if any(wanted in text for text in _texts(one))}
        assert holding
        found = journey.archive("search", words, login="archivist").value
        assert found.keys() == {"total", "exact", "hits", "facets", "after"}
        assert {hit["record"] for hit in found["hits"]} == holding
        assert found["total"] == len(holding)
        for hit in found["hits"]:
            assert hit.keys() >= {"record", "code", "title", "type", "class", "pages", "snippets"}
            assert all(wanted in snippet for snippet in hit["snippets"])
        assert all(n >= 1 for counts in found["facets"].values() for n in counts.values())


def _texts(shown: dict[str, Any]) -> list[str]:
    lines = [line for page in shown["pages"] for line in (page["text"] or "").split("\n")]
    return [shown["title"], *lines, *(party["name"] or "" for party in shown["parties"])]


def test_a_citizen_number_from_standard_input_finds_the_papers_of_that_person(journey: Journey):
    found = journey.archive("search", "-", login="archivist", stdin=f"{NUMBER}\n").value
    assert {hit["record"] for hit in found["hits"]} >= {journey.of("forms/0001.jpg")}
    assert journey.archive("search", "-", login="archivist", stdin=f"{NUMBER[:12]}\n").value["total"] == 0


def test_filters_and_pages_of_hits_are_stable(journey: Journey):
    every = journey.archive("search", "", login="archivist").value
    first = journey.archive("search", "", "--size", "2", login="archivist").value
    rest = journey.archive("search", "", "--size", "500", "--after", first["after"], login="archivist").value
    assert [hit["record"] for hit in first["hits"] + rest["hits"]] == [hit["record"] for hit in every["hits"]]
    only = journey.archive("search", "", "--filter", "type=INVOICE", login="archivist").value
    assert {hit["type"] for hit in only["hits"]} == {"INVOICE"}


def test_a_person_is_found_by_number_and_name_and_shown_in_order_of_date(journey: Journey):
    by_number = journey.archive("person", "find", "-", login="archivist", stdin=f"{NUMBER}\n").value
    by_name = journey.archive("person", "find", "-", login="archivist", stdin=f"{NAME}\n").values
    assert by_number in by_name
    assert by_number.keys() == {"person", "masked_number", "name"}
    assert NUMBER not in json.dumps(by_number)
    shown = journey.archive("person", "show", by_number["person"], login="archivist").value
    assert shown.keys() == {"person", "masked_number", "name", "timeline", "gaps", "coverage"}
    dates = [one["date"] for one in shown["timeline"] if one["date"]]
    assert dates == sorted(dates)
    assert journey.of("forms/0001.jpg") in {one["record"] for one in shown["timeline"]}
    assert "不说明" in shown["coverage"]


# ---------------------------------------------------------------- confirming and filing


def test_a_record_is_corrected_confirmed_and_filed_with_its_rule_and_number(journey: Journey):
    archive, ident = journey.archive, journey.of("0035.xml")
    confirmed = archive("record", "confirm", ident, "--field", "person_name=-", login="archivist", stdin="赵立军\n")
    assert confirmed.value["state"] == "described"
    (name,) = (field for field in confirmed.value["fields"] if field["name"] == "person_name")
    assert (name["value"], name["state"]) == ("赵立军", "confirmed")
    filed = archive("record", "file", ident, login="archivist").value
    assert filed["state"] == "filed"
    assert filed["code"].startswith("J019")
    assert filed["retention"]["rule"]
    assert filed["retention"]["basis"]
    why = archive("retention", "explain", filed["code"], login="archivist").value
    assert why.keys() >= {"rule", "basis", "trigger", "from", "due", "outcome", "holds"}
    assert (why["rule"], why["due"]) == (filed["retention"]["rule"], filed["retention"]["due"])
    archive("record", "file", ident, login="archivist", ends=1)  # once is once
    archive("record", "confirm", ident, "--type", "INVOICE", login="archivist", ends=1)  # nothing changes after filing


# ---------------------------------------------------------------- who may not


def test_a_clerk_reads_names_and_numbers_masked_everywhere(journey: Journey):
    archive, ident = journey.archive, journey.of("forms/0001.jpg")
    answers = [
        archive("record", "show", ident, login="clerk").out,
        archive("record", "list", login="clerk").out,
        archive("search", "参保", login="clerk").out,
        archive("search", "-", login="clerk", stdin=f"{NAME}\n").out,
        archive("search", "-", login="clerk", stdin=f"{NUMBER}\n").out,
        archive("person", "find", "-", login="clerk", stdin=f"{NUMBER}\n").out,
    ]
    person = json.loads(answers[-1])["person"]
    answers.append(archive("person", "show", person, login="clerk").out)
    assert ident in answers[1]
    assert ident in answers[2]
    for answer in answers:
        assert NUMBER not in answer
        assert NAME not in answer


def test_who_is_responsible_for_another_fonds_sees_no_trace(journey: Journey):
    archive, ident = journey.archive, journey.of("forms/0001.jpg")
    code = journey.show("forms/0001.jpg")["code"]
    person = archive("person", "find", "-", login="archivist", stdin=f"{NUMBER}\n").value["person"]
    rows = archive("record", "list", login="elsewhere").values
    assert {row["fonds"] for row in rows} == {"J020"}
    batch = journey.ingested.values[-1]["batch"]
    assert archive("record", "list", "--batch", batch, login="elsewhere").values == []
    found = archive("search", "", login="elsewhere").value
    assert found["total"] == len(rows)
    assert found["facets"]["fonds"] == {"J020": len(rows)}
    for text in (NAME, NUMBER):
        hidden = archive("search", "-", login="elsewhere", stdin=f"{text}\n").value
        assert (hidden["total"], hidden["hits"]) == (0, [])
        assert not any(hidden["facets"].values())
        assert archive("person", "find", "-", login="elsewhere", stdin=f"{text}\n").values == []
    for words in (
        ("record", "show", ident), ("record", "show", code), ("record", "file", ident), ("person", "show", person),
        ("retention", "explain", ident), ("record", "confirm", ident),
    ):  # fmt: skip
        said = archive(*words, login="elsewhere", ends=1)
        assert said.out == ""
        assert json.loads(said.err.splitlines()[-1])["error"] == "not-found"


@pytest.mark.parametrize(
    "words",
    [
        ("record", "list"),
        ("search", "x"),
        ("person", "find", "x"),
        ("ingest", "in"),
        ("fonds", "add", "J9", "--name", "x"),
    ],
)
def test_without_a_token_nobody_is_answered(journey: Journey, words: tuple[str, ...]):
    said = journey.archive(*words, ends=1)
    assert said.out == ""
    assert json.loads(said.err.splitlines()[-1])["error"] == "token-missing"


def test_an_unknown_token_is_refused_and_a_missing_token_file_is_wrong_use(journey: Journey):
    forged = journey.archive.token("forged")
    forged.write_text("not-a-token\n", encoding="utf-8")
    journey.archive("record", "list", login="forged", ends=1)
    journey.archive("record", "list", login="nobody", ends=2)


@pytest.mark.parametrize(
    ("login", "words"),
    [
        ("clerk", ("ingest", "in")),
        ("clerk", ("user", "add", "x", "--name", "x")),
        ("archivist", ("user", "grant", "clerk", "--role", "archivist", "--fonds", "J019")),
        ("security", ("user", "add", "x", "--name", "x")),
        ("system", ("user", "grant", "clerk", "--role", "archivist", "--fonds", "J019")),
    ],
)
def test_what_a_role_does_not_hold_is_refused(journey: Journey, login: str, words: tuple[str, ...]):
    said = journey.archive(*words, login=login, ends=1)
    assert said.out == ""


@pytest.mark.parametrize("login", ["system", "security", "audit"])
def test_administrators_read_no_records_by_virtue_of_office(journey: Journey, login: str):
    said = journey.archive("record", "show", journey.of("forms/0001.jpg"), login=login, ends=1)
    assert said.out == ""
    listed = journey.archive.plain("--json", "--token-file", str(journey.archive.token(login)), "record", "list")
    assert listed.out == ""


# ---------------------------------------------------------------- the installation


def test_a_second_archive_in_the_same_folder_is_refused(journey: Journey):
    journey.archive("init", "--fonds", "J019", "--name", "x", ends=1)


def test_wrong_use_ends_with_two(journey: Journey):
    journey.archive("record", "list", "--state", "nonsense", login="archivist", ends=2)
    journey.archive("record", "show", ends=2)
    journey.archive("job", "retry", ends=2)


def test_the_log_verifies_against_a_head_kept_outside_and_names_a_foreign_one(journey: Journey):
    head = json.loads(journey.head.read_text(encoding="utf-8"))
    assert head.keys() >= {"size", "root", "time", "key", "signature"}
    found = journey.archive("audit", "verify", "--against", str(journey.head)).value
    assert found.keys() == {"size", "root", "signed", "faults"}
    assert found["size"] >= head["size"]
    assert (found["signed"], found["faults"]) == (True, [])
    foreign = journey.head.with_name("foreign.json")
    foreign.write_text(json.dumps({**head, "root": "00" * 32}), encoding="utf-8")
    named = journey.archive("audit", "verify", "--against", str(foreign), ends=3).value
    assert named["faults"]


def test_the_log_as_exported_holds_no_name_and_no_number(journey: Journey):
    file = journey.archive.place / "log.jsonl"
    leaves = journey.archive("audit", "export", "-o", str(file)).value["leaves"]
    text = file.read_text(encoding="utf-8")
    assert len(text.splitlines()) == leaves
    assert NUMBER not in text
    assert NAME not in text


def test_index_store_and_database_are_as_they_should_be(journey: Journey):
    archive = journey.archive
    if journey.production is None:  # no worker has run since a record was filed
        compared = archive("index", "compare").value
        assert (compared["missing"], compared["stale"], compared["ghosts"]) == ([], [], [])
    rebuilt = archive("index", "rebuild").value["records"]
    compared = archive("index", "compare").value
    assert rebuilt == compared["records"]
    assert (compared["missing"], compared["stale"], compared["ghosts"]) == ([], [], [])
    assert archive("index", "status").value["rebuilding"] is False
    checked = archive("store", "check", "--read").value
    assert (checked["missing"], checked["altered"], checked["strays"]) == ([], [], [])
    assert archive("db", "check").value["differences"] == []


@pytest.mark.parametrize("journey", ["embedded"], indirect=True)  # the other store lets nobody: tests/contracts
def test_an_altered_and_a_missing_object_are_found(journey: Journey, tmp_path: Path):
    shutil.copytree(journey.archive.home, tmp_path / "home")
    archive = CommandLine(tmp_path)
    one, other = sorted(path for path in (tmp_path / "home" / "store" / "J019").rglob("*") if path.is_file())[:2]
    one.chmod(0o640)
    whole = one.read_bytes()
    one.write_bytes(whole[:-1] + bytes([whole[-1] ^ 0xFF]))
    other.unlink()
    found = archive("store", "check", "--read", ends=3).value
    assert [key.rpartition("/")[2] for key in found["altered"]] == [one.name]
    assert [key.rpartition("/")[2] for key in found["missing"]] == [other.name]


def test_settings_say_where_they_come_from(journey: Journey):
    shown = journey.archive("settings", "show").value
    assert shown["ARCHIVE_HOME"] == {"value": str(journey.archive.home), "source": "ARCHIVE_HOME"}
    assert shown["ARCHIVE_OCR_ENGINE"]["source"] == "default"


def test_people_get_words_where_scripts_get_json(journey: Journey):
    token = str(journey.archive.token("archivist"))
    listed = journey.archive.plain("--token-file", token, "record", "list")
    assert listed.code == 0
    assert "ENROL" not in listed.err
    with pytest.raises(json.JSONDecodeError):
        json.loads(listed.out.splitlines()[0])


@pytest.mark.parametrize("journey", ["embedded"], indirect=True)  # elsewhere the server says whether there is one
def test_a_folder_without_an_archive_is_told_of_with_what_to_do(journey: Journey):
    nowhere = journey.archive.plain("--home", str(journey.archive.place / "nothing"), "index", "status")
    assert nowhere.code == 1
    assert "archive init" in nowhere.err


@pytest.mark.services
@pytest.mark.parametrize("journey", ["production"], indirect=True)
def test_the_site_answers_its_keepers_and_only_who_may_sees_the_figures(journey: Journey):
    running = journey.production
    assert running is not None
    assert running.names == {"web", "relay", "ocr", "light"}
    assert running.get("/healthz")[0] == 200
    assert running.get("/readyz")[0] == 200
    token = (journey.archive.place / "secrets" / "archive_metrics_token").read_text(encoding="utf-8")
    status, figures = running.get("/metrics", Authorization=f"Bearer {token}")
    assert status == 200
    assert "archive_" in figures
    assert running.get("/metrics", Authorization="Bearer forged")[0] in {401, 403, 404}


@pytest.mark.services
@pytest.mark.parametrize("journey", ["production"], indirect=True)
def test_the_doctor_finds_every_server_in_order(journey: Journey):
    said = journey.archive.plain("--json", "doctor")
    *parts, last = said.values
    states = {part["name"]: part["state"] for part in parts}
    servers = ("database", "store", "index", "broker", "workers", "audit")
    assert {states[name] for name in servers} == {"ok"}, said.out
    assert said.code == (0 if last["state"] == "ok" else 3)
