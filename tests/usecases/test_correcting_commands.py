"""Page changes and corrections by command: answers in JSON, 3 for a refused file, nobody decides alone."""

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import databases
import pytest
from click.testing import CliRunner
from factories import a_user
from papers import a_paper, a_reading_archive, an_archivist, taken_in

from archive_app.cli import cli
from archive_app.core.errors import ArchiveError, Conflict, SecondPersonNeeded
from archive_app.core.vocabulary import Level
from archive_app.wiring import Archive
from ingest.reviewing import Correction, confirm
from retention import filing

PASSWORD = "Qwerty-12345"


@dataclass
class Desk:
    home: Path
    tokens: dict[str, Path]
    filed: str
    unfiled: str
    folder: Path

    def run(self, who: str, *words: str) -> tuple[int, list[dict[str, Any]]]:
        """Exit code and answers. Raises what the command raises."""
        command = ["--json", "--home", str(self.home), "--token-file", str(self.tokens[who]), *words]
        environment = databases.environment(self.home)
        found = CliRunner().invoke(cli, command, standalone_mode=False, env=environment)
        if found.exception is not None:
            raise found.exception
        lines = [json.loads(line) for line in found.stdout.splitlines() if line.startswith("{")]
        return int(found.return_value or 0), lines

    def paper(self, *shades: int) -> str:
        path = self.folder / f"{'-'.join(map(str, shades))}.scan"
        path.write_bytes(a_paper(*shades).getvalue())
        return str(path)


def a_token_file(archive: Archive, folder: Path, login: str, *roles: str) -> Path:
    accounts = archive.accounts
    _, code = accounts.add(accounts.viewer(a_user(archive, "system")), login, name=login)
    accounts.activate(login, code=code, password=PASSWORD)
    security = accounts.viewer(a_user(archive, "security"))
    accounts.grant(security, login, roles=roles, fonds=["J001"], level=Level.HIGHLY_SENSITIVE)
    path = folder / login
    path.write_text(accounts.tokens.add(accounts.sign_in(login, PASSWORD)), encoding="utf-8")
    return path


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    archive = a_reading_archive(tmp_path)
    try:
        by = an_archivist(archive)
        filed, unfiled = taken_in(archive, by, [("a.tif", a_paper(10, 120)), ("b.tif", a_paper(40, 90))])
        described = Correction(type_code="SETTLE", class_code="YB03", title="结算单", formed_on=dt.date(2024, 3, 5))
        with archive.unit(by) as unit:
            confirm(unit, filed, described, tables=archive.tables, hasher=archive.hasher)
        with archive.unit(by) as unit:
            filing.file_record(unit, filed, tables=archive.tables)
        tokens = {
            "archivist": a_token_file(archive, tmp_path, "zhang.li", "archivist"),
            "both": a_token_file(archive, tmp_path, "li.wei", "archivist", "head"),
        }
        yield Desk(archive.settings.home, tokens, str(filed), str(unfiled), tmp_path)
    finally:
        archive.close()


def test_pages_are_replaced_inserted_and_taken_out(desk: Desk):
    code, (shown,) = desk.run("archivist", "record", "replace-page", desk.unfiled, "1", desk.paper(60, 61))
    assert (code, len(shown["pages"]), shown["state"]) == (0, 3, "captured")
    _, (shown,) = desk.run("archivist", "record", "insert-page", desk.unfiled, "0", desk.paper(62))
    assert len(shown["pages"]) == 4
    _, (shown,) = desk.run("archivist", "record", "remove-page", desk.unfiled, "4", "--reason", "模糊")
    assert len(shown["pages"]) == 3


def test_a_refused_file_ends_with_3(desk: Desk):
    broken = desk.folder / "broken.png"
    broken.write_bytes(a_paper(60).getvalue()[:80])
    assert desk.run("archivist", "record", "replace-page", desk.unfiled, "1", str(broken)) == (3, [])


def test_a_correction_is_proposed_listed_and_approved_by_another(desk: Desk):
    words = ("record", "correct", desk.filed, "--reason", "录错", "--title", "住院结算单")
    _, (asked,) = desk.run("archivist", *words, "--file", desk.paper(60), "--replace-page", "2")
    assert asked["changes"] == [{"name": "title", "kind": "description", "before": "结算单", "after": "住院结算单"}]
    assert (asked["pages"]["replaces"], asked["proposed_by"], asked["decided_by"]) == (2, "zhang.li", None)
    _, waiting = desk.run("both", "correction", "list")
    assert [line["id"] for line in waiting] == [asked["id"]]
    _, (decided,) = desk.run("both", "correction", "approve", asked["id"])
    assert (decided["state"], decided["decided_by"]) == ("approved", "li.wei")
    _, (shown,) = desk.run("archivist", "record", "show", desk.filed)
    assert (shown["title"], len(shown["pages"])) == ("住院结算单", 2)
    assert desk.run("both", "correction", "list") == (0, [])
    assert len(desk.run("both", "correction", "list", "--all")[1]) == 1


def test_nobody_decides_alone(desk: Desk):
    _, (asked,) = desk.run("both", "record", "correct", desk.filed, "--reason", "录错", "--title", "住院结算单")
    with pytest.raises(SecondPersonNeeded):
        desk.run("both", "correction", "approve", asked["id"])
    with pytest.raises(SecondPersonNeeded):
        desk.run("both", "correction", "refuse", asked["id"], "--reason", "无依据")


def test_a_proposal_is_withdrawn_by_its_own_side(desk: Desk):
    _, (asked,) = desk.run("archivist", "record", "correct", desk.filed, "--reason", "录错", "--title", "住院结算单")
    _, (told,) = desk.run("archivist", "correction", "withdraw", asked["id"])
    assert (told["state"], told["decided_by"]) == ("withdrawn", None)
    assert desk.run("both", "correction", "list") == (0, [])


def test_another_class_is_refused(desk: Desk):
    with pytest.raises(Conflict, match="number-would-change"):
        desk.run("archivist", "record", "correct", desk.filed, "--reason", "类目有误", "--class", "YB04")


def test_a_file_without_a_place_is_wrong_use(desk: Desk):
    with pytest.raises(Exception, match="--file goes with") as wrong:
        desk.run("archivist", "record", "correct", desk.filed, "--reason", "x", "--file", desk.paper(60))
    assert not isinstance(wrong.value, ArchiveError)


def test_a_search_finds_what_was_confirmed_where_no_worker_lives(desk: Desk):
    ends, _ = desk.run("archivist", "record", "confirm", desk.unfiled, "--type", "SETTLE", "--title", "慰问金发放表")
    assert ends == 0
    _, (found,) = desk.run("archivist", "search", "慰问金")
    assert [hit["record"] for hit in found["hits"]] == [desk.unfiled]
