"""The S3 store over TLS: a server is believed by the certificates of `ARCHIVE_STORE_CA` and no others."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from s3_stores import HASTE, an_address
from services import S3Server
from storing import BYTES, StoppedClock, put, read
from test_elastic_trust import a_certificate

from archive_app.core.errors import Unavailable
from archive_app.objects.s3 import S3Store
from archive_app.objects.s3_client import S3Address, S3Client

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


def test_a_server_nobody_vouches_for_is_sent_nothing(server: S3Server, front: str, tmp_path: Path):
    with pytest.raises(Unavailable):
        put(a_store(server, front, tmp_path, None))
