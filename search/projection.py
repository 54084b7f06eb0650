"""From rows to the document that the index keeps: pure, one record at a time."""

from collections.abc import Callable, Iterable, Sequence

from archive_app.core.model import Field, Page, PartyLink, Record
from archive_app.core.ports import IndexDocument
from archive_app.core.vocabulary import RecordState
from search import personal_numbers
from search.text import fold

#: Found by search from `read` on, marked as not yet filed.
SEARCHABLE = frozenset({RecordState.READ, RecordState.REVIEW, RecordState.DESCRIBED, RecordState.FILED})
#: Fields whose values are document numbers or other words one looks a record up by.
_NUMBER_FIELDS = frozenset(
    {"bill_code", "bill_no", "setl_id", "case_no", "doc_no", "ipt_no", "visit_no", "emp_no", "fixmedins_code", "uscc",
     "psn_no", "agreement_no"}
)  # fmt: skip


def project(
    record: Record,
    *,
    fonds: str,
    pages: Sequence[Page],
    fields: Sequence[Field],
    links: Sequence[PartyLink],
    hash_number: Callable[[str], str],
) -> IndexDocument:
    """The document of one record. Personal numbers enter as keyed hashes only, wherever they stand on it."""
    texts = tuple(page.text or "" for page in pages)
    written = [link.number for link in links if link.number] + [field.value for field in fields]
    written += [record.document_number] if record.document_number else []
    formed = record.formed_on
    return IndexDocument(
        record=record.id,
        version=record.version,
        fonds=fonds,
        level=int(record.level),
        state=record.state.value,
        code=record.code,
        title=record.title,
        type=record.type_code,
        class_code=record.class_code,
        year=formed.year if formed else None,
        date=formed.year * 10000 + formed.month * 100 + formed.day if formed else None,
        names=_once(link.name for link in links if link.name),
        numbers=_once([record.document_number, *(field.value for field in fields if field.name in _NUMBER_FIELDS)]),
        number_hashes=_once(hash_number(number) for number in _personal_numbers([*written, *texts])),
        providers=_once(str(link.provider_id) for link in links if link.provider_id),
        persons=_once(str(link.person_id) for link in links if link.person_id),
        description="\n".join(field.value for field in fields),
        pages=texts,
    )


def _personal_numbers(texts: Iterable[str]) -> set[str]:
    return {number.number for text in texts for number in personal_numbers.find(fold(text))}


def _once(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))
