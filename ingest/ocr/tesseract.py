"""Tesseract as an engine, through pytesseract: the second reader, for machines where the models do not run.

Each page is one run of the program, on one thread and within a time limit. What it sees is an uncompressed copy of the
bitmap, since compressing a page as PNG costs as much as a third of reading it.
"""

import hashlib
import importlib.metadata
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytesseract
from pytesseract import pytesseract as program

from archive_app.core.errors import OcrFailed
from archive_app.core.ports import Bitmap, OcrIdentity, OcrLine, OcrPage, OcrWord
from ingest.ocr.bitmap import check_bitmap
from ingest.ocr.layout import box_around, is_han, order_of
from ingest.ocr.orientation import Rotation, turned, turned_back

LANGUAGES: Final = ("chi_sim", "osd")  # what is read, and the model that tells which way up a page is
SEGMENTATION: Final = 3  # fully automatic; the page is turned upright before
NEURAL: Final = 1  # the LSTM engine
RESOLUTION: Final = 300  # dots per inch that are assumed
SURE: Final = 2.0  # Tesseract's orientation confidence below which a page is left as it is
TIMEOUT_S: Final = 120


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    box: tuple[int, int, int, int]
    confidence: float


class Tesseract:
    """Tesseract with simplified Chinese. The program and its language data must be installed."""

    def __init__(self, *, timeout_s: int = TIMEOUT_S) -> None:
        self._timeout_s = timeout_s

    @property
    def identity(self) -> OcrIdentity:
        """Raise `OcrFailed` where the program (`tesseract-missing`) or a language (`tesseract-language-missing`) is."""
        parameters = {"language": LANGUAGES[0], "oem": NEURAL, "procedure": 1, "psm": SEGMENTATION}
        return OcrIdentity(
            engine="tesseract",
            version=_version(program.tesseract_cmd),
            model=_models_digest(program.tesseract_cmd),
            parameters=json.dumps(parameters, sort_keys=True, separators=(",", ":")),
        )

    def read(self, image: Bitmap) -> OcrPage:
        """Raise `OcrFailed` for any failure, `ocr-timeout` among them; an empty page yields no lines."""
        check_bitmap(image)
        identity = self.identity
        height, width = image.shape[:2]
        try:
            rotation = self._rotation(image)
            words = self._words(turned(image, rotation))
        except RuntimeError as error:  # pytesseract's own errors, and a bare one for a run past its time
            code = "ocr-timeout" if "timeout" in str(error) else "ocr-failed"
            raise OcrFailed(code, engine="tesseract", cause=type(error).__name__) from error
        except (OSError, ValueError, KeyError) as error:
            raise OcrFailed(engine="tesseract", cause=type(error).__name__) from error
        outlines = [_outline([word.box for word in line]) for line in words]
        lines = []
        for index in order_of(outlines):
            back = [
                OcrWord(word.text, _placed(_outline([word.box]), rotation, height, width), word.confidence)
                for word in words[index]
            ]
            lines.append(
                OcrLine(
                    text=join_words([word.text for word in back]),
                    box=_placed(outlines[index], rotation, height, width),
                    confidence=sum(word.confidence for word in back) / len(back),
                    words=tuple(back),
                )
            )
        return OcrPage(identity=identity, rotation=rotation, lines=tuple(lines))

    def _rotation(self, image: Bitmap) -> Rotation:
        with _bitmap_file(image) as path:
            try:
                found = pytesseract.image_to_osd(
                    path, config=f"--dpi {RESOLUTION}", output_type=pytesseract.Output.DICT, timeout=self._timeout_s
                )
            except pytesseract.TesseractError as error:
                if "Too few characters" in str(error):  # nothing to go by, which is no failure
                    return 0
                raise
        rotation: Rotation = found["rotate"]
        return rotation if found["orientation_conf"] >= SURE else 0

    def _words(self, image: Bitmap) -> list[list[_Word]]:
        """Words of each line, left to right."""
        with _bitmap_file(image) as path:
            table = pytesseract.image_to_data(
                path,
                lang=LANGUAGES[0],
                config=f"--psm {SEGMENTATION} --oem {NEURAL} --dpi {RESOLUTION}",
                output_type=pytesseract.Output.DICT,
                timeout=self._timeout_s,
            )
        rows = [row for row in _rows(table) if str(row["text"]).strip()]
        lines = groupby(rows, key=lambda row: (row["block_num"], row["par_num"], row["line_num"]))
        return [[_word(row) for row in line] for _, line in lines]


def join_words(words: list[str]) -> str:
    """The line's text: Tesseract puts blanks between Han characters, which are taken out again.

    >>> join_words(["门", "诊", "Blood", "test", "单"])
    '门诊Blood test单'
    """
    text = ""
    for word in words:
        blank = bool(text) and not is_han(text[-1]) and not is_han(word[0])
        text += f" {word}" if blank else word
    return text


def _word(row: Mapping[str, Any]) -> _Word:
    box = (int(row["left"]), int(row["top"]), int(row["width"]), int(row["height"]))
    confidence = min(1.0, max(0.0, float(row["conf"]) / 100))
    return _Word(text=str(row["text"]).strip(), box=box, confidence=confidence)


def _rows(table: Mapping[str, list[Any]]) -> Iterator[dict[str, Any]]:
    for values in zip(*table.values(), strict=True):
        yield dict(zip(table.keys(), values, strict=True))


def _outline(boxes: list[tuple[int, int, int, int]]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Four corners, clockwise from the top left, around all boxes."""
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, bottom = max(box[0] + box[2] for box in boxes), max(box[1] + box[3] for box in boxes)
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)


def _placed(
    outline: np.ndarray[Any, np.dtype[np.float32]], rotation: Rotation, height: int, width: int
) -> tuple[int, int, int, int]:
    return box_around(turned_back(outline, rotation, height=height, width=width), height=height, width=width)


@contextmanager
def _bitmap_file(image: Bitmap) -> Iterator[str]:
    """The bitmap as a PPM file for the length of the block."""
    with tempfile.NamedTemporaryFile(suffix=".ppm") as file:
        file.write(b"P6 %d %d 255\n" % (image.shape[1], image.shape[0]))
        file.write(np.ascontiguousarray(image).data)
        file.flush()
        yield file.name


@cache
def _version(command: str) -> str:
    first = _asked(command, "--version").splitlines()[0]
    return f"{first}, pytesseract {importlib.metadata.version('pytesseract')}"


@cache
def _models_digest(command: str) -> str:
    """SHA-256 over the digests of the language files, hashed once per process."""
    answer = _asked(command, "--list-langs")
    folder = re.search(r'"(.+)"', answer)
    digests = []
    for language in LANGUAGES:
        path = Path(folder[1]) / f"{language}.traineddata" if folder else None
        if path is None or not path.is_file():
            raise OcrFailed("tesseract-language-missing", language=language)
        digests.append(hashlib.sha256(path.read_bytes()).hexdigest())
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _asked(command: str, question: str) -> str:
    try:
        answer = subprocess.run([command, question], capture_output=True, text=True, check=True, timeout=TIMEOUT_S)  # noqa: S603  # no shell
    except FileNotFoundError as error:
        raise OcrFailed("tesseract-missing", command=command) from error
    except (OSError, subprocess.SubprocessError) as error:
        raise OcrFailed(engine="tesseract", cause=type(error).__name__) from error
    return answer.stdout


# Several processes read at once: each run keeps to one core. The child's environment is pytesseract's only door to it.
program.environ = {**os.environ, "OMP_THREAD_LIMIT": "1"}  # noqa: TID251  # handed on unread
