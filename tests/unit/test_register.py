"""The register of destructions in a folder: chained, whole after a crash."""

import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from archive_app.core.errors import IntegrityFailure, InvalidInput
from archive_app.core.ports import Destruction, StoreKey
from archive_app.core.settings import Settings
from archive_app.core.vocabulary import RecordId
from archive_app.register import register_of
from archive_app.register.folder import FileRegister

AT = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


def a_destruction(reason: str = "期满") -> Destruction:
    record = RecordId(uuid4())
    return Destruction(StoreKey("J001", record, "a" * 64), AT, reason, uuid4(), record=record)


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


@pytest.mark.parametrize("url", ["register", "file://register", "s3+https://host/x", "s3+https://me:key@host/bucket"])
def test_an_address_that_is_none_is_refused(tmp_path: Path, url: str):
    with pytest.raises(InvalidInput) as refused:
        register_of(Settings.from_env({"ARCHIVE_REGISTER_URL": url}, home=tmp_path))
    assert list(refused.value.parameters) == ["ARCHIVE_REGISTER_URL"]
