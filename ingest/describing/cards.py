"""Papers that bear no title but are known by their labels alone: the front of an identity card (居民身份证)."""

from collections.abc import Sequence
from typing import Final

from ingest.describing.layout import UprightPage
from ingest.describing.model import Candidate

_NUMBER_LABEL: Final = ("公民身份号码", "公民身份证号码")
_OTHER_LABELS: Final = ("姓名", "性别", "民族", "出生", "住址")
_FEWEST_LABELS: Final = 4
_MOST_PIECES: Final = 16  # a card holds little else
_SCORE: Final = 0.85


def identity_card(pages: Sequence[UprightPage]) -> Candidate | None:
    """A copy of an identity card's front, by its labels and because hardly anything else is on the page."""
    if not pages or len(pages[0].pieces) > _MOST_PIECES:
        return None
    words = [piece.text.replace(" ", "") for piece in pages[0].pieces]
    number = next((label for label in _NUMBER_LABEL if any(word.startswith(label) for word in words)), None)
    others = [label for label in _OTHER_LABELS if any(word.startswith(label) for word in words)]
    if number is None or len(others) < _FEWEST_LABELS:
        return None
    return Candidate("ID_COPY", _SCORE, (f"labels:{','.join((*others, number))}",))
