"""What every register of destructions promises: in order, durable, one chain, whoever else writes."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import pytest
import s3_stores
import services

from archive_app.clock import SystemClock
from archive_app.core.errors import IntegrityFailure, Unavailable
from archive_app.core.ports import Destruction, DestructionRegister, StoreKey
from archive_app.core.settings import Settings
from archive_app.core.vocabulary import RecordId
from archive_app.objects.s3_bucket import prepare
from archive_app.objects.s3_client import S3Address, S3Client
from archive_app.register import register_of
from archive_app.register.folder import FileRegister
from archive_app.register.s3 import S3Register

AT = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
SERVERS: dict[str, Callable[[], services.S3Server]] = {"minio": services.minio, "versitygw": services.versitygw}


def a_destruction(reason: str = "期满") -> Destruction:
    record = RecordId(uuid4())
    return Destruction(StoreKey("J001", record, "a" * 64), AT, reason, uuid4(), record=record)


class OnServer(NamedTuple):
    """A register in a bucket, and the bucket by the side of it."""

    address: S3Address
    client: S3Client

    def opened(self) -> S3Register:
        return S3Register(self.client, self.address, clock=SystemClock("Asia/Shanghai"))

    def name(self, number: int) -> str:
        return f"{self.address.prefix}destructions/{number:012}.jsonl"


def on_server(name: str, *, locks: bool) -> OnServer:
    server = SERVERS[name]()
    if locks:
        address = s3_stores.an_address(server)
        return OnServer(address, s3_stores.a_client(server, address))
    scheme, _, host = server.endpoint.partition("://")
    plain = S3Address.of(f"s3+{scheme}://{host}/plain-{uuid4().hex[:12]}/one")  # of its own: nobody turns versions on
    made = OnServer(plain, s3_stores.a_client(server, plain))
    made.client.make_bucket(plain.bucket)
    return made


@pytest.fixture(params=list(SERVERS))
def kept(request: pytest.FixtureRequest) -> OnServer:
    """In a bucket with versions and object lock."""
    return on_server(request.param, locks=True)


def services_too(*others: str) -> list[object]:
    return ["folder", *(pytest.param(one, marks=pytest.mark.services) for one in others)]


@pytest.fixture(params=services_too("minio", "versitygw", "minio-plain", "versitygw-plain"))
def anew(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], DestructionRegister]:
    """One register, opened as if by another process each time."""
    if request.param == "folder":
        return lambda: FileRegister(tmp_path / "register")
    name, _, plain = request.param.partition("-")
    return on_server(name, locks=not plain).opened


def test_what_was_noted_is_read_back_in_order_whoever_noted_it(anew: Callable[[], DestructionRegister]):
    noted = [a_destruction(), a_destruction("重复"), Destruction(StoreKey("J001", uuid4(), "b" * 64), AT, "x", uuid4())]
    register = anew()
    assert list(register.entries()) == []
    register.note(*noted[:2])
    anew().note(noted[2])
    register.note(noted[0])
    assert list(anew().entries()) == [*noted, noted[0]] == list(register.entries())


def test_nothing_noted_is_nothing(anew: Callable[[], DestructionRegister]):
    register = anew()
    register.note()
    assert list(register.entries()) == []


def test_writers_at_the_same_time_lose_nothing(anew: Callable[[], DestructionRegister]):
    each = [[a_destruction(str(writer)) for _ in range(10)] for writer in range(4)]

    def write(mine: list[Destruction]) -> None:
        register = anew()
        for one in mine:
            register.note(one)

    with ThreadPoolExecutor(4) as writers:
        list(writers.map(write, each))
    found = list(anew().entries())
    assert [[one for one in found if one.reason == str(writer)] for writer in range(4)] == each
    assert len(found) == 40


def test_a_large_disposal_is_noted_whole(anew: Callable[[], DestructionRegister]):
    many = [a_destruction() for _ in range(2_500)]
    anew().note(*many)
    anew().note(many[0])
    assert list(anew().entries()) == [*many, many[0]]


# ---------------------------------------------------------------- in buckets


@pytest.mark.services
def test_a_number_is_written_once_and_locked(kept: OnServer):
    kept.opened().note(a_destruction())
    assert kept.client.put_new(kept.name(1), b"another") is False
    (version,) = kept.client.versions(kept.name(1))
    with pytest.raises(Exception, match=r"AccessDenied|InvalidRequest|ObjectLocked|WORM"):
        kept.client.remove_version(version.name, version.ident)


@pytest.mark.services
def test_neither_a_delete_mark_nor_an_overwrite_hides_what_was_noted(kept: OnServer):
    noted = [a_destruction(), a_destruction(), a_destruction()]
    for one in noted:
        kept.opened().note(one)
    kept.client.remove_object(kept.client.bucket, kept.name(3))  # leaves a mark
    s3_stores_put(kept, kept.name(2), b"another\n")
    assert list(kept.opened().entries()) == noted
    more = a_destruction()
    kept.opened().note(more)  # not under the number that looks free
    assert list(kept.opened().entries()) == [*noted, more]


def s3_stores_put(kept: OnServer, name: str, content: bytes) -> None:
    kept.client._execute("PUT", kept.client.bucket, name, body=content)


@pytest.mark.services
@pytest.mark.parametrize("harm", ["changed", "gone"])
@pytest.mark.parametrize("server", list(SERVERS))
def test_where_nothing_is_locked_what_was_changed_or_removed_is_found(server: str, harm: str):
    plain = on_server(server, locks=False)
    for _ in range(3):
        plain.opened().note(a_destruction())
    name = plain.name(2)
    if harm == "gone":
        plain.client.remove_object(plain.client.bucket, name)
    else:
        s3_stores_put(plain, name, plain.client.small(name).replace("期满".encode(), "另外".encode()))
    with pytest.raises(IntegrityFailure, match="register-damaged"):
        list(plain.opened().entries())


@pytest.mark.services
def test_an_answer_that_was_lost_is_no_second_entry(kept: OnServer, monkeypatch: pytest.MonkeyPatch):
    register, one = kept.opened(), a_destruction()
    register.note(a_destruction())
    real = kept.client.put_new

    def lost(name: str, content: bytes, *, locked_until: datetime | None = None) -> bool:
        assert real(name, content, locked_until=locked_until)
        return real(name, content, locked_until=locked_until)  # as the client's own second try

    monkeypatch.setattr(kept.client, "put_new", lost)
    register.note(one)
    monkeypatch.undo()
    assert list(kept.opened().entries())[1:] == [one]


@pytest.mark.services
def test_a_server_that_puts_over_what_stands_keeps_no_register(kept: OnServer, monkeypatch: pytest.MonkeyPatch):
    real = kept.client._execute

    def careless(method: str, bucket: str, name: str, **others: object) -> object:
        headers = dict(others.get("headers") or {})  # type: ignore[call-overload]
        headers.pop("If-None-Match", None)
        return real(method, bucket, name, **{**others, "headers": headers})  # type: ignore[arg-type]

    monkeypatch.setattr(kept.client, "_execute", careless)
    with pytest.raises(Unavailable, match="register-not-append-only"):
        kept.opened().note(a_destruction())


@pytest.mark.services
@pytest.mark.parametrize("server", list(SERVERS))
def test_settings_name_a_bucket_and_its_keys(server: str, tmp_path: Path):
    running = SERVERS[server]()
    scheme, _, host = running.endpoint.partition("://")
    settings = Settings.from_env(
        {
            "ARCHIVE_REGISTER_URL": f"s3+{scheme}://{host}/register-{uuid4().hex[:12]}/one",
            "ARCHIVE_REGISTER_ACCESS_KEY": running.access_key,
            "ARCHIVE_REGISTER_SECRET_KEY": running.secret_key,
        },
        home=tmp_path,
    )
    one = a_destruction()
    with pytest.raises(Unavailable, match=r"register-failed.*NoSuchBucket"):
        register_of(settings).note(one)
    address = S3Address.of(str(settings.register_url))
    assert prepare(s3_stores.a_client(running, address)).locks
    register_of(settings).note(one)
    assert list(register_of(settings).entries()) == [one]
