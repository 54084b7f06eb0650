"""The bundled sample papers are what their truth says: complete, small, invented with sound numbers."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from PIL import Image

from archive_app.core import numbers

DEMO = Path(__file__).resolve().parents[1] / "samples" / "demo"
TRUTH: dict[str, Any] = json.loads((DEMO / "truth.json").read_text(encoding="utf-8"))
FILES: dict[str, Any] = TRUTH["files"]
TODAY = date(2026, 11, 24)
MOST_BYTES = 10 * 1024 * 1024


def records() -> Iterator[dict[str, Any]]:
    for entry in FILES.values():
        yield from entry["records"]


def of_outcome(outcome: str) -> list[str]:
    return [path for path, entry in FILES.items() if entry["outcome"] == outcome]


def types_of(name: str) -> set[str]:
    return {r["type"] for r in records() if any(p["name"] == name for p in r["persons"])}


def test_the_truth_names_exactly_the_files_there_are():
    there = {path.relative_to(DEMO).as_posix() for path in DEMO.rglob("*") if path.is_file()}
    assert there - {"truth.json"} == set(FILES)


def test_the_set_is_small_enough_to_be_committed():
    assert sum(path.stat().st_size for path in DEMO.rglob("*") if path.is_file()) <= MOST_BYTES


def test_there_are_enough_files_records_and_types():
    found = list(records())
    assert len(FILES) >= 48
    assert len(found) >= 45
    assert len({record["type"] for record in found if record["type"]}) >= 14
    assert sum(record["clear"] for record in found) >= 32
    assert sum(not record["clear"] for record in found) >= 6


def test_every_accepted_file_holds_a_record_and_no_other_does():
    assert all(bool(entry["records"]) == (entry["outcome"] == "accepted") for entry in FILES.values())


def test_two_fonds_have_papers():
    assert {entry["fonds"] for entry in FILES.values()} == {"J019", "J020"}
    assert all(path.startswith(entry["fonds"] + "/") for path, entry in FILES.items())


def test_every_format_an_office_hands_in_is_there():
    suffixes = {Path(path).suffix for path in of_outcome("accepted")}
    assert suffixes >= {".pdf", ".jpg", ".png", ".tif", ".webp", ".bmp", ".heic", ".docx", ".xlsx", ".xml"}


def test_some_scans_are_bilevel_fax_compressed_and_some_have_several_frames():
    with_fax = with_frames = 0
    for path in of_outcome("accepted"):
        if path.endswith(".tif"):
            with Image.open(DEMO / path) as picture:
                with_fax += picture.info["compression"] == "group4"
                with_frames += picture.n_frames > 1
    assert with_fax
    assert with_frames


def test_two_files_are_stacks_of_several_persons():
    stacks = [entry for entry in FILES.values() if len(_subjects(entry)) > 1]
    assert len(stacks) >= 2


def _subjects(entry: dict[str, Any]) -> set[str]:
    people = (person for record in entry["records"] for person in record["persons"])
    return {person["certno"] for person in people if person["role"] == "subject"}


def test_two_rosters_have_eight_rows_or_more():
    rows = [sum(person["role"] == "roster" for person in record["persons"]) for record in records()]
    assert sum(count >= 8 for count in rows) >= 2


def test_fifteen_people_appear_and_three_of_them_for_a_decade():
    people = {p["certno"]: p["name"] for record in records() for p in record["persons"] if p["certno"]}
    assert len(people) >= 15
    asked = {"ENROL_PERSON", "CHANGE", "CONTRIB", "REFERRAL", "CHRONIC", "SETTLE", "REIMB", "ACCOUNT"}
    long = [number for number, name in people.items() if asked <= types_of(name) and _years(number) >= 10]
    assert len(long) >= 3


def _years(certno: str) -> int:
    years = [int(r["date"][:4]) for r in records() if r["date"] and any(p["certno"] == certno for p in r["persons"])]
    return max(years) - min(years)


def test_one_name_is_one_number():
    names = Counter(
        name for name, _ in {(p["name"], p["certno"]) for r in records() for p in r["persons"] if p["certno"]}
    )
    assert set(names.values()) == {1}


def test_every_persons_number_is_sound():
    for record in records():
        for person in (one for one in record["persons"] if one["certno"]):
            found = numbers.citizen_number(person["certno"], today=TODAY)
            assert record["fields"].get("sex", found.sex) in ("男", "女")
            assert record["date"] is None or found.birth < date.fromisoformat(record["date"])


def test_every_clear_record_says_when_it_was_formed():
    assert all(record["date"] for record in records() if record["clear"])


def test_a_form_without_any_date_must_be_looked_at():
    undated = [record for record in records() if record["type"] not in (None, "COVER") and record["date"] is None]
    assert undated
    assert not any(record["clear"] for record in undated)


def test_only_the_paper_made_so_prints_an_unsound_citizen_number():
    wrong = [r for r in records() if numbers.citizen_faults(r["fields"].get("certno", _sound()), today=TODAY)]
    assert len(wrong) == 1
    assert not wrong[0]["clear"]


def _sound() -> str:
    return str(next(records())["persons"][0]["certno"])


def test_institutions_have_sound_numbers():
    codes = [r["fields"]["fixmedins_code"] for r in records() if "fixmedins_code" in r["fields"]]
    credit = [r["fields"]["uscc"] for r in records() if "uscc" in r["fields"]]
    assert codes
    assert credit
    assert {code[0] for code in codes} == {"H", "P"}
    assert not any(numbers.provider_code_faults(code) for code in codes)
    assert not any(numbers.uscc_faults(code) for code in credit)


def test_types_classes_and_fields_are_those_of_the_tables():
    labels = set(re.findall(r'code = "(\w+)"', _table("fields.toml")))
    types = set(re.findall(r'^code = "(\w+)"', _table("document_types.toml"), re.MULTILINE))
    classes = set(re.findall(r'code = "(\w+)"', _table("classes.toml")))
    for record in records():
        assert record["type"] in types | {None}
        assert record["class"] in classes | {None}
        assert set(record["fields"]) <= labels


def _table(name: str) -> str:
    return (DEMO.parents[2] / "archive_app" / "reference_data" / name).read_text(encoding="utf-8")


def test_sums_paid_make_the_whole_on_every_settlement():
    settled = [r["fields"] for r in records() if r["type"] == "SETTLE"]
    assert len(settled) >= 3
    for fields in settled:
        parts = (Decimal(fields[key].replace(",", "")) for key in ("hifp_pay", "acct_pay", "psn_cash_pay"))
        assert sum(parts) == Decimal(fields["medfee_sumamt"].replace(",", ""))


def test_a_duplicate_has_the_bytes_of_the_file_it_equals():
    (path,) = of_outcome("duplicate")
    assert _digest(path) == _digest(FILES[path]["duplicate_of"])


def test_no_other_two_files_are_alike():
    digests = Counter(_digest(path) for path in FILES if path not in of_outcome("duplicate"))
    assert set(digests.values()) == {1}


def _digest(path: str) -> str:
    return hashlib.sha256((DEMO / path).read_bytes()).hexdigest()


def test_what_must_be_refused_is_broken_or_locked():
    broken, locked = sorted(of_outcome("refused"), key=lambda path: path.endswith(".pdf"))
    with Image.open(DEMO / broken) as picture, pytest.raises(OSError, match="truncated"):
        picture.load()
    with pytest.raises(pikepdf.PasswordError):
        pikepdf.open(DEMO / locked)


def test_every_search_word_is_a_short_run_of_characters():
    words = [word for entry in FILES.values() for word in entry["words"]]
    assert words
    assert all(2 <= len(word) <= 8 for word in words)


def test_the_three_suggested_searches_find_several_papers():
    assert len(TRUTH["searches"]) == 3
    told = [json.dumps(entry, ensure_ascii=False) for entry in FILES.values()]
    for search in TRUTH["searches"]:
        assert sum(search["text"] in entry for entry in told) >= 3


def test_capitals_agree_with_figures_but_on_the_one_paper_made_so():
    differing = [r for r in records() if "sumamt_words" in r["fields"] and _said_in_capitals(r) not in _sums(r)]
    assert [(record["type"], record["clear"]) for record in differing] == [("PAYMENT", False)]


def _said_in_capitals(record: dict[str, Any]) -> Decimal:
    return numbers.money_from_capitals(record["fields"]["sumamt_words"])


def _sums(record: dict[str, Any]) -> set[Decimal]:
    keys = ("medfee_sumamt", "amount", "amount_due", "pay_amt")
    return {Decimal(record["fields"][key].replace(",", "").lstrip("¥")) for key in keys if key in record["fields"]}
