"""Where a question's words stand in stored text and on the page's image, cut by us from what is stored (decision 25).

The same scan that defines what is found, with the way back to the characters as they were read.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from archive_app.core.ports import Clause, OcrLine
from archive_app.core.vocabulary import Box
from search import personal_numbers, text
from search.line_boxes import box_of
from search.personal_numbers import HashNumber

Span = tuple[int, int]

_ELEVEN_DIGITS = re.compile(r"[0-9]{11}")


@dataclass(frozen=True, slots=True)
class Snippet:
    """A stretch of a text; `spans` are start and end of each match within `text`."""

    text: str
    spans: tuple[Span, ...]
    cut_before: bool
    cut_after: bool


@dataclass(frozen=True, slots=True)
class MatchedBox:
    """Where a match stands on the image: `line` is the index of its line, `box` as in `OcrLine`."""

    line: int
    box: Box


def spans(stored: str, clauses: Sequence[Clause], *, hash_number: HashNumber | None = None) -> tuple[Span, ...]:
    """Start and end of every match in the text as stored, in order, overlapping ones joined.

    Personal numbers are found only with `hash_number`, the function that `query.parse` was given.
    """
    folded = text.fold_with_offsets(stored)
    found = [
        (folded.starts[start], folded.ends[end - 1])
        for clause in clauses
        for start, end in _clause_spans(folded.text, clause, hash_number)
    ]
    return _joined(sorted(found))


def matches(stored: str, clauses: Sequence[Clause], *, hash_number: HashNumber | None = None) -> bool:
    """Whether any of the clauses stands in the text: then its page is named with the hit."""
    folded = text.fold(stored)
    return any(True for clause in clauses for _ in _clause_spans(folded, clause, hash_number))


def _clause_spans(folded: str, clause: Clause, hash_number: HashNumber | None) -> Iterator[Span]:
    if clause.kind == "number":
        if hash_number is not None:
            for number in personal_numbers.find(folded):
                if hash_number(number.number) == clause.value:
                    yield number.start, number.end
        return
    question = text.fold(clause.value)
    for wanted in text.runs(question, numbers_too=True):
        needle = text.flat(wanted, folded=question).text
        # A long number is matched as one whole word only, so no part of a personal number is ever pointed at.
        whole = len(wanted) == 1 and _ELEVEN_DIGITS.search(needle) is not None
        for run in text.runs(folded, numbers_too=whole):
            hay = text.flat(run, folded=folded)
            for start in text.occurrences(hay.text, needle):
                yield hay.at[start], hay.at[start + len(needle) - 1] + 1


def _joined(found: Sequence[Span]) -> tuple[Span, ...]:
    joined: list[Span] = []
    for start, end in found:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)


def snippets(
    stored: str,
    clauses: Sequence[Clause],
    *,
    most: int = 3,
    around: int = 24,
    hash_number: HashNumber | None = None,
) -> tuple[Snippet, ...]:
    """Up to `most` stretches of one text with its matches, `around` characters to either side.

    The text is shown as stored: for a viewer without the right to unmask, hand in the masked text.
    """
    windows: list[tuple[int, int, list[Span]]] = []
    for start, end in spans(stored, clauses, hash_number=hash_number):
        left, right = max(0, start - around), min(len(stored), end + around)
        if windows and left <= windows[-1][1]:
            first, _, held = windows[-1]
            windows[-1] = (first, right, [*held, (start, end)])
        elif len(windows) < most:
            windows.append((left, right, [(start, end)]))
        else:
            break
    return tuple(_snippet(stored, *window) for window in windows)


def _snippet(stored: str, left: int, right: int, held: Sequence[Span]) -> Snippet:
    shown = re.sub(r"\s", " ", stored[left:right])
    return Snippet(shown, tuple((a - left, b - left) for a, b in held), left > 0, right < len(stored))


def matched_boxes(
    lines: Sequence[OcrLine],
    clauses: Sequence[Clause],
    *,
    rotation: int = 0,
    hash_number: HashNumber | None = None,
) -> tuple[MatchedBox, ...]:
    """The boxes of every match on the image, line by line, in the pixels of the lines' own boxes.

    `rotation` as in `OcrPage`: it tells which way the lines run.
    """
    return tuple(
        MatchedBox(number, box_of(line, start, end, rotation=rotation))
        for number, line in enumerate(lines)
        for start, end in spans(line.text, clauses, hash_number=hash_number)
    )
