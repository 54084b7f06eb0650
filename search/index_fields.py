"""What every search engine's index has in common: its filters and facets, its bounds, and the texts of a document."""

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from archive_app.core.errors import InvalidInput
from archive_app.core.ports import IndexDocument, Query
from search import text

#: The key of a filter or facet -> the field that holds its values.
FIELD_OF: Mapping[str, str] = {
    "class": "class_code",
    "type": "type",
    "year": "year",
    "provider": "provider",
    "person": "person",
    "fonds": "fonds",
    "state": "state",
}
MOST_HITS = 500
MOST_VALUES = 60_000  # of one facet; engines refuse more than some 65,000 buckets
#: How much more a phrase in title, names or numbers weighs.
HEAD_BOOST = 4.0
_ORDERS = frozenset({"best", "newest"})


class Texts(NamedTuple):
    """The cut texts of a document; `body` holds those of the head too."""

    head: list[text.Cut]
    body: list[text.Cut]


def texts(document: IndexDocument, *, with_grams: bool) -> Texts:
    """Title, names and numbers are the head; description and pages follow it in the body."""
    cut = partial(text.cut, with_grams=with_grams)
    head = [
        *map(cut, (document.title, *document.names)),
        *(cut(part, numbers_too=True) for part in (document.code, *document.numbers)),
    ]
    return Texts(head, [*head, *map(cut, (document.description, *document.pages))])


def single_values(document: IndexDocument) -> dict[str, str]:
    """The fields that a document may lack."""
    fields = (("type", document.type), ("class_code", document.class_code), ("year", document.year))
    return {name: str(value) for name, value in fields if value is not None}


def checked(query: Query) -> None:
    """Raises `InvalidInput` for an order or a size that no index answers."""
    if query.order not in _ORDERS:
        raise InvalidInput(order="unknown-order")
    if not 1 <= query.size <= MOST_HITS:
        raise InvalidInput(size="out-of-range")


def by_score(query: Query) -> bool:
    """Whether scores decide the order; without words in the question the newest is the best."""
    return query.order == "best" and any(clause.kind == "text" for clause in query.clauses)
