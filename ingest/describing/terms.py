"""The words that describing looks for, taken from the reference tables and indexed once for quick matching."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from archive_app.core.reference import DocumentType, FieldDefinition, Format, ReferenceTables
from ingest.describing.layout import plain

#: What the amount in figures beside one in capitals may be; a type has its own among them.
_TOTALS: Final = ("medfee_sumamt", "amount", "amount_due", "pay_amt")
_MISREADABLE: Final = re.compile(r"[㐀-鿿]{5,12}")


@dataclass(frozen=True, slots=True)
class Terms:
    """Every word that is looked for. Labels are plain text without blanks."""

    tables: ReferenceTables = field(compare=False, repr=False)
    types: tuple[DocumentType, ...]
    fields: Mapping[str, FieldDefinition]  # by key
    keys: Mapping[str, tuple[str, ...]]  # label -> field keys, in the order of the table
    regions: frozenset[str]  # leading two digits of known division codes
    long_labels: tuple[str, ...]  # those long enough to be known with a character misread
    label_pattern: re.Pattern[str] = field(compare=False)

    def __hash__(self) -> int:
        """Of the tables they are taken from."""
        return hash(self.tables)

    @classmethod
    def of(cls, tables: ReferenceTables) -> "Terms":
        """Index the tables."""
        definitions = {definition.code: definition for definition in tables.fields}
        keys: dict[str, tuple[str, ...]] = {}
        for definition in definitions.values():
            for label in definition.labels:
                word = bare_label(label)
                keys[word] = (*keys.get(word, ()), definition.code)
        keys["小写"] = tuple(key for key in _TOTALS if key in definitions)
        long = tuple(label for label in keys if _MISREADABLE.fullmatch(label))
        return cls(
            tables, tuple(tables.document_types), definitions, keys, tables.region_prefixes, long, _pattern_of(keys)
        )

    @property
    def money_keys(self) -> frozenset[str]:
        """The fields of amounts."""
        return frozenset(key for key, definition in self.fields.items() if definition.format is Format.MONEY)

    def is_exact(self, text: str) -> bool:
        """Whether a text is a known label, letter by letter."""
        return bare_label(text) in self.keys

    def label_of(self, text: str) -> str | None:
        """The known label that a text consists of; in a longer one, one character may be misread."""
        word = bare_label(text)
        if word in self.keys:
            return word
        if not _MISREADABLE.fullmatch(word):
            return None
        near = process.extract(word, self.long_labels, scorer=Levenshtein.distance, score_cutoff=1, limit=3)
        return str(near[0][0]) if len({self.keys[label] for label, _, _ in near}) == 1 else None

    def type(self, code: str) -> DocumentType | None:
        """The type with this code, if the tables know it."""
        return next((kind for kind in self.types if kind.code == code), None)


@lru_cache(maxsize=4)
def terms_of(tables: ReferenceTables) -> Terms:
    """The terms of these tables, indexed once for as long as they are in force."""
    return Terms.of(tables)


@lru_cache(maxsize=16384)
def bare_label(text: str) -> str:
    """A label without blanks, numbering, marks of obligation, brackets at its end, and colon."""
    word = plain(text).replace(" ", "")
    word = re.sub(r"^(?:[*※☆★]|\d{1,2}[.、]|\(\d{1,2}\)|[一二三四五六七八九十]+、)+", "", word)
    return re.sub(r"(?:\([^()]{0,12}\)|[:：*])+$", "", word)


def _pattern_of(labels: Iterable[str]) -> re.Pattern[str]:
    """One pattern for all labels, the longest first, with blanks allowed between their characters."""
    words = sorted(labels, key=lambda label: (-len(label), label))
    return re.compile("|".join(" ?".join(re.escape(character) for character in word) for word in words) or r"(?!)")
