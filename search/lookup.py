"""Looking records up in the database while the index is away: by number, archival number and name, matched whole.

It answers what is asked most at a counter, and nothing that needs the text of a page.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from archive_app.core.archival_number import is_provisional, normalise
from archive_app.core.errors import InvalidInput
from archive_app.core.model import Fonds, Identifier, PartyLink, Record
from archive_app.core.numbers import compact
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import RecordId
from search import personal_numbers
from search.personal_numbers import HashNumber
from search.projection import SEARCHABLE

_QUOTES = ' \t"“”„＂「」'


@dataclass(frozen=True, slots=True)
class LookedUp:
    """Records found, newest first, and how many there are in all."""

    records: tuple[RecordId, ...]
    total: int


def look_up(
    unit: Unit,
    text: str,
    filters: Mapping[str, tuple[str, ...]],
    *,
    hash_number: HashNumber,
    size: int,
    skip: int = 0,
) -> LookedUp | None:
    """Records of the viewer's scope with this number or name; None if that is no answer to the question.

    Nothing found is an answer for a citizen number and an archival number. Any other words may stand on a page, where
    nobody looked.
    """
    wanted = text.strip(_QUOTES)
    if not wanted:
        return None
    kind = personal_numbers.kind_of(wanted)
    if kind == personal_numbers.CITIZEN:
        asked: sa.ColumnElement[bool] = Record.id.in_(_of_person(hash_number(wanted)))
    elif kind is not None:  # telephones and cards are known to the index only
        return None
    else:
        asked = _by_number_or_name(wanted)
    statement = sa.select(Record.id).where(asked, Record.state.in_(SEARCHABLE), *_narrowed(filters))
    total = unit.count(statement)
    if not total and kind is None and not _is_archival_number(wanted):
        return None
    newest = statement.order_by(Record.formed_on.desc().nulls_last(), Record.id).limit(size).offset(skip)
    return LookedUp(tuple(row[0] for row in unit.rows(newest)), total)


def _of_person(digest: str) -> sa.Select[RecordId]:
    return (
        sa.select(PartyLink.record_id)
        .join(Identifier, Identifier.person_id == PartyLink.person_id)
        .where(Identifier.hash == digest)
    )


def _by_number_or_name(wanted: str) -> sa.ColumnElement[bool]:
    ways = (
        sa.select(Record.id).where(Record.code == normalise(wanted)),
        sa.select(Record.id).where(Record.document_number.in_({wanted, compact(wanted)})),
        sa.select(PartyLink.record_id).where(PartyLink.name == wanted),
        sa.select(PartyLink.record_id).where(PartyLink.number == compact(wanted)),
    )
    return Record.id.in_(sa.union(*ways))  # each by an index of its own; no index answers one way or the other


def _is_archival_number(wanted: str) -> bool:
    code = normalise(wanted)
    return is_provisional(code) or ("·" in code and "-" in code)


def _narrowed(filters: Mapping[str, tuple[str, ...]]) -> list[sa.ColumnElement[bool]]:
    return [_FILTERS[key](values) for key, values in sorted(filters.items())]


def _ids(values: tuple[str, ...]) -> list[UUID]:
    try:
        return [UUID(value) for value in values]
    except ValueError as error:
        raise InvalidInput(filters="not-an-id") from error


def _years(values: tuple[str, ...]) -> list[int]:
    return [int(value) for value in values if value.isascii() and value.isdigit()]


def _linked(column: sa.SQLColumnExpression[Any], values: tuple[str, ...]) -> sa.ColumnElement[bool]:
    return Record.id.in_(sa.select(PartyLink.record_id).where(column.in_(_ids(values))))


_FILTERS: Mapping[str, Callable[[tuple[str, ...]], sa.ColumnElement[bool]]] = {
    "class": Record.class_code.in_,
    "type": Record.type_code.in_,
    "year": lambda values: sa.extract("year", Record.formed_on).in_(_years(values)),
    "state": lambda values: Record.state.in_([state for state in SEARCHABLE if state.value in values]),
    "fonds": lambda values: Record.fonds_id.in_(sa.select(Fonds.id).where(Fonds.code.in_(values))),
    "provider": lambda values: _linked(PartyLink.provider_id, values),
    "person": lambda values: _linked(PartyLink.person_id, values),
}
