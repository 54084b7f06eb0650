"""What Elasticsearch keeps of a record: template, mapping, and the document in the index's own terms.

Only what is asked or counted is kept: the source is not stored, the database has it.
"""

import hashlib
import json
from typing import Any

from archive_app.core.errors import InvalidInput
from archive_app.core.ports import IndexDocument
from search import text
from search.index_fields import FIELD_OF, single_values, texts

#: Raise it when the mapping or the text pipeline changes: an index of another format must be rebuilt.
FORMAT = 1

#: Names the record that was removed while a rebuild ran; stands on documents of no fonds, which no viewer finds.
REMOVED = "removed"
_COUNTED = ("class_code", "type", "year", "fonds", "state")
_LAST_DATE = 99_991_231
_LONGEST_TOKEN = 255  # what the server's own analyser keeps in one piece, in UTF-16 units


def mapping() -> dict[str, Any]:
    """The mapping; nothing that it does not name is indexed."""
    keyword = {"type": "keyword"}
    counted = {"type": "keyword", "eager_global_ordinals": True}
    words = {"type": "text", "analyzer": "whitespace"}
    return {
        "_meta": {"format": FORMAT},
        "_source": {"enabled": False},
        "dynamic": False,
        "properties": {
            "record": keyword,
            "date": {"type": "integer"},
            "level": {"type": "byte", "doc_values": False},
            "number_hash": {"type": "keyword", "doc_values": False},
            "provider": keyword,
            "person": keyword,
            REMOVED: keyword,
            **{name: counted if name in _COUNTED else keyword for name in FIELD_OF.values()},
            "head": words,
            "text": words,
        },
    }


def settings() -> dict[str, Any]:
    """Settings of every index of records.

    Deleted versions are forgotten at once: a record that comes back with the version it went with is found again.
    """
    return {"index": {"gc_deletes": "-1", "auto_expand_replicas": "0-1", "max_result_window": 10_000}}


def template(pattern: str) -> dict[str, Any]:
    """The body of the index template."""
    return {
        "index_patterns": [pattern],
        "priority": 200,
        "template": {"settings": settings(), "mappings": mapping()},
        "_meta": {"format": FORMAT},
    }


def written(document: IndexDocument) -> bytes:
    """The document as a line of JSON. Raises `InvalidInput` for a date that is none."""
    date = document.date or 0
    if not 0 <= date <= _LAST_DATE:
        raise InvalidInput(date="not-a-date")
    head, body = texts(document, with_grams=False)
    fields: dict[str, object] = {
        "record": document.record.hex,
        "date": date,
        "level": document.level,
        "fonds": document.fonds,
        "state": document.state,
        "number_hash": document.number_hashes,
        "provider": document.providers,
        "person": document.persons,
        "head": stream(" ".join(part.stream for part in head)),
        "text": stream(" ".join(part.stream for part in body)),
        **single_values(document),
    }
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def stream(tokens: str) -> str:
    """Tokens as the server's whitespace analyser takes them: one too long for it is replaced by its digest."""
    parts = tokens.split(" ")
    if max(map(len, parts)) <= _LONGEST_TOKEN // 2:
        return tokens
    return " ".join(map(_short, parts))


def _short(token: str) -> str:
    if len(token) <= _LONGEST_TOKEN // 2:
        return token
    return f"{text.BREAK}{hashlib.sha256(token.encode()).hexdigest()}"
