"""The archive's own secrets: one small file each, made once, readable by their owner only, never overwritten.

The signing key names itself by a fingerprint that fits in a letter; who keeps that letter can tell our signatures from
anybody else's. The hashing key makes personal numbers comparable without showing them: it must outlive the index and
the database, because lost, no number is found again.
"""

import hmac
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from archive_app.core.errors import Unavailable
from archive_app.core.ports import Signature
from archive_app.durable import settle

ALGORITHM = "ed25519"  # RFC 8032
_SIGNING = "signing.pem"
_HASHING = "hashing.key"
_SESSION = "session.key"
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """Where the keys of one archive are."""

    signing: Path
    hashing: Path
    session: Path

    @classmethod
    def of(cls, folder: Path) -> "KeyFiles":
        """The files' names in the folder, whether or not they are there."""
        return cls(signing=folder / _SIGNING, hashing=folder / _HASHING, session=folder / _SESSION)


class FileSigner:
    """`Signer` with an Ed25519 key in a PKCS #8 file. The `key_id` is `ed25519:` and the SHA-256 of the public key."""

    def __init__(self, path: Path) -> None:
        try:
            key = serialization.load_pem_private_key(_read(path), password=None)
        except ValueError as fault:
            raise Unavailable("key-damaged", file=path.name) from fault
        if not isinstance(key, Ed25519PrivateKey):
            raise Unavailable("key-damaged", file=path.name)
        self._private = key
        self._public = key.public_key()

    @property
    def key_id(self) -> str:
        return fingerprint(self.public_key)

    @property
    def public_key(self) -> bytes:
        """The 32 bytes that anybody may have, and needs in order to verify without us."""
        return self._public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)

    def sign(self, message: bytes) -> Signature:
        return Signature(algorithm=ALGORITHM, key_id=self.key_id, value=self._private.sign(message))

    def verify(self, message: bytes, signature: Signature) -> bool:
        """Whether it is our signature of this message. Another key's or algorithm's is not, whatever its bytes."""
        if (signature.algorithm, signature.key_id) != (ALGORITHM, self.key_id):
            return False
        try:
            self._public.verify(signature.value, message)
        except InvalidSignature:
            return False
        return True


class KeyedHasher:
    """`NumberHasher` by HMAC-SHA-256 (RFC 2104). Equal digits of two kinds of number give unrelated hashes."""

    def __init__(self, path: Path) -> None:
        self._key = read_secret(path)

    def hash(self, kind: str, number: str) -> str:
        """64 hex digits for a number in its normal form. The kind's length keeps `(ab, c)` apart from `(a, bc)`."""
        name = kind.encode()
        return hmac.digest(self._key, len(name).to_bytes(2) + name + number.encode(), "sha256").hex()


def fingerprint(public_key: bytes) -> str:
    """`ed25519:` and 64 hex digits. Raises `ValueError` for what is no public key."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(Ed25519PublicKey.from_public_bytes(public_key).public_bytes_raw())
    return f"{ALGORITHM}:{digest.finalize().hex()}"


def create_keys(folder: Path) -> KeyFiles:
    """Make the folder and those keys that are not there yet. Present files are left as they are, byte for byte."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    files = KeyFiles.of(folder)
    _create(files.signing, _signing_key)
    _create(files.hashing, _secret)
    _create(files.session, _secret)
    return files


def read_secret(path: Path) -> bytes:
    """The 32 bytes of a secret file. Raises `Unavailable` if it is missing, damaged or readable by others."""
    try:
        secret = bytes.fromhex(_read(path).decode("ascii"))
    except ValueError as fault:
        raise Unavailable("key-damaged", file=path.name) from fault
    if len(secret) != _SECRET_BYTES:
        raise Unavailable("key-damaged", file=path.name)
    return secret


def _signing_key() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _secret() -> bytes:
    return secrets.token_hex(_SECRET_BYTES).encode() + b"\n"


def _create(path: Path, make: Callable[[], bytes]) -> None:
    """Whole or not at all, also when two processes come at once: written aside, then linked to a free name."""
    if path.exists():
        return
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    number = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(make())
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            return  # another process was first: its key is the key
    finally:
        draft.unlink()
    settle(path.parent)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise Unavailable("key-readable-by-others", file=path.name)
            return file.read()
    except FileNotFoundError as fault:
        raise Unavailable("key-missing", file=path.name) from fault
    except OSError as fault:
        raise Unavailable("key-unreadable", file=path.name) from fault
