"""The index over TLS with an API key: a front with a certificate of its own that lets through only who has the key."""

import datetime as dt
import http.client
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import services
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from elastic_indices import a_prefix
from test_elastic_index import a_document, found

from archive_app.clock import SystemClock
from archive_app.core.errors import InvalidInput, Unavailable
from archive_app.core.settings import Settings
from archive_app.wiring import Archive
from search.elastic import ElasticIndex
from search.elastic_server import Address

pytestmark = pytest.mark.services
KEY = "aWQ6a2V5"


class Front(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Authorization") != f"ApiKey {KEY}":
            self._answer(401, {"X-Elastic-Product": "Elasticsearch", "Content-Type": "application/json"}, b"{}")
            return
        behind = http.client.HTTPConnection(urlsplit(services.elasticsearch()).netloc, timeout=60)
        wanted = {name: value for name, value in self.headers.items() if name not in {"Host", "Authorization"}}
        behind.request(self.command, self.path, body=body or None, headers=wanted)
        answer = behind.getresponse()
        kept = {name: value for name, value in answer.getheaders() if name.lower() != "content-length"}
        self._answer(answer.status, kept, answer.read())
        behind.close()

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            if name.lower() != "transfer-encoding":
                self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _pass  # noqa: N815 - the library's names

    def log_message(self, *_: object) -> None: ...


def a_certificate(folder: Path) -> Path:
    """One file with key and certificate of 127.0.0.1, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "index")])
    today = SystemClock("Asia/Shanghai").now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "index.pem"
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(secret + certificate.public_bytes(pem))
    return path


@dataclass(frozen=True)
class Trusted:
    url: str
    ca: str


@pytest.fixture
def front(tmp_path: Path) -> Iterator[Trusted]:
    services.elasticsearch()
    certificate = a_certificate(tmp_path)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Front)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # who distrusts hangs up
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Trusted(f"https://127.0.0.1:{server.server_port}", str(certificate))
    server.shutdown()
    server.server_close()


def test_the_settings_reach_the_server_with_certificate_and_key(front: Trusted, tmp_path: Path):
    secret = tmp_path / "index.key"
    secret.write_text(KEY + "\n", encoding="utf-8")
    with a_prefix() as prefix:
        settings = Settings.from_env(
            {
                "ARCHIVE_INDEX_URL": front.url,
                "ARCHIVE_INDEX_CA": front.ca,
                "ARCHIVE_INDEX_API_KEY_FILE": str(secret),
                "ARCHIVE_INDEX_PREFIX": prefix,
            },
            home=tmp_path,
        )
        index = Archive(settings).index
        assert isinstance(index, ElasticIndex)
        index.put([a_document(1)])
        assert found(index) == {1}
        assert KEY not in repr(settings)


def test_another_key_is_refused_and_an_unknown_certificate_is_not_trusted(front: Trusted):
    stranger = ElasticIndex(Address.of(front.url, api_key="b3RoZXI6a2V5", ca=front.ca), prefix="x")
    with pytest.raises(Unavailable, match="index-refuses-us"):
        found(stranger)
    with pytest.raises(Unavailable, match="index-unreachable"):
        found(ElasticIndex(Address.of(front.url, api_key=KEY), prefix="x"))


def test_a_certificate_that_is_not_there_is_said_at_once(tmp_path: Path):
    with pytest.raises(InvalidInput) as fault:
        Address.of("https://index:9200", ca=str(tmp_path / "none.pem"))
    assert "ARCHIVE_INDEX_CA" in fault.value.parameters


def test_the_key_is_in_no_representation():
    assert KEY not in repr(Address.of("https://index:9200", api_key=KEY))
