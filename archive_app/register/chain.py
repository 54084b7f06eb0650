"""The lines of the register, wherever they are kept: one destruction each, with the digest of the line before it."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from archive_app.core.errors import IntegrityFailure
from archive_app.core.ports import Destruction, StoreKey
from archive_app.core.vocabulary import RecordId

FIRST = "0" * 64  # what the first line names as the one before it


def digest_of(line: bytes) -> str:
    """What the next line carries."""
    return hashlib.sha256(line).hexdigest()


def chained(destructions: Iterable[Destruction], previous: str) -> Iterator[bytes]:
    """A line for each, behind the line whose digest is `previous`."""
    for one in destructions:
        facts = {
            "at": one.at.isoformat(),
            "fonds": one.key.fonds,
            "owner": str(one.key.owner),
            "sha256": one.key.sha256,
            "record": str(one.record) if one.record else None,
            "reason": one.reason,
            "approval": str(one.approval),
            "previous": previous,
        }
        line = json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        yield line
        previous = digest_of(line)


def entries_of(lines: Iterable[bytes]) -> Iterator[Destruction]:
    """Every destruction of the whole chain. Raises `IntegrityFailure("register-damaged")` where it is not one."""
    previous = FIRST
    for number, line in enumerate(lines, start=1):
        yield _entry(line, previous, number)
        previous = digest_of(line)


def _entry(line: bytes, previous: str, number: int) -> Destruction:
    try:
        found: dict[str, Any] = json.loads(line)
        if found["previous"] != previous:
            raise IntegrityFailure("register-damaged", line=number)
        key = StoreKey(found["fonds"], UUID(found["owner"]), found["sha256"])
        record = RecordId(UUID(found["record"])) if found["record"] else None
        return Destruction(
            key, datetime.fromisoformat(found["at"]), found["reason"], UUID(found["approval"]), record=record
        )
    except (ValueError, KeyError, TypeError) as fault:
        raise IntegrityFailure("register-damaged", line=number) from fault
