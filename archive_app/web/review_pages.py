"""One record as the review page shows it: pages with their boxes, and every field with why a person should look at it.

Fields stand in the order of the type; what is doubtful or missing is a *stop*, where Tab and Enter halt.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from pypinyin import Style, lazy_pinyin

from archive_app import batches, catalogue
from archive_app.core.model import Batch, Fonds, IntakeFile, Page, Record
from archive_app.core.reference import Format, ReferenceTables
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import FieldState, Level, RecordId, RecordState
from archive_app.web.filters import reads_unlike
from archive_app.web.records import viewer_page
from archive_app.web.review_queue import Filter, Place, place_of
from archive_app.web.words import label
from ingest.arranging import UNFILED
from retention import filing

_MOST_ALTERNATIVES = 5
_TICK_BOXES = re.compile(r"[□☐☑☒■√✓✔]")
_NUMERIC = frozenset({Format.MONEY, Format.INTEGER, Format.PERCENT})
#: Digits are typed into these, so that the keys 1–5 alone cannot choose an alternative.
_DIGITS = _NUMERIC | {
    Format.CITIZEN_NUMBER, Format.DATE, Format.MONTH, Format.YEAR, Format.PHONE, Format.BANK_CARD, Format.CODE,
    Format.USCC, Format.PROVIDER_CODE, Format.ICD, Format.SPECIAL_DISEASE,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FieldView:
    """A field to be keyed. `name` is `key`, or `key#row` in a table; `stop` says that a person should look."""

    name: str
    key: str
    row: int | None
    label: str
    value: str
    as_read: str | None
    page: int | None
    box: Sequence[int] | None
    confidence: float | None
    checks: tuple[tuple[str, bool], ...]
    state: str  # of `FieldState`, or `missing`
    stop: bool
    required: bool
    alternatives: tuple[str, ...]
    numeric: bool
    digits: bool
    long: bool


@dataclass(frozen=True, slots=True)
class RowTable:
    """Fields that stand in rows of a table: its columns, and the rows with a field or None a column."""

    columns: tuple[tuple[str, str], ...]  # key, label
    rows: tuple[tuple[int, tuple[FieldView | None, ...]], ...]
    stops: int


@dataclass(frozen=True, slots=True)
class ReviewRecord:
    """Everything the page of one record under review shows."""

    record: Mapping[str, Any]
    type_code: str | None
    type_overridden: bool  # the fields are those of a type that the person chose, not the record's own
    fields: tuple[FieldView, ...]
    tables: RowTable | None
    more: tuple[tuple[str, str], ...]  # fields of the type that could be added: key, label
    stops: frozenset[str]  # of `type`, `class`, `formed_on`
    place: Place
    batch: str | None
    merge_into: tuple[str, str] | None  # id and title of the batch's record before this one
    targets: tuple[tuple[str, str], ...]  # records of the batch that a page may be moved to: id, title
    not_fileable: str | None
    may_arrange: bool

    @property
    def is_settled(self) -> bool:
        """Whether it can no longer be confirmed here."""
        return self.record["state"] not in {
            RecordState.READ.value, RecordState.REVIEW.value, RecordState.DESCRIBED.value
        }  # fmt: skip


def review_record(
    unit: Unit, record: Record, tables: ReferenceTables, *, narrowed: Filter, language: str, as_type: str | None = None
) -> ReviewRecord:
    """The record for review. `as_type` shows the fields of another type, before it is confirmed."""
    shown = catalogue.show(unit, record, tables, purpose="opened-for-review")
    overridden = as_type is not None and as_type in tables.document_types
    type_code = as_type if overridden else record.type_code
    single, rows = _fields(shown, tables, type_code, language)
    reasons = {str(reason).partition(":")[0] for reason in shown["review"]}
    stops = set()
    if type_code is None or ("type-unknown" in reasons and not overridden):
        stops.add("type")
    if "class-unknown" in reasons:
        stops.add("class")
    if "date-unknown" in reasons or record.formed_on is None:
        stops.add("formed_on")
    neighbours = _of_batch(unit, record)
    return ReviewRecord(
        record=shown,
        type_code=type_code,
        type_overridden=overridden,
        fields=tuple(single),
        tables=_table(rows),
        more=_more(tables, type_code, {field.key for field in single}, language),
        stops=frozenset(stops),
        place=place_of(unit, narrowed, record),
        batch=_batch_of(unit, record),
        merge_into=_before(neighbours, record.id),
        targets=tuple(one for one in neighbours if one[0] != str(record.id)),
        not_fileable=filing.reason_not_ready(unit, record, tables),
        may_arrange=record.state in UNFILED,
    )


def _fields(
    shown: Mapping[str, Any], tables: ReferenceTables, type_code: str | None, language: str
) -> tuple[list[FieldView], list[FieldView]]:
    """The fields outside tables in the order of the type, and those in rows of tables."""
    expected = [(one.code, required) for one, required in tables.fields_of(type_code)] if type_code else []
    order = {key: place for place, (key, _) in enumerate(expected)}
    required = {key for key, needed in expected if needed}
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for one in shown["fields"]:
        name = one["name"] if one["row"] is None else f"{one['name']}#{one['row']}"
        groups.setdefault(name, []).append(one)
    by_format = _values_by_format(shown["fields"], tables)
    sent_back = "sent-back" in shown["review"]
    made = [
        _field(name, found, tables, required=required, by_format=by_format, language=language, sent_back=sent_back)
        for name, found in groups.items()
    ]
    single = [one for one in made if one.row is None]
    present = {one.key for one in single}
    single += [_missing(key, tables, by_format, language) for key in required - present]
    single.sort(key=lambda one: order.get(one.key, len(order)))
    return single, [one for one in made if one.row is not None]


def _values_by_format(fields: Sequence[Mapping[str, Any]], tables: ReferenceTables) -> Mapping[Format, list[str]]:
    """What else of the same form stands on the record: the likely places of a value that was read wrong."""
    found: dict[Format, list[str]] = {}
    for one in fields:
        form = tables.field(one["name"]).format
        if one["row"] is None and form not in {Format.TEXT, Format.CODE, Format.MARK, Format.SEX}:
            found.setdefault(form, []).append(one["value"])
    return found


def _field(
    name: str,
    found: Sequence[Mapping[str, Any]],
    tables: ReferenceTables,
    *,
    required: set[str],
    by_format: Mapping[Format, list[str]],
    language: str,
    sent_back: bool,
) -> FieldView:
    # Of several readings of one field the doubtful one is shown: it is what a person has to settle.
    one = next((each for each in found if each["state"] == FieldState.DOUBTFUL.value), found[0])
    differing = len({each["value"] for each in found}) > 1
    definition = tables.field(one["name"])
    # Sent back, a value whose checks fail is looked at again, although somebody confirmed it.
    failing = sent_back and any(not check["passed"] for check in one["checks"])
    stop = failing or one["state"] == FieldState.DOUBTFUL.value
    others = [*_options(one["as_read"] or one["value"]), *(each["value"] for each in found)]
    others += [one["as_read"]] if one["as_read"] else []
    wanted = stop or differing
    return FieldView(
        name=name,
        key=one["name"],
        row=one["row"],
        label=label(tables, "field", one["name"], language),
        value=one["value"],
        as_read=one["as_read"] if reads_unlike(one["as_read"] or "", one["value"]) else None,
        page=one["page"],
        box=one["box"],
        confidence=one["confidence"],
        checks=tuple({check["id"]: check["passed"] for check in one["checks"]}.items()),
        state=one["state"],
        stop=stop,
        required=one["name"] in required,
        alternatives=_alternatives(one["value"], others, by_format.get(definition.format, [])) if wanted else (),
        numeric=definition.format in _NUMERIC,
        digits=definition.format in _DIGITS,
        long=len(one["value"]) > 26,  # noqa: PLR2004 - characters that fit the input
    )


def _options(printed: str) -> list[str]:
    """What stands beside the printed boxes of a row to be ticked; nothing where there are none."""
    parts = _TICK_BOXES.split(printed)
    return [part.strip() for part in parts if part.strip()] if len(parts) > 1 else []


def _alternatives(value: str, others: Sequence[str], alike: Sequence[str]) -> tuple[str, ...]:
    """Other readings first, then values of the same form on the record."""
    found = dict.fromkeys(text for text in (*others, *alike) if text and text != value)
    return tuple(found)[:_MOST_ALTERNATIVES]


def _missing(key: str, tables: ReferenceTables, by_format: Mapping[Format, list[str]], language: str) -> FieldView:
    form = tables.field(key).format
    return FieldView(
        name=key, key=key, row=None, label=label(tables, "field", key, language), value="", as_read=None, page=None,
        box=None, confidence=None, checks=(), state="missing", stop=True, required=True,
        alternatives=_alternatives("", (), by_format.get(form, [])), numeric=form in _NUMERIC, digits=form in _DIGITS,
        long=False,
    )  # fmt: skip


def _table(fields: Sequence[FieldView]) -> RowTable | None:
    if not fields:
        return None
    columns = dict.fromkeys((one.key, one.label) for one in fields)
    by_row: dict[int, dict[str, FieldView]] = {}
    for one in fields:
        by_row.setdefault(one.row or 0, {})[one.key] = one
    rows = tuple((row, tuple(cells.get(key) for key, _ in columns)) for row, cells in sorted(by_row.items()))
    return RowTable(tuple(columns), rows, sum(one.stop for one in fields))


def _more(
    tables: ReferenceTables, type_code: str | None, present: set[str], language: str
) -> tuple[tuple[str, str], ...]:
    if type_code is None:
        return ()
    keys = [one.code for one, _ in tables.fields_of(type_code) if one.code not in present]
    return tuple((key, label(tables, "field", key, language)) for key in dict.fromkeys(keys))


def _batch_of(unit: Unit, record: Record) -> str | None:
    if record.batch_id is None:
        return None
    return batches.named(unit.get(Fonds, record.fonds_id).code, unit.get(Batch, record.batch_id).number)


def _of_batch(unit: Unit, record: Record) -> list[tuple[str, str]]:
    """Id and title of the unfiled records of the batch, in the order the papers came."""
    if record.batch_id is None:
        return [(str(record.id), record.title)]
    statement = (
        sa.select(Record.id, Record.title)
        .outerjoin(IntakeFile, IntakeFile.id == Record.intake_file_id)
        .where(Record.batch_id == record.batch_id, Record.state.in_(UNFILED))
        .order_by(IntakeFile.sequence, Record.created_at, Record.code)
    )
    return [(str(row[0]), row[1]) for row in unit.rows(statement)]


def _before(neighbours: Sequence[tuple[str, str]], record_id: RecordId) -> tuple[str, str] | None:
    idents = [ident for ident, _ in neighbours]
    place = idents.index(str(record_id)) if str(record_id) in idents else 0
    return neighbours[place - 1] if place > 0 else None


def viewer_data(review: ReviewRecord) -> dict[str, Any]:
    """What the page viewer is given: pages with picture addresses and lines of text."""
    record = review.record
    return {
        "pages": [
            {**viewer_page(record, page), "failed": page["state"] == "failed"} for page in record["pages"]
        ]
    }  # fmt: skip


def page_ids(unit: Unit, record_id: RecordId) -> list[UUID]:
    """The pages of a record in order."""
    return [row[0] for row in unit.rows(sa.select(Page.id).where(Page.record_id == record_id).order_by(Page.number))]


def search_keys(text: str) -> str:
    """What a title is found by when typed: its initials and its full pinyin, in lower case."""
    initials = "".join(lazy_pinyin(text, style=Style.FIRST_LETTER, errors="ignore"))
    return f"{initials} {''.join(lazy_pinyin(text, errors='ignore'))}".lower()


def type_choices(tables: ReferenceTables, language: str) -> list[dict[str, Any]]:
    """Every document type with its words, search keys and the classes it may fall into."""
    return [
        {
            "code": one.code,
            "text": one.zh if language.startswith("zh") else one.en,
            "keys": f"{one.code.lower()} {one.zh} {one.en.lower()} {search_keys(one.zh)}",
            "classes": [choice.code for choice in one.classes],
        }
        for one in tables.document_types
    ]


def class_choices(tables: ReferenceTables, language: str) -> list[dict[str, Any]]:
    """Every class that takes records."""
    return [
        {
            "code": one.code,
            "text": one.zh if language.startswith("zh") else one.en,
            "keys": f"{one.code.lower()} {one.zh} {one.en.lower()} {search_keys(one.zh)}",
        }
        for one in tables.classes
        if one.rule is not None
    ]


def levels() -> Iterator[str]:
    """The codes of the levels, lowest first."""
    return (level.code for level in Level)
