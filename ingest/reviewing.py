"""Review (审核): a person confirms or corrects what was read, and the record becomes described.

What a person confirms is certain; what was merely read beside it stays as it was read. Parties, class and date follow
the confirmed values, by the same rules as at first reading.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

import sqlalchemy as sa

from archive_app.core.errors import Conflict, InvalidInput, StaleVersion
from archive_app.core.following import refresh_job
from archive_app.core.model import Field, IntakeFile, Page, PartyLink, Record
from archive_app.core.numbers import citizen_faults, parse_date, parse_money
from archive_app.core.ports import NumberHasher
from archive_app.core.reference import Condition, Format, ReferenceTables
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import (
    Action,
    FieldState,
    IdentifierKind,
    IntakeOutcome,
    Level,
    RecordId,
    RecordState,
)
from ingest.arranging import UNFILED
from ingest.cataloguing import read_page_of
from ingest.describing.dates import formed_on
from ingest.describing.facts import facts
from ingest.describing.layout import upright
from ingest.describing.model import Check, FieldValue, PartyMention
from ingest.describing.persons import number_kind, parties
from ingest.describing.rosters import row_mention
from ingest.describing.terms import Terms, terms_of
from ingest.parties import link_parties

_REVIEWABLE = frozenset({RecordState.READ, RecordState.REVIEW, RecordState.DESCRIBED})
_MAX_VALUE = 2000


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person changes while confirming; None leaves as it is.

    `values` maps a field key, or `key#row` for a row of a table, to its value; an empty value removes the field.
    """

    type_code: str | None = None
    class_code: str | None = None
    title: str | None = None
    formed_on: dt.date | None = None
    level: Level | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    version: int | None = None  # that the person saw; None: whatever stands


def day(text: str) -> dt.date:
    """A day as typed, in any form papers use. Raises `InvalidInput`."""
    written = parse_date(text)
    found = written.as_date() if written else None
    if found is None:
        raise InvalidInput(formed_on="not-a-day")
    return found


def confirm(
    unit: Unit, record_id: RecordId, correction: Correction, *, tables: ReferenceTables, hasher: NumberHasher
) -> Record:
    """Confirm a description with corrections. Raises `InvalidInput` per field, `StaleVersion`, `Conflict("filed")`."""
    record = unit.get(Record, record_id)
    unit.require(Action.RECORD_REVIEW, record)
    if record.state not in _REVIEWABLE:
        raise Conflict("filed" if record.state == RecordState.FILED else "not-read-yet")
    if correction.version is not None and correction.version != record.version:
        raise StaleVersion(seen=correction.version, now=record.version)
    rows = list(unit.all(sa.select(Field).where(Field.record_id == record_id).order_by(Field.position)))
    before = {_name_of(row): row.value for row in rows}
    rows = _correct_values(unit, record, rows, correction.values, tables)
    _settle(unit, record, rows, correction, tables=tables, hasher=hasher)
    after = {_name_of(row): row.value for row in rows}
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    unit.note(
        "record:confirmed",
        "record",
        record.id,
        type=record.type_code,
        before={name: before.get(name) for name in sorted(changed)},
        after={name: after.get(name) for name in sorted(changed)},
    )
    unit.later(refresh_job(record.id))
    return record


def _name_of(row: Field) -> str:
    return row.name if row.row is None else f"{row.name}#{row.row}"


def _correct_values(
    unit: Unit, record: Record, rows: list[Field], values: Mapping[str, str], tables: ReferenceTables
) -> list[Field]:
    by_name: dict[str, list[Field]] = {}
    for row in rows:
        by_name.setdefault(_name_of(row), []).append(row)
    for name, value in normal_values(values, tables, today=unit.clock.today()).items():
        key, _, number = name.partition("#")
        known = by_name.get(name, [])
        if not value:
            unit.remove(Action.RECORD_REVIEW, *known)
            rows = [row for row in rows if row not in known]
            continue
        place = (key, int(number) if number.isdigit() else None)
        rows = _set(unit, record, rows, known, place=place, value=value)
    unit.flush()
    return rows


def normal_values(values: Mapping[str, str], tables: ReferenceTables, *, today: dt.date) -> dict[str, str]:
    """The normal form of each typed value by its `key` or `key#row`; an empty one removes. Raises `InvalidInput`."""
    normal: dict[str, str] = {}
    faults: dict[str, object] = {}
    for name, typed in values.items():
        key = name.partition("#")[0]
        if key not in tables.fields and key.partition(":")[0] not in tables.fields:
            faults[name] = "unknown-field"
        elif not typed.strip():
            normal[name] = ""
        else:
            normal[name], fault = normalised(tables.field(key).format, typed, today=today)
            if fault:
                faults[name] = fault
    if faults:
        raise InvalidInput(**faults)
    return normal


def _set(
    unit: Unit,
    record: Record,
    rows: list[Field],
    known: Sequence[Field],
    *,
    place: tuple[str, int | None],
    value: str,
) -> list[Field]:
    if known:
        first, *others = known
        unit.require(Action.RECORD_REVIEW, first)
        first.value, first.state = value, FieldState.CONFIRMED
        unit.remove(Action.RECORD_REVIEW, *others)  # one person's word stands for several readings
        return [one for one in rows if one not in others]
    made = Field(
        id=uuid4(),
        record_id=record.id,
        fonds_id=record.fonds_id,
        level=record.level,
        position=max((one.position for one in rows), default=-1) + 1,
        name=place[0],
        value=value,
        row=place[1],
        state=FieldState.CONFIRMED,
    )
    unit.add(Action.RECORD_REVIEW, made)
    return [*rows, made]


def normalised(form: Format, typed: str, *, today: dt.date) -> tuple[str, str | None]:
    """The normal form of a typed value, and why it cannot be one (None: it can)."""
    text = typed.strip()
    if len(text) > _MAX_VALUE:
        return text, "too-long"
    match form:
        case Format.DATE | Format.MONTH:
            written = parse_date(text)
            return (str(written), None) if written else (text, "not-a-date")
        case Format.MONEY:
            money = parse_money(text)
            return (f"{money.value:.2f}", None) if money else (text, "not-an-amount")
        case Format.CITIZEN_NUMBER:
            compact = "".join(text.split()).upper()
            if number_kind(compact) == IdentifierKind.CITIZEN and citizen_faults(compact, today=today):
                return compact, "not-a-citizen-number"
            return compact, None
        case _:
            return text, None


def _settle(
    unit: Unit,
    record: Record,
    rows: Sequence[Field],
    correction: Correction,
    *,
    tables: ReferenceTables,
    hasher: NumberHasher,
) -> None:
    for row in rows:
        if row.state == FieldState.DOUBTFUL:
            unit.require(Action.RECORD_REVIEW, row)
            row.state = FieldState.CONFIRMED
    if correction.type_code is not None and correction.type_code not in tables.document_types:
        raise InvalidInput(type="unknown")
    record.type_code = correction.type_code or record.type_code
    if record.type_code is None:
        raise InvalidInput(type="missing")
    if correction.title is not None:
        record.title = correction.title.strip()[:300] or record.title
    pages = unit.all(sa.select(Page).where(Page.record_id == record.id).order_by(Page.number))
    turned = tuple(upright(read_page_of(page)) for page in pages)
    values = tuple(_value_of(row) for row in rows)
    mentions = _mentions(values, record.type_code, terms_of(tables))
    found, _ = formed_on(values, turned, today=unit.clock.today())
    record.formed_on = correction.formed_on or found or record.formed_on
    given = facts(record.title, values, mentions, turned)
    record.class_code = _class(tables, record, correction, given)
    level = max(correction.level or record.level, tables.level_for(record.type_code))
    if level != record.level:
        unit.raise_level(Action.RECORD_REVIEW, record)
        record.level = level
    record.review, record.confirmed_by = [], unit.viewer.user_id
    if record.state != RecordState.DESCRIBED:
        if record.state == RecordState.READ:
            unit.move(record, RecordState.REVIEW)
        unit.move(record, RecordState.DESCRIBED)
    unit.flush()
    link_parties(unit, record, mentions, hasher=hasher)


def link_again(unit: Unit, record: Record, *, tables: ReferenceTables, hasher: NumberHasher, action: Action) -> None:
    """Link the parties anew after values of the record were changed by this action, as a confirmation does."""
    rows = unit.all(sa.select(Field).where(Field.record_id == record.id).order_by(Field.position))
    mentions = _mentions(tuple(_value_of(row) for row in rows), str(record.type_code), terms_of(tables))
    link_parties(unit, record, mentions, hasher=hasher, action=action)


def _mentions(values: tuple[FieldValue, ...], type_code: str, terms: Terms) -> tuple[PartyMention, ...]:
    return (*parties(values, terms.type(type_code), terms), *_roster(values, terms))


def _class(tables: ReferenceTables, record: Record, correction: Correction, given: frozenset[Condition]) -> str | None:
    if correction.class_code is not None:
        if correction.class_code not in tables.classes or tables.classes.of(correction.class_code).rule is None:
            raise InvalidInput(class_="takes-no-records")
        return correction.class_code
    choices = {choice.code for choice in tables.document_types.of(str(record.type_code)).classes}
    node = tables.class_for(str(record.type_code), given=given, title=record.title)
    if node is not None and record.class_code not in choices:
        return node.code
    return record.class_code if record.class_code in choices or node is None else node.code


def _value_of(row: Field) -> FieldValue:
    return FieldValue(
        key=row.name,
        value=row.value,
        as_read=row.as_read or row.value,
        page=row.page or 0,
        box=(row.box[0], row.box[1], row.box[2], row.box[3]) if row.box else (0, 0, 0, 0),
        confidence=1.0 if row.state == FieldState.CONFIRMED else row.confidence or 0.0,
        row=row.row,
        checks=tuple(Check(check["id"], check["passed"]) for check in row.checks),
        state=row.state,
    )


def _roster(values: Sequence[FieldValue], terms: Terms) -> list[PartyMention]:
    """One mention a row of a roster, as at first reading."""
    by_row: dict[int, list[FieldValue]] = {}
    for value in values:
        if value.row is not None:
            by_row.setdefault(value.row, []).append(value)
    found = (row_mention(cells, row, terms) for row, cells in sorted(by_row.items()))
    return [mention for mention in found if mention]


def send_to_rescan(unit: Unit, record_id: RecordId, *, reason: str) -> None:
    """退回重扫: withdraw an unfiled record; its file counts as refused, so that the sheet is scanned again."""
    if not reason.strip():
        raise InvalidInput(reason="missing")
    record = unit.get(Record, record_id)
    unit.require(Action.RECORD_REVIEW, record)
    if record.state not in UNFILED:
        raise Conflict("filed")
    unit.move(record, RecordState.WITHDRAWN)
    for link in unit.all(sa.select(PartyLink).where(PartyLink.record_id == record_id)):
        unit.remove(Action.RECORD_REVIEW, link)
    if record.intake_file_id is not None:
        others = sa.select(Record.id).where(
            Record.intake_file_id == record.intake_file_id,
            Record.id != record_id,
            Record.state != RecordState.WITHDRAWN,
        )
        if not unit.count(others):
            row = unit.get(IntakeFile, record.intake_file_id)
            unit.require(Action.RECORD_REVIEW, row)
            row.outcome, row.reason, row.reason_facts = IntakeOutcome.REFUSED, "sent-to-rescan", {}
            row.decided_by = unit.viewer.user_id
    unit.note("record:sent-to-rescan", "record", record.id, reason=reason)
    unit.later(refresh_job(record.id))


def look_again(unit: Unit, record_id: RecordId, *, reason: str) -> None:
    """Send a described record back to review, with the reason."""
    record = unit.get(Record, record_id)
    unit.require(Action.RECORD_REVIEW, record)
    unit.move(record, RecordState.REVIEW)
    record.review = [*record.review, reason]
    unit.note("record:sent-to-review", "record", record.id, reason=reason)
    unit.later(refresh_job(record.id))
