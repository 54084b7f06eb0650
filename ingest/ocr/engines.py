"""The engines by name."""

from archive_app.core.errors import InvalidInput
from archive_app.core.ports import OcrEngine


def build_engine(name: str) -> OcrEngine:
    """The engine called `rapidocr` or `tesseract`; nothing is loaded yet. Raises `InvalidInput` for another name."""
    match name:
        case "rapidocr":
            from ingest.ocr.rapid import RapidOcr  # noqa: PLC0415 - its libraries are slow to load, and few commands read

            return RapidOcr()
        case "tesseract":
            from ingest.ocr.tesseract import Tesseract  # noqa: PLC0415 - the same

            return Tesseract()
        case _:
            raise InvalidInput(engine="unknown")
