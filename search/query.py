"""What a typed question means: clauses for the index, and the same meaning in parts that a page can put into words.

Blanks mean AND, quotes of any script hold a phrase together, a line break ends a run of text. A personal number becomes
a clause of its own that knows the keyed hash only; there is no search by its beginning.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from archive_app.core.errors import InvalidInput
from archive_app.core.ports import Clause
from search import personal_numbers, text
from search.personal_numbers import HashNumber

LONGEST = 1000  # characters of a question
MOST_CLAUSES = 32
_CHUNK = re.compile(
    r"[\"“”„](?P<quoted>[^\"“”„]*)[\"“”„]?|「(?P<corner>[^」]*)」?|(?P<plain>[^\s\"“”„「]+)|(?P<gap>[\s\S])"
)


@dataclass(frozen=True, slots=True)
class Meaning:
    """One condition that must hold. `values` of one meaning are alternatives.

    `kind`: `text` (stands in title, names, numbers, description or a page), `character` (a single Han character),
    `number` (a personal number; `values` is empty, it is not repeated), or `filter` with its `key`.
    """

    kind: str
    values: tuple[str, ...] = ()
    key: str | None = None


def parse(question: str, *, hash_number: HashNumber) -> tuple[Clause, ...]:
    """The clauses of a typed question, each once, in the order typed.

    An empty question asks for everything within the viewer's scope. `hash_number` gets each personal number compact and
    brings 15 digits and 18 to the same hash; `personal_numbers.kind_of` tells it the kind.
    Raises `InvalidInput` with the field `q`: `too-long`, or `nothing-to-search` if there are only marks in it.
    """
    if len(question) > LONGEST:
        raise InvalidInput(q="too-long", most=LONGEST)
    found: dict[Clause, None] = {}
    for chunk in _chunks(question):
        for clause in _clauses(chunk, hash_number):
            found[clause] = None
    if question.strip() and not found:
        raise InvalidInput(q="nothing-to-search")
    if len(found) > MOST_CLAUSES:
        raise InvalidInput(q="too-many-words", most=MOST_CLAUSES)
    return tuple(found)


def _chunks(question: str) -> Iterator[str]:
    if personal_numbers.kind_of(question):  # a number typed in groups is not several words
        yield question.strip()
        return
    for match in _CHUNK.finditer(question.replace("＂", '"')):
        chunk = match["quoted"] or match["corner"] or match["plain"]
        if chunk:
            yield chunk


def _clauses(chunk: str, hash_number: HashNumber) -> Iterator[Clause]:
    folded = text.fold(chunk)
    position = 0
    for number in personal_numbers.find(folded):
        yield from _texts(folded[position : number.start])
        yield Clause("number", hash_number(number.number))
        position = number.end
    yield from _texts(folded[position:])


def _texts(folded: str) -> Iterator[Clause]:
    for run in text.run_texts(folded):
        yield Clause("text", run)


def explain(clauses: Sequence[Clause], filters: Mapping[str, tuple[str, ...]]) -> tuple[Meaning, ...]:
    """What the question was understood to mean, clause by clause, then filter by filter."""
    meanings = []
    for clause in clauses:
        if clause.kind == "number":
            meanings.append(Meaning("number"))
        elif text.phrases(clause.value)[0].initial is not None:
            meanings.append(Meaning("character", (clause.value,)))
        else:
            meanings.append(Meaning("text", (clause.value,)))
    meanings += [Meaning("filter", tuple(values), key) for key, values in sorted(filters.items()) if values]
    return tuple(meanings)
