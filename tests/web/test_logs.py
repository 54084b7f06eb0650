"""What is logged: one line an event, and nothing personal in any of them."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from houses import a_batch, a_house, archivist, receive, samples, work

from archive_app import logs
from archive_app.core.errors import Refused
from archive_app.core.model import Field, Identifier, Page, Person
from archive_app.core.numbers import normalise_number
from archive_app.web.app import create_app
from archive_app.wiring import Archive


@pytest.fixture(params=["json", "text"])
def kept(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    stream = io.StringIO()
    root, ours = logging.getLogger(), logging.getLogger(logs.OURS)
    before = root.level, ours.level
    handler = logs.configure(request.param, level=logging.DEBUG, stream=stream)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before[0])
    ours.setLevel(before[1])


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


json_only = pytest.mark.parametrize("kept", ["json"], indirect=True)


def personal(archive: Archive) -> set[str]:
    """Everything on the papers that a log could give away."""
    with archive.reading(archivist(archive)) as unit:
        words = {value for (value,) in unit.rows(sa.select(Field.value)) if value and len(value) > 1}
        texts = {line for (text,) in unit.rows(sa.select(Page.text)) for line in (text or "").splitlines()}
        names = {name for (name,) in unit.rows(sa.select(Person.name)) if name}
        numbers = {number for (number,) in unit.rows(sa.select(Identifier.value)) if number}
    assert names
    assert numbers
    long = {word for word in words | texts if len(word) > 3 and not word.isascii()}
    return long | names | numbers | {normalise_number("citizen", number) for number in numbers}


def test_no_log_holds_what_stands_on_a_paper(tmp_path: Path, kept: io.StringIO) -> None:
    with a_house(tmp_path) as archive:
        archive.index.put, real = broken(), archive.index.put  # type: ignore[method-assign]
        receive(archive, a_batch(archive), *samples("0001", "0027"))
        work(archive)
        archive.index.put = real  # type: ignore[method-assign]
        archive.queue.retry()
        work(archive)
        known = personal(archive)
        client = create_app(archive).test_client()
        headers = {"Authorization": f"Bearer {(archive.settings.home / 'token').read_text()}"}
        for word in sorted(known)[:40]:
            client.post("/api/v1/search", headers=headers, json={"q": word})
            client.post("/api/v1/persons/find", headers=headers, json={"name": word})
            client.get(f"/api/v1/records/{word.replace('/', '-')}", headers=headers)
    said = kept.getvalue()
    assert "job.done" in said
    assert "job.crashed" in said
    assert "request.done" in said
    assert [word for word in known if word in said] == []


def broken() -> Any:  # noqa: ANN401 - stands in for a method
    def put(documents: Any) -> None:  # noqa: ANN401
        raise ValueError([document.names for document in documents])

    return put


@json_only
def test_a_line_is_an_object_with_its_event_and_its_facts(kept: io.StringIO) -> None:
    logging.getLogger("archive.worker").info("job.%s name=%s seconds=%.2f tries=%d", "done", "page.read", 1.5, 2)
    (line,) = lines(kept)
    del line["time"]
    assert line == {
        "level": "info", "logger": "archive.worker", "event": "job.done", "name": "page.read", "seconds": 1.5,
        "tries": 2,
    }  # fmt: skip


@json_only
def test_a_trace_names_places_and_kinds_and_no_words(kept: io.StringIO) -> None:
    def fails() -> None:
        try:
            int("张三")
        except ValueError as fault:
            raise Refused("too-large", limit=5) from fault

    try:
        fails()
    except Refused:
        logging.getLogger("archive.web").exception("request.crashed incident=1")
    (line,) = lines(kept)
    assert "张三" not in kept.getvalue()
    assert line["trace"][-1] == "too-large (limit=5)"
    assert "ValueError" in line["trace"]
    assert any(frame.endswith(" fails") for frame in line["trace"])


@json_only
def test_others_are_heard_from_warnings_on(kept: io.StringIO) -> None:
    logging.getLogger("elastic_transport").info("asked for a thing")
    logging.getLogger("waitress").warning("queue depth is 5")
    (line,) = lines(kept)
    assert (line["event"], line["message"]) == ("waitress", "queue depth is 5")


@json_only
def test_a_request_is_told_by_route_and_opaque_actor(tmp_path: Path, kept: io.StringIO) -> None:
    with a_house(tmp_path) as archive:
        client = create_app(archive).test_client()
        token = (archive.settings.home / "token").read_text()
        answer = client.get("/api/v1/records/330106199001011234", headers={"Authorization": f"Bearer {token}"})
        actor = str(archivist(archive).user_id)
    line = lines(kept)[-1]
    assert (line["event"], line["endpoint"], line["status"], line["actor"]) == (
        "request.done", "api.record", 404, actor,
    )  # fmt: skip
    assert line["request"] == answer.headers["X-Request-Id"]
    assert "330106199001011234" not in kept.getvalue()
