"""The order of the steps from read pages to a description."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from archive_app.core.numbers import find_capitals
from archive_app.core.reference import DocumentType, ReferenceTables
from archive_app.core.vocabulary import Level
from ingest.describing.boundaries import looks_like_a_stack
from ingest.describing.checks import checked
from ingest.describing.classify import candidates, decide
from ingest.describing.dates import formed_on, period_ends
from ingest.describing.facts import facts
from ingest.describing.labelled import Pair, pairs
from ingest.describing.layout import upright
from ingest.describing.model import Description, FieldValue, ReadPage
from ingest.describing.persons import parties
from ingest.describing.review import reasons_to_look
from ingest.describing.rosters import from_tables, settle_doubts
from ingest.describing.split_labels import with_whole_labels
from ingest.describing.terms import Terms, terms_of
from ingest.describing.titles import printed_title
from ingest.describing.unlabelled import unlabelled
from ingest.describing.values import field_value

#: Keys that number a document, the most telling first.
_NUMBER_KEYS: Final = (
    "doc_no",
    "agreement_no",
    "setl_id",
    "bill_no",
    "voucher_no",
    "bank_serial",
    "case_no",
)

#: Where a type knows the second field and not the first, labels of the first speak of the second.
_INSTEAD: Final = {"certno": "legal_rep_certno", "doc_date": "voucher_date", "address": "unit_address"}
#: Labels of several meanings, and the field that counts where the type knows it.
_OF_THE_TYPE: Final = {"收款人": "payee"}


def describe(pages: Sequence[ReadPage], tables: ReferenceTables, *, today: date) -> Description:
    """What the archive can say of these pages by itself, and why a person must look where it cannot.

    `today` is the day in the archive's zone: no date after it is believed.
    """
    return describe_with(pages, terms_of(tables), today=today)


def describe_with(pages: Sequence[ReadPage], terms: Terms, *, today: date) -> Description:
    """As `describe`, with terms of one's own making."""
    turned = tuple(with_whole_labels(upright(page), terms) for page in pages)
    found = candidates(turned, terms)
    decided = decide(found)
    kind = terms.type(decided.type) if decided else None
    tabled = from_tables(turned, terms, today=today)
    beside = (pair for page in turned for pair in pairs(page, terms) if pair.value not in tabled.used)
    single = _fields(beside, kind, terms, today)
    known = (*single, *tabled.fields)
    fields = checked((*known, *unlabelled(known, kind, turned, today=today)), money_keys=terms.money_keys, today=today)
    mentions = (*parties(fields, kind, terms), *settle_doubts(tabled.mentions, fields))
    title = printed_title(turned[0], decided.reasons if decided else ()) if turned else None
    day, evidence = formed_on(fields, turned, today=today)
    given = facts(title or "", fields, mentions, turned)
    node = terms.tables.class_for(kind.code, given=given, title=title) if kind else None
    level = terms.tables.level_for(kind.code if kind else None)
    return Description(
        type=decided,
        candidates=found,
        class_code=node.code if node else None,
        title=title or (kind.zh if kind else "未识别文件"),
        formed_on=day,
        formed_on_evidence=evidence,
        document_number=_document_number(fields),
        fields=fields,
        parties=mentions,
        level=max(level, Level.SENSITIVE) if any(party.number for party in mentions) else level,
        review=reasons_to_look(
            kind,
            class_known=node is not None,
            formed=day is not None,
            fields=fields,
            parties=mentions,
            pages=turned,
            stack=looks_like_a_stack(turned, terms),
        ),
    )


def _fields(found: Iterable[Pair], kind: DocumentType | None, terms: Terms, today: date) -> tuple[FieldValue, ...]:
    """One value for each pair; the same value of the same key counts once, with its surest reading."""
    own = frozenset(item.key for item in kind.fields) if kind else frozenset()
    best: dict[tuple[str, str], FieldValue] = {}
    taken_over: list[FieldValue] = []
    for pair in found:
        for key in _candidate_keys(pair, own):
            value = field_value(pair, key, terms, today=today)
            if value is None:
                continue
            taken_over += _labelled_total(value, pair)
            for part in (value, *period_ends(value, own)):
                known = best.get((part.key, part.value))
                if known is None or known.confidence < part.confidence:
                    best[part.key, part.value] = part
            break
    for part in taken_over:  # what stands there in figures goes before
        best.setdefault((part.key, part.value), part)
    return tuple(best.values())


def _labelled_total(value: FieldValue, pair: Pair) -> tuple[FieldValue, ...]:
    """What an amount in capitals behind a label of its own, such as 应缴合计(大写), says of that label's field."""
    key = next((key for key in pair.keys if key != "sumamt_words"), None)
    return (replace(value, key=key),) if key and value.key == "sumamt_words" else ()


def _candidate_keys(pair: Pair, own: Collection[str]) -> tuple[str, ...]:
    """The fields that a pair may give a value to, the likeliest first: those that the type knows before others."""
    if find_capitals(pair.value.text):
        return ("sumamt_words", *pair.keys)
    keys = [_OF_THE_TYPE[pair.label]] if _OF_THE_TYPE.get(pair.label) in own else []
    for key in sorted(pair.keys, key=lambda key: key not in own):
        other = _INSTEAD.get(key)
        keys.append(other if other and key not in own and other in own else key)
    return tuple(key for key in keys if key and key != "sumamt_words") or pair.keys


def _document_number(fields: Sequence[FieldValue]) -> str | None:
    numbered = {value.key: value.value for value in reversed(fields) if value.row is None}
    return next((numbered[key] for key in _NUMBER_KEYS if key in numbered), None)
