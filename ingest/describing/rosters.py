"""What tables hold: values with their row, and in a roster (名册) one person a row.

A row of a roster in which name or number is missing, or in doubt, is kept and must be looked at.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from archive_app.core.reference import Format
from archive_app.core.vocabulary import FieldState, PartyKind, PartyRole
from ingest.describing.layout import Piece, UprightPage
from ingest.describing.model import Check, FieldValue, PartyMention
from ingest.describing.persons import number_kind
from ingest.describing.tables import tables
from ingest.describing.terms import Terms
from ingest.describing.values import value_of

_ROSTER_KEYS: Final = frozenset({"person_name", "certno"})


@dataclass(frozen=True, slots=True)
class Tabled:
    """Values and persons from tables. `used` are the pieces that belong to tables, headers too."""

    fields: tuple[FieldValue, ...] = ()
    mentions: tuple[PartyMention, ...] = ()
    used: frozenset[Piece] = frozenset()


def from_tables(pages: Sequence[UprightPage], terms: Terms, *, today: date) -> Tabled:
    """All tables of the pages, rows counted from 1 through all of them.

    A table of one row that names no person, or has only name and number, is a form laid out in columns: its values
    have no row.
    """
    fields: list[FieldValue] = []
    mentions: list[PartyMention] = []
    used: set[Piece] = set()
    count = 0
    for table in tables(pages, terms):
        is_form = len(table.rows) == 1 and len(table.columns) == len(_ROSTER_KEYS)
        is_roster = table.keys >= _ROSTER_KEYS and not is_form
        used |= table.used
        for place in table.rows:
            row = count + 1 if is_roster or len(table.rows) > 1 else None
            values = list(_values(place.cells, terms, today=today, row=row))
            mention = row_mention(values, row, terms) if is_roster and row else None
            if is_roster and not mention:
                continue
            count += row is not None
            fields += values
            if mention:
                mentions.append(mention)
    return _flag_repeats(Tabled(tuple(fields), tuple(mentions), frozenset(used)))


def _values(
    cells: Iterable[tuple[tuple[str, ...], Piece]], terms: Terms, *, today: date, row: int | None
) -> Iterable[FieldValue]:
    for keys, piece in cells:
        for key in keys:
            value = value_of(piece, key, terms, today=today, row=row)
            if value:
                yield value
                break


def row_mention(values: Sequence[FieldValue], row: int, terms: Terms) -> PartyMention | None:
    """The person whom a roster's row names; doubtful without a name or a number."""
    name = next((value for value in values if terms.fields[value.key].format is Format.NAME), None)
    number = next((value for value in values if terms.fields[value.key].format is Format.CITIZEN_NUMBER), None)
    evidence = number or name
    if evidence is None:
        return None
    return PartyMention(
        PartyKind.PERSON,
        PartyRole.ROSTER,
        name=name.value if name else None,
        number=number.value if number else None,
        number_kind=number_kind(number.value) if number else None,
        page=evidence.page,
        box=evidence.box,
        row=row,
        doubtful=not (name and number),
    )


def settle_doubts(mentions: Iterable[PartyMention], fields: Iterable[FieldValue]) -> tuple[PartyMention, ...]:
    """The mentions with each row's doubts after all checks: a doubtful name or number makes its person doubtful."""
    doubtful = {
        value.row for value in fields if value.state is FieldState.DOUBTFUL and value.key in _ROSTER_KEYS and value.row
    }
    return tuple(replace(one, doubtful=True) if one.row in doubtful else one for one in mentions)


def _flag_repeats(found: Tabled) -> Tabled:
    """The same number under different names: one of them is wrong, so both are doubtful."""
    names: dict[str, set[str | None]] = {}
    for mention in found.mentions:
        if mention.number:
            names.setdefault(mention.number, set()).add(mention.name)
    repeated = {number for number, holders in names.items() if len(holders) > 1}
    if not repeated:
        return found
    check = Check("one-holder", passed=False)
    fields = tuple(
        replace(value, state=FieldState.DOUBTFUL, checks=(*value.checks, check)) if value.value in repeated else value
        for value in found.fields
    )
    return replace(found, fields=fields)
