"""Lines as page rows and the OCR cache keep them."""

from typing import Any

from archive_app.core.ports import OcrLine, OcrWord


def line_to(line: OcrLine) -> dict[str, Any]:
    """What is kept of a line."""
    words = [{"text": word.text, "box": word.box, "confidence": word.confidence} for word in line.words]
    return {"text": line.text, "box": line.box, "confidence": line.confidence, "words": words}


def line_from(kept: dict[str, Any]) -> OcrLine:
    """A line as a page row or the cache keeps it."""
    words = tuple(OcrWord(word["text"], tuple(word["box"]), word["confidence"]) for word in kept.get("words", ()))
    return OcrLine(kept["text"], tuple(kept["box"]), kept["confidence"], words)
