"""Which document type pages are of: candidates with score and reasons, and abstention where none is sure.

A wrong type costs more than none: it files under the wrong class with the wrong term. So a title must fit, and what
else stands on the page must not speak for another type equally well.
"""

from collections.abc import Sequence
from typing import Final

from archive_app.core.reference import DocumentType
from ingest.describing.cards import identity_card
from ingest.describing.layout import UprightPage
from ingest.describing.model import Candidate
from ingest.describing.terms import Terms, bare_label
from ingest.describing.titles import HeadLine, TitleMatch, head_lines, matches

THRESHOLD: Final = 0.70  # below it the type is left to a person
MARGIN: Final = 0.06  # between the best two types
_LABELS_ENOUGH: Final = 4  # key labels that make their part of the score full
_CLEARLY_A_TITLE: Final = 0.8
_SHORT_TITLE: Final = 4  # characters: such a title says little without its labels


def candidates(pages: Sequence[UprightPage], terms: Terms) -> tuple[Candidate, ...]:
    """Every type that a title on the first page speaks for, best first."""
    if not pages:
        return ()
    lines = [line for line in head_lines(pages[0]) if line.compared]
    words = "\n".join(bare_label(piece.text) for page in pages for piece in page.pieces)
    found = []
    for kind in terms.types:
        own = _own_matches(lines, kind)
        if own:
            support = _support(kind, words)
            fits = [(_score(match, kind, support), match) for match in own]
            score, match = max(fits, key=lambda fit: fit[0])
            found.append(Candidate(kind.code, round(score, 3), _reasons(match, support)))
    card = identity_card(pages)
    if card and terms.type(card.type) and all(candidate.type != card.type for candidate in found):
        found.append(card)
    return tuple(sorted(found, key=lambda candidate: -candidate.score))


def decide(found: Sequence[Candidate]) -> Candidate | None:
    """The type that is sure enough, or None: below the threshold, or too close to the next best."""
    if not found or found[0].score < THRESHOLD:
        return None
    if len(found) > 1 and found[0].score - found[1].score < MARGIN:
        return None
    return found[0]


def _own_matches(lines: Sequence[HeadLine], kind: DocumentType) -> tuple[TitleMatch, ...]:
    """Fits with the type's titles on lines that no near miss of the type fits at least as well and as long."""
    own = tuple(matches(lines, kind.titles))
    if not own:
        return ()
    against = tuple(matches(lines, kind.negative_titles))
    return tuple(
        match
        for match in own
        if not any(
            miss.line == match.line and (miss.likeness, len(miss.title)) >= (match.likeness, len(match.title))
            for miss in against
        )
    )


def _support(kind: DocumentType, words: str) -> tuple[str, ...]:
    return tuple(label for label in kind.key_labels if bare_label(label) in words)


def _reasons(match: TitleMatch, support: tuple[str, ...]) -> tuple[str, ...]:
    how = "title" if match.likeness == 1 else "title-alike"
    labels = (f"labels:{','.join(support)}",) if support else ()
    return (f"{how}:{match.title}", *labels)


def _score(match: TitleMatch, kind: DocumentType, support: Sequence[str]) -> float:
    enough = max(1, min(_LABELS_ENOUGH, len(kind.key_labels)))
    labels = min(1.0, len(support) / enough)
    length = min(1.0, len(match.title) / 8)
    likeness = 1 - 2 * (1 - match.likeness)
    score = 0.40 * likeness + 0.08 * match.coverage + 0.07 * length + 0.20 * match.line.prominence + 0.25 * labels
    if len(match.title) <= _SHORT_TITLE and not support and not _stands_alone(match):
        return min(score, THRESHOLD - 0.01)
    return max(score, THRESHOLD + 0.02) if _stands_alone(match) else score


def _stands_alone(match: TitleMatch) -> bool:
    """Whether the line is the title letter by letter, and large, in the middle and at the top as titles are."""
    return match.likeness == 1 and match.coverage == 1 and match.line.prominence >= _CLEARLY_A_TITLE
