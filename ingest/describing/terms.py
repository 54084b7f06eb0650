"""The words that describing looks for, taken from the reference tables and indexed once for quick matching."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from archive_app.core.reference import DocumentType, FieldDefinition, ReferenceTables
from ingest.describing.layout import plain


@dataclass(frozen=True, slots=True)
class Terms:
    """Every word that is looked for. Labels are plain text without blanks."""

    tables: ReferenceTables = field(compare=False, repr=False)
    types: tuple[DocumentType, ...]
    fields: Mapping[str, FieldDefinition]  # by key
    keys: Mapping[str, tuple[str, ...]]  # label -> field keys, in the order of the table
    regions: frozenset[str]  # leading two digits of known division codes
    label_pattern: re.Pattern[str] = field(compare=False)

    @classmethod
    def of(cls, tables: ReferenceTables) -> "Terms":
        """Index the tables."""
        definitions = {definition.code: definition for definition in tables.fields}
        keys: dict[str, tuple[str, ...]] = {}
        for definition in definitions.values():
            for label in definition.labels:
                word = bare_label(label)
                keys[word] = (*keys.get(word, ()), definition.code)
        return cls(tables, tuple(tables.document_types), definitions, keys, tables.region_prefixes, _pattern_of(keys))

    def type(self, code: str) -> DocumentType | None:
        """The type with this code, if the tables know it."""
        return next((kind for kind in self.types if kind.code == code), None)


@lru_cache(maxsize=4)
def terms_of(tables: ReferenceTables) -> Terms:
    """The terms of these tables, indexed once for as long as they are in force."""
    return Terms.of(tables)


def bare_label(text: str) -> str:
    """A label without blanks, numbering, marks of obligation, brackets at its end, and colon."""
    word = plain(text).replace(" ", "")
    word = re.sub(r"^(?:[*※☆★]|\d{1,2}[.、]|\(\d{1,2}\)|[一二三四五六七八九十]+、)+", "", word)
    return re.sub(r"(?:\([^()]{0,12}\)|[:：*])+$", "", word)


def _pattern_of(labels: Iterable[str]) -> re.Pattern[str]:
    """One pattern for all labels, the longest first, with blanks allowed between their characters."""
    words = sorted(labels, key=lambda label: (-len(label), label))
    return re.compile("|".join(" ?".join(re.escape(character) for character in word) for word in words) or r"(?!)")
