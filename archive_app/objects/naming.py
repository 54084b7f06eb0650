"""How keys are written: `fonds/owner/sha256`. What is not a key in this form makes no path and no object name."""

import re
from uuid import UUID

from archive_app.core.errors import InvalidInput
from archive_app.core.ports import StoreKey

FONDS = re.compile(r"[A-Z0-9]{1,16}")
OWNER = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SHA256 = re.compile(r"[0-9a-f]{64}")


def checked_fonds(fonds: str) -> str:
    """The code itself. Raises `InvalidInput` for anything that is not a fonds code."""
    if not FONDS.fullmatch(fonds):
        raise InvalidInput("invalid-store-key", fonds="not-a-fonds-code")
    return fonds


def parts_of(key: StoreKey) -> tuple[str, str, str]:
    """Fonds, owner and digest as they are written. Raises `InvalidInput` for anything that is not a key."""
    owner = str(key.owner)
    if not (OWNER.fullmatch(owner) and SHA256.fullmatch(key.sha256)):
        raise InvalidInput("invalid-store-key", key="not-a-key")
    return checked_fonds(key.fonds), owner, key.sha256


def key_of(name: str) -> StoreKey | None:
    """The key that is written so; None for any other name."""
    fonds, _, rest = name.partition("/")
    owner, _, sha256 = rest.partition("/")
    if not (FONDS.fullmatch(fonds) and OWNER.fullmatch(owner) and SHA256.fullmatch(sha256)):
        return None
    return StoreKey(fonds=fonds, owner=UUID(owner), sha256=sha256)
