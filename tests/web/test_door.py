"""The door: who is nobody is turned away before anything of the body is read."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from factories import an_archive
from flask import Flask

from archive_app.web.app import create_app


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    archive = an_archive(tmp_path)
    yield create_app(archive)
    archive.close()


class Unread(io.BytesIO):
    """A body that must not be asked for."""

    def read(self, size: int | None = -1) -> bytes:
        pytest.fail(f"{size} bytes of a stranger's body were read")


@pytest.mark.parametrize("path", ["/accounts", "/api/v1/intake"])
def test_nothing_of_a_strangers_upload_is_read(app: Flask, path: str) -> None:
    answer = app.test_client().post(
        path, input_stream=Unread(), content_length=1 << 30, content_type="multipart/form-data; boundary=x"
    )
    assert answer.status_code == (401 if path.startswith("/api") else 303)


@pytest.mark.parametrize("path", ["/sign-in", "/activate", "/language"])
def test_a_form_that_anybody_may_send_is_small(app: Flask, path: str) -> None:
    answer = app.test_client().post(path, data={"login": "x" * (1 << 17)})
    assert answer.status_code == 413
