"""The S3 store over TLS: a server is believed by the certificates of `ARCHIVE_STORE_CA` and no others."""

import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest
from s3_stores import HASTE, an_address
from services import S3Server
from storing import BYTES, StoppedClock, put, read
from test_elastic_trust import a_certificate

from archive_app.backup.places import place_of
from archive_app.core.errors import InvalidInput, Unavailable
from archive_app.core.settings import Settings
from archive_app.objects.s3 import S3Store
from archive_app.objects.s3_client import S3Address, S3Client
from archive_app.wiring import Archive

pytestmark = pytest.mark.services


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return a_certificate(tmp_path)


@pytest.fixture
def front(server: S3Server, certificate: Path) -> Iterator[str]:
    """Host and port where TLS ends before the server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    host, _, port = server.endpoint.rpartition("/")[2].partition(":")
    with socket.create_server(("127.0.0.1", 0)) as door:

        def serve() -> None:
            with suppress(OSError):  # the door is shut at the end
                while True:
                    raw, _ = door.accept()
                    threading.Thread(target=carry, args=(raw,), daemon=True).start()

        def carry(raw: socket.socket) -> None:
            with (
                suppress(OSError),  # who distrusts hangs up
                context.wrap_socket(raw, server_side=True) as outer,
                socket.create_connection((host, int(port))) as inner,
            ):
                back = threading.Thread(target=pump, args=(inner, outer), daemon=True)
                back.start()
                pump(outer, inner)
                back.join()

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{door.getsockname()[1]}"
        door.shutdown(socket.SHUT_RDWR)


def pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(1 << 16):
            target.sendall(piece)
        target.shutdown(socket.SHUT_RDWR)


def a_store(server: S3Server, front: str, folder: Path, ca: Path | None) -> S3Store:
    bucket = an_address(server).bucket
    address = S3Address.of(f"s3+https://{front}/{bucket}/trust")
    client = S3Client(
        address,
        access_key=server.access_key,
        secret_key=server.secret_key,
        ca=str(ca) if ca else None,
        patience=HASTE,
    )
    return S3Store(client, address, scratch=folder, clock=StoppedClock())


def test_a_server_of_the_named_authority_is_believed(server: S3Server, front: str, certificate: Path, tmp_path: Path):
    store = a_store(server, front, tmp_path, certificate)
    assert read(store, put(store)) == BYTES


def test_settings_name_the_authority_for_the_store_and_for_backups(
    server: S3Server, front: str, certificate: Path, tmp_path: Path
):
    place = f"s3+https://{front}/{an_address(server).bucket}/{uuid4().hex}"
    given = {"ARCHIVE_STORE_URL": f"{place}/store", "ARCHIVE_BACKUP_URL": f"{place}/backup"}
    for part in ("STORE", "BACKUP"):
        (tmp_path / "secret").write_text(f"{server.secret_key}\n")
        given[f"ARCHIVE_{part}_ACCESS_KEY"] = server.access_key
        given[f"ARCHIVE_{part}_SECRET_KEY_FILE"] = str(tmp_path / "secret")
    trusting = Settings.from_env(given | {"ARCHIVE_STORE_CA": str(certificate)}, home=tmp_path)
    archive = Archive(trusting)
    assert archive.prepare_store().todo == ()
    for content in (BYTES, os.urandom(11 << 20)):
        assert read(archive.store, put(archive.store, content)) == content
    backups = place_of(trusting)
    backups.put("one", [BYTES])
    assert b"".join(backups.get("one")) == BYTES

    damaged = Settings.from_env(given | {"ARCHIVE_STORE_CA": str(tmp_path / "secret")}, home=tmp_path)
    with pytest.raises(InvalidInput, match="settings-invalid"):
        _ = Archive(damaged).store


def test_a_server_nobody_vouches_for_is_sent_nothing(server: S3Server, front: str, tmp_path: Path):
    with pytest.raises(Unavailable):
        put(a_store(server, front, tmp_path, None))
