"""Where one page of hits ends, as an opaque word that continues the same question and no other."""

import base64
import binascii
import hashlib
import json
import math
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from archive_app.core.errors import InvalidInput
from archive_app.core.ports import Query
from archive_app.core.vocabulary import RecordId

_OF_INDEX, _OF_LOOK_UP = 1, 2
_LONGEST = 400
_FARTHEST = 1 << 31


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
    return _text(_OF_INDEX, query, cursor.rank, cursor.score.hex(), cursor.key, cursor.record.hex)


def parsed(text: str, *, query: Query) -> Cursor:
    """Raises `InvalidInput` for anything that `written` did not make for this very question."""
    form, parts = _read(text, query)
    try:
        rank, score, key, record = parts
        cursor = Cursor(int(rank), float.fromhex(score), int(key), RecordId(UUID(hex=record)))
    except (ValueError, TypeError, OverflowError, AttributeError) as error:
        raise InvalidInput(after="not-a-cursor") from error
    if form != _OF_INDEX or cursor.rank < 1 or not 0 <= cursor.key < 1 << 64 or not math.isfinite(cursor.score):
        raise InvalidInput(after="not-a-cursor")
    return cursor


def written_after_look_up(shown: int, *, query: Query) -> str:
    """Where a page ends that was looked up in the database, whose order is not the index's: after so many hits."""
    return _text(_OF_LOOK_UP, query, shown)


def shown_by_look_up(text: str, *, query: Query) -> int | None:
    """How many hits a look-up gave before this place; None for a place in the index's order.

    Raises `InvalidInput` for anything that was not made for this very question.
    """
    form, parts = _read(text, query)
    if form != _OF_LOOK_UP:
        return None
    match parts:
        case [int(shown)] if 0 < shown < _FARTHEST:
            return shown
    raise InvalidInput(after="not-a-cursor")


def _text(form: int, query: Query, *parts: str | int) -> str:
    packed = json.dumps([form, _question(query), *parts], separators=(",", ":"))
    return base64.urlsafe_b64encode(packed.encode()).decode().rstrip("=")


def _read(text: str, query: Query) -> tuple[object, list[Any]]:
    try:
        if len(text) > _LONGEST:
            raise InvalidInput(after="not-a-cursor")
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        form, question, *parts = json.loads(raw)
    except (binascii.Error, ValueError, TypeError, RecursionError) as error:
        raise InvalidInput(after="not-a-cursor") from error
    if question != _question(query):
        raise InvalidInput(after="of-another-question")
    return form, parts
