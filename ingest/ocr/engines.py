"""The engines by name."""

from archive_app.core.errors import InvalidInput
from archive_app.core.ports import OcrEngine
from ingest.ocr.rapid import RapidOcr
from ingest.ocr.tesseract import Tesseract


def build_engine(name: str) -> OcrEngine:
    """The engine called `rapidocr` or `tesseract`; nothing is loaded yet. Raises `InvalidInput` for another name."""
    match name:
        case "rapidocr":
            return RapidOcr()
        case "tesseract":
            return Tesseract()
        case _:
            raise InvalidInput(engine="unknown")
