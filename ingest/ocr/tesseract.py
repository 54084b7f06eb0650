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
from statistics import median
from typing import Any, Final

import cv2
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
SURE: Final = 2.0  # Tesseract's orientation confidence below which all directions are tried
LEGIBLE: Final = 0.8  # mean confidence at which no other direction is tried
ADVANTAGE: Final = 0.1  # in mean confidence, that another direction must have over the one as given
TIMEOUT_S: Final = 120
SMALL: Final = 16  # pixels; print whose words are mostly lower is enlarged
ENLARGED: Final = 32  # to this height
ENLARGE_LIMIT: Final = 3.0


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
        parameters = {
            "language": LANGUAGES[0],
            "oem": NEURAL,
            "procedure": 1,
            "psm": SEGMENTATION,
            "small": SMALL,
        }
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
            first = self._words(image)
            scale = enlargement(first)
            enlarged = _enlarged(image, scale)
            rotation, words = self._upright(enlarged, self._words(enlarged) if scale > 1 else first)
        except RuntimeError as error:  # pytesseract's own errors, and a bare one for a run past its time
            code = "ocr-timeout" if "timeout" in str(error) else "ocr-failed"
            raise OcrFailed(code, engine="tesseract", cause=type(error).__name__) from error
        except (OSError, ValueError, KeyError) as error:
            raise OcrFailed(engine="tesseract", cause=type(error).__name__) from error
        outlines = [_outline([word.box for word in line]) for line in words]
        lines = []
        for index in order_of(outlines):
            back = [
                OcrWord(word.text, _placed(_outline([word.box]) / scale, rotation, height, width), word.confidence)
                for whole in words[index]
                for word in split_word(whole)
            ]
            lines.append(
                OcrLine(
                    text=join_words([word.text for word in words[index]]),
                    box=_placed(outlines[index] / scale, rotation, height, width),
                    confidence=sum(word.confidence for word in back) / len(back),
                    words=tuple(back),
                )
            )
        return OcrPage(identity=identity, rotation=rotation, lines=tuple(lines))

    def _upright(self, image: Bitmap, lines: list[list[_Word]]) -> tuple[Rotation, list[list[_Word]]]:
        """The rotation and the words of the turned bitmap, given those of the bitmap as it is: it may read well so."""
        if legibility(lines) >= LEGIBLE and not words_stand(lines):
            return 0, lines
        best: tuple[float, Rotation, list[list[_Word]]] = (_lying_legibility(lines), 0, lines)
        told = self._orientation(image)
        candidates: tuple[Rotation, ...] = (90, 180, 270) if told is None else (told,)
        for rotation in candidates:
            lines = self._words(turned(image, rotation))
            score = _lying_legibility(lines)
            if score > best[0] + ADVANTAGE:
                best = (score, rotation, lines)
        return best[1], best[2]

    def _orientation(self, image: Bitmap) -> Rotation | None:
        """What Tesseract's own orientation model says, if it says so surely and anything but upright."""
        with _bitmap_file(image) as path:
            try:
                found = pytesseract.image_to_osd(
                    path, config=f"--dpi {RESOLUTION}", output_type=pytesseract.Output.DICT, timeout=self._timeout_s
                )
            except pytesseract.TesseractError as error:
                if "Too few characters" in str(error):  # nothing to go by, which is no failure
                    return None
                raise
        rotation: Rotation = found["rotate"]
        return rotation if rotation and found["orientation_conf"] >= SURE else None

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


def legibility(lines: list[list[_Word]]) -> float:
    """Mean confidence, each word weighing as many characters as it has."""
    words = [word for line in lines for word in line]
    characters = sum(len(word.text) for word in words)
    return sum(word.confidence * len(word.text) for word in words) / characters if characters else 0.0


def words_stand(lines: list[list[_Word]]) -> bool:
    """Whether most words of several characters are higher than wide: Tesseract also reads lines that stand."""
    several = [word for line in lines for word in line if len(word.text) > 1]
    return 2 * sum(word.box[3] > word.box[2] for word in several) > len(several)


def _lying_legibility(lines: list[list[_Word]]) -> float:
    return 0.0 if words_stand(lines) else legibility(lines)


def split_word(word: _Word) -> list[_Word]:
    """One word for each Han character. Tesseract gives no box below the word, so its width is shared out evenly.

    >>> [part.box for part in split_word(_Word("复查", (10, 5, 60, 30), 0.9))]
    [(10, 5, 30, 30), (40, 5, 30, 30)]
    """
    if not any(is_han(character) for character in word.text):
        return [word]
    x, y, width, height = word.box
    pieces: list[str] = []
    for character in word.text:
        if pieces and not is_han(character) and not is_han(pieces[-1][-1]):
            pieces[-1] += character
        else:
            pieces.append(character)
    step = width / len(word.text)
    parts, start = [], 0
    for piece in pieces:
        left, right = round(x + start * step), round(x + (start + len(piece)) * step)
        parts.append(_Word(piece, (left, y, max(1, right - left), height), word.confidence))
        start += len(piece)
    return parts


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


def enlargement(lines: list[list[_Word]]) -> float:
    """How much larger small print should be shown to Tesseract; 1 if it is not small."""
    heights = [min(word.box[2:]) for line in lines for word in line if word.confidence > 0]
    height = median(heights) if heights else SMALL
    return min(ENLARGE_LIMIT, ENLARGED / max(1, height)) if height < SMALL else 1.0


def _enlarged(image: Bitmap, scale: float) -> Bitmap:
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    return image if scale == 1 else np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_CUBIC), np.uint8)


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
