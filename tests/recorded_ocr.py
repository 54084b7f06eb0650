"""An OCR engine that answers from recordings: what the default engine read on every picture of the demo's samples.

Journeys and fault tests run the real pipeline with it at a fraction of the cost. After samples, the decoding of
pictures or the engine changed, record anew with `python tests/recorded_ocr.py`; known pictures are not read again.
"""

import gzip
import hashlib
import json
import logging
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from archive_app.core.errors import OcrFailed, Refused
from archive_app.core.ports import Bitmap, OcrEngine, OcrIdentity, OcrPage
from ingest.kept_lines import line_from
from ingest.ocr.engines import build_engine
from ingest.opening.model import Limits
from ingest.opening.opener import Opener
from ingest.text_layer import usable

SAMPLES = Path(__file__).parent / "samples" / "demo"
RECORDINGS = Path(__file__).parent / "samples" / "recorded_ocr.json.gz"
_LOG = logging.getLogger("recorded_ocr")


class RecordedOcr:
    """`OcrEngine` that knows the recorded pictures, and fails on any other."""

    @property
    def identity(self) -> OcrIdentity:
        return OcrIdentity("recorded", "1", _digest(), "{}")

    def read(self, image: Bitmap) -> OcrPage:
        known = _recordings().get(_picture(image))
        if known is None:
            raise OcrFailed(engine="recorded", cause="picture-not-recorded")
        return OcrPage(self.identity, known["rotation"], tuple(line_from(line) for line in known["lines"]))


def recorded_engine(_name: str) -> OcrEngine:
    """Stands in for every engine; what `Archive(settings, engines=...)` takes."""
    return RecordedOcr()


def _picture(image: Bitmap) -> str:
    """SHA-256 over shape and pixels."""
    digest = hashlib.sha256(repr(image.shape).encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()


@cache
def _recordings() -> dict[str, Any]:
    pages: dict[str, Any] = json.loads(gzip.decompress(RECORDINGS.read_bytes()))["pages"]
    return pages


@cache
def _digest() -> str:
    return hashlib.sha256(RECORDINGS.read_bytes()).hexdigest()


class _Recorder:
    """Reads with the real engine and keeps what it said."""

    def __init__(self, engine: OcrEngine) -> None:
        self._engine = engine
        self._known = _known_to(engine.identity)
        self.pages: dict[str, Any] = {}

    @property
    def identity(self) -> OcrIdentity:
        return self._engine.identity

    def read(self, image: Bitmap) -> OcrPage:
        picture = _picture(image)
        if picture not in self._known:
            page = self._engine.read(image)
            self._known[picture] = {"rotation": page.rotation, "lines": [_line(line) for line in page.lines]}
        kept = self.pages[picture] = self._known[picture]
        return OcrPage(self.identity, kept["rotation"], tuple(line_from(line) for line in kept["lines"]))


def _known_to(identity: OcrIdentity) -> dict[str, Any]:
    """What this very engine said before."""
    if not RECORDINGS.exists():
        return {}
    kept = json.loads(gzip.decompress(RECORDINGS.read_bytes()))
    return dict(kept["pages"]) if kept["engine"] == asdict(identity) else {}


def _line(line: Any) -> dict[str, Any]:  # noqa: ANN401 - an OcrLine as JSON
    kept = asdict(line)
    kept["confidence"] = round(kept["confidence"], 4)
    for word in kept["words"]:
        word["confidence"] = round(word["confidence"], 4)
    return kept


def _sample_files() -> Iterator[Path]:
    yield from sorted(path for path in SAMPLES.rglob("*") if path.is_file() and path.name != "truth.json")


def record() -> int:
    """Read every picture of the samples as the pipeline would, and write the recordings. Gives their number."""
    recorder = _Recorder(build_engine("rapidocr"))
    with tempfile.TemporaryDirectory() as folder, Opener(Limits(), scratch=Path(folder)) as opener:
        for path in _sample_files():
            try:
                found = opener.examine(path, name=path.name)
            except Refused:
                continue
            for number in range(1, len(found.pages) + 1):
                opened = opener.page(path, found.media_type, number)
                if opened.bitmap is None:
                    continue
                if not (opened.text_layer and usable(opened.bitmap, opened.text_layer, recorder)):
                    recorder.read(opened.bitmap)
            _LOG.info("%s", path.relative_to(SAMPLES))
    kept = {"engine": asdict(recorder.identity), "pages": recorder.pages}
    text = json.dumps(kept, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    RECORDINGS.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    return len(recorder.pages)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    sys.stdout.write(f"{record()} pictures recorded in {RECORDINGS}\n")
