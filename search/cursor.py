"""Where one page of hits ends, as an opaque word that continues the same question and no other."""

import base64
import binascii
import hashlib
import json
import math
from dataclasses import dataclass
from uuid import UUID

from archive_app.core.errors import InvalidInput
from archive_app.core.ports import Query
from archive_app.core.vocabulary import RecordId

_FORMAT = 1
_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last hit shown: how many went before and with it, its score, its place in time, and its record."""

    rank: int
    score: float
    key: int
    record: RecordId


def _question(query: Query) -> str:
    asked = [
        [(clause.kind, clause.value) for clause in query.clauses],
        sorted((key, sorted(values)) for key, values in query.filters.items()),
        query.order,
    ]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]


def written(cursor: Cursor, *, query: Query) -> str:
    parts = [_FORMAT, _question(query), cursor.rank, cursor.score.hex(), cursor.key, cursor.record.hex]
    return base64.urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode().rstrip("=")


def parsed(text: str, *, query: Query) -> Cursor:
    """Raises `InvalidInput` for anything that `written` did not make for this very question."""
    try:
        if len(text) > _LONGEST:
            raise InvalidInput(after="not-a-cursor")
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        form, question, rank, score, key, record = json.loads(raw)
        cursor = Cursor(int(rank), float.fromhex(score), int(key), RecordId(UUID(hex=record)))
    except (binascii.Error, ValueError, TypeError, OverflowError, AttributeError, RecursionError) as error:
        raise InvalidInput(after="not-a-cursor") from error
    if form != _FORMAT or cursor.rank < 1 or not 0 <= cursor.key < 1 << 64 or not math.isfinite(cursor.score):
        raise InvalidInput(after="not-a-cursor")
    if question != _question(query):
        raise InvalidInput(after="of-another-question")
    return cursor
