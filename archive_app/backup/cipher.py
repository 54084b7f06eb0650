"""What lies in the backup place: sealed under a key, or plain.

A sealed file is a mark of 8 bytes, a random salt of 32, and the content in pieces of 1 MiB, each under AES-256-GCM
with a key of its own file (HKDF from the salt), a counter as nonce, and the file's name in what is authenticated:
altered, cut, swapped or re-ordered pieces are found. Names are keyed digests: they tell nobody what a file holds.
"""

import base64
import binascii
import hmac
import os
from collections.abc import Iterable, Iterator
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from archive_app.core.errors import FixityMismatch

_MAGIC = b"ARCBAK1\n"
_SALT = 32
_CHUNK = 1 << 20
_TAG = 16
_KEY = 32


class Sealer(Protocol):
    """How files of the place are named and written."""

    def name(self, digest: str) -> str:
        """What stands for a digest in names: 64 hex digits."""

    def seal(self, name: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The file's bytes for this content."""

    def unseal(self, name: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """The content of the file's bytes. Raises `FixityMismatch("backup-damaged")`."""


class PlainSealer:
    """No key: files are what they hold."""

    def name(self, digest: str) -> str:
        return digest

    def seal(self, name: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
        del name
        yield from pieces

    def unseal(self, name: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
        del name
        yield from pieces


class KeySealer:
    """Under a key of 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._names = _derived(key, b"", b"archive backup: names")
        self._content = _derived(key, b"", b"archive backup: content")
        self.check = _derived(key, b"", b"archive backup: check").hex()  # tells a wrong key before anything is read

    def name(self, digest: str) -> str:
        return hmac.digest(self._names, digest.encode(), "sha256").hex()

    def seal(self, name: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
        salt = os.urandom(_SALT)
        cipher = AESGCM(_derived(self._content, salt, b"file"))
        yield _MAGIC + salt
        for number, (chunk, last) in enumerate(_chunks(pieces, _CHUNK)):
            yield cipher.encrypt(_nonce(number, last=last), chunk, _bound(salt, name))

    def unseal(self, name: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
        source = iter(pieces)
        head = b""
        while len(head) < len(_MAGIC) + _SALT:
            piece = next(source, None)
            if piece is None:
                raise FixityMismatch("backup-damaged", name=name)
            head += piece
        salt = head[len(_MAGIC) : len(_MAGIC) + _SALT]
        if not head.startswith(_MAGIC):
            raise FixityMismatch("backup-damaged", name=name)
        cipher = AESGCM(_derived(self._content, salt, b"file"))
        rest = head[len(_MAGIC) + _SALT :]
        for number, (chunk, last) in enumerate(_chunks(_with(rest, source), _CHUNK + _TAG)):
            try:
                yield cipher.decrypt(_nonce(number, last=last), chunk, _bound(salt, name))
            except (InvalidTag, ValueError) as fault:
                raise FixityMismatch("backup-damaged", name=name) from fault


def raw_key(secret: str) -> bytes | None:
    """The key itself, where the secret is 32 bytes in hex or base64; None for a pass phrase."""
    for decode in (binascii.unhexlify, base64.b64decode):
        try:
            key = decode(secret)
        except (ValueError, binascii.Error):
            continue
        if len(key) == _KEY:
            return key
    return None


def phrase_key(secret: str, salt: bytes) -> bytes:
    """The key of a pass phrase by scrypt (RFC 7914): 64 MiB and a quarter of a second."""
    return Scrypt(salt=salt, length=_KEY, n=1 << 16, r=8, p=1).derive(secret.encode())


def _derived(key: bytes, salt: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=_KEY, salt=salt, info=purpose).derive(key)


def _nonce(number: int, *, last: bool) -> bytes:
    """Counter and a mark of the last piece: a file that was cut does not end well."""
    return number.to_bytes(11) + bytes([last])


def _bound(salt: bytes, name: str) -> bytes:
    return _MAGIC + salt + name.encode()


def _with(first: bytes, others: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from others


def _chunks(pieces: Iterable[bytes], size: int) -> Iterator[tuple[bytes, bool]]:
    """The content in chunks of one size, the last one marked; there is always a last one, perhaps empty."""
    waiting = bytearray()
    for piece in pieces:
        waiting += piece
        while len(waiting) > size:
            yield bytes(waiting[:size]), False
            del waiting[:size]
    yield bytes(waiting), True
