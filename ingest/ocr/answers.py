"""An engine's answer held against the picture it was shown: what cannot be true is a failure, never a text."""

from collections.abc import Iterable

from archive_app.core.errors import OcrFailed
from archive_app.core.ports import Bitmap, OcrLine, OcrPage, OcrWord

_TURNS = frozenset({0, 90, 180, 270})


def sound(page: OcrPage, image: Bitmap) -> OcrPage:
    """The page as it is. Raises `OcrFailed("ocr-answer-unsound")` for what no reading of the picture can be."""
    height, width = image.shape[:2]
    fault = (
        "rotation" if page.rotation not in _TURNS
        else "text" if any(not line.text.strip() or len(line.text.splitlines()) != 1 for line in page.lines)
        else "box" if not all(_inside(one, width, height) for one in _boxed(page))
        else "confidence" if not all(0 <= one.confidence <= 1 for one in _boxed(page))  # false for NaN too
        else None
    )  # fmt: skip
    if fault is not None:
        raise OcrFailed("ocr-answer-unsound", engine=page.identity.engine, fault=fault)
    return page


def _boxed(page: OcrPage) -> Iterable[OcrLine | OcrWord]:
    for line in page.lines:
        yield line
        yield from line.words


def _inside(one: OcrLine | OcrWord, width: int, height: int) -> bool:
    x, y, wide, high = one.box
    return x >= 0 and y >= 0 and wide >= 0 and high >= 0 and x + wide <= width and y + high <= height
