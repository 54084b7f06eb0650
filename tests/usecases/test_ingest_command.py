"""What `archive ingest` says of each thing that it was given, without an engine that reads."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from commands import answers, said
from houses import a_home, samples

FOUND = 3


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return a_home(tmp_path)


def _ingest(home: Path, *paths: Path, ends: int = 0) -> dict[str, Any]:
    token = str(home / "token")
    *lines, _ = answers(home, "--token-file", token, "ingest", *map(str, paths), ends=ends)
    return {line["file"]: line for line in lines}


def test_a_link_or_pipe_in_a_folder_is_refused_not_passed_over(home: Path, tmp_path: Path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "link.jpg").symlink_to(samples("0001")[0])
    (folder / "nowhere").symlink_to("/no/such/file")
    os.mkfifo(folder / "pipe")
    lines = _ingest(home, folder, ends=FOUND)
    assert lines.keys() == {"link.jpg", "nowhere", "pipe"}
    assert {(line["outcome"], line["reason"]) for line in lines.values()} == {("refused", "not-a-file")}


def test_a_link_that_was_named_is_followed(home: Path, tmp_path: Path):
    link = tmp_path / "named.jpg"
    link.symlink_to(samples("0001")[0])
    assert _ingest(home, link)["named.jpg"]["outcome"] == "accepted"


def test_a_duplicate_names_the_file_and_the_records_that_it_equals(home: Path, tmp_path: Path):
    (first,) = samples("0001")
    taken = _ingest(home, first)[first.name]
    copy = tmp_path / "copy.jpg"
    copy.write_bytes(first.read_bytes())
    line = _ingest(home, copy)["copy.jpg"]
    assert (line["outcome"], line["records"]) == ("duplicate", [])
    assert (line["equals"]["file"], line["equals"]["records"]) == (first.name, taken["records"])
    assert first.name in line["message"]


def test_what_is_said_of_a_file_is_json_alone(home: Path):
    found = said(home, "--token-file", str(home / "token"), "ingest", str(samples("0001")[0]))
    assert [json.loads(line) for line in found.stdout.splitlines()][-1]["summary"]["accepted"] == 1
    assert found.stderr == ""
