"""S3 stores for tests: buckets on real servers, each test with a prefix of its own in them."""

from functools import cache
from pathlib import Path
from uuid import uuid4

from services import S3Server

from archive_app.core.ports import Clock
from archive_app.objects.s3 import S3Store, Sizes
from archive_app.objects.s3_client import Patience, S3Address, S3Client

SMALL_PARTS = Sizes(whole=5 << 20, part=5 << 20, parallel=1, copy=5 << 20)
HASTE = Patience(connect=2.0, read=5.0, tries=3, pause=0.05)


def an_address(server: S3Server, *, locks: bool = True, endpoint: str | None = None) -> S3Address:
    """A place of its own in a bucket that locks, or in a plain one; `endpoint` stands for a proxy before the server."""
    bucket = _bucket(server, locks)
    scheme, _, host = server.endpoint.partition("://")
    return S3Address.of(f"s3+{scheme}://{endpoint or host}/{bucket}/{uuid4().hex}")


def a_client(server: S3Server, address: S3Address, *, patience: Patience = HASTE) -> S3Client:
    return S3Client(address, access_key=server.access_key, secret_key=server.secret_key, patience=patience)


def an_s3_store(
    server: S3Server,
    folder: Path,
    clock: Clock,
    *,
    address: S3Address | None = None,
    patience: Patience = HASTE,
    sizes: Sizes = SMALL_PARTS,
) -> S3Store:
    address = address or an_address(server)
    return S3Store(a_client(server, address, patience=patience), address, scratch=folder, clock=clock, sizes=sizes)


@cache
def _bucket(server: S3Server, locks: bool) -> str:  # noqa: FBT001 - a key of the cache
    name = f"archive-test-{uuid4().hex[:12]}"
    scheme, _, host = server.endpoint.partition("://")
    client = a_client(server, S3Address.of(f"s3+{scheme}://{host}/{name}"))
    client.make_bucket(name, object_lock=locks)
    return name
