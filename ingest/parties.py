"""From names and numbers on a record to persons, employers and providers, and the links between.

A person is known by any of several numbers, or by none. A number that is in doubt links nobody: a wrong link shows one
citizen's papers to another.
"""

from collections.abc import Sequence
from uuid import UUID, uuid4

import sqlalchemy as sa

from archive_app.core.model import Employer, Identifier, PartyLink, Person, Provider, Record
from archive_app.core.ports import NumberHasher
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import Action, IdentifierKind, PartyKind, PartyRole, PersonId, ProviderKind
from ingest.describing.model import PartyMention

_NAME = sa.select(Person.name).where(Person.id == sa.bindparam("person"))


def link_parties(
    unit: Unit,
    record: Record,
    mentions: Sequence[PartyMention],
    *,
    hasher: NumberHasher,
    action: Action = Action.RECORD_REVIEW,
    is_new: bool = False,
) -> list[str]:
    """Replace the record's links by these mentions. Gives review reasons, such as `name-differs`.

    `action` is what the viewer does it by: review, or the approval of a correction. A new record has no links yet.
    """
    old = () if is_new else unit.all(sa.select(PartyLink).where(PartyLink.record_id == record.id))
    if old:
        unit.remove(action, *old)
        unit.flush()
    reasons: list[str] = []
    for mention in mentions:
        link = PartyLink(
            id=uuid4(),
            record_id=record.id,
            fonds_id=record.fonds_id,
            level=record.level,
            kind=mention.kind,
            role=mention.role,
            name=mention.name,
            number=mention.number,
            page=mention.page or None,
            row=mention.row,
            box=list(mention.box) if mention.page else None,
        )
        _identify(unit, link, mention, hasher, reasons, action=action)
        unit.add(action, link)
    unit.flush()
    return reasons


def _identify(
    unit: Unit, link: PartyLink, mention: PartyMention, hasher: NumberHasher, reasons: list[str], *, action: Action
) -> None:
    if mention.kind == PartyKind.PERSON:
        if mention.number and mention.number_kind and not mention.doubtful:
            link.person_id = _person(unit, mention, IdentifierKind(mention.number_kind), hasher, reasons, action=action)
    elif mention.kind == PartyKind.EMPLOYER and mention.name:
        link.employer_id = _employer(unit, mention, action)
    elif mention.kind == PartyKind.PROVIDER and mention.name:
        link.provider_id = _provider(unit, mention, action)


def _person(
    unit: Unit,
    mention: PartyMention,
    kind: IdentifierKind,
    hasher: NumberHasher,
    reasons: list[str],
    *,
    action: Action,
) -> PersonId:
    digest = hasher.hash(kind.value, mention.number or "")
    known = unit.known(Identifier, kind=kind, hash=digest)
    if known is not None:
        # A person out of sight keeps the name to itself; one in sight is compared.
        names = unit.rows(_NAME.params(person=known))
        if names and names[0][0] and mention.name and names[0][0] != mention.name:
            reasons.append("name-differs")
        return PersonId(known)
    ident = PersonId(uuid4())
    unit.add(action, Person(id=ident, name=mention.name, created_at=unit.clock.now()))
    identifier = Identifier(id=uuid4(), person_id=ident, kind=kind, hash=digest, value=mention.number or "")
    unit.add(action, identifier)
    return ident


def _employer(unit: Unit, mention: PartyMention, action: Action) -> UUID:
    uscc = mention.number if mention.number_kind == IdentifierKind.USCC and not mention.doubtful else None
    known = unit.known(Employer, uscc=uscc) if uscc else unit.known(Employer, name=mention.name)
    if known is None:
        known = uuid4()
        unit.add(action, Employer(id=known, name=mention.name or "", uscc=uscc))
    return known


def _provider(unit: Unit, mention: PartyMention, action: Action) -> UUID:
    code = mention.number if mention.number_kind == IdentifierKind.PROVIDER_CODE and not mention.doubtful else None
    known = unit.known(Provider, code=code) if code else unit.known(Provider, name=mention.name)
    if known is None:
        known = uuid4()
        kind = ProviderKind.PHARMACY if mention.role == PartyRole.PHARMACY else ProviderKind.HOSPITAL
        unit.add(action, Provider(id=known, kind=kind, name=mention.name or "", code=code))
    return known
