"""Certificates that end are told: those of authorities we trust, and those that servers show to who connects."""

import datetime as dt
import socketserver
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from factories import an_archive

from archive_app.health.certificates import authorities, certificates
from archive_app.health.part import Advice, State
from archive_app.web import health_words
from archive_app.wiring import Archive

ENDS = [(400, None), (10, Advice.CERTIFICATE_ENDS), (-1, Advice.CERTIFICATE_ENDED)]
SERVERS = {
    "store_url": ("s3+https://{}/bucket", "store-server"),
    "index_url": ("https://{}", "index-server"),
    "broker_url": ("amqps://user:word@{}/there", "broker-server"),
    "backup_url": ("s3+https://{}/bucket/prefix", "backup-server"),
    "register_url": ("s3+https://{}/bucket", "register-server"),
}


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    made = an_archive(tmp_path)
    yield made
    made.close()


class Authority:
    """Signs itself for 400 days from the moment, and servers until it is told."""

    def __init__(self, moment: dt.datetime) -> None:
        self._moment, self._key, self._name = moment, Ed25519PrivateKey.generate(), a_name("authority")
        self.pem = self.signed(self._key, "authority", days=400)

    def signed(self, key: Ed25519PrivateKey, name: str, *, days: int) -> bytes:
        until = self._moment + dt.timedelta(days=days)
        made = x509.CertificateBuilder().subject_name(a_name(name)).issuer_name(self._name)
        made = made.public_key(key.public_key()).serial_number(x509.random_serial_number())
        made = made.not_valid_before(until - dt.timedelta(days=500)).not_valid_after(until)
        return made.sign(self._key, None).public_bytes(Encoding.PEM)


def a_name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


class Endpoint(socketserver.ThreadingTCPServer):
    """Shows a certificate to whoever comes, and hears nothing else."""

    context: ssl.SSLContext


class Handshake(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, Endpoint)
        with self.server.context.wrap_socket(self.request, server_side=True) as shown:
            shown.recv(1)  # until who came goes


@pytest.fixture
def shows(archive: Archive, tmp_path: Path) -> Iterator[Callable[[int], str]]:
    """Starts an endpoint whose certificate, of an authority we trust, ends in so many days; gives its address."""
    authority, started = Authority(archive.clock.now()), list[Endpoint]()
    ca = tmp_path / "ca.pem"
    ca.write_bytes(authority.pem)
    object.__setattr__(archive.settings, "broker_ca", str(ca))

    def start(days: int) -> str:
        key = Ed25519PrivateKey.generate()
        pem = tmp_path / f"server-{len(started)}.pem"
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        pem.write_bytes(secret + authority.signed(key, "server", days=days))
        endpoint = Endpoint(("127.0.0.1", 0), Handshake)
        endpoint.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        endpoint.context.load_cert_chain(pem)
        Thread(target=endpoint.serve_forever, kwargs={"poll_interval": 0.05}).start()
        started.append(endpoint)
        return f"127.0.0.1:{endpoint.server_address[1]}"

    yield start
    for endpoint in started:
        endpoint.shutdown()
        endpoint.server_close()


@pytest.mark.parametrize("setting", ["store_ca", "index_ca", "broker_ca"])
@pytest.mark.parametrize(("days", "advice"), ENDS)
def test_an_authority_that_ends_is_told(
    archive: Archive, tmp_path: Path, setting: str, days: int, advice: Advice | None
) -> None:
    ca, authority = tmp_path / "ca.pem", Authority(archive.clock.now())
    ca.write_bytes(authority.signed(Ed25519PrivateKey.generate(), "another", days=days))
    object.__setattr__(archive.settings, setting, str(ca))
    assert certificates(archive).advice == authorities(archive).advice == advice
    ca.write_text("nothing")
    assert certificates(archive).advice == Advice.CERTIFICATE_UNREADABLE


@pytest.mark.parametrize("setting", SERVERS)
@pytest.mark.parametrize(("days", "advice"), ENDS)
def test_a_server_whose_certificate_ends_is_told(
    archive: Archive, shows: Callable[[int], str], setting: str, days: int, advice: Advice | None
) -> None:
    url, name = SERVERS[setting]
    object.__setattr__(archive.settings, setting, url.format(shows(days)))
    found = certificates(archive)
    assert found.advice == advice
    end = archive.clock.now() + dt.timedelta(days=days)
    assert found.facts[name] == end.date().isoformat()
    assert name in health_words.FACTS
    assert authorities(archive).state == State.OK  # whose own ends later, and who asks nobody


def test_of_several_servers_the_one_that_ends_first_is_told(archive: Archive, shows: Callable[[int], str]) -> None:
    urls = ",".join(f"https://{shows(days)}" for days in (300, 20, 200))
    object.__setattr__(archive.settings, "index_url", urls)
    assert certificates(archive).advice == Advice.CERTIFICATE_ENDS


def test_a_server_that_is_away_is_told_by_its_own_part(archive: Archive, shows: Callable[[int], str]) -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), socketserver.BaseRequestHandler) as closed:
        gone = f"127.0.0.1:{closed.server_address[1]}"
    object.__setattr__(archive.settings, "broker_url", f"amqps://{gone}")
    object.__setattr__(archive.settings, "index_url", f"https://{shows(300)},https://{gone}")
    found = certificates(archive)
    assert (found.state, found.facts["broker-server"]) == (State.OK, "unreadable")
    assert found.facts["index-server"] == (archive.clock.now() + dt.timedelta(days=300)).date().isoformat()


def test_who_talks_without_tls_has_no_certificate(archive: Archive) -> None:
    object.__setattr__(archive.settings, "broker_url", "amqp://127.0.0.1:5672")
    assert certificates(archive).facts == {}
