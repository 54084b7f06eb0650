"""What of a record a viewer reads in clear: values, names, texts are masked without the right to unmask (decision 22).

Masked page images come later; until then a viewer without the right gets no image of a page above `public`. What was
not described cannot be masked: until it is known who stands on a paper, its text and its title are withheld as well.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import sqlalchemy as sa

from archive_app.core.masking import NAME, Masking, PersonalValue, mask, mask_name, mask_text
from archive_app.core.model import Field, PartyLink, Record
from archive_app.core.reference import ReferenceTables
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import Action, IdentifierKind, Level, PartyKind, RecordId, RecordState, Viewer

_SETTLED = frozenset({RecordState.DESCRIBED, RecordState.FILED})
_PART = 500
_Row = TypeVar("_Row")


def may_see_pictures(viewer: Viewer, record: Record) -> bool:
    """Whether the viewer gets page images and bytes of this record."""
    return viewer.may(Action.VALUE_UNMASK) or record.level == Level.PUBLIC


def texts_withheld(viewer: Viewer, record: Record, links: Sequence[PartyLink]) -> bool:
    """Whether the viewer gets no text of this record, because nobody knows yet which names stand in it.

    Without the right to unmask a text is shown once the paper is out of review: its description was clear, or somebody
    confirmed it. Before that its type must be known and a person described on it.
    """
    if may_see_pictures(viewer, record) or record.state in _SETTLED:
        return False
    described = any(link.kind == PartyKind.PERSON and link.name for link in links)
    return record.type_code is None or not described


def value_shown(viewer: Viewer, tables: ReferenceTables, name: str, value: str, masking: Masking) -> str:
    """A described value as this viewer sees it; `masking` is that of its record."""
    if viewer.may(Action.VALUE_UNMASK):
        return value
    kind = tables.field(name).masking if _known(tables, name) else None
    return masking.masked(value) if kind is None or kind == "none" else mask(kind.value, value)


def name_shown(viewer: Viewer, kind: PartyKind, name: str | None) -> str | None:
    """A party's name: persons' are masked, institutions' are not."""
    if name is None or viewer.may(Action.VALUE_UNMASK) or kind != PartyKind.PERSON:
        return name
    return mask_name(name)


def number_shown(viewer: Viewer, kind: PartyKind, number: str | None) -> str | None:
    """A party's number in clear, or masked for persons."""
    if number is None or viewer.may(Action.VALUE_UNMASK) or kind != PartyKind.PERSON:
        return number
    return masked_number(number)


def masked_number(number: str) -> str:
    """A person's number masked whoever looks, as lists show it."""
    return mask(IdentifierKind.CITIZEN.value, number)


def masker(
    viewer: Viewer, tables: ReferenceTables
) -> Callable[[Record, Sequence[Field], Sequence[PartyLink]], Masking]:
    """Makes, from the described values of one record, what masks its texts for this viewer."""

    def of_record(record: Record, fields: Sequence[Field], links: Sequence[PartyLink]) -> Masking:
        if viewer.may(Action.VALUE_UNMASK):
            return Masking(str)
        values = _personal_values(tables, fields, links)
        return Masking(lambda text: mask_text(text, values=values), texts_withheld(viewer, record, links))

    return of_record


def titled(
    unit: Unit, tables: ReferenceTables, rows: Sequence[_Row], *, of: Callable[[_Row], tuple[RecordId, str]]
) -> list[tuple[_Row, str]]:
    """Rows about records, each with its title as this viewer may read it: the same in every list as on its own page.

    `of` gives a row's record and title. A record that left the viewer's sight since its row was read is left out.
    """
    given = dict(map(of, rows))
    shown = given if unit.viewer.may(Action.VALUE_UNMASK) else _masked_titles(unit, tables, given)
    return [(row, shown[ident]) for row in rows if (ident := of(row)[0]) in shown]


def _masked_titles(unit: Unit, tables: ReferenceTables, given: Mapping[RecordId, str]) -> Mapping[RecordId, str]:
    make, shown, idents = masker(unit.viewer, tables), dict[RecordId, str](), list(given)
    for start in range(0, len(idents), _PART):
        part = idents[start : start + _PART]
        fields: dict[RecordId, list[Field]] = {}
        links: dict[RecordId, list[PartyLink]] = {}
        for field in unit.all(sa.select(Field).where(Field.record_id.in_(part))):
            fields.setdefault(field.record_id, []).append(field)
        for link in unit.all(sa.select(PartyLink).where(PartyLink.record_id.in_(part))):
            links.setdefault(link.record_id, []).append(link)
        for record in unit.all(sa.select(Record).where(Record.id.in_(part))):
            masking = make(record, fields.get(record.id, ()), links.get(record.id, ()))
            shown[record.id] = masking.title(given[record.id], code=record.code)
    return shown


def _personal_values(
    tables: ReferenceTables, fields: Sequence[Field], links: Sequence[PartyLink]
) -> tuple[PersonalValue, ...]:
    values = [
        PersonalValue(tables.field(field.name).masking.value, text)
        for field in fields
        if _known(tables, field.name) and tables.field(field.name).personal
        for text in {field.value, field.as_read}
        if text
    ]
    for link in links:
        if link.kind == PartyKind.PERSON:
            values += [PersonalValue(NAME, link.name)] if link.name else []
            values += [PersonalValue(IdentifierKind.CITIZEN.value, link.number)] if link.number else []
    return tuple(values)


def _known(tables: ReferenceTables, name: str) -> bool:
    return name in tables.fields or name.partition(":")[0] in tables.fields
