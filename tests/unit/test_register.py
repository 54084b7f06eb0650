"""The register of destructions: append-only, chained, whole after a crash."""

import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from archive_app.core.errors import IntegrityFailure, InvalidInput
from archive_app.core.ports import Destruction, StoreKey
from archive_app.core.settings import Settings
from archive_app.core.vocabulary import RecordId
from archive_app.register import FileRegister, register_of

AT = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


def a_destruction(reason: str = "期满") -> Destruction:
    record = RecordId(uuid4())
    return Destruction(StoreKey("J001", record, "a" * 64), AT, reason, uuid4(), record=record)


def test_what_was_noted_is_read_back_in_order(tmp_path: Path):
    noted = [a_destruction(), a_destruction("重复"), Destruction(StoreKey("J001", uuid4(), "b" * 64), AT, "x", uuid4())]
    FileRegister(tmp_path / "register").note(*noted[:2])
    FileRegister(tmp_path / "register").note(noted[2])
    assert list(FileRegister(tmp_path / "register").entries()) == noted


def test_an_empty_register_has_no_entries(tmp_path: Path):
    assert list(FileRegister(tmp_path / "none").entries()) == []


def test_a_line_that_a_crash_cut_is_cut_off_and_the_chain_goes_on(tmp_path: Path):
    register, path = FileRegister(tmp_path), tmp_path / "destructions.jsonl"
    first, second = a_destruction(), a_destruction()
    register.note(first)
    with path.open("ab") as file:
        file.write(b'{"at":"2026')
    assert list(register.entries()) == [first]
    register.note(second)
    assert list(register.entries()) == [first, second]


@pytest.mark.parametrize("line", [0, 1])
def test_a_changed_or_removed_line_is_found(tmp_path: Path, line: int):
    register, path = FileRegister(tmp_path), tmp_path / "destructions.jsonl"
    register.note(a_destruction(), a_destruction(), a_destruction())
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:line] + lines[line + 1 :]))
    with pytest.raises(IntegrityFailure, match="register-damaged"):
        list(register.entries())
    facts = json.loads(lines[line])
    lines[line] = json.dumps({**facts, "reason": "another"}).encode() + b"\n"
    path.write_bytes(b"".join(lines))
    with pytest.raises(IntegrityFailure, match="register-damaged"):
        list(register.entries())


def test_it_is_kept_where_the_settings_say(tmp_path: Path):
    inside = Settings.from_env({}, home=tmp_path / "home")
    register_of(inside).note(a_destruction())
    assert (tmp_path / "home" / "register" / "destructions.jsonl").exists()
    apart = Settings.from_env({"ARCHIVE_REGISTER_URL": f"file://{tmp_path}/apart"}, home=tmp_path / "home")
    register_of(apart).note(a_destruction())
    assert (tmp_path / "apart" / "destructions.jsonl").stat().st_mode & 0o077 == 0
    with pytest.raises(InvalidInput):
        register_of(Settings.from_env({"ARCHIVE_REGISTER_URL": "s3+https://host/x"}, home=tmp_path))
