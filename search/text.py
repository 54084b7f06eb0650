"""The one text pipeline: how stored text and questions become tokens, the same for every search engine.

A token stream is plain text with blanks between tokens; an engine only needs a whitespace tokenizer with positions.
Every Han substring of two or more characters is found as an exact phrase, and nothing else is. `contains` says the same
without any engine, by scanning; tests hold the engines to it.

The rules:

- Characters are folded by NFKC and lower-cased; invisible ones (format characters, variation selectors) vanish; a
  circle written for the Chinese zero (二○二四年) is that zero.
- A text falls into *runs*. No phrase leaves its run. Punctuation and line breaks end a run; blanks do not: between two
  Han characters they vanish (forms spread names: 姓    名), between two words they stand between two tokens.
- A *word* is the longest run of letters and digits of any script but Han, found whole only. A single joining mark
  (``- _ . , / : · ' & @ +``) between two words ends the word but not the run: 2024-03-02 and
  Z109-ZY·YB03·2024·D10-00001 are runs of several words, found whole and by any sequence of their words.
- A thousands comma vanishes, so 45,055.44 and 45055.44 are the same.
- The dot inside a name (买买提·吐尔逊) vanishes, so the name is found with the dot, without it, and by its parts.
- Numbers of eleven or more digits, also grouped as cards, telephone and citizen numbers are written, are never tokens:
  they end a run as punctuation does (decision 20). Only `numbers_too` lets them in, for document numbers.
- A run of Han characters c1…cn becomes c1c2, c2c3, …, c(n-1)cn, cn; right after a word it is led by c1. A question is
  cut the same way, but its last run of Han characters drops the trailing cn, so it is a phrase of whole tokens. A
  single Han character alone asks for every token that begins with it.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from operator import add
from typing import NamedTuple

#: Stands between two runs in a stream; no word contains it, so no phrase crosses it.
BREAK = "|"

# Planes 2 and 3 hold the rarer Han characters; private-use characters are how older systems write rare names.
_HAN = (
    "\u2e80-\u2fd5\u3005\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\ue000-\uf8ff"
    "\U00020000-\U0003fffd\U000f0000-\U0010fffd"
)
_LINE_ENDS = "\n\r\v\f\x1c-\x1e\x85\u2028\u2029"
_ZEROS = "○◯"  # how 〇 is often typed and read: 二○二四年
_BLANK = rf"[^\S{_LINE_ENDS}]"
_NAME_DOT = "[·•‧・∙⋅]"
_JOINING = "[-_./:'&@+,‐‑–—−·•‧・∙⋅]"
_LAST_WITH_CATEGORIES = 0x1FFFF  # above it lie only Han, private use, tags and selectors
_LONG = 11
_LONG_NUMBER = re.compile(rf"[0-9]{{{_LONG}}}")
#: Stretches of Han characters of these lengths are terms of their own: a question of that length needs no phrase.
GRAMS = (3, 4)


def _ranges(numbers: Iterable[int]) -> str:
    spans: list[list[int]] = []
    for number in numbers:
        if spans and spans[-1][1] == number - 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return "".join(f"{re.escape(chr(a))}-{re.escape(chr(b))}" for a, b in spans)


_is_han = re.compile(f"[{_HAN}]").match
_WORD = _ranges(
    point
    for point in range(_LAST_WITH_CATEGORIES)
    if unicodedata.category(chr(point))[0] in "LNM" and not _is_han(chr(point))
)
_MARKS = _ranges(point for point in range(_LAST_WITH_CATEGORIES) if unicodedata.combining(chr(point)))
_CLUSTER = re.compile(f"[^{_MARKS}][{_MARKS}]+")

_GROUPED = re.compile(
    # cards (4 4 4 4 …), telephones (3 4 4), citizen numbers (6 8 4, 6 4 4 4)
    r"(?<![0-9a-z])(?:[0-9]{4}(?:[ -][0-9]{4}){3}(?:[ -]?[0-9]{1,3})?"
    r"|(?:86)?1[3-9][0-9][ -][0-9]{4}[ -][0-9]{4}"
    r"|[0-9]{6}[ -]?(?:18|19|20)[0-9]{2}[ -]?[0-9]{4}[ -]?[0-9]{3}[0-9x])(?![0-9a-z])"
)
_MAY_BE_GROUPED = re.compile(r"[0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{3}")
_YEAR = re.compile(r"(?:19|20)[0-9]{2}")


def _of_plane_0(ranges: str) -> str:
    """The ranges without characters above U+FFFF: they are looked up in a table, those above one after the other."""
    return re.sub("[^\0-\uffff]-[^\0-\uffff]", "", ranges)


def _piece(*, han: str, word: str) -> re.Pattern[str]:
    """What stands before a piece, then Han characters, or an amount or a word; at the end neither."""
    amount = rf"(?<![{word}])(?<![0-9],)[0-9]{{1,3}}(?:,[0-9]{{3}}){{1,2}}(?![{word}]|,[0-9])"
    return re.compile(rf"([^{han}{word}]*+)(?:([{han}]+)|({amount}|[{word}]+)|\Z)")


_above_plane_0 = re.compile("[^\0-\uffff]").search
_PIECE = _piece(han=_HAN, word=_WORD)
_PIECE_OF_PLANE_0 = _piece(han=_of_plane_0(_HAN), word=_of_plane_0(_WORD))
_MARK = re.compile(f"[{_MARKS}]")
_MARK_OF_PLANE_0 = re.compile(f"[{_of_plane_0(_MARKS)}]")
_BLANKS = re.compile(rf"{_BLANK}*")
_DOTTED = re.compile(rf"{_BLANK}*{_NAME_DOT}{_BLANK}*")
_JOINED = re.compile(_JOINING)


class _Folding(dict[int, str]):
    """What each character becomes, worked out at its first use."""

    def __missing__(self, point: int) -> str:
        char = chr(point)
        folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", char).lower())
        result = "".join(_plain(c) for c in folded)
        self[point] = result
        return result


def _plain(char: str) -> str:
    if char in _ZEROS:
        return "〇"
    category = unicodedata.category(char)
    if category in {"Cf", "Cs"} or "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef":
        return ""
    return str(unicodedata.digit(char)) if category == "Nd" else char


_FOLDING = _Folding()


@dataclass(frozen=True, slots=True)
class Folded:
    """Folded text; its character i comes from the original's characters `starts[i]` up to, not with, `ends[i]`."""

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]


class Piece(NamedTuple):
    """A stretch of Han characters, or one word, at `start` to `end` of the folded text."""

    text: str
    han: bool
    start: int
    end: int


Run = tuple[Piece, ...]


def fold(text: str) -> str:
    """The text in the form that is compared."""
    if (_MARK if _above_plane_0(text) else _MARK_OF_PLANE_0).search(text):
        text = _CLUSTER.sub(lambda m: unicodedata.normalize("NFC", m[0]), text)
    return text.translate(_FOLDING)


def fold_with_offsets(text: str) -> Folded:
    """As `fold`, with the way back to the characters of the original."""
    chars: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    position = 0
    while position < len(text):
        cluster = _CLUSTER.match(text, position)
        end = cluster.end() if cluster else position + 1
        for char in fold(text[position:end]):
            chars.append(char)
            starts.append(position)
            ends.append(end)
        position = end
    return Folded("".join(chars), tuple(starts), tuple(ends))


def runs(folded: str, *, numbers_too: bool = False) -> Iterator[Run]:
    """The runs of a folded text. Long numbers end a run, unless `numbers_too`."""
    if not numbers_too and _MAY_BE_GROUPED.search(folded):
        folded = _without_grouped(folded)
    run: list[Piece] = []
    for before, piece in _pieces(folded):
        if not numbers_too and not piece.han and _is_long_number(piece.text):
            if run:
                yield tuple(run)
            run = []
            continue
        if run and before and not _joins(before, run[-1].han, piece.han):
            yield tuple(run)
            run = []
        run.append(piece)
    if run:
        yield tuple(run)


def _pieces(folded: str) -> Iterator[tuple[str, Piece]]:
    """Every piece, with what stands between it and the one before."""
    pattern = _PIECE if _above_plane_0(folded) else _PIECE_OF_PLANE_0
    end = 0
    for before, han, word in pattern.findall(folded):
        text = han or word
        if text:
            start = end + len(before)
            end = start + len(text)
            yield before, Piece(text.replace(",", ""), bool(han), start, end)


def _is_long_number(word: str) -> bool:
    return len(word) >= _LONG and _LONG_NUMBER.search(word) is not None


@lru_cache(maxsize=1_000)
def _joins(between: str, left_han: bool, right_han: bool) -> bool:  # noqa: FBT001 - called for every piece
    """Whether two pieces are of one run."""
    if _BLANKS.fullmatch(between):
        return True
    if left_han != right_han:
        return False
    return (_DOTTED if left_han else _JOINED).fullmatch(between) is not None


def is_row_of_years(digits: str) -> bool:
    """Whether groups of four digits are years side by side, as in the head of a table, rather than a card."""
    return all(_YEAR.fullmatch(group) for group in re.split("[ -]", digits))


def _without_grouped(folded: str) -> str:
    """Blank out long numbers written in groups. Four or more years in a row are no card."""

    def gone(match: re.Match[str]) -> str:
        return match[0] if is_row_of_years(match[0]) else "\n" * len(match[0])

    return _GROUPED.sub(gone, folded)


def conceal_long_numbers(text: str) -> str:
    """The text, of equal length, with every digit of a number that is not searchable replaced by •."""
    folded = fold_with_offsets(text)
    hidden = bytearray(len(text))
    for span in _long_numbers(folded.text):
        for index in range(*span):
            hidden[folded.starts[index] : folded.ends[index]] = b"\x01" * (folded.ends[index] - folded.starts[index])
    return "".join("•" if hide and char.isalnum() else char for char, hide in zip(text, hidden, strict=True))


def _long_numbers(folded: str) -> Iterator[tuple[int, int]]:
    open_text = _without_grouped(folded)
    for match in _GROUPED.finditer(folded):
        if open_text[match.start()] == "\n":
            yield match.span()
    for _, piece in _pieces(folded):
        if not piece.han and _is_long_number(piece.text):
            yield piece.start, piece.end


def _merged(run: Run) -> list[tuple[str, bool]]:
    """The run's stretches and whether they are Han; Han ones that touch each other are one."""
    stretches: list[tuple[str, bool]] = []
    for text, han, _, _ in run:
        if han and stretches and stretches[-1][1]:
            stretches[-1] = (stretches[-1][0] + text, True)
        else:
            stretches.append((text, han))
    return stretches


def _tokens(stretches: Sequence[tuple[str, bool]], *, trailing: bool) -> list[str]:
    tokens: list[str] = []
    for number, (text, han) in enumerate(stretches):
        if not han:
            tokens.append(text)
            continue
        if number:
            tokens.append(text[0])
        tokens.extend(map(add, text, text[1:]))
        if trailing or number < len(stretches) - 1:
            tokens.append(text[-1])
    return tokens


@dataclass(frozen=True, slots=True)
class Cut:
    """What an engine indexes. Of several texts, the streams and the grams are joined by blanks.

    `stream`: the tokens in order, a `BREAK` after each run; positions count. `grams`: every stretch of 3 and of 4 Han
    characters once; positions do not count.
    """

    stream: str
    grams: str


def cut(text: str, *, numbers_too: bool = False, with_grams: bool = True) -> Cut:
    """The tokens of a text; an engine that has no use for grams saves a third of the work."""
    tokens: list[str] = []
    grams: dict[str, None] = {}
    for run in runs(fold(text), numbers_too=numbers_too):
        stretches = _merged(run)
        tokens += _tokens(stretches, trailing=True)
        tokens.append(BREAK)
        for stretch, han in stretches:
            if han and with_grams:
                grams.update(dict.fromkeys(_grams(stretch)))
    return Cut(" ".join(tokens), " ".join(grams))


def _grams(stretch: str, *, lengths: tuple[int, ...] = GRAMS) -> Iterator[str]:
    for length in lengths:
        for i in range(len(stretch) - length + 1):
            yield stretch[i : i + length]


@dataclass(frozen=True, slots=True)
class Phrase:
    """One run of a question.

    `tokens` must follow each other in a stream. `sparse` says the same with fewer tokens, each with its distance from
    the first. `grams`: terms that every text with this phrase has; `exact_gram`: the one that answers the question
    alone. `initial`: a single Han character, asked for as the beginning of a token; then there is nothing else.
    """

    tokens: tuple[str, ...] = ()
    sparse: tuple[tuple[int, str], ...] = ()
    grams: tuple[str, ...] = ()
    exact_gram: str | None = None
    initial: str | None = None


def phrases(text: str) -> tuple[Phrase, ...]:
    """What a question asks for: every phrase must hold. Empty if there is nothing in it that can be searched."""
    return tuple(_phrase(_merged(run)) for run in runs(fold(text), numbers_too=True))


def _phrase(stretches: Sequence[tuple[str, bool]]) -> Phrase:
    first, han = stretches[0]
    only_han = han and len(stretches) == 1
    if only_han and len(first) == 1:
        return Phrase(initial=first)
    tokens = tuple(_tokens(stretches, trailing=False))
    grams = {
        gram: None
        for stretch, is_han in stretches
        if is_han
        for gram in _grams(stretch, lengths=(min(max(GRAMS), len(stretch)),))
        if len(gram) in GRAMS
    }
    return Phrase(
        tokens=tokens,
        sparse=_every_other(tokens) if only_han else tuple(enumerate(tokens)),
        grams=tuple(grams),
        exact_gram=first if only_han and len(first) in GRAMS else None,
    )


def _every_other(tokens: tuple[str, ...]) -> tuple[tuple[int, str], ...]:
    """Every second two-character token, and the last: two steps on in a stream lies the same run or a `BREAK`.

    After c1c2 comes either c2c3, or c2 and then a word or the `BREAK`; so c3c4 two steps on has c2c3 before it.
    """
    last = len(tokens) - 1
    return tuple((i, token) for i, token in enumerate(tokens) if i % 2 == 0 or i == last)


# ---------------------------------------------------------------- the scan that defines what is found


@dataclass(frozen=True, slots=True)
class Flat:
    """A run as one string to be scanned: Han and words side by side, one blank between two words.

    Its character i is character `at[i]` of the folded text.
    """

    text: str
    at: tuple[int, ...]


def flat(run: Run, *, folded: str) -> Flat:
    chars: list[str] = []
    at: list[int] = []
    previous: Piece | None = None
    for piece in run:
        if previous is not None and not previous.han and not piece.han:
            chars.append(" ")
            at.append(previous.end)
        for index in range(piece.start, piece.end):
            if folded[index] != "," or piece.han:
                chars.append(folded[index])
                at.append(index)
        previous = piece
    return Flat("".join(chars), tuple(at))


def occurrences(haystack: str, needle: str) -> Iterator[int]:
    """Where a flat run stands in another, words only whole."""
    start = haystack.find(needle)
    while start >= 0:
        end = start + len(needle)
        if _edge(haystack, start) and _edge(haystack, end):
            yield start
        start = haystack.find(needle, start + 1)


@cache
def _is_word(char: str) -> bool:
    return char != " " and not _is_han(char)


def _edge(text: str, index: int) -> bool:
    """Whether no word is cut at this place."""
    return index in {0, len(text)} or not (_is_word(text[index - 1]) and _is_word(text[index]))


def run_texts(query: str) -> tuple[str, ...]:
    """The runs of a question, each as one string. Every one of them must be found."""
    folded = fold(query)
    return tuple(flat(run, folded=folded).text for run in runs(folded, numbers_too=True))


def contains(text: str, query: str, *, numbers_too: bool = False) -> bool:
    """Whether a plain scan finds every run of the query in the text. A query without any run is found nowhere.

    `numbers_too` for a text of document numbers.
    """
    folded = fold(text)
    hay = [flat(run, folded=folded).text for run in runs(folded, numbers_too=numbers_too)]
    needles = run_texts(query)
    return bool(needles) and all(any(any(True for _ in occurrences(h, n)) for h in hay) for n in needles)
