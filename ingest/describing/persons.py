"""Citizen numbers as read, and the parties that a record names in each role.

A number is sound only if nothing speaks against it. What OCR may have confused (O and 0, l and 1) is put right only
as a suggestion: a repaired number stays doubtful until another field agrees.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from archive_app.core import numbers
from archive_app.core.reference import DocumentType, Format
from archive_app.core.vocabulary import FieldState, IdentifierKind, PartyKind, PartyRole, ProviderKind
from ingest.describing.layout import plain
from ingest.describing.model import Check, FieldValue, PartyMention
from ingest.describing.terms import Terms

_LOOKALIKES: Final = str.maketrans({"O": "0", "D": "0", "Q": "0", "I": "1", "L": "1", "Z": "2", "S": "5", "B": "8"})
_FEWEST_DIGITS: Final = 10
_TOKEN: Final = re.compile(r"[0-9A-Z]{12,24}")
_OTHER_NUMBERS: Final = (
    (IdentifierKind.PASSPORT, re.compile(r"E[A-HJ-NP-Z]?\d{7,8}|[GDSP]\d{7,8}")),
    (IdentifierKind.PERMIT, re.compile(r"[HM]\d{8}(?:\d{2})?|[A-Z]{3}\d{12}")),
)
_ALL_CITIZEN_FAULTS: Final = ("form", "birth-date", "future", "region", "check-digit")
_PERSON_ROLES: Final = frozenset({PartyRole.SUBJECT, PartyRole.ROSTER, PartyRole.AGENT, PartyRole.LEGAL_REPRESENTATIVE})
_NUMBER_KINDS: Final = {
    Format.CITIZEN_NUMBER: IdentifierKind.CITIZEN,
    Format.USCC: IdentifierKind.USCC,
    Format.PROVIDER_CODE: IdentifierKind.PROVIDER_CODE,
}


@dataclass(frozen=True, slots=True)
class CitizenReading:
    """A number beside a label for citizen numbers: its normal form and what was checked."""

    number: str
    sound: bool
    repaired: bool
    checks: tuple[Check, ...]


def citizen_reading(text: str, *, today: date, regions: Collection[str]) -> CitizenReading | None:
    """The citizen number in a text, or None if nothing there is long enough to be one.

    Other papers' numbers (passport, permit) are kept as they are and never sound: they have no check.
    """
    token = _number_in(text)
    if token is None:
        return None
    known = regions or None
    faults = numbers.citizen_faults(token, today=today, regions=known)
    if faults:
        mended = token.translate(_LOOKALIKES)
        if mended != token and not numbers.citizen_faults(mended, today=today, regions=known):
            number = numbers.normalise_number(IdentifierKind.CITIZEN, mended)
            return CitizenReading(number, sound=False, repaired=True, checks=(Check("form", passed=False),))
    checks = tuple(Check(fault, fault not in faults) for fault in _ALL_CITIZEN_FAULTS)
    if "form" in faults:
        checks = (Check("form", passed=False),)
    number = token if faults else numbers.normalise_number(IdentifierKind.CITIZEN, token)
    return CitizenReading(number, sound=not faults, repaired=False, checks=checks)


def is_citizen_like(text: str, *, regions: Collection[str]) -> bool:
    """Whether a number under another label has the form of a citizen number, and its region or its check digit."""
    faults = numbers.citizen_faults(text, today=date.max, regions=regions or None)
    return not {"form", "birth-date"} & set(faults) and not {"region", "check-digit"} <= set(faults)


def _number_in(text: str) -> str | None:
    compact = numbers.compact(plain(text).replace("×", "X"))
    found = max(_TOKEN.findall(compact), key=len, default=None)
    if found and sum(character.isdigit() for character in found) >= _FEWEST_DIGITS:
        return str(found)
    return next((compact for _, pattern in _OTHER_NUMBERS if pattern.fullmatch(compact)), None)


def number_kind(number: str) -> IdentifierKind:
    """What sort of person's number this is, by its form; a citizen number if it is no other."""
    return next((kind for kind, pattern in _OTHER_NUMBERS if pattern.fullmatch(number)), IdentifierKind.CITIZEN)


def parties(fields: Sequence[FieldValue], kind: DocumentType | None, terms: Terms) -> tuple[PartyMention, ...]:
    """One mention for each role that fields outside tables give a name or a number to.

    Where the type speaks of pharmacies, the fields of the provider give a pharmacy.
    """
    is_pharmacy = kind is not None and kind.provider is ProviderKind.PHARMACY
    found = []
    for role in PartyRole:
        of_role = [value for value in fields if value.row is None and terms.fields[value.key].role is role]
        actual = PartyRole.PHARMACY if is_pharmacy and role is PartyRole.HOSPITAL else role
        mention = _mention(actual, of_role, terms)
        if mention:
            found.append(mention)
    return tuple(found)


def _mention(role: PartyRole, fields: Sequence[FieldValue], terms: Terms) -> PartyMention | None:
    name = _best(fields, terms, (Format.NAME, Format.ORGANISATION))
    number = _best(fields, terms, tuple(_NUMBER_KINDS))
    evidence = name or number
    if evidence is None:
        return None
    kind: str | None = None
    if number:
        form = terms.fields[number.key].format
        kind = number_kind(number.value) if form is Format.CITIZEN_NUMBER else _NUMBER_KINDS[form]
    return PartyMention(
        _kind_of(role),
        role,
        name=name.value if name else None,
        number=number.value if number else None,
        number_kind=kind,
        page=evidence.page,
        box=evidence.box,
        doubtful=any(value.state is FieldState.DOUBTFUL for value in (name, number) if value)
        or _differ(fields, terms, Format.NAME)
        or _differ(fields, terms, Format.CITIZEN_NUMBER),
    )


def _differ(fields: Iterable[FieldValue], terms: Terms, form: Format) -> bool:
    """Whether several names, or several numbers, claim one role: which belong together is not known then."""
    return len({value.value for value in fields if terms.fields[value.key].format is form}) > 1


def _kind_of(role: PartyRole) -> PartyKind:
    if role in _PERSON_ROLES:
        return PartyKind.PERSON
    return PartyKind.EMPLOYER if role is PartyRole.EMPLOYER else PartyKind.PROVIDER


def _best(fields: Iterable[FieldValue], terms: Terms, formats: Collection[Format]) -> FieldValue | None:
    """The surest value of these formats; the first of equals."""
    fitting = [value for value in fields if terms.fields[value.key].format in formats]
    return max(fitting, key=lambda value: (value.state is not FieldState.DOUBTFUL, value.confidence), default=None)
