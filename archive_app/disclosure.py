"""What of a record a viewer reads in clear: values, names, texts are masked without the right to unmask (decision 22).

Masked page images come later; until then a viewer without the right gets no image of a page above `public`.
"""

from collections.abc import Callable, Sequence

from archive_app.core.masking import NAME, PersonalValue, mask, mask_name, mask_text
from archive_app.core.model import Field, PartyLink, Record
from archive_app.core.reference import ReferenceTables
from archive_app.core.vocabulary import Action, IdentifierKind, Level, PartyKind, Viewer


def may_see_pictures(viewer: Viewer, record: Record) -> bool:
    """Whether the viewer gets page images and bytes of this record."""
    return viewer.may(Action.VALUE_UNMASK) or record.level == Level.PUBLIC


def value_shown(viewer: Viewer, tables: ReferenceTables, name: str, value: str) -> str:
    """A described value as this viewer sees it."""
    if viewer.may(Action.VALUE_UNMASK):
        return value
    masking = tables.field(name).masking if _known(tables, name) else None
    if masking is None:
        return mask_text(value)
    return mask_text(value) if masking == "none" else mask(masking.value, value)


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
) -> Callable[[Sequence[Field], Sequence[PartyLink]], Callable[[str], str]]:
    """Makes, from the described values of one record, what masks its texts for this viewer."""

    def of_record(fields: Sequence[Field], links: Sequence[PartyLink]) -> Callable[[str], str]:
        if viewer.may(Action.VALUE_UNMASK):
            return lambda text: text
        values = _personal_values(tables, fields, links)
        return lambda text: mask_text(text, values=values)

    return of_record


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
