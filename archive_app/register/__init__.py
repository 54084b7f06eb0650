"""The register of destructions, apart from database and backups (`ARCHIVE_REGISTER_URL`), because it must outlive both.

A restore of an older backup reads it to keep destroyed what was destroyed. It is one chain of lines, in a file or cut
into numbered objects of a bucket: each line carries the digest of the line before it.
"""

from pathlib import Path

from archive_app.clock import SystemClock
from archive_app.core.errors import InvalidInput
from archive_app.core.ports import DestructionRegister
from archive_app.core.settings import Settings
from archive_app.objects.s3_client import S3Address, S3Client
from archive_app.register.folder import FileRegister
from archive_app.register.s3 import S3Register

_SETTING = "ARCHIVE_REGISTER_URL"


def register_of(settings: Settings) -> DestructionRegister:
    """The register of the settings, `HOME/register` by default. Raises `InvalidInput` for an unknown address."""
    url = settings.register_url
    if url is None:
        return FileRegister(settings.home / "register")
    scheme, _, place = url.partition("://")
    if scheme == "file" and place.startswith("/"):
        return FileRegister(Path(place))
    if not scheme.startswith("s3+"):
        raise InvalidInput("settings-invalid", **{_SETTING: "file:///folder or s3+https://host:port/bucket/prefix"})
    address = S3Address.of(url, setting=_SETTING)
    return S3Register(client_of(settings, address), address, clock=SystemClock(settings.time_zone))


def client_of(settings: Settings, address: S3Address) -> S3Client:
    """The register's own credentials at that address."""
    return S3Client(
        address,
        access_key=settings.register_access_key,
        secret_key=settings.register_secret_key,
        ca=settings.store_ca,
        region=settings.store_region,
    )


def address_on_s3(settings: Settings) -> S3Address | None:
    """Where the register is, if it is in a bucket."""
    url = settings.register_url
    return S3Address.of(url, setting=_SETTING) if url is not None and url.startswith("s3+") else None


__all__ = ["address_on_s3", "client_of", "register_of"]
