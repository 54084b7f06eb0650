"""What people prove themselves with: passwords kept as argon2id, codes and tokens as hashes, time-based codes."""

import datetime as dt
import hashlib
import hmac
import re
import secrets
from functools import cache

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from archive_app.core.errors import InvalidInput

_HASHER = PasswordHasher()
_STEP_SECONDS = 30


def check_password(password: str, *, login: str) -> None:
    """Raises `InvalidInput` unless ≥ 10 characters of 3 of 4 kinds, without the login (GB/T 22239 practice)."""
    kinds = sum(bool(re.search(pattern, password)) for pattern in (r"[a-z]", r"[A-Z]", r"[0-9]", r"[^A-Za-z0-9]"))
    if len(password) < 10 or kinds < 3:  # noqa: PLR2004 - the rule itself
        raise InvalidInput(password="too-weak")  # noqa: S106 - a reason code
    if login.lower() in password.lower():
        raise InvalidInput(password="holds-login")  # noqa: S106 - a reason code


def hashed(password: str) -> str:
    """As it is kept."""
    return _HASHER.hash(_bytes(password))


def matches(kept: str | None, password: str) -> bool:
    """Whether it is the password that is kept. Where none is, the answer takes as long."""
    try:
        return _HASHER.verify(kept or _nobodys(), _bytes(password)) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def _bytes(secret: str) -> bytes:
    """Also of what is no text: it is refused for what it is, not for its characters."""
    return secret.encode("utf-8", "surrogatepass")


@cache
def _nobodys() -> str:
    return _HASHER.hash(secrets.token_hex(16))


def new_code() -> str:
    """A single-use activation code."""
    return secrets.token_urlsafe(18)


def new_token() -> str:
    """A bearer token."""
    return f"arc_{secrets.token_urlsafe(32)}"


def digest(secret: str) -> str:
    """What is kept of a code or token: 64 hex digits."""
    return hashlib.sha256(_bytes(secret)).hexdigest()


def new_otp_secret() -> str:
    """The secret of a second factor, as an authenticator takes it."""
    return pyotp.random_base32()


def otp_step(secret: str, code: str | None, *, now: dt.datetime, after: int | None) -> int | None:
    """The step of time that the code stands for, one step of clock skew either way (RFC 6238 §5.2).

    None for a wrong code, and for one of a step not later than `after`: each is taken once.
    """
    step = int(now.timestamp()) // _STEP_SECONDS
    totp, given = pyotp.TOTP(secret), (code or "").strip().encode("utf-8", "replace")
    for candidate in (step, step - 1, step + 1):
        if after is not None and candidate <= after:
            continue
        if hmac.compare_digest(totp.at(candidate * _STEP_SECONDS).encode(), given):
            return candidate
    return None
