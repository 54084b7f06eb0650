"""Certificates (证书): those of the authorities we trust, and those that our servers show, do not end soon."""

import datetime as dt
import socket
import ssl
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509

from archive_app.core.settings import Settings
from archive_app.health.part import Advice, Part, State
from archive_app.wiring import Archive

_WARNING = dt.timedelta(days=30)
_SERVER_SECONDS = 0.9  # to connect to one address, and to show it: two addresses are within the patience of a part
_GOODBYE_SECONDS = 0.1
_PORTS = {"https": 443, "s3+https": 443, "amqps": 5671}
_UNREADABLE = "unreadable"


def authorities(archive: Archive) -> Part:
    """The files of the authorities we trust are readable, and nothing in them ends soon."""
    return _judged(archive, {})


def certificates(archive: Archive) -> Part:
    """That, and so it is with what the servers of store, index, broker, backups and register show by TLS."""
    return _judged(archive, _shown(archive.settings))


def _judged(archive: Archive, shown: Mapping[str, dt.datetime | None]) -> Part:
    settings = archive.settings
    given = {"store-ca": settings.store_ca, "index-ca": settings.index_ca, "broker-ca": settings.broker_ca}
    ends: dict[str, dt.datetime] = {}
    for name, path in given.items():
        if path is None:
            continue
        try:
            found = x509.load_pem_x509_certificates(Path(path).read_bytes())
        except (OSError, ValueError):
            return Part("certificates", State.DOWN, {name: _UNREADABLE}, Advice.CERTIFICATE_UNREADABLE)
        ends[name] = min(one.not_valid_after_utc for one in found)
    ends |= {name: end for name, end in shown.items() if end is not None}
    facts = dict.fromkeys(shown, _UNREADABLE) | {name: end.date().isoformat() for name, end in ends.items()}
    if not ends:
        return Part("certificates", State.OFF, facts)
    first, now = min(ends.values()), archive.clock.now()
    if first < now:
        return Part("certificates", State.DOWN, facts, Advice.CERTIFICATE_ENDED)
    if first < now + _WARNING:
        return Part("certificates", State.DEGRADED, facts, Advice.CERTIFICATE_ENDS)
    return Part("certificates", facts=facts)


def _shown(settings: Settings) -> Mapping[str, dt.datetime | None]:
    """When the certificate of each server ends; None of one that is away, which its own part tells."""
    servers = list(_servers(settings))
    if not servers:
        return {}
    with ThreadPoolExecutor(len(servers)) as threads:
        found = list(threads.map(_end, (place for _, place in servers)))
    ends: dict[str, dt.datetime | None] = {}
    for (name, _), end in zip(servers, found, strict=True):
        known = ends.get(name)
        ends[name] = min(end, known) if end and known else end or known
    return ends


def _servers(settings: Settings) -> Iterator[tuple[str, tuple[str, int]]]:
    """The servers that are reached by TLS: the fact each is told as, its host and port."""
    given = {
        "store-server": settings.store_url,
        "index-server": settings.index_url,
        "broker-server": settings.broker_url,
        "backup-server": settings.backup_url,
        "register-server": settings.register_url,
    }
    for name, urls in given.items():
        for url in (urls or "").split(","):
            parts = urlsplit(url.strip())
            if parts.scheme in _PORTS and parts.hostname:
                yield name, (parts.hostname, parts.port or _PORTS[parts.scheme])


def _end(place: tuple[str, int]) -> dt.datetime | None:
    """Whoever shows it is not believed for that: connections check it, and an ended one lets none come about."""
    believing = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    believing.check_hostname, believing.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection(place, timeout=_SERVER_SECONDS) as plain,
            believing.wrap_socket(plain, server_hostname=place[0]) as server,
        ):
            shown = server.getpeercert(binary_form=True)
            server.settimeout(_GOODBYE_SECONDS)
            with suppress(OSError):  # it need not answer
                server.unwrap()  # without this goodbye RabbitMQ waits for more, and logs an error in the end
        return x509.load_der_x509_certificate(shown or b"").not_valid_after_utc
    except (OSError, ValueError):
        return None
