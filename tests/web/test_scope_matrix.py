"""Every route against every role that has no business with a record: no trace of it anywhere.

The matrix is made from the application's own routes, so a new route is in it from its first day.
"""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from factories import a_component, a_page, a_record, a_user, an_archive, everything, the_fonds
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from archive_app.core.model import Batch, Field, Identifier, IntakeFile, Page, PartyLink, Person, Record
from archive_app.core.vocabulary import (
    Action,
    ComponentKind,
    FieldState,
    IdentifierKind,
    IntakeOutcome,
    Level,
    PageState,
    PartyKind,
    PartyRole,
    PersonId,
    RecordState,
)
from archive_app.web.app import create_app
from archive_app.wiring import Archive
from search import sync

TITLE = "绝密样张甲乙丙丁"
NAME = "欧阳藏锋"
NUMBER = "110105199003072316"
CODE = "J002-ZY·YB03·2024·D10-00077"
WORDS = "鹳雀楼高处的风"
MARKERS = (TITLE, NAME, NUMBER, "231*", CODE, WORDS, "hidden-folder")
PASSWORD = "Qwerty-12345"
ROLES = (
    "archivist",
    "scan-operator",
    "inspector",
    "clerk",
    "auditor",
    "appraiser",
    "head",
    "system-administrator",
    "security-administrator",
    "audit-administrator",
)


@dataclass(frozen=True)
class Hidden:
    """Ids of what must not be seen."""

    record: UUID
    component: UUID
    person: UUID
    batch: UUID
    file: UUID
    version: int


@dataclass(frozen=True)
class House:
    archive: Archive
    app: Flask
    hidden: Hidden
    tokens: dict[str, str]


def hide_a_record(archive: Archive) -> Hidden:
    """A filed record with page, value, person, component and batch in the fonds J002, in the index too."""
    fonds = the_fonds(archive, "J002")
    viewer = everything(archive)
    with archive.unit(viewer) as unit:
        operator = a_user(archive)
        batch = Batch(
            id=uuid4(), fonds_id=fonds, number="hidden-folder-1", operator_id=operator,
            created_at=unit.clock.now(),
        )  # fmt: skip
        unit.add(Action.INTAKE_WRITE, batch)
        unit.flush()
        file = IntakeFile(
            id=uuid4(), batch_id=batch.id, fonds_id=fonds, sequence=1, path="hidden-folder/scan.jpg", sha256="ab" * 32,
            size=1, outcome=IntakeOutcome.ACCEPTED, pages=1, created_at=unit.clock.now(),
        )  # fmt: skip
        unit.add(Action.INTAKE_WRITE, file)
        record = a_record(unit, fonds=fonds, title=TITLE, state=RecordState.FILED, code=CODE)
        record.batch_id, record.intake_file_id = batch.id, file.id
        record.type_code, record.class_code = "SETTLE", "YB03"
        page = a_page(unit, record, text=f"{WORDS}\n{NAME} {NUMBER}")
        page.state, page.lines = PageState.READ, [{"text": WORDS, "box": [1, 1, 50, 10], "confidence": 0.9}]
        component = a_component(unit, record)
        component.kind, component.page_id = ComponentKind.VIEW, page.id
        person = Person(id=PersonId(uuid4()), name=NAME, created_at=unit.clock.now())
        digest = archive.hasher.hash("citizen-number", NUMBER)
        identifier = Identifier(id=uuid4(), person_id=person.id, kind=IdentifierKind.CITIZEN, hash=digest, value=NUMBER)
        link = PartyLink(
            id=uuid4(), record_id=record.id, fonds_id=fonds, level=record.level, kind=PartyKind.PERSON,
            role=PartyRole.SUBJECT, person_id=person.id, name=NAME, number=NUMBER,
        )  # fmt: skip
        field = Field(
            id=uuid4(), record_id=record.id, fonds_id=fonds, level=record.level, position=0, name="person_name",
            value=NAME, state=FieldState.CONFIRMED,
        )  # fmt: skip
        unit.add(Action.RECORD_REVIEW, person, identifier, link, field)
        unit.flush()
        found = Hidden(record.id, component.id, person.id, batch.id, file.id, record.version)
    sync.refresh(archive.reading(viewer), archive.index, [record.id], hasher=archive.hasher)
    return found


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    archive = an_archive(tmp_path_factory.mktemp("scope"))
    accounts = archive.accounts
    for login in ("system", "security"):
        code = (archive.settings.home / "activation" / f"{login}.code").read_text(encoding="utf-8").strip()
        accounts.activate(login, code=code, password=PASSWORD)
    system = accounts.viewer(accounts.sign_in("system", PASSWORD))
    security = accounts.viewer(accounts.sign_in("security", PASSWORD))
    tokens = {}
    for role in ROLES:
        administrator = role.endswith("administrator")
        # J001 at the highest level: another fonds. J002 at the lowest: another level.
        for scope, level in (("J001", Level.HIGHLY_SENSITIVE), ("J002", Level.PUBLIC)):
            login = f"{role}.{scope}".lower()
            _, code = accounts.add(system, login, name="test")
            accounts.activate(login, code=code, password=PASSWORD)
            accounts.grant(security, login, roles=[role], fonds=[] if administrator else [scope], level=level)
            tokens[f"{role}@{scope}"] = accounts.tokens.add(accounts.sign_in(login, PASSWORD))
    hidden = hide_a_record(archive)
    yield House(archive, create_app(archive), hidden, tokens)
    archive.close()


def values(hidden: Hidden) -> dict[str, object]:
    return {
        "record_id": hidden.record,
        "record": hidden.record,
        "component_id": hidden.component,
        "person_id": hidden.person,
        "batch": hidden.batch,
        "batch_id": hidden.batch,
        "file": hidden.file,
        "file_id": hidden.file,
        "number": 1,
        "page": 1,
        "filename": "css/archive.css",
    }


def address(app: Flask, rule: Rule, hidden: Hidden) -> str:
    known = values(hidden)
    unknown = rule.arguments - set(known) - set(rule.defaults or {})
    filled = {name: known.get(name, hidden.record) for name in rule.arguments}
    assert unknown <= {"correction_id", "correction", "proposal_id", "version_id", "extension"}, f"{rule}: {unknown}"
    with app.test_request_context():
        adapter = app.url_map.bind("localhost")
        return adapter.build(rule.endpoint, filled, method=next(iter(rule.methods or {"GET"})))


def ask(client: FlaskClient, method: str, url: str, token: str) -> tuple[int, str]:
    headers = {"Authorization": f"Bearer {token}"}
    if method == "GET":
        answer = client.get(url, headers=headers)
    elif url.startswith("/api/"):
        body = {"q": "鹳雀", "number": NUMBER, "filters": {"person": "x"} if "find" in url else {}}
        answer = client.open(url, method=method, headers=headers, json=body)
    else:
        form = {
            "q": "鹳雀", "reason": "x", "page": "1", "version": "1", "login": "nobody", "difference": "x",
            "fonds": "J002", "files": (io.BytesIO(b""), "empty.jpg"),
        }  # fmt: skip
        answer = client.open(url, method=method, headers=headers, data=form)
    return answer.status_code, answer.get_data(as_text=True)


def rules(app: Flask) -> list[tuple[Rule, str]]:
    return [
        (rule, method)
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        if rule.endpoint not in {"static", "sign_in.leave", "sign_in.change_password"}
    ]


def plain(text: str) -> str:
    """The body with JSON's and HTML's escapes undone as far as the markers need it."""
    try:
        return text + json.dumps(json.loads(text), ensure_ascii=False)
    except ValueError:
        return text.replace("&#183;", "·").replace("&middot;", "·")


@pytest.mark.parametrize("scope", ["J001", "J002"])
@pytest.mark.parametrize("role", ROLES)
def test_a_viewer_without_scope_sees_no_trace_on_any_route(house: House, role: str, scope: str):
    client = house.app.test_client()
    token = house.tokens[f"{role}@{scope}"]
    # A batch belongs to those who take in for its fonds, whatever the level its papers turn out to have.
    takes_in = scope == "J002" and role in {"archivist", "scan-operator", "head"}
    markers = [marker for marker in MARKERS if not (takes_in and marker == "hidden-folder")]
    leaks, faults = [], []
    for rule, method in rules(house.app):
        url = address(house.app, rule, house.hidden)
        status, body = ask(client, method, url, token)
        if status >= 500:
            faults.append((method, url, status))
        leaks += [(method, url, marker) for marker in markers if marker in plain(body)]
    assert leaks == []
    assert faults == [] or all(url == "/readyz" for _, url, _ in faults)


def test_none_of_it_changed_the_record(house: House):
    with house.archive.reading(everything(house.archive)) as unit:
        record = unit.get(Record, house.hidden.record)
        assert (record.version, record.state) == (house.hidden.version, RecordState.FILED)
        assert unit.count(sa.select(Page.id)) == 1


@pytest.mark.parametrize("scope", ["J001", "J002"])
@pytest.mark.parametrize("role", ["archivist", "clerk", "auditor", "head"])
def test_counts_and_facets_are_those_of_an_empty_archive(house: House, role: str, scope: str):
    client = house.app.test_client()
    headers = {"Authorization": f"Bearer {house.tokens[f'{role}@{scope}']}"}
    for question in ("鹳雀", NUMBER, CODE, TITLE[:2], ""):
        answer = client.post("/api/v1/search", headers=headers, json={"q": question}).get_json()
        assert answer["total"] == 0
        assert answer["hits"] == []
        assert not any(answer["facets"].values())
    assert client.post("/api/v1/persons/find", headers=headers, json={"number": NUMBER}).get_json() == []
    assert client.get(f"/api/v1/records/{house.hidden.record}", headers=headers).status_code == 404


def test_without_a_token_nothing_but_the_door_answers(house: House):
    client = house.app.test_client()
    public = {"/healthz", "/readyz", "/metrics", "/sign-in", "/activate", "/language", "/api/v1/openapi.json"}
    for rule, method in rules(house.app):
        url = address(house.app, rule, house.hidden)
        if url in public:
            continue
        answer = client.open(url, method=method)
        assert answer.status_code in {303, 400, 401, 404, 405}, (method, url)
        assert not any(marker in answer.get_data(as_text=True) for marker in MARKERS)


def test_who_is_in_scope_finds_it(house: House):
    """The matrix proves nothing if the record could not be found at all."""
    accounts = house.archive.accounts
    _, code = accounts.add(accounts.viewer(accounts.sign_in("system", PASSWORD)), "in.scope", name="test")
    accounts.activate("in.scope", code=code, password=PASSWORD)
    security = accounts.viewer(accounts.sign_in("security", PASSWORD))
    accounts.grant(security, "in.scope", roles=["auditor"], fonds=["J002"], level=Level.HIGHLY_SENSITIVE)
    token = accounts.tokens.add(accounts.sign_in("in.scope", PASSWORD))
    client = house.app.test_client()
    headers = {"Authorization": f"Bearer {token}"}
    for question in ("鹳雀", NUMBER, CODE, NAME):
        assert client.post("/api/v1/search", headers=headers, json={"q": question}).get_json()["total"] == 1
    body = client.get(f"/api/v1/records/{house.hidden.record}", headers=headers).get_json()
    assert body["title"] == TITLE


def test_the_home_folder_is_only_its_owners(house: House):
    assert Path(house.archive.settings.home / "keys").stat().st_mode & 0o077 == 0
