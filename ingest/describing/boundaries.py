"""Where one record ends and the next begins in a stack of pages scanned together.

Only what is certain is cut; what is merely suspicious is said, so that a person looks.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

from archive_app.core.reference import ReferenceTables
from archive_app.core.vocabulary import FieldState
from ingest.describing.classify import candidates, decide
from ingest.describing.labelled import pairs
from ingest.describing.layout import UprightPage, upright
from ingest.describing.model import ReadPage
from ingest.describing.rosters import from_tables
from ingest.describing.split_labels import with_whole_labels
from ingest.describing.terms import Terms, terms_of
from ingest.describing.values import field_value

_PAGE_OF: Final = re.compile(
    r"第\s*(\d{1,3})\s*页\s*[/,，;； ]?\s*共\s*(\d{1,3})\s*页|共\s*(\d{1,3})\s*页\s*[/,，;； ]?\s*第\s*(\d{1,3})\s*页"
)
_ANY_DAY: Final = date.max  # numbers are only compared here, not believed
_PERSONAL_KEYS: Final = ("certno", "psn_no")
_DOCUMENT_KEYS: Final = ("setl_id", "bill_no", "agreement_no", "doc_no", "voucher_no", "case_no")


@dataclass(frozen=True, slots=True)
class _Head:
    """What a page says of the record it belongs to."""

    page: int
    type: str | None  # its title's type, where sure
    persons: frozenset[str]  # their numbers, also doubtful ones
    sound: frozenset[str]  # those of the numbers that nothing speaks against
    names: frozenset[str]
    documents: frozenset[str]
    place: tuple[int, int] | None  # 第 n 页 共 m 页


def boundaries(pages: Sequence[ReadPage], tables: ReferenceTables) -> tuple[tuple[int, ...], ...]:
    """The groups of page numbers that are records, in order; one group unless every cut is certain.

    A page starts a record if a form's title heads it and it names another person or document number than the record
    before, or if it says 第 1 页 共 n 页 where the sequence before is complete.
    """
    terms = terms_of(tables)
    heads = tuple(_head(with_whole_labels(upright(page), terms), terms) for page in pages)
    groups: list[list[_Head]] = []
    for head in heads:
        if groups and not _starts(head, groups[-1]):
            groups[-1].append(head)
        else:
            groups.append([head])
    return tuple(tuple(head.page for head in group) for group in groups)


def looks_like_a_stack(pages: Sequence[UprightPage], terms: Terms) -> bool:
    """Whether pages that are kept together may be several records: two titled pages, or two persons on two pages."""
    if len(pages) < 2:  # noqa: PLR2004 one page is one record
        return False
    heads = tuple(_head(page, terms) for page in pages)
    titled = [head for head in heads if head.type]
    persons = [head.persons for head in heads if head.persons]
    differ = any(one.isdisjoint(other) for one in persons for other in persons)
    sequence = [head.place for head in heads if head.place]
    whole = len(sequence) == len(heads) and [n for n, _ in sequence] == list(range(1, len(heads) + 1))
    return not whole and (len(titled) > 1 or differ)


def _starts(head: _Head, group: Sequence[_Head]) -> bool:
    last = group[-1]
    if head.place:
        number, _ = head.place
        if number > 1:
            return False
        if last.place:
            return last.place[0] == last.place[1]
    if head.type is None:
        return False
    persons = frozenset().union(*(one.persons for one in group))
    sound = frozenset().union(*(one.sound for one in group))
    names = frozenset().union(*(one.names for one in group))
    documents = frozenset().union(*(one.documents for one in group))
    other_person = bool(head.sound and sound and head.persons.isdisjoint(persons) and head.names.isdisjoint(names))
    same_person = bool(head.persons & persons)
    other_document = bool(head.documents and documents and head.documents.isdisjoint(documents))
    return other_person or (other_document and (same_person or not persons) and head.type == group[0].type)


@lru_cache(maxsize=64)  # asked twice of every page of a stack: where to cut it, and whether to look at what is left
def _head(page: UprightPage, terms: Terms) -> _Head:
    decided = decide(candidates((page,), terms))
    tabled = from_tables((page,), terms, today=_ANY_DAY)
    values = [
        value
        for pair in pairs(page, terms)
        if pair.value not in tabled.used
        for key in pair.keys[:1]
        if (value := field_value(pair, key, terms, today=_ANY_DAY))
    ]
    return _Head(
        page.number,
        decided.type if decided else None,
        persons=frozenset(value.value for value in values if value.key in _PERSONAL_KEYS),
        sound=frozenset(one.value for one in values if one.key in _PERSONAL_KEYS and one.state is FieldState.READ),
        names=frozenset(one.value for one in values if one.key == "person_name"),
        documents=frozenset(value.value for value in values if value.key in _DOCUMENT_KEYS),
        place=_place(page),
    )


def _place(page: UprightPage) -> tuple[int, int] | None:
    for piece in page.pieces:
        found = _PAGE_OF.search(piece.text)
        if found:
            number, of = (found[1], found[2]) if found[1] else (found[4], found[3])
            return int(number), int(of)
    return None
