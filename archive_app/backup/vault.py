"""A backup place opened: content-addressed files, sealed or plain, and the snapshots' manifests.

`archive-backup.json` says in the clear what the place is: format, whether it is encrypted and how the key is derived.
"""

import hashlib
import json
import os
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

from archive_app.backup.cipher import KeySealer, PlainSealer, Sealer, phrase_key, raw_key
from archive_app.backup.places import BackupPlace
from archive_app.core.errors import Conflict, ContentMissing, FixityMismatch, InvalidInput, Unavailable

FORMAT = 1
_HEADER = "archive-backup.json"
_SNAPSHOTS = "snapshots"
KINDS = ("objects", "parts", "lists", "keys")


class Vault:
    """What a run writes to and a restore reads from."""

    def __init__(self, place: BackupPlace, sealer: Sealer, *, rate: int = 0) -> None:
        self.place, self._sealer, self._throttle = place, sealer, _Throttle(rate)

    @property
    def encrypted(self) -> bool:
        """Whether files are sealed under a key."""
        return isinstance(self._sealer, KeySealer)

    def name(self, kind: str, digest: str) -> str:
        """Where content with this SHA-256 lies."""
        name = self._sealer.name(digest)
        return f"{kind}/{name[:2]}/{name}"

    def has(self, kind: str, digest: str) -> bool:
        """Whether it is there, without reading it."""
        return self.place.size(self.name(kind, digest)) is not None

    def keep(self, kind: str, digest: str, pieces: Iterable[bytes]) -> bool:
        """Put content under its digest, unless it is there; False then. Raises `FixityMismatch` for other content."""
        if self.has(kind, digest):
            return False
        name = self.name(kind, digest)
        self.place.put(name, self._throttle.slowed(self._sealer.seal(name, _checked(pieces, digest, name))))
        return True

    def read(self, kind: str, digest: str) -> Iterator[bytes]:
        """The content, checked while it is read. Raises `ContentMissing`, `FixityMismatch("backup-damaged")`."""
        name = self.name(kind, digest)
        yield from _checked(self._sealer.unseal(name, self.place.get(name)), digest, name)

    # -- snapshots

    def snapshots(self) -> list[str]:
        """Ids of the complete snapshots, oldest first."""
        return sorted(name.rpartition("/")[2].removesuffix(".json") for name in self.place.list(_SNAPSHOTS))

    def complete(self, snapshot: str, manifest: Any) -> None:  # noqa: ANN401 - JSON
        """Write the manifest: from now on the snapshot counts. Raises `Unavailable` if the place is not what it was."""
        if self.place.size(_HEADER) is None:
            raise Unavailable("backup-place-lost")
        self.write_json(_manifest(snapshot), manifest)

    def manifest(self, snapshot: str) -> Any:  # noqa: ANN401 - JSON
        """The manifest's JSON. Raises `ContentMissing`."""
        return self.read_json(_manifest(snapshot))

    def forget(self, snapshot: str) -> None:
        """The snapshot no longer counts; what only it named is removed by `prune`."""
        self.place.remove(_manifest(snapshot))

    def write_json(self, name: str, value: Any) -> None:  # noqa: ANN401 - JSON
        """A small file under a name of its own; beside its content stands the digest."""
        text = json.dumps({"sha256": _digest(value), "content": value}, ensure_ascii=False, indent=1).encode()
        self.place.put(name, self._sealer.seal(name, [text]))

    def read_json(self, name: str) -> Any:  # noqa: ANN401 - JSON
        """A small file. Raises `ContentMissing`, `FixityMismatch("backup-damaged")`."""
        try:
            found = json.loads(b"".join(self._sealer.unseal(name, self.place.get(name))))
            content = found["content"]
            sound = found["sha256"] == _digest(content)
        except (ValueError, KeyError, TypeError) as fault:
            raise FixityMismatch("backup-damaged", name=name) from fault
        if not sound:
            raise FixityMismatch("backup-damaged", name=name)
        return content


def open_vault(place: BackupPlace, secret: str | None, *, rate: int = 0, create: bool = False) -> Vault:
    """The vault in this place; with `create` an empty place becomes one.

    Raises `Unavailable("backup-key-wrong")`, `("backup-key-needed")`, `("backup-place-empty")`, and `Conflict`
    for a key given to a place whose files are plain.
    """
    header = _header(place)
    if header is None:
        if not create:
            raise Unavailable("backup-place-empty")
        header = _new_header(secret)
        place.put(_HEADER, [json.dumps(header, indent=1).encode()])
    if header["encryption"] is None:
        if secret:
            raise Conflict("backup-not-encrypted")
        return Vault(place, PlainSealer(), rate=rate)
    if not secret:
        raise Unavailable("backup-key-needed")
    sealer = KeySealer(_key(secret, header["encryption"]))
    if sealer.check != header["encryption"]["check"]:
        raise Unavailable("backup-key-wrong")
    return Vault(place, sealer, rate=rate)


def _header(place: BackupPlace) -> Any:  # noqa: ANN401 - JSON
    try:
        header = json.loads(b"".join(place.get(_HEADER)))
        known = header["format"] == FORMAT and "encryption" in header
    except ContentMissing:
        return None
    except (ValueError, KeyError, TypeError) as fault:
        raise FixityMismatch("backup-damaged", name=_HEADER) from fault
    if not known:
        raise InvalidInput("backup-format-unknown", format=header["format"])
    return header


def _new_header(secret: str | None) -> dict[str, Any]:
    if not secret:
        return {"format": FORMAT, "encryption": None}
    derivation = "raw" if raw_key(secret) else "scrypt"
    encryption: dict[str, Any] = {"cipher": "AES-256-GCM", "key": derivation, "salt": os.urandom(32).hex()}
    encryption["check"] = KeySealer(_key(secret, encryption)).check
    return {"format": FORMAT, "encryption": encryption}


def _key(secret: str, encryption: Any) -> bytes:  # noqa: ANN401 - JSON
    if encryption["key"] == "scrypt":
        return phrase_key(secret, bytes.fromhex(encryption["salt"]))
    key = raw_key(secret)
    if key is None:
        raise Unavailable("backup-key-wrong")
    return key


def _manifest(snapshot: str) -> str:
    if "/" in snapshot:
        raise InvalidInput(snapshot="not an id of a snapshot")
    return f"{_SNAPSHOTS}/{snapshot}.json"


def _digest(value: Any) -> str:  # noqa: ANN401 - JSON
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _checked(pieces: Iterable[bytes], digest: str, name: str) -> Iterator[bytes]:
    """Pass the content through; at its end it must have been what its digest says."""
    found = hashlib.sha256()
    for piece in pieces:
        found.update(piece)
        yield piece
    if found.hexdigest() != digest:
        raise FixityMismatch("backup-damaged", name=name)


class _Throttle:
    """At most `rate` megabytes a second over all that passes; 0 lets everything through."""

    def __init__(self, rate: int) -> None:
        self._rate = rate * 1_000_000
        self._free_at = 0.0
        self._turn = threading.Lock()

    def slowed(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            if self._rate:
                with self._turn:
                    now = time.monotonic()
                    self._free_at = max(self._free_at, now) + len(piece) / self._rate
                    wait = self._free_at - now
                time.sleep(wait)
            yield piece
