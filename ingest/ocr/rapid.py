"""RapidOCR's PP-OCRv6 models as an engine: the default reader.

Lines are found on a shrunk bitmap but read from the full one, so that small print keeps its pixels.
"""

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2

from archive_app.core.errors import OcrFailed
from archive_app.core.ports import Bitmap, OcrIdentity, OcrLine, OcrPage
from ingest.ocr.bitmap import check_bitmap
from ingest.ocr.detection import Detector, Quad, has_ink
from ingest.ocr.heap import trim_heap
from ingest.ocr.layout import line_of, order_of
from ingest.ocr.networks import Runtime, available_runtime, models_digest, precision_of, version_of
from ingest.ocr.orientation import Rotation, find_rotation, turned, turned_back
from ingest.ocr.recognition import Reading, Recogniser, along_text

#: Size of the bitmap lines are looked for on: A4 at 125 dpi. From 0.9 to 3 megapixels the same words are found.
PIXELS_LIMIT: Final = 1_500_000
#: A page with ink on which nothing is found is looked at again from further away before it is called empty.
FURTHER_LOOKS: Final = (0.7, 0.45)
CONFIDENCE_LIMIT: Final = 0.3  # below it, a line is taken for a picture or a smudge


@dataclass(frozen=True, slots=True)
class _Models:
    detector: Detector
    recogniser: Recogniser


class RapidOcr:
    """PP-OCRv6 (small) detection and recognition on one thread. Models are loaded by the first page read."""

    def __init__(self, *, runtime: Runtime | None = None) -> None:
        self._runtime = runtime or available_runtime()
        self._lock = threading.Lock()  # a network answers one call at a time
        self._models: _Models | None = None

    @property
    def identity(self) -> OcrIdentity:
        parameters = {
            "confidence_limit": CONFIDENCE_LIMIT,
            "pixels_limit": PIXELS_LIMIT,
            "precision": precision_of(self._runtime),
            "procedure": 2,  # raised whenever our own steps come to read the same bitmap differently
        }
        return OcrIdentity(
            engine="rapidocr",
            version=version_of(self._runtime),
            model=models_digest(),
            parameters=json.dumps(parameters, sort_keys=True, separators=(",", ":")),
        )

    def read(self, image: Bitmap) -> OcrPage:
        """Raise `OcrFailed` for any failure; an empty page yields no lines."""
        check_bitmap(image)
        with self._lock:
            try:
                rotation, lines = self._read(image)
            except OcrFailed:
                raise
            except Exception as error:
                raise OcrFailed(engine="rapidocr", cause=type(error).__name__) from error
            finally:
                trim_heap()
        return OcrPage(identity=self.identity, rotation=rotation, lines=lines)

    def _loaded(self) -> _Models:
        if self._models is None:
            cv2.setNumThreads(1)
            self._models = _Models(
                detector=Detector(runtime=self._runtime, pixels_limit=PIXELS_LIMIT),
                recogniser=Recogniser(runtime=self._runtime),
            )
        return self._models

    def _read(self, image: Bitmap) -> tuple[Rotation, tuple[OcrLine, ...]]:
        rotation, lines = self._read_once(image, scale=1.0)
        if lines or not has_ink(image):
            return rotation, lines
        for scale in FURTHER_LOOKS:
            rotation, lines = self._read_once(image, scale=scale)
            if lines:
                break
        return rotation, lines

    def _read_once(self, image: Bitmap, *, scale: float) -> tuple[Rotation, tuple[OcrLine, ...]]:
        models = self._loaded()
        quads = models.detector.find(image, scale=scale)
        if not quads:
            return 0, ()
        rotation, known = find_rotation(quads, lambda sample: models.recogniser.read(image, sample))
        upright = image
        if rotation:
            upright = turned(image, rotation)
            quads = models.detector.find(upright, scale=scale)
        height, width = image.shape[:2]
        lines = (
            line_of(reading, turned_back(quad, rotation, height=height, width=width), height=height, width=width)
            for quad, reading in self._readings(upright, quads, known)
            if reading.confidence >= CONFIDENCE_LIMIT and reading.text.strip()
        )
        return rotation, tuple(lines)

    def _readings(
        self, upright: Bitmap, quads: Sequence[Quad], known: dict[int, Reading]
    ) -> list[tuple[Quad, Reading]]:
        """Every outline with its reading, in reading order. Those in `known` are not read again."""
        missing = [index for index in range(len(quads)) if index not in known]
        along = [along_text(quad) for quad in quads]
        read = self._loaded().recogniser.read(upright, [along[index] for index in missing])
        readings = {**known, **dict(zip(missing, read, strict=True))}
        return [(along[index], readings[index]) for index in order_of(quads)]
