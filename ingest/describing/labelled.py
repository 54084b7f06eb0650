"""Values beside their labels: in one line (`姓名：张三 性别：男`), in the cell to the right, or in the cell beneath.

Gives every such pair with its evidence; whether the value is sound is judged elsewhere.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from archive_app.core.reference import Format
from ingest.describing.layout import Piece, UprightPage, below, part, right_of
from ingest.describing.terms import Terms, bare_label

#: Formats whose values show what they are, so that they may follow a label without a colon.
_SELF_EVIDENT: Final = {
    Format.CITIZEN_NUMBER: r"[1-9]\d",
    Format.SEX: r"[男女]",
    Format.DATE: r"(?:1[89]|20)\d\d|[一二][〇○零九]",
    Format.MONTH: r"(?:1[89]|20)\d\d",
    Format.PHONE: r"[01]\d",
    Format.USCC: r"[0-9A-HJ-NPQRTUWXY]{2}\d{6}",
    Format.MONEY: r"[¥￥]",
    Format.PROVIDER_CODE: r"[HP]\d{5}",
}
_COLON: Final = re.compile(r" ?(?:\([^()]{0,12}\))? ?[:：] ?")
_BRACKET: Final = re.compile(r" ?\([^()]{0,12}\)$")
_ENDS: Final = " ;；,，。、|/"


@dataclass(frozen=True, slots=True)
class Pair:
    """A label with the value beside it. `keys` are the field keys that the label may stand for."""

    label: str
    keys: tuple[str, ...]
    where: Piece  # the label
    value: Piece
    inline: bool


@dataclass(frozen=True, slots=True)
class _Mark:
    """A label inside a piece: where it starts, where its value starts, and whether a colon stands between."""

    label: str
    start: int
    value: int
    colon: bool


def is_label(piece: Piece, terms: Terms) -> bool:
    """Whether a piece is nothing but a known label, or ends with a colon."""
    return piece.text.endswith((":", "：")) or bare_label(piece.text) in terms.keys


def pairs(page: UprightPage, terms: Terms) -> Iterator[Pair]:
    """Every label on the page that has a value beside it, in reading order."""
    for piece in page.pieces:
        marks = tuple(_marks(piece.text, terms))
        for place, mark in enumerate(marks):
            end = marks[place + 1].start if place + 1 < len(marks) else len(piece.text)
            inline = piece.text[mark.value : end].strip(_ENDS + "_")
            where = part(piece, mark.start, mark.value, page=page)
            keys = terms.keys[mark.label]
            if inline:
                start = piece.text.index(inline, mark.value)
                yield Pair(mark.label, keys, where, part(piece, start, start + len(inline), page=page), inline=True)
            elif place + 1 == len(marks):
                neighbour = _neighbour(piece, page.pieces, terms)
                if neighbour:
                    yield Pair(mark.label, keys, where, neighbour, inline=False)


def _marks(text: str, terms: Terms) -> Iterator[_Mark]:
    whole = bare_label(text)
    if whole in terms.keys:
        yield _Mark(whole, 0, len(text), text.rstrip().endswith((":", "：")))
        return
    for found in terms.label_pattern.finditer(text):
        label = found.group(0).replace(" ", "")
        colon = _COLON.match(text, found.end())
        before = text[: found.start()].rstrip()
        if colon:
            if _starts_word(before, terms):
                yield _Mark(label, found.start(), colon.end(), colon=True)
        elif not bare_label(before) or text[found.start() - 1] in _ENDS or before[-1:] in "男女":
            rest = text[found.end() :].lstrip()
            if any(_is_evident(key, rest, terms) for key in terms.keys[label]):
                yield _Mark(label, found.start(), found.end(), colon=False)


def _starts_word(before: str, terms: Terms) -> bool:
    """Whether a label may start after this text: not in the middle of a longer label such as 代办人+姓名."""
    del terms
    return not before or not re.search(r"[㐀-鿿]$", before) or bool(re.search(r"[:：]\s*\S{1,30}$", before))


def _is_evident(key: str, rest: str, terms: Terms) -> bool:
    pattern = _SELF_EVIDENT.get(terms.fields[key].format)
    return bool(pattern and re.match(pattern, rest))


def _neighbour(label: Piece, pieces: Sequence[Piece], terms: Terms) -> Piece | None:
    """The value of a label that stands alone: the cell to the right; the cell beneath if another label is to the right.

    A label to the right of an empty cell is not a value.
    """
    right = right_of(label, pieces)
    if right and not is_label(right, terms) and not _has_label(right, terms):
        return right
    beneath = below(label, pieces, reach=1.5)
    if (
        beneath
        and not is_label(beneath, terms)
        and not _has_label(beneath, terms)
        and not _has_own_label(beneath, pieces, terms)
    ):
        return beneath
    return None


def _has_label(piece: Piece, terms: Terms) -> bool:
    return next(_marks(piece.text, terms), None) is not None


def _has_own_label(piece: Piece, pieces: Sequence[Piece], terms: Terms) -> bool:
    """Whether a label stands directly to the left: then the piece is that label's value."""
    left = [
        other
        for other in pieces
        if other.right <= piece.left + piece.height // 2
        and min(other.bottom, piece.bottom) - max(other.top, piece.top) > 0.5 * min(other.height, piece.height)
    ]
    nearest = max(left, key=lambda other: other.right, default=None)
    return nearest is not None and is_label(nearest, terms)
