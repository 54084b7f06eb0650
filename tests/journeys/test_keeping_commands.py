"""`archive backup …` and `archive move` as operators run them: shapes, exit codes, and words for what is wrong."""

import json
import shutil
from pathlib import Path

import pytest
from command_line import CommandLine
from houses import a_batch, a_home, a_house, receive, samples, work

RUN = {
    "snapshot", "rows", "objects", "bytes", "copied", "copied_bytes", "seconds", "encrypted", "missing", "altered",
    "keep_separately",
}  # fmt: skip
VERIFIED = {"snapshot", "rows", "objects", "bytes", "seconds", "signed", "missing_in_archive", "faults"}
LANDED = {
    "snapshot", "home", "database", "rows", "objects", "bytes", "missing", "replayed", "indexed", "log", "seconds",
}  # fmt: skip


@pytest.fixture
def archive(tmp_path: Path) -> CommandLine:
    (tmp_path / "place").mkdir()
    a_home(tmp_path)
    with a_house(tmp_path, home=tmp_path / "home") as house:
        receive(house, a_batch(house), *samples("0001", "0002"))
        work(house)
    command = CommandLine(tmp_path)
    (tmp_path / "backup.key").write_text("ab" * 32)
    command.set(ARCHIVE_BACKUP_URL=f"file://{tmp_path}/place", ARCHIVE_BACKUP_KEY_FILE=str(tmp_path / "backup.key"))
    return command


def test_run_verify_list_restore_and_prune(archive: CommandLine, tmp_path: Path):
    made = archive("backup", "run").value
    assert made.keys() == RUN
    assert (made["missing"], made["altered"], made["keep_separately"], made["encrypted"]) == ([], [], [], True)
    again = archive("backup", "run").value
    assert again["copied"] == 0
    checked = archive("backup", "verify").value
    assert checked.keys() == VERIFIED
    assert (checked["snapshot"], checked["faults"], checked["signed"]) == (again["snapshot"], [], True)
    listed = archive("backup", "list").values
    assert [one["snapshot"] for one in listed] == [made["snapshot"], again["snapshot"]]
    head = archive("audit", "head").value

    landed = archive("backup", "restore", "--into", str(tmp_path / "new"), "--snapshot", made["snapshot"]).value
    assert landed.keys() == LANDED
    assert (landed["home"], landed["database"], landed["rows"]) == (str(tmp_path / "new"), "sqlite", made["rows"])
    assert landed["log"] == {"size": head["size"], "root": head["root"]}
    assert archive("--home", str(tmp_path / "new"), "store", "check", "--read").value["missing"] == []
    archive("--home", str(tmp_path / "new"), "index", "compare")
    (tmp_path / "head.json").write_text(json.dumps(head))
    archive("--home", str(tmp_path / "new"), "audit", "verify", "--against", str(tmp_path / "head.json"))

    here = archive("--home", str(tmp_path / "newer"), "backup", "restore").value
    assert (here["home"], here["rows"]) == (str(tmp_path / "newer"), again["rows"])

    pruned = archive("backup", "prune", "--keep", "1").value
    assert pruned["forgotten"] == [made["snapshot"]]
    assert len(archive("backup", "list").values) == 1


def test_a_damaged_backup_ends_with_3_and_names_the_file(archive: CommandLine, tmp_path: Path):
    archive("backup", "run")
    victim = next(path for path in (tmp_path / "place" / "objects").rglob("*") if path.is_file())
    content = bytearray(victim.read_bytes())
    content[-1] ^= 1
    victim.write_bytes(content)
    found = archive("backup", "verify", ends=3).value
    (fault,) = found["faults"]
    assert fault["where"] == victim.relative_to(tmp_path / "place").as_posix()
    assert fault["what"].startswith("damaged")


def test_what_is_wrong_is_said_in_words(archive: CommandLine, tmp_path: Path):
    archive("backup", "run")
    (tmp_path / "backup.key").write_text("another")
    assert "not the key" in archive.plain("backup", "verify").err
    assert archive("backup", "verify", ends=1).out == ""
    archive.set(ARCHIVE_BACKUP_KEY_FILE=None)
    assert "encrypted" in archive.plain("backup", "verify").err
    archive.set(ARCHIVE_BACKUP_URL=None)
    assert "ARCHIVE_BACKUP_URL" in archive.plain("backup", "run").err


def test_without_a_key_the_files_to_keep_apart_are_named(archive: CommandLine, tmp_path: Path):
    archive.set(ARCHIVE_BACKUP_KEY_FILE=None)
    said = archive.plain("backup", "run")
    assert said.code == 0
    assert "keep these files elsewhere" in said.out
    for name in ("signing.pem", "hashing.key", "session.key"):
        assert str(tmp_path / "home" / "keys" / name) in said.out


def test_an_archive_is_moved_by_a_file_of_settings_and_the_source_stays(archive: CommandLine, tmp_path: Path):
    before = archive("audit", "head").value
    target = tmp_path / "target.env"
    target.write_text(f"# where it goes\nARCHIVE_HOME={tmp_path}/moved\n\nARCHIVE_LANGUAGE='en'\n")
    landed = archive("move", "--target", str(target)).value
    assert landed.keys() == LANDED
    assert landed["log"] == {"size": before["size"], "root": before["root"]}
    for home in (archive.home, tmp_path / "moved"):
        assert archive("--home", str(home), "audit", "head").value["root"] == before["root"]
    assert "empty folder" in archive.plain("move", "--target", str(target)).err
    shutil.rmtree(tmp_path / "moved")
    target.write_text("ARCHIVE_LANGUAGE=en\n")
    assert "ARCHIVE_HOME" in archive.plain("move", "--target", str(target)).err
