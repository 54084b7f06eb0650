"""What the API refuses is a problem with its code, whoever noticed it: a use case, the framework or a schema."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from houses import a_house

from archive_app.web.app import create_app


@pytest.fixture
def client(tmp_path: Path) -> Iterator[FlaskClient]:
    with a_house(tmp_path) as archive, create_app(archive).test_client() as made:
        token = (archive.settings.home / "token").read_text(encoding="utf-8")
        made.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        yield made


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("search", {"q": "x", "size": "many"}, "size"),
        ("search", {"q": "x", "size": 501}, "size"),
        ("search", {"q": 5}, "q"),
        ("search", {"size": 5}, "q"),
        ("search", {"q": "x", "nothing": 1}, "nothing"),
        ("search", {"q": "x", "after": "not ours"}, "after"),
        ("persons/find", {"number": 5}, "number"),
        ("persons/find", {}, "number"),
    ],
)
def test_a_body_that_does_not_fit_is_a_problem_that_names_the_field(
    client: FlaskClient, path: str, body: dict[str, Any], field: str
):
    answer = client.post(f"/api/v1/{path}", json=body)
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    assert answer.json is not None
    assert answer.json.keys() >= {"code", "detail", "incident"}
    assert (answer.json["code"], list(answer.json["fields"])) == ("invalid-input", [field])


def test_a_body_that_is_no_json_finds_nothing(client: FlaskClient):
    answer = client.post("/api/v1/search", data="x", content_type="text/plain")
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")


@pytest.mark.parametrize("width", ["0", "-1", "abc"])
def test_a_width_that_is_none_is_a_problem(client: FlaskClient, width: str):
    answer = client.get(f"/api/v1/records/00000000-0000-0000-0000-000000000000/pages/1/image?width={width}")
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")


def test_the_document_says_what_comes_and_what_is_sent(client: FlaskClient):
    document = client.get("/api/v1/openapi.json").json
    assert document is not None
    given = {
        (verb, path): set(operation["responses"][ok]["content"])
        for path, operations in document["paths"].items()
        for verb, operation in operations.items()
        for ok in operation["responses"].keys() & {"200", "201"}
    }
    assert given.pop(("get", "/api/v1/components/{component_id}")) == {"*/*"}
    assert given.pop(("get", "/api/v1/records/{record_id}/pages/{number}/image")) == {"image/*"}
    assert set(map(tuple, given.values())) == {("application/json",)}
    form = document["paths"]["/api/v1/intake"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert {"files", "batch", "fonds", "source", "declared_pages"} == form["properties"].keys()


def test_the_document_knows_every_problem_by_its_media_type(client: FlaskClient):
    document = client.get("/api/v1/openapi.json").json
    assert document is not None
    for operations in document["paths"].values():
        for operation in operations.values():
            assert operation["responses"].keys() >= {"401", "404", "503"}
            for status, answer in operation["responses"].items():
                assert answer["description"]
                if status >= "400":
                    assert set(answer["content"]) == {"application/problem+json"}


def test_the_document_names_the_width_and_the_form_of_a_problem(client: FlaskClient):
    document = client.get("/api/v1/openapi.json").json
    assert document is not None
    operation = document["paths"]["/api/v1/records/{record_id}/pages/{number}/image"]["get"]
    assert "width" in {one["name"] for one in operation["parameters"]}
    for status in ("401", "422"):
        (form,) = operation["responses"][status]["content"].values()
        name = form["schema"]["$ref"].rpartition("/")[2]
        assert document["components"]["schemas"][name]["properties"].keys() >= {"code", "detail", "incident"}


@pytest.mark.parametrize("number", ["0", "99999999999999999999"])
def test_a_page_that_cannot_be_is_not_there(client: FlaskClient, number: str):
    for place in ("/api/v1/records", "/records"):
        answer = client.get(f"{place}/00000000-0000-0000-0000-000000000000/pages/{number}/image")
        assert answer.status_code == 404


@pytest.mark.parametrize("text", ["\x00", "\ud800"])
def test_what_no_database_can_hold_is_not_found(client: FlaskClient, text: str):
    body = json.dumps({"name": f"王{text}五"})
    found = client.post("/api/v1/persons/find", data=body, content_type="application/json")
    assert (found.status_code, found.json) == (200, [])
    assert client.get(f"/api/v1/records/{'%00' if text == chr(0) else '%ed%a0%80'}").status_code == 404
