"""Where some characters of a line stand on the image: from its words' boxes, else by their share of its length."""

import unicodedata

from archive_app.core.ports import OcrLine
from archive_app.core.vocabulary import Box

_TALL = 1.5  # times as high as wide: a line that runs downwards
_WIDE = frozenset("WFA")


def box_of(line: OcrLine, start: int, end: int, *, rotation: int = 0) -> Box:
    """The box around the characters `start` up to, not with, `end` of the line's text, in the line's own pixels.

    `rotation`: degrees clockwise that bring the page upright, which tells the way the line runs.
    """
    boxes = []
    covered: set[int] = set()
    for (first, last), box in _words(line):
        inner_first, inner_last = max(first, start), min(last, end)
        if inner_first < inner_last:
            word = line.text[first:last]
            boxes.append(_share(box, word, inner_first - first, inner_last - first, rotation))
            covered.update(range(inner_first, inner_last))
    if not all(i in covered or line.text[i].isspace() for i in range(start, end)):
        return _share(line.box, line.text, start, end, rotation)
    return _around(boxes)


def _words(line: OcrLine) -> list[tuple[tuple[int, int], Box]]:
    """Each word with its place in the line's text; a word that is not in the text has none."""
    found = []
    position = 0
    for word in line.words:
        at = line.text.find(word.text, position) if word.text else -1
        if at >= 0:
            position = at + len(word.text)
            found.append(((at, position), word.box))
    return found


def _share(box: Box, text: str, start: int, end: int, rotation: int) -> Box:
    """The part of a box that some characters of its text take, wide characters counted double."""
    if (start, end) == (0, len(text)):
        return box
    x, y, width, height = box
    weights = [2 if unicodedata.east_asian_width(char) in _WIDE else 1 for char in text]
    total = sum(weights)
    first, last = sum(weights[:start]) / total, sum(weights[:end]) / total
    upwards, downwards, leftwards = rotation == 90, rotation == 270, rotation == 180  # noqa: PLR2004 - degrees
    if rotation in {0, 180} and height > _TALL * width and len(text) > 1:
        upwards, downwards = rotation == 180, rotation == 0  # noqa: PLR2004 - degrees
    if upwards or leftwards:
        first, last = 1 - last, 1 - first
    if upwards or downwards:
        top, bottom = round(y + first * height), round(y + last * height)
        return (x, top, width, max(1, bottom - top))
    left, right = round(x + first * width), round(x + last * width)
    return (left, y, max(1, right - left), height)


def _around(boxes: list[Box]) -> Box:
    left = min(x for x, _, _, _ in boxes)
    top = min(y for _, y, _, _ in boxes)
    right = max(x + width for x, _, width, _ in boxes)
    bottom = max(y + height for _, y, _, height in boxes)
    return (left, top, right - left, bottom - top)
