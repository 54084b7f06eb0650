"""Commands of those who keep the installation: what they answer, how they end, and what they put right."""

import datetime as dt
from pathlib import Path
from uuid import uuid4

import databases
import pytest
import services
import sqlalchemy as sa
from commands import answer, answers, said
from elastic_indices import a_prefix, an_index
from houses import a_batch, a_home, a_house, archivist, receive, samples, work
from services import S3Server

from archive_app.core.errors import InvalidInput, Unavailable
from archive_app.core.model import Record
from archive_app.core.ports import SearchIndex
from archive_app.core.vocabulary import RecordId, RecordState
from archive_app.health.examination import MACHINE, PARTS
from ingest.reviewing import Correction, confirm
from retention import filing

FAR = "2113-06-01"


def fill(folder: Path, home: Path, *names: str, file: bool = False) -> list[RecordId]:
    """Take these samples in, and file them; gives the records in order of their ids."""
    with a_house(folder, home=home) as archive:
        receive(archive, a_batch(archive), *samples(*names))
        work(archive)
        with archive.reading(archivist(archive)) as unit:
            idents = sorted(row[0] for row in unit.rows(sa.select(Record.id)))
        for ident in idents if file else ():
            described = Correction(type_code="SETTLE", class_code="YB03", title="结算单", formed_on=dt.date(2024, 3, 5))
            with archive.unit(archivist(archive)) as unit:
                if unit.get(Record, ident).state != RecordState.DESCRIBED:
                    confirm(unit, ident, described, tables=archive.tables, hasher=archive.hasher)
            with archive.unit(archivist(archive)) as unit:
                filing.file_record(unit, ident, tables=archive.tables)
        work(archive)
    return idents


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return a_home(tmp_path)


# ---------------------------------------------------------------- index


def check_index_commands(home: Path, index: SearchIndex, records: list[RecordId]) -> None:
    """What is missing is found, put right and not found again; preparing what is there changes nothing."""
    whole = answer(home, "index", "compare")
    assert whole == {
        "records": len(records), "indexed": len(records), "missing": [], "stale": [], "ghosts": [], "repaired": 0,
    }  # fmt: skip
    assert answer(home, "index", "prepare")["documents"] == len(records)
    index.remove(records[:1])
    assert answer(home, "index", "compare", ends=3)["missing"] == [str(records[0])]
    assert answer(home, "index", "compare", "--repair")["repaired"] == 1
    assert answer(home, "index", "compare") == whole
    assert answer(home, "index", "status")["documents"] == len(records)


def test_an_index_in_a_folder_is_compared_and_repaired(home: Path, tmp_path: Path) -> None:
    records = fill(tmp_path, home, "0001", "0027")
    with a_house(tmp_path, home=home) as archive:
        check_index_commands(home, archive.index, records)


@pytest.mark.services
def test_an_index_on_a_server_is_prepared_filled_compared_and_repaired(home: Path, tmp_path: Path) -> None:
    records = fill(tmp_path, home, "0001", "0027")
    with a_prefix() as prefix:
        there = {"ARCHIVE_INDEX_URL": services.elasticsearch(), "ARCHIVE_INDEX_PREFIX": prefix}
        databases.keep(home, {**databases.environment(home), **there})
        with pytest.raises(Unavailable, match="index-not-prepared"):
            answer(home, "index", "status")
        assert answer(home, "index", "prepare")["documents"] == 0
        assert answer(home, "index", "rebuild") == {"records": len(records)}
        check_index_commands(home, an_index(prefix), records)


# ---------------------------------------------------------------- store


def test_a_folder_needs_no_preparing_and_says_that_its_locks_hold_against_us_only(home: Path, tmp_path: Path) -> None:
    fill(tmp_path, home, "0001", file=True)
    with pytest.raises(InvalidInput, match="settings-invalid"):
        answer(home, "store", "prepare")
    tested = answer(home, "store", "self-test", ends=3)
    assert (tested["kind"], tested["write_once"], tested["attempts"]) == ("folder", False, [])
    renewed = answer(home, "store", "renew-locks")
    assert (renewed["locking"], renewed["missing"], renewed["ending"]) == (True, 0, 0)


def test_bytes_that_no_row_names_are_found(home: Path, tmp_path: Path) -> None:
    fill(tmp_path, home, "0001")
    assert answer(home, "store", "check", "--read")["strays"] == []
    stray = home / "store" / "J019" / str(uuid4()) / ("0" * 64)
    stray.parent.mkdir()
    stray.write_bytes(b"nobody's")
    found = answer(home, "store", "check", ends=3)
    assert ([key.rpartition("/")[2] for key in found["strays"]], found["missing"]) == (["0" * 64], [])


@pytest.fixture(params=["minio", "versitygw"])
def on_s3(request: pytest.FixtureRequest, home: Path) -> Path:
    """A home whose bytes go into a bucket that is not there yet."""
    server: S3Server = services.s3(request.param)
    scheme, _, host = server.endpoint.partition("://")
    there = {
        "ARCHIVE_STORE_URL": f"s3+{scheme}://{host}/archive-test-{uuid4().hex[:12]}",
        "ARCHIVE_STORE_ACCESS_KEY": server.access_key,
        "ARCHIVE_STORE_SECRET_KEY": server.secret_key,
    }
    databases.keep(home, {**databases.environment(home), **there})
    return home


@pytest.mark.services
def test_a_bucket_is_made_once_keeps_what_it_is_given_and_is_tried_and_compared(on_s3: Path, tmp_path: Path) -> None:
    made = answer(on_s3, "store", "prepare")
    assert (made["made"], made["versions"], made["locks"], made["todo"]) == (True, True, True, [])
    assert answer(on_s3, "store", "prepare") == {**made, "made": False}
    fill(tmp_path, on_s3, "0001", file=True)
    tested = answer(on_s3, "store", "self-test")
    assert (tested["write_once"], {one["held"] for one in tested["attempts"]}) == (True, {True})
    renewed = answer(on_s3, "store", "renew-locks")
    assert (renewed["locking"], renewed["missing"], renewed["ending"]) == (True, 0, 0)
    checked = answer(on_s3, "store", "check", "--read")
    assert (checked["missing"], checked["altered"], checked["strays"]) == ([], [], [])
    assert checked["rows"] > 0


# ---------------------------------------------------------------- retention, doctor


def test_what_is_due_is_listed_with_its_rule_and_explained(home: Path, tmp_path: Path) -> None:
    token = ("--token-file", str(home / "token"))
    (record,) = fill(tmp_path, home, "0001", file=True)
    assert answers(home, *token, "retention", "due") == []
    (due,) = answers(home, *token, "retention", "due", "--before", FAR)
    assert due.keys() == {"record", "code", "title", "due", "outcome", "rule", "holds"}
    assert (due["record"], due["holds"]) == (str(record), 0)
    why = answer(home, *token, "retention", "explain", due["code"])
    assert (why["rule"], why["due"], why["outcome"]) == (due["rule"], due["due"], due["outcome"])


def test_the_doctor_names_every_part_and_says_what_to_do(home: Path, tmp_path: Path) -> None:
    fill(tmp_path, home, "0001")
    *parts, last = answers(home, "doctor", ends=3)
    assert [part["name"] for part in parts] == [name for name, _ in (*PARTS, *MACHINE)]
    states = {part["name"]: part["state"] for part in parts}
    assert {states[name] for name in ("database", "store", "index", "index-whole", "audit", "keys")} == {"ok"}
    assert states["workers"] == "degraded"
    said_of_workers = next(part["advice_text"] for part in parts if part["name"] == "workers")
    assert said_of_workers
    assert last["findings"] == sum(state in {"degraded", "down"} for state in states.values())
    assert said_of_workers in said(home, "doctor").stdout
