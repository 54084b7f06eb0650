"""Values beside their labels: in one line (`姓名：张三 性别：男`), in the cell to the right, or in the cell beneath.

Gives every such pair with its evidence; whether the value is sound is judged elsewhere.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from archive_app.core.reference import Format
from ingest.describing.layout import Piece, UprightPage, below, left_of, part, right_of
from ingest.describing.terms import Terms

#: Formats whose values show what they are, so that they may follow a label without a colon.
_SELF_EVIDENT: Final = {
    Format.CITIZEN_NUMBER: re.compile(r"[1-9]\d"),
    Format.NAME: re.compile(r"(?!变更|拼音|签|日期|电话|性别|曾用|证件|身份)[㐀-鿿·]{2,4}$"),
    Format.SEX: re.compile(r"[男女]"),
    Format.DATE: re.compile(r"(?:1[89]|20)\d\d|[一二][〇○零九]"),
    Format.MONTH: re.compile(r"(?:1[89]|20)\d\d"),
    Format.PHONE: re.compile(r"[01]\d"),
    Format.USCC: re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}\d{6}"),
    Format.MONEY: re.compile(r"[¥￥]"),
    Format.PROVIDER_CODE: re.compile(r"[HP]\d{5}"),
    Format.CODE: re.compile(r"[A-Z]{0,3}\d{4,}"),
}
_COLON: Final = re.compile(r" ?(?:\([^()]{0,12}\))? ?: ?")
_AFTER_A_VALUE: Final = re.compile(r":\s*\S{1,30}$")
_ENDS: Final = " ;；,，。、|/_"
_TRIM: Final = " ;；,，、|/_"
#: (大写) and (小写) before an amount are labels of their own, with or without a colon.
_CASE: Final = re.compile(r"\(?(大写|小写)\)? ?:? ?(?=\S)")
_CASE_ALONE: Final = re.compile(r"\(?(大写|小写)\)? ?:?")
_TAKES_LABELS: Final = "change_item"  # what was changed is itself the label of a field
_HAN_AT_END: Final = re.compile(r"[㐀-鿿]$")
_MOST_FURTHER: Final = 3  # pieces that a value may go on into
_UPRIGHT: Final = 1.8  # heights to a width: printed from top to bottom
_FEWEST_UPRIGHT: Final = 3  # characters of such a label
_NEAR_UPRIGHT: Final = 4  # widths from such a label to where its cell's lines start
_SIGNED: Final = re.compile(r"签[字名章]|盖章|经办人|日期|(?:19|20)\d\d年")
_SHORT_END: Final = 4  # characters: the end of a value that its cell is too narrow for
_BENEATH: Final = 1.5  # heights down to a value in the cell beneath


@dataclass(frozen=True, slots=True)
class Pair:
    """A label with the value beside it. `keys` are the field keys that the label may stand for."""

    label: str
    keys: tuple[str, ...]
    value: Piece
    further: tuple[Piece, ...] = ()  # pieces right of the value into which it may go on
    under: tuple[Piece, ...] = ()  # lines beneath the value into which it may go on


@dataclass(frozen=True, slots=True)
class _Mark:
    """A label inside a piece: where it starts and where its value starts."""

    label: str
    start: int
    value: int


def pairs(page: UprightPage, terms: Terms) -> Iterator[Pair]:
    """Every label on the page that has a value beside it, in reading order."""
    for piece in page.pieces:
        marks = tuple(_marks(piece.text, terms))
        for place, mark in enumerate(marks):
            is_last = place + 1 == len(marks)
            end = len(piece.text) if is_last else marks[place + 1].start
            inline = piece.text[mark.value : end].strip(_TRIM)
            value: Piece | None = None
            if inline:
                start = piece.text.index(inline, mark.value)
                value = part(piece, start, start + len(inline), page=page)
            elif is_last:
                takes_labels = _TAKES_LABELS in terms.keys[mark.label]
                value = right_of(piece, page.pieces) if takes_labels else _neighbour(piece, page.pieces, terms)
            if value:
                edge = piece if inline else value
                further = tuple(_further(edge, page.pieces, terms)) if is_last else ()
                under = tuple(_under(value, page.pieces, terms)) if is_last else ()
                yield Pair(mark.label, terms.keys[mark.label], value, further, under)


def has_label(piece: Piece, terms: Terms) -> bool:
    """Whether a label stands anywhere in a piece, or the piece ends with a colon as labels do."""
    return piece.text.endswith(":") or next(_marks(piece.text, terms), None) is not None


def _marks(text: str, terms: Terms) -> Iterator[_Mark]:
    case = _CASE_ALONE.fullmatch(text)
    if case and case[1] in terms.keys:
        yield _Mark(case[1], 0, len(text))
        return
    whole = terms.label_of(text)
    if whole:
        yield _Mark(whole, 0, len(text))
        return
    yield from sorted((*_words(text, terms), *_cases(text, terms)), key=lambda mark: mark.start)


def _cases(text: str, terms: Terms) -> Iterator[_Mark]:
    for found in _CASE.finditer(text):
        inside = any(mark.start < found.start() < mark.value for mark in _words(text, terms))
        if found[1] in terms.keys and not inside:
            yield _Mark(found[1], found.start(), found.end())


def _words(text: str, terms: Terms) -> Iterator[_Mark]:
    for found in terms.label_pattern.finditer(text):
        label = found.group(0).replace(" ", "")
        before = text[: found.start()].rstrip()
        colon = _COLON.match(text, found.end())
        if colon:
            if not _HAN_AT_END.search(before) or _AFTER_A_VALUE.search(before):
                yield _Mark(label, found.start(), colon.end())
        elif not before or before[-1] in _ENDS or before[-1] in "男女":
            rest = text[found.end() :].lstrip()
            if (label == "姓名" or "person_name" not in terms.keys[label]) and any(
                _is_evident(key, rest, terms) for key in terms.keys[label]
            ):
                yield _Mark(label, found.start(), found.end())


def _is_evident(key: str, rest: str, terms: Terms) -> bool:
    pattern = _SELF_EVIDENT.get(terms.fields[key].format)
    return bool(pattern and pattern.match(rest))


def _neighbour(label: Piece, pieces: Sequence[Piece], terms: Terms) -> Piece | None:
    """The value of a label that stands alone: the cell to the right, or the cell beneath if that is another label's.

    A label to the right of an empty cell is not a value, nor is what has a label of its own to its left.
    """
    if label.height > _UPRIGHT * label.box[2] and len(label.text) >= _FEWEST_UPRIGHT:
        return _beside_upright(label, pieces, terms)
    right = right_of(label, pieces)
    if right and not has_label(right, terms):
        return right
    beneath = below(label, pieces, reach=_BENEATH)
    if beneath is None or has_label(beneath, terms):
        return None
    left = left_of(beneath, pieces)
    return None if left and has_label(left, terms) else beneath


def _beside_upright(label: Piece, pieces: Sequence[Piece], terms: Terms) -> Piece | None:
    """The first line of the tall cell beside a label printed from top to bottom; never the signature or seal below."""
    width = label.box[2]
    inside = [
        other
        for other in pieces
        if label.right <= other.left < label.right + _NEAR_UPRIGHT * width
        and label.top - width <= other.middle[1] <= label.bottom
        and other.height < _UPRIGHT * other.box[2]
    ]
    first = min(inside, key=lambda other: other.top, default=None)
    return None if first is None or has_label(first, terms) or _SIGNED.match(first.text) else first


def _further(value: Piece, pieces: Sequence[Piece], terms: Terms) -> Iterator[Piece]:
    for _ in range(_MOST_FURTHER):
        following = right_of(value, pieces)
        if following is None or has_label(following, terms) or following.left - value.right > 2 * value.height:
            return
        yield following
        value = following


def _under(value: Piece, pieces: Sequence[Piece], terms: Terms) -> Iterator[Piece]:
    """Lines that start where the value starts and have no label: the same cell's next lines."""
    own = left_of(value, pieces)  # a label in large type stands beside two lines of its value
    for _ in range(_MOST_FURTHER):
        following = below(value, pieces, reach=0.8)
        if following is None or has_label(following, terms):
            return
        left = left_of(following, pieces)
        if abs(following.left - value.left) > value.height or (
            left and not (left is own and len(following.text) <= _SHORT_END) and terms.label_of(left.text)
        ):
            return
        yield following
        value = following
