"""A signed-in browser without a screen: a Flask client that sends the token of the form, as the pages' scripts do."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from archive_app.web.app import create_app
from archive_app.wiring import Archive

_TOKEN = re.compile(r'name="csrf-token" content="([^"]+)"')
PASSWORD = "Qwert-98765x"


class Browser:
    """One person at the site."""

    def __init__(self, client: FlaskClient) -> None:
        self._client = client
        self.token = ""

    def sign_in(self, login: str) -> None:
        self.get("/sign-in")
        answer = self.send("/sign-in", login=login, password=PASSWORD)
        assert answer.status_code == 303, answer.text
        self.get("/")

    def get(self, path: str, **headers: str) -> TestResponse:
        answer = self._client.get(path, headers=headers)
        found = _TOKEN.search(answer.text) if answer.mimetype == "text/html" else None
        self.token = found[1] if found else self.token
        return answer

    def send(self, path: str, /, **form: object) -> TestResponse:
        return self._client.post(path, data={"csrf_token": self.token, **form})

    def call(self, path: str, body: object = None, *, token: str | None = None) -> TestResponse:
        headers = {"Accept": "application/json", "X-CSRFToken": self.token if token is None else token}
        return self._client.post(path, json=body or {}, headers=headers)

    def fetch(self, path: str) -> TestResponse:
        return self._client.get(path, headers={"Accept": "application/json"})

    def upload(self, path: str, /, **form: object) -> TestResponse:
        headers = {"Accept": "application/json", "X-CSRFToken": self.token}
        return self._client.post(path, data=form, headers=headers, content_type="multipart/form-data")


@contextmanager
def a_browser(archive: Archive, login: str = "archivist") -> Iterator[Browser]:
    """Somebody who signed in with the password."""
    with create_app(archive).test_client() as client:
        browser = Browser(client)
        browser.sign_in(login)
        yield browser
