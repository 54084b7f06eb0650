"""What the embedded index keeps of a record, and how a question becomes a tantivy query over it.

The viewer's scope is the first clause of every query, so hits, totals and facets know nothing beyond it.
"""

from collections.abc import Iterable, Mapping

import tantivy

from archive_app.core.errors import InvalidInput
from archive_app.core.ports import Clause, IndexDocument, Query
from archive_app.core.vocabulary import RecordId, Viewer
from search import text

#: Raise it when the schema or the text pipeline changes: an index of another format must be rebuilt.
FORMAT = 1

_FIELD_OF = {
    "class": "class_code",
    "type": "type",
    "year": "year",
    "provider": "provider",
    "person": "person",
    "fonds": "fonds",
    "state": "state",
}
_HEAD_BOOST = 4.0
_ID_BITS = 37
_DATE_LIMIT = 1 << (64 - _ID_BITS)
_MOST_VALUES = 60_000  # of one facet; tantivy refuses more than 65,000 buckets


def schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("record", tokenizer_name="raw", index_option="basic")
    for name in ("record_high", "record_low", "version", "sort_key"):
        builder.add_unsigned_field(name, fast=True, indexed=name == "sort_key")
    builder.add_unsigned_field("level", indexed=True, fast=True)
    for name in _FIELD_OF.values():
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
    open_parts = (document.title, *document.names)
    number_parts = (document.code, *document.numbers)
    body = (document.description, *document.pages)
    head = " ".join((*map(text.stream, open_parts), *(text.stream(part, numbers_too=True) for part in number_parts)))
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
        "head": head,
        "text": " ".join((head, *map(text.stream, body))),
        "grams": text.grams("\n".join((*open_parts, *number_parts, *body))),
    }
    for name, value in (("type", document.type), ("class_code", document.class_code), ("year", document.year)):
        if value is not None:
            fields[name] = str(value)
    return tantivy.Document.from_dict(fields, of)


def _all(queries: Iterable[tantivy.Query]) -> tantivy.Query:
    return tantivy.Query.boolean_query([(tantivy.Occur.Must, query) for query in queries])


def _unscored(query: tantivy.Query) -> tantivy.Query:
    return tantivy.Query.const_score_query(query, 0.0)


class Asking:
    """Turns our questions into tantivy's, for one schema."""

    def __init__(self, of: tantivy.Schema) -> None:
        self._schema = of

    def _term(self, field: str, value: object) -> tantivy.Query:
        return tantivy.Query.term_query(self._schema, field, value, index_option="basic")

    def record(self, record: RecordId) -> tantivy.Query:
        return self._term("record", record.hex)

    def scope(self, viewer: Viewer) -> tantivy.Query:
        """What this viewer may know of. No fonds means nothing."""
        if not viewer.fonds_codes:
            return tantivy.Query.empty_query()
        fonds = tantivy.Query.term_set_query(self._schema, "fonds", sorted(viewer.fonds_codes))
        levels = tantivy.Query.term_set_query(self._schema, "level", list(range(int(viewer.clearance) + 1)))
        return _unscored(_all((fonds, levels)))

    def filters(self, filters: Mapping[str, tuple[str, ...]]) -> list[tantivy.Query]:
        queries = []
        for key, values in sorted(filters.items()):
            if key not in _FIELD_OF:
                raise InvalidInput(filters="unknown-filter", key=key)
            queries.append(_unscored(tantivy.Query.term_set_query(self._schema, _FIELD_OF[key], list(values))))
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
        if phrase.whole_gram:
            return [self._term("grams", phrase.grams[0])]
        return [*(_unscored(self._term("grams", gram)) for gram in phrase.grams), self._in_order("text", phrase.tokens)]

    def _in_order(self, field: str, tokens: tuple[str, ...]) -> tantivy.Query:
        if len(tokens) == 1:
            return tantivy.Query.term_query(self._schema, field, tokens[0], index_option="freq")
        return tantivy.Query.phrase_query(self._schema, field, list(tokens))

    def matching(self, query: Query, *, viewer: Viewer) -> tantivy.Query:
        """Which records match; says nothing of their order."""
        parts = [self.scope(viewer), *self.filters(query.filters)]
        for clause in query.clauses:
            parts += self.clause(clause)
        return _all(parts)

    def scored(self, query: Query, *, viewer: Viewer) -> tantivy.Query:
        """The same records, with a score that is higher if title, names or numbers match."""
        parts = [(tantivy.Occur.Must, self.matching(query, viewer=viewer))]
        for clause in query.clauses:
            for phrase in text.phrases(clause.value) if clause.kind == "text" else ():
                if phrase.tokens:
                    head = tantivy.Query.boost_query(self._in_order("head", phrase.tokens), _HEAD_BOOST)
                    parts.append((tantivy.Occur.Should, head))
        return tantivy.Query.boolean_query(parts)

    def up_to(self, key: int) -> tantivy.Query:
        """Records that stand at this sort key or after it."""
        return tantivy.Query.range_query(
            self._schema, "sort_key", tantivy.FieldType.Unsigned, upper_bound=key, include_upper=True
        )


def facets_request(keys: Iterable[str]) -> dict[str, object]:
    request: dict[str, object] = {}
    for key in keys:
        if key not in _FIELD_OF:
            raise InvalidInput(facets="unknown-facet", key=key)
        request[key] = {"terms": {"field": _FIELD_OF[key], "size": _MOST_VALUES, "segment_size": _MOST_VALUES}}
    return request


def facets_answer(answer: Mapping[str, Mapping[str, object]]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for key, value in answer.items():
        buckets = value["buckets"]
        if not isinstance(buckets, list):
            raise TypeError(key)
        found[key] = {str(bucket["key"]): int(bucket["doc_count"]) for bucket in buckets if bucket["doc_count"]}
    return found
