"""A person's page: found by number or name within the viewer's scope, with every record about that person in order.

"Nothing found" is an answer about the archive, never about the person.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from archive_app import disclosure
from archive_app.core.errors import NotFound
from archive_app.core.model import Identifier, PartyLink, Person, Record
from archive_app.core.name_order import by_name
from archive_app.core.numbers import normalise_number
from archive_app.core.ports import NumberHasher
from archive_app.core.reference import ReferenceTables
from archive_app.core.unit import Unit, storable
from archive_app.core.vocabulary import Action, IdentifierKind, PartyKind, PersonId, RecordId, RecordState

#: A stretch this long without a paper is drawn as a gap. It says nothing about the person.
_GAP_YEARS = 2


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the sentence on coverage says: counts, years, and what is not yet read or filed."""

    records: int
    first_year: int | None
    last_year: int | None
    unfiled: int
    undated: int


def _need(unit: Unit) -> None:
    if not unit.viewer.may(Action.PERSON_READ):
        raise NotFound(kind="person")


def find(unit: Unit, text: str, *, hasher: NumberHasher) -> list[dict[str, object]]:
    """Persons with this number (whole) or this name (exact), within the viewer's scope."""
    _need(unit)
    wanted = text.strip()
    if not storable(wanted):  # nor can the log hold it
        unit.note("person:searched", "user", unit.viewer.user_id, found=0)
        return []
    people: dict[PersonId, Person] = {}
    hashes = [(kind, hasher.hash(kind.value, normalise_number(kind.value, wanted))) for kind in IdentifierKind]
    by_number = (
        sa.select(Person)
        .join(Identifier, Identifier.person_id == Person.id)
        .where(sa.or_(*(sa.and_(Identifier.kind == kind, Identifier.hash == digest) for kind, digest in hashes)))
        .order_by(by_name(Person.name), Person.id)
    )
    for person in [*unit.all(by_number), *unit.all(sa.select(Person).where(Person.name == wanted).limit(200))]:
        people[person.id] = person
    unit.note("person:searched", "user", unit.viewer.user_id, q=wanted, found=len(people))
    return [_line(unit, person) for person in people.values()]


def _line(unit: Unit, person: Person) -> dict[str, object]:
    numbers = unit.all(sa.select(Identifier).where(Identifier.person_id == person.id).order_by(Identifier.kind))
    first = next((one for one in numbers if one.kind == IdentifierKind.CITIZEN), numbers[0] if numbers else None)
    return {
        "person": str(person.id),
        "masked_number": disclosure.masked_number(first.value) if first else None,
        "name": disclosure.name_shown(unit.viewer, PartyKind.PERSON, person.name),
    }


def show(unit: Unit, person_id: UUID, tables: ReferenceTables) -> dict[str, Any]:
    """The person's history: every record about the person that the viewer may see, in order of date."""
    _need(unit)
    person = unit.get(Person, person_id)
    papers = disclosure.titled(unit, tables, _records(unit, person.id), of=lambda record: (record.id, record.title))
    records = [record for record, _ in papers]
    by_record: dict[RecordId, list[PartyLink]] = {}
    for link in unit.all(sa.select(PartyLink).where(PartyLink.record_id.in_([record.id for record in records]))):
        by_record.setdefault(link.record_id, []).append(link)
    timeline = []
    for record, title in papers:
        links = by_record.get(record.id, [])
        lane = tables.lane_of(record.type_code) if record.type_code else None
        own = next((link for link in links if link.person_id == person.id), None)
        timeline.append(
            {
                "date": record.formed_on.isoformat() if record.formed_on else None,
                "record": str(record.id),
                "code": record.code,
                "type": record.type_code,
                "title": title,
                "lane": lane.code if lane else None,
                "state": record.state.value,
                "role": own.role.value if own else None,
                "row": own.row if own else None,
                "page": own.page if own else None,
            }
        )
    coverage = coverage_of(records)
    unit.note("person:viewed", "person", person.id, records=len(timeline))
    return {
        **_line(unit, person),
        "timeline": timeline,
        "gaps": gaps_of(records),
        "coverage": sentence(coverage),
        "coverage_facts": coverage,
    }


def _records(unit: Unit, person_id: PersonId) -> Sequence[Record]:
    linked = sa.select(PartyLink.record_id).where(PartyLink.person_id == person_id)
    statement = (
        sa.select(Record)
        .where(Record.id.in_(linked), Record.state.not_in([RecordState.WITHDRAWN, RecordState.DESTROYED]))
        .order_by(Record.formed_on.is_(None), Record.formed_on, Record.code)
    )
    return unit.all(statement)


def gaps_of(records: Sequence[Record]) -> list[dict[str, int]]:
    """Stretches of two or more whole years between papers, of which this archive holds nothing (本馆未见材料)."""
    years = sorted({record.formed_on.year for record in records if record.formed_on})
    return [{"from": before + 1, "to": after - 1} for before, after in pairwise(years) if after - before > _GAP_YEARS]


def coverage_of(records: Sequence[Record]) -> Coverage:
    """What the archive holds of this person."""
    years = [record.formed_on.year for record in records if record.formed_on]
    return Coverage(
        records=len(records),
        first_year=min(years, default=None),
        last_year=max(years, default=None),
        unfiled=sum(record.state != RecordState.FILED for record in records),
        undated=sum(record.formed_on is None for record in records),
    )


def sentence(coverage: Coverage) -> str:
    """The sentence on coverage, Chinese, as the contract's `coverage`: about the archive, never about the person."""
    if not coverage.records:
        return "在您的查阅范围内，本馆未见此人材料；这不说明其未参保或未缴费。"
    span = (
        f"{coverage.first_year}—{coverage.last_year} 年" if coverage.first_year != coverage.last_year
        else f"{coverage.first_year} 年"
    )  # fmt: skip
    dated = f"，形成于 {span}" if coverage.first_year else ""
    unfiled = f"，其中 {coverage.unfiled} 件尚未归档" if coverage.unfiled else ""
    return (
        f"在您的查阅范围内，本馆现有此人材料 {coverage.records} 件{dated}{unfiled}。"
        "未列出的年份为本馆未见材料，不说明当年未参保或未缴费。"
    )


def sentence_en(coverage: Coverage) -> str:
    """The same sentence in English."""
    if not coverage.records:
        return "Within your scope this archive holds no paper about this person; that says nothing about insurance."
    span = (
        f"{coverage.first_year}-{coverage.last_year}" if coverage.first_year != coverage.last_year
        else f"{coverage.first_year}"
    )  # fmt: skip
    dated = f", formed {span}" if coverage.first_year else ""
    unfiled = f", {coverage.unfiled} of them not yet filed" if coverage.unfiled else ""
    return (
        f"Within your scope this archive holds {coverage.records} records about this person{dated}{unfiled}. "
        "A year that is not listed means that no paper was seen here, not that the person was not insured."
    )
