"""Commands say at once what they cannot use; a token's file is named by option or setting."""

import json
import socket
from pathlib import Path

import pytest
from commands import answer, said
from houses import a_home

from archive_app.core.errors import NotSignedIn, Unavailable

WRONG_USE = 2


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return a_home(tmp_path)


def test_what_falls_due_before_a_day_far_ahead_can_be_asked(home: Path):
    token = str(home / "token")
    found = said(home, "--token-file", token, "retention", "due", "--before", "2113-06-01")
    assert found.exit_code == 0, found.output
    assert said(home, "--token-file", token, "retention", "due", "--before", "soon").exit_code == WRONG_USE


def test_the_tokens_file_may_be_a_setting(home: Path):
    assert said(home, "record", "list", ARCHIVE_TOKEN_FILE=str(home / "token")).exit_code == 0
    assert said(home, "record", "list", ARCHIVE_TOKEN_FILE=str(home / "none")).exit_code == WRONG_USE


def test_a_file_that_cannot_be_written_is_wrong_use(home: Path):
    nowhere = said(home, "audit", "export", "-o", str(home / "none" / "leaves"))
    assert nowhere.exit_code == WRONG_USE
    assert "nothing can be written in" in nowhere.stderr
    there = said(home, "audit", "export", "-o", str(home / "leaves"))
    assert json.loads(there.stdout)["file"] == str((home / "leaves").resolve())


def test_a_token_that_is_no_text_is_no_token(home: Path):
    (home / "bytes").write_bytes(b"\xff\xfe\x00\x81")
    found = said(home, "--token-file", str(home / "bytes"), "record", "list")
    assert isinstance(found.exception, NotSignedIn)


def test_an_address_that_is_taken_is_said_in_words(home: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with pytest.raises(Unavailable) as fault:
            answer(home, "serve", "--port", port)
    assert (fault.value.code, fault.value.parameters["port"]) == ("address-not-free", int(port))
    assert said(home, "serve", "--port", "99999").exit_code == WRONG_USE
