from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pytesseract import pytesseract as program

from archive_app.core.errors import OcrFailed
from ingest.ocr.detection import STRIDE, detection_size, strips
from ingest.ocr.layout import line_of
from ingest.ocr.networks import available_runtime, model_path
from ingest.ocr.recognition import BATCH_WIDTH, WIDTHS, Character, Reading, along_text, batches
from ingest.ocr.tesseract import Tesseract, _models_digest, _version, join_words


def reading(text: str) -> Reading:
    step = 1 / len(text)
    characters = (Character(c, i * step, (i + 1) * step, 0.9) for i, c in enumerate(text))
    return Reading(characters=tuple(characters), confidence=0.9)


def test_each_han_character_is_a_word_and_latin_runs_stay_together():
    quad = np.array([[0, 0], [90, 0], [90, 10], [0, 10]], np.float32)
    line = line_of(reading("票号A12 码"), quad, height=50, width=100)
    assert [word.text for word in line.words] == ["票", "号", "A12", "码"]


def test_a_word_takes_its_part_of_the_line():
    quad = np.array([[0, 0], [100, 0], [100, 10], [0, 10]], np.float32)
    line = line_of(reading("身份证号码"), quad, height=50, width=200)
    assert line.words[2].box == (40, 0, 20, 10)


def test_words_of_a_line_that_runs_downwards_stand_below_each_other():
    quad = along_text(np.array([[0, 0], [10, 0], [10, 100], [0, 100]], np.float32))
    line = line_of(reading("购买方信息"), quad, height=200, width=50)
    assert line.box == (0, 0, 10, 100)
    assert [word.box[1] for word in line.words] == [0, 20, 40, 60, 80]


def test_every_line_is_read_once_in_one_of_few_shapes():
    widths = [20, 90, 5000, 640, 641, 300, 300, 300, 300, 300, 300, 300]
    found = list(batches(widths))
    assert sorted(index for _, indices in found for index in indices) == list(range(len(widths)))
    assert all(width in WIDTHS for width, _ in found)
    assert all(width * len(indices) <= max(BATCH_WIDTH, width) for width, indices in found)


@pytest.mark.parametrize("size", [(3508, 2480), (600, 6000), (14000, 14000), (267, 430), (1, 1), (3, 2000)])
def test_what_is_looked_at_is_bounded_by_area_whatever_the_form(size: tuple[int, int]):
    height, width = detection_size(*size, pixels_limit=1_500_000)
    assert height % STRIDE == 0
    assert width % STRIDE == 0
    assert height * width <= 1_500_000 * 1.05


@pytest.mark.parametrize(("length", "breadth"), [(736, 1056), (1472, 1056), (2144, 928), (46880, 32), (32, 32)])
def test_strips_answer_for_every_row_once_and_see_beyond_their_own(length: int, breadth: int):
    cut = strips(length, breadth)
    assert [row for part, _ in cut for row in part] == list(range(length))
    assert all(seen.start <= part.start and part.stop <= seen.stop for part, seen in cut)
    assert all(len(seen) % STRIDE == 0 for _, seen in cut)


def test_blanks_between_han_characters_are_taken_out_and_others_kept():
    assert join_words(["姓", "名", "Anna", "Li", "女"]) == "姓名Anna Li女"


def test_a_model_that_is_not_in_the_wheel_is_never_fetched():
    with pytest.raises(Exception, match="ocr-model-missing"):
        model_path("absent.onnx")


def test_a_runtime_is_there():
    assert available_runtime() in {"openvino", "onnxruntime"}


def test_without_the_tesseract_program_reading_fails_by_name(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(program, "tesseract_cmd", "/nowhere/tesseract")
    with pytest.raises(OcrFailed, match="tesseract-missing"):
        Tesseract().read(np.zeros((20, 20, 3), np.uint8))


def test_without_the_chinese_data_reading_fails_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    command = tmp_path / "tesseract"
    command.write_text(
        f'#!/bin/sh\ncase "$1" in --version) echo tesseract 5.9;; *) echo \'List in "{tmp_path}" (1):\';; esac\n'
    )
    command.chmod(0o755)
    monkeypatch.setattr(program, "tesseract_cmd", str(command))
    with pytest.raises(OcrFailed, match="tesseract-language-missing"):
        Tesseract().read(np.zeros((20, 20, 3), np.uint8))


def test_a_run_of_tesseract_past_its_time_is_a_timeout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    for language in ("chi_sim", "osd"):
        (tmp_path / f"{language}.traineddata").write_bytes(b"x")
    command = tmp_path / "tesseract"
    command.write_text(
        '#!/bin/sh\ncase "$1" in --version) echo tesseract 5.9;; '
        f"--list-langs) echo 'List in \"{tmp_path}\" (2):';; *) exec sleep 20;; esac\n"
    )
    command.chmod(0o755)
    monkeypatch.setattr(program, "tesseract_cmd", str(command))
    with pytest.raises(OcrFailed, match="ocr-timeout"):
        Tesseract(timeout_s=1).read(np.zeros((20, 20, 3), np.uint8))


@pytest.fixture(autouse=True)
def _forget_programs() -> Iterator[None]:
    yield
    _version.cache_clear()
    _models_digest.cache_clear()
