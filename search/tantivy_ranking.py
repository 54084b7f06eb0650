"""The first hits of a query in one total order, though tantivy orders by a single number."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import tantivy

from archive_app.core.errors import Unavailable
from archive_app.core.vocabulary import RecordId
from search.cursor import Cursor

_SPARE = 20  # taken at once where scores order, for equal scores are common among forms
_MORE = 4  # times as many are taken when a tie goes beyond what was taken


class Place(NamedTuple):
    """A hit with all that decides its place."""

    score: float
    key: int
    record: RecordId
    address: tantivy.DocAddress

    @property
    def order(self) -> tuple[float, int, int]:
        """Higher score first, then newer, then lesser record."""
        return (-self.score, -self.key, self.record.int)


class Ranked(NamedTuple):
    """The first places, and how many records match in all."""

    places: list[Place]
    total: int


def first_places(
    searcher: tantivy.Searcher, query: tantivy.Query, count: int, *, by: str | None, after: Cursor | None
) -> Ranked:
    """Up to `count` hits that come after the cursor, ordered by the fast field `by`, or by score if it is None.

    Where hits tie at the end of what was taken, more are taken until the tie is whole: only then is its order known.
    """
    skipped = after.rank if after and by is None else 0
    limit = skipped + count + (_SPARE if by is None else 1)
    while True:
        result = searcher.search(query, limit=limit, count=True, order_by_field=by)
        hits = result.hits
        total: int = result.count  # type: ignore[attr-defined]  # not in its stubs
        whole = len(hits) >= total
        if not whole:
            last = hits[-1][0]
            hits = [hit for hit in hits if hit[0] != last]
        places = _places(searcher, hits, scored=by is None)
        if after is not None:
            mark = (-after.score, -after.key, after.record.int)
            places = [place for place in places if place.order > mark]
        if whole or len(places) >= count:
            return Ranked(sorted(places, key=lambda place: place.order)[:count], total)
        limit *= _MORE


def _places(
    searcher: tantivy.Searcher, hits: Sequence[tuple[float, tantivy.DocAddress]], *, scored: bool
) -> list[Place]:
    addresses = [address for _, address in hits]
    keys = numbers(searcher, "sort_key", addresses)
    records = records_of(searcher, addresses)
    return [
        Place(float(value) if scored else 0.0, key, record, address)
        for (value, address), key, record in zip(hits, keys, records, strict=True)
    ]


def records_of(searcher: tantivy.Searcher, addresses: list[tantivy.DocAddress]) -> list[RecordId]:
    """The records at these addresses, in the same order."""
    highs = numbers(searcher, "record_high", addresses)
    lows = numbers(searcher, "record_low", addresses)
    return [RecordId(UUID(int=high << 64 | low)) for high, low in zip(highs, lows, strict=True)]


def numbers(searcher: tantivy.Searcher, field: str, addresses: list[tantivy.DocAddress]) -> list[int]:
    """A fast field's whole numbers. Raises `Unavailable` where one is missing, as in a damaged index."""
    values = searcher.fast_field_values(field, addresses)
    whole = [value for value in values if isinstance(value, int)]
    if len(whole) != len(values):
        raise Unavailable("index-failed")
    return whole


def counted(searcher: tantivy.Searcher, query: tantivy.Query) -> int:
    """How many records match, exactly."""
    total: int = searcher.search(query, limit=1, count=True).count  # type: ignore[attr-defined]  # not in its stubs
    return total
