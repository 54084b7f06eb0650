"""Corrections after filing (更正): proposed by one person, approved or refused by another, never a silent change.

Until it is decided, whoever proposed may withdraw it.

An approved correction makes a new version under the same archival number. The bytes that stood before are kept as
superseded components, the description that stood before in `RecordVersion.before`. What would change the number or the
term is refused: class, type, year of formation, and values that the term runs from.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa

from archive_app.core.errors import Conflict, Forbidden, InvalidInput, SecondPersonNeeded, StaleVersion
from archive_app.core.following import refresh_job, release_bytes_job
from archive_app.core.model import Component, Field, Fonds, Record, RecordVersion
from archive_app.core.ports import StoredObject, StoreKey
from archive_app.core.reference import ReferenceTables
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import Action, ComponentKind, FieldState, RecordId, RecordState
from retention.corrected_pages import check_place, put_in_place
from retention.filing import due_of
from retention.versions import as_it_stands

PROPOSED, APPROVED, REFUSED, WITHDRAWN = "proposed", "approved", "refused", "withdrawn"
_SPOKEN = 300


@dataclass(frozen=True, slots=True)
class NewPages:
    """Pages to bring in: a file that was examined and stored under the record's own key, named by no row yet.

    `shapes` holds width, height and dots per inch of each page. They stand behind page `after` (0: first of all), in
    the place of page `replaces` if that is given, which is then `after + 1`.
    """

    stored: StoredObject
    media_type: str
    format: str
    name: str
    shapes: tuple[tuple[int, int, int | None], ...]
    has_picture: bool
    notes: tuple[str, ...]
    after: int
    replaces: int | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is to change; None leaves as it is. `values` are normal forms by `key` or `key#row`; empty ones remove.

    `class_code` and `type_code` are taken only to be told why they cannot change.
    """

    reason: str
    title: str | None = None
    formed_on: dt.date | None = None
    document_number: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    pages: NewPages | None = None
    class_code: str | None = None
    type_code: str | None = None
    version: int | None = None  # that the person saw; None: whatever stands


def correctable(unit: Unit, record_id: RecordId) -> Record:
    """The record, if this viewer may propose to correct it now. Raises `Forbidden`, `Conflict`."""
    record = unit.get(Record, record_id)
    unit.require(Action.RECORD_CORRECT)
    if record.state != RecordState.FILED:
        raise Conflict("not-filed", state=record.state.value)
    waiting = sa.select(RecordVersion.id).where(RecordVersion.record_id == record.id, RecordVersion.state == PROPOSED)
    if unit.count(waiting):
        raise Conflict("correction-waiting")
    return record


def propose(
    unit: Unit, record_id: RecordId, proposal: Proposal, *, tables: ReferenceTables, person: str
) -> RecordVersion:
    """Ask for a correction of a filed record. `person` is the natural person who asks.

    Raises `InvalidInput`, `StaleVersion`, `Conflict`: `not-filed`, `correction-waiting`, `nothing-to-correct`,
    `number-would-change`, `retention-would-change`.
    """
    record = correctable(unit, record_id)
    reason = _spoken(proposal.reason)
    if proposal.version is not None and proposal.version != record.version:
        raise StaleVersion(seen=proposal.version, now=record.version)
    change = _change(unit, record, proposal)
    _refuse_other_number(record, proposal)
    _refuse_other_term(unit, record, change, tables)
    if proposal.pages is not None:
        change["pages"] = _keep_proposed(unit, record, proposal.pages)
    if not change:
        raise Conflict("nothing-to-correct")
    row = RecordVersion(
        id=uuid4(),
        record_id=record.id,
        fonds_id=record.fonds_id,
        level=record.level,
        version=record.version,
        state=PROPOSED,
        reason=reason,
        change=change,
        before={},
        proposed_by=unit.viewer.user_id,
        proposed_person=person,
        created_at=unit.clock.now(),
    )
    unit.add(Action.RECORD_CORRECT, row)
    unit.note("correction:proposed", "record", record.id, correction=str(row.id), reason=reason, change=change)
    return row


def _spoken(text: str) -> str:
    spoken = text.strip()[:_SPOKEN]
    if not spoken:
        raise InvalidInput(reason="missing")
    return spoken


def _change(unit: Unit, record: Record, proposal: Proposal) -> dict[str, Any]:
    """What differs from what stands, each as what stands and what is to stand."""
    change: dict[str, Any] = {}
    title = proposal.title.strip()[:300] if proposal.title is not None else record.title
    if not title:
        raise InvalidInput(title="missing")
    number = record.document_number
    if proposal.document_number is not None:
        number = proposal.document_number.strip()[:120] or None
    formed = proposal.formed_on or record.formed_on
    asked = {
        "title": (record.title, title),
        "formed_on": (_written(record.formed_on), _written(formed)),
        "document_number": (record.document_number, number),
    }
    change.update({name: list(pair) for name, pair in asked.items() if pair[0] != pair[1]})
    standing = _standing(unit, record.id)
    values = {
        name: [standing.get(name), value or None]
        for name, value in proposal.values.items()
        if standing.get(name) != (value or None)
    }
    if values:
        change["values"] = values
    return change


def _written(day: dt.date | None) -> str | None:
    return day.isoformat() if day else None


def _rows(unit: Unit, record_id: RecordId) -> dict[str, list[Field]]:
    rows: dict[str, list[Field]] = {}
    for row in unit.all(sa.select(Field).where(Field.record_id == record_id).order_by(Field.position)):
        rows.setdefault(row.name if row.row is None else f"{row.name}#{row.row}", []).append(row)
    return rows


def _standing(unit: Unit, record_id: RecordId) -> dict[str, str]:
    return {name: "；".join(row.value for row in rows) for name, rows in _rows(unit, record_id).items()}


def _refuse_other_number(record: Record, proposal: Proposal) -> None:
    """The number is built of fonds, category, class, year and term: what it is built of does not change."""
    if proposal.class_code is not None and proposal.class_code != record.class_code:
        raise Conflict("number-would-change", class_=proposal.class_code)
    if proposal.type_code is not None and proposal.type_code != record.type_code:
        raise Conflict("number-would-change", type=proposal.type_code)
    formed = proposal.formed_on
    if formed is not None and record.formed_on is not None and formed.year != record.formed_on.year:
        raise Conflict("number-would-change", year=formed.year)


def _refuse_other_term(unit: Unit, record: Record, change: Mapping[str, Any], tables: ReferenceTables) -> None:
    """Compare the end of the term as stamped with what it would be; only what the term runs from matters."""
    values = change.get("values", {})
    ends = [pair[1] or "" for name, pair in values.items() if name.partition("#")[0] == "effective_to"]
    if not ends and "formed_on" not in change:
        return
    formed = dt.date.fromisoformat(change["formed_on"][1]) if "formed_on" in change else record.formed_on
    term = due_of(unit, record, tables, formed_on=formed, ended=tuple(ends) or None)
    if (term.rule, term.due) != (record.retention_rule, record.due_on):
        raise Conflict("retention-would-change", due=_written(term.due) or "never")


def _keep_proposed(unit: Unit, record: Record, pages: NewPages) -> dict[str, Any]:
    gone = check_place(unit, record.id, after=pages.after, replaces=pages.replaces)
    component = Component.of(
        record,
        pages.stored,
        id=uuid4(),
        kind=ComponentKind.PROPOSED,
        media_type=pages.media_type,
        format=pages.format,
        name=pages.name,
        notes=list(pages.notes),
        created_at=unit.clock.now(),
    )
    unit.add(Action.RECORD_CORRECT, component)
    return {
        "component": str(component.id),
        "after": pages.after,
        "replaces": pages.replaces,
        "gone": str(gone) if gone else None,
        "shapes": [list(shape) for shape in pages.shapes],
        "has_picture": pages.has_picture,
    }


def approve(
    unit: Unit, correction_id: UUID, *, tables: ReferenceTables, person: str, remark: str | None = None
) -> tuple[Record, bool]:
    """Approve: the change takes effect in this unit. Gives the record, and whether values changed: parties follow them.

    `person` is the natural person who decides. Raises `SecondPersonNeeded`, `StaleVersion` if the record is no longer
    what the proposal was made against, `Conflict("correction-decided")`, `Conflict("retention-would-change")`.
    """
    row = _undecided(unit, correction_id, person)
    record = unit.get(Record, row.record_id)
    if record.state != RecordState.FILED:
        raise Conflict("not-filed", state=record.state.value)
    if record.version != row.version:
        raise StaleVersion(seen=row.version, now=record.version)
    unit.require(Action.CORRECTION_APPROVE, record)
    change = row.change
    _refuse_other_term(unit, record, change, tables)  # the rules may have changed since it was asked for
    row.before = as_it_stands(unit, record, taken_out=change.get("pages", {}).get("gone"))
    _decide(unit, row, APPROVED, person=person, remark=remark)
    record.corrections += 1  # and with it the version, once, also where only values or pages change
    _describe(unit, record, change)
    jobs = put_in_place(unit, record, change["pages"]) if "pages" in change else ()
    unit.flush()
    unit.note(
        "correction:approved", "record", record.id, correction=str(row.id), code=record.code, version=record.version,
        before=row.before, change=change, remark=row.remark,
    )  # fmt: skip
    unit.later(refresh_job(record.id), *jobs)
    return record, "values" in change


def refuse(unit: Unit, correction_id: UUID, *, person: str, reason: str) -> RecordVersion:
    """Refuse, with a reason; proposed bytes are let go by a job. Raises as `approve`."""
    spoken = _spoken(reason)
    row = _undecided(unit, correction_id, person)
    _decide(unit, row, REFUSED, person=person, remark=spoken)
    unit.note("correction:refused", "record", row.record_id, correction=str(row.id), reason=spoken)
    _let_go(unit, Action.CORRECTION_APPROVE, row)
    return row


def withdraw(unit: Unit, correction_id: UUID, *, person: str) -> RecordVersion:
    """Take one's own proposal back before it is decided; proposed bytes are let go by a job.

    Raises `Forbidden` for anybody but the person who proposed, `Conflict("correction-decided")`.
    """
    row = unit.get(RecordVersion, correction_id)
    unit.require(Action.RECORD_CORRECT, row)
    if row.proposed_person != person:
        raise Forbidden(action="correction:withdraw")
    if row.state != PROPOSED:
        raise Conflict("correction-decided", state=row.state)
    row.state, row.decided_at = WITHDRAWN, unit.clock.now()
    unit.note("correction:withdrawn", "record", row.record_id, correction=str(row.id))
    _let_go(unit, Action.RECORD_CORRECT, row)
    return row


def _let_go(unit: Unit, action: Action, row: RecordVersion) -> None:
    """The bytes of pages that will never be brought in."""
    pages = row.change.get("pages")
    if pages:
        component = unit.get(Component, UUID(pages["component"]))
        key = StoreKey(unit.get(Fonds, component.fonds_id).code, component.record_id, component.sha256)
        unit.remove(action, component)
        unit.flush()
        unit.later(release_bytes_job(key))


def _undecided(unit: Unit, correction_id: UUID, person: str) -> RecordVersion:
    row = unit.get(RecordVersion, correction_id)
    unit.require(Action.CORRECTION_APPROVE, row)
    if row.state != PROPOSED:
        raise Conflict("correction-decided", state=row.state)
    if row.proposed_person == person or row.proposed_by == unit.viewer.user_id:
        raise SecondPersonNeeded(correction=str(row.id))
    return row


def _decide(unit: Unit, row: RecordVersion, state: str, *, person: str, remark: str | None) -> None:
    row.state, row.decided_by, row.decided_person = state, unit.viewer.user_id, person
    row.decided_at, row.remark = unit.clock.now(), (remark or "").strip()[:_SPOKEN] or None


def _describe(unit: Unit, record: Record, change: Mapping[str, Any]) -> None:
    if "title" in change:
        record.title = change["title"][1]
    if "formed_on" in change:
        record.formed_on = dt.date.fromisoformat(change["formed_on"][1])
    if "document_number" in change:
        record.document_number = change["document_number"][1]
    rows = _rows(unit, record.id)
    for name, (_, value) in change.get("values", {}).items():
        known = rows.get(name, [])
        spare = known if value is None else known[1:]  # one person's word stands for several readings
        unit.remove(Action.CORRECTION_APPROVE, *spare)
        if value is not None:
            _set(unit, record, name, value, known[0] if known else None)
    unit.flush()


def _set(unit: Unit, record: Record, name: str, value: str, known: Field | None) -> None:
    if known is not None:
        unit.require(Action.CORRECTION_APPROVE, known)
        known.value, known.state = value, FieldState.CONFIRMED
        return
    key, _, number = name.partition("#")
    last = unit.rows(sa.select(sa.func.max(Field.position)).where(Field.record_id == record.id))[0][0]
    made = Field(
        id=uuid4(),
        record_id=record.id,
        fonds_id=record.fonds_id,
        level=record.level,
        position=0 if last is None else last + 1,
        name=key,
        value=value,
        row=int(number) if number.isdigit() else None,
        state=FieldState.CONFIRMED,
    )
    unit.add(Action.CORRECTION_APPROVE, made)
    unit.flush()
