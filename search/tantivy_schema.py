"""What the embedded index keeps of a record, and how a question becomes a tantivy query over it.

The viewer's scope is the first clause of every query, so hits, totals and facets know nothing beyond it.
"""

from collections.abc import Callable, Iterable, Mapping

import tantivy

from archive_app.core.errors import InvalidInput
from archive_app.core.ports import Clause, IndexDocument, Query
from archive_app.core.vocabulary import Viewer
from search import text
from search.index_fields import FIELD_OF, HEAD_BOOST, MOST_VALUES, single_values, texts

#: Raise it when the schema or the text pipeline changes: an index of another format must be rebuilt.
FORMAT = 1

_WORTH_NARROWING = 4  # times rarer
_ID_BITS = 37
_DATE_LIMIT = 1 << (64 - _ID_BITS)


def schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("record", tokenizer_name="raw", index_option="basic")
    for name in ("record_high", "record_low", "version", "sort_key"):
        builder.add_unsigned_field(name, fast=True, indexed=name == "sort_key")
    builder.add_unsigned_field("level", indexed=True, fast=True)
    for name in FIELD_OF.values():
        builder.add_text_field(name, fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("number_hash", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("head", tokenizer_name="whitespace", index_option="position")
    builder.add_text_field("text", tokenizer_name="whitespace", index_option="position")
    builder.add_text_field("grams", tokenizer_name="whitespace", index_option="basic")
    return builder.build()


def sort_key(document: IndexDocument) -> int:
    """Greater is newer; of one day, the lesser record id is greater. Ids that begin alike may share a key."""
    date = document.date or 0
    if not 0 <= date < _DATE_LIMIT:
        raise InvalidInput(date="not-a-date")
    return date << _ID_BITS | ((1 << _ID_BITS) - 1 - (document.record.int >> (128 - _ID_BITS)))


def written(document: IndexDocument, *, of: tantivy.Schema) -> tantivy.Document:
    """The document in the index's own terms."""
    head, body = texts(document, with_grams=True)
    fields: dict[str, object] = {
        "record": document.record.hex,
        "record_high": document.record.int >> 64,
        "record_low": document.record.int & (1 << 64) - 1,
        "version": document.version,
        "sort_key": sort_key(document),
        "level": document.level,
        "fonds": document.fonds,
        "state": document.state,
        "number_hash": list(document.number_hashes),
        "provider": list(document.providers),
        "person": list(document.persons),
        "head": " ".join(part.stream for part in head),
        "text": " ".join(part.stream for part in body),
        "grams": " ".join(part.grams for part in body),
        **single_values(document),
    }
    return tantivy.Document.from_dict(fields, of)


def _all(queries: Iterable[tantivy.Query]) -> tantivy.Query:
    return tantivy.Query.boolean_query([(tantivy.Occur.Must, query) for query in queries])


def _unscored(query: tantivy.Query) -> tantivy.Query:
    return tantivy.Query.const_score_query(query, 0.0)


class Asking:
    """Turns our questions into tantivy's. `frequency` tells how many documents have a term in a field."""

    def __init__(self, of: tantivy.Schema, *, frequency: Callable[[str, str], int]) -> None:
        self._schema = of
        self._frequency = frequency

    def _term(self, field: str, value: object) -> tantivy.Query:
        return tantivy.Query.term_query(self._schema, field, value, index_option="basic")

    def scope(self, viewer: Viewer) -> list[tantivy.Query]:
        """What this viewer may know of: all of these must hold. No fonds means nothing."""
        if not viewer.fonds_codes:
            return [tantivy.Query.empty_query()]
        return [
            tantivy.Query.term_set_query(self._schema, "fonds", sorted(viewer.fonds_codes)),
            tantivy.Query.term_set_query(self._schema, "level", list(range(int(viewer.clearance) + 1))),
        ]

    def filters(self, filters: Mapping[str, tuple[str, ...]]) -> list[tantivy.Query]:
        queries = []
        for key, values in sorted(filters.items()):
            if key not in FIELD_OF:
                raise InvalidInput(filters="unknown-filter", key=key)
            queries.append(tantivy.Query.term_set_query(self._schema, FIELD_OF[key], list(values)))
        return queries

    def clause(self, clause: Clause) -> list[tantivy.Query]:
        if clause.kind == "number":
            return [_unscored(self._term("number_hash", clause.value))]
        if clause.kind != "text":
            raise InvalidInput(clauses="unknown-kind", kind=clause.kind)
        found = [query for phrase in text.phrases(clause.value) for query in self._phrase(phrase)]
        return found or [tantivy.Query.empty_query()]

    def _phrase(self, phrase: text.Phrase) -> list[tantivy.Query]:
        if phrase.initial is not None:
            return [tantivy.Query.regex_query(self._schema, "text", f"{phrase.initial}.?")]
        if phrase.exact_gram is not None:
            return [self._term("grams", phrase.exact_gram)]
        return [*self._narrowing(phrase), self._in_order("text", phrase)]

    def _narrowing(self, phrase: text.Phrase) -> list[tantivy.Query]:
        """The phrase's rarest gram, if it leaves much less to look at than the phrase's rarest token."""
        if len(phrase.tokens) == 1 or not phrase.grams:
            return []
        frequency, rarest = min((self._frequency("grams", gram), gram) for gram in phrase.grams)
        if frequency * _WORTH_NARROWING > min(self._frequency("text", token) for token in phrase.tokens):
            return []
        return [_unscored(self._term("grams", rarest))]

    def _in_order(self, field: str, phrase: text.Phrase) -> tantivy.Query:
        if len(phrase.tokens) == 1:
            return tantivy.Query.term_query(self._schema, field, phrase.tokens[0], index_option="freq")
        return tantivy.Query.phrase_query(self._schema, field, list(phrase.sparse))

    def _within(self, query: Query, *, viewer: Viewer) -> list[tantivy.Query]:
        return [*self.scope(viewer), *self.filters(query.filters)]

    def _asked(self, query: Query) -> list[tantivy.Query]:
        return [part for clause in query.clauses for part in self.clause(clause)]

    def matching(self, query: Query, *, viewer: Viewer) -> tantivy.Query:
        """Which records match; says nothing of their order."""
        return _all([*self._within(query, viewer=viewer), *self._asked(query)])

    def scored(self, query: Query, *, viewer: Viewer) -> tantivy.Query:
        """The same records, with a score that is higher if title, names or numbers match."""
        required = [_unscored(_all(self._within(query, viewer=viewer))), *self._asked(query)]
        heads = [
            tantivy.Query.boost_query(self._in_order("head", phrase), HEAD_BOOST)
            for clause in query.clauses
            if clause.kind == "text"
            for phrase in text.phrases(clause.value)
            if phrase.tokens
        ]
        return tantivy.Query.boolean_query(
            [(tantivy.Occur.Must, part) for part in required] + [(tantivy.Occur.Should, part) for part in heads]
        )

    def up_to(self, key: int) -> tantivy.Query:
        """Records that stand at this sort key or after it."""
        return tantivy.Query.range_query(
            self._schema, "sort_key", tantivy.FieldType.Unsigned, upper_bound=key, include_upper=True
        )


def facets_request(keys: Iterable[str]) -> dict[str, object]:
    request: dict[str, object] = {}
    for key in keys:
        if key not in FIELD_OF:
            raise InvalidInput(facets="unknown-facet", key=key)
        request[key] = {"terms": {"field": FIELD_OF[key], "size": MOST_VALUES, "segment_size": MOST_VALUES}}
    return request


def facets_answer(answer: Mapping[str, Mapping[str, object]]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for key, value in answer.items():
        buckets = value["buckets"]
        if not isinstance(buckets, list):
            raise TypeError(key)
        found[key] = {str(bucket["key"]): int(bucket["doc_count"]) for bucket in buckets if bucket["doc_count"]}
    return found
