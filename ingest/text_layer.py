"""Whether a page's own text layer may stand for what is printed on it.

It may if it is sound (no unmapped characters, boxes on the page) and agrees with the picture: the longest lines are
read again by the engine from the picture, and must say nearly the same. A text that lies about its picture is not used.
"""

import difflib
import unicodedata
from collections.abc import Sequence

from archive_app.core.ports import Bitmap, OcrEngine, OcrLine
from ingest.opening.model import TextLine

_SAMPLES = 4
_AGREEMENT = 0.8
_MARGIN = 12  # pixels around a line at 300 dpi
_SOUND = 0.98


def usable(bitmap: Bitmap, layer: Sequence[TextLine], engine: OcrEngine) -> bool:
    """Whether the layer is sound, covers the ink and agrees with the picture. Raises `OcrFailed`."""
    return _sound(layer) and _covers_ink(bitmap, layer) and _agrees(bitmap, layer, engine)


def as_lines(layer: Sequence[TextLine]) -> tuple[OcrLine, ...]:
    """The layer as lines that were read with certainty."""
    return tuple(OcrLine(line.text, line.box, 1.0) for line in layer if line.text.strip())


def _sound(layer: Sequence[TextLine]) -> bool:
    text = "".join(line.text for line in layer)
    letters = [c for c in text if not c.isspace()]
    if not letters:
        return False
    good = sum(unicodedata.category(c) not in {"Co", "Cn", "Cc", "Cs"} and c != "�" for c in letters)
    return good / len(letters) >= _SOUND


def _covers_ink(bitmap: Bitmap, layer: Sequence[TextLine]) -> bool:
    """Dark pixels outside the layer's boxes must be few: else the page holds print that the layer does not."""
    dark = bitmap[::4, ::4].min(axis=2) < 128  # noqa: PLR2004 - half of the range
    total = int(dark.sum())
    if total == 0:
        return False
    for line in layer:
        x, y, width, height = (value // 4 for value in line.box)
        dark[max(y - 2, 0) : y + height + 3, max(x - 2, 0) : x + width + 3] = False
    # Rules of a table are ink too: up to two thirds may lie outside.
    return int(dark.sum()) <= total * 2 // 3


def _agrees(bitmap: Bitmap, layer: Sequence[TextLine], engine: OcrEngine) -> bool:
    longest = sorted(layer, key=lambda line: len(line.text.strip()), reverse=True)[:_SAMPLES]
    for line in longest:
        x, y, width, height = line.box
        crop = bitmap[max(y - _MARGIN, 0) : y + height + _MARGIN, max(x - _MARGIN, 0) : x + width + _MARGIN]
        if crop.size == 0:
            return False
        read = "".join(one.text for one in engine.read(crop).lines)
        if difflib.SequenceMatcher(None, _plain(line.text), _plain(read)).ratio() < _AGREEMENT:
            return False
    return True


def _plain(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text).lower() if c.isalnum())
