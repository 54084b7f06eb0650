import subprocess
import sys
from typing import Any, cast

import cv2
import numpy as np
import pytest

from archive_app.core.errors import OcrFailed
from ingest.ocr.detection import Detector as RealDetector
from ingest.ocr.detection import has_ink
from ingest.ocr.networks import Runtime
from ingest.ocr.rapid import FURTHER_LOOKS, PIXELS_LIMIT, RapidOcr, _Models


class Detector:
    def __init__(self, found: list[Any] | Exception) -> None:
        self.found = found
        self.scales: list[float] = []

    def find(self, _image: object, *, scale: float = 1.0) -> list[Any]:
        self.scales.append(scale)
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


class Recogniser:
    def read(self, _image: object, _quads: object) -> list[Any]:
        raise MemoryError


def engine_with(found: list[Any] | Exception) -> RapidOcr:
    engine = RapidOcr()
    engine._models = _Models(detector=cast("Any", Detector(found)), recogniser=cast("Any", Recogniser()))
    return engine


@pytest.mark.parametrize(
    "found", [RuntimeError("out of shapes"), [np.zeros((4, 2), np.float32)]], ids=["detection", "recognition"]
)
def test_whatever_breaks_inside_the_engine_is_a_failed_page(found: list[Any] | Exception):
    with pytest.raises(OcrFailed) as failure:
        engine_with(found).read(np.zeros((20, 20, 3), np.uint8))
    assert failure.value.__cause__ is not None


def test_a_page_on_which_nothing_is_found_is_empty():
    assert engine_with([]).read(np.zeros((20, 20, 3), np.uint8)).lines == ()


def test_a_page_with_ink_is_looked_at_again_before_it_is_called_empty():
    page = np.full((400, 300, 3), 255, np.uint8)
    page[100:110, 50:120] = 0
    detector = Detector([])
    engine = RapidOcr()
    engine._models = _Models(detector=cast("Any", detector), recogniser=cast("Any", Recogniser()))

    assert engine.read(page).lines == ()
    assert detector.scales == [1.0, *FURTHER_LOOKS]


@pytest.mark.parametrize("noise", [0, 6], ids=["clean", "grainy"])
@pytest.mark.parametrize("grey", [30, 200, 255])
def test_paper_without_marks_has_no_ink(grey: int, noise: int):
    grain = np.random.default_rng(3).normal(grey, noise, (1600, 1200, 3))
    assert not has_ink(np.clip(grain, 0, 255).astype(np.uint8))


def test_one_printed_word_on_a_whole_page_is_ink():
    page = np.full((1754, 1240, 3), 235, np.uint8)
    cv2.putText(page, "7.Notice", (500, 800), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (60, 60, 60), 4)
    assert has_ink(page)


@pytest.mark.ocr
@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
@pytest.mark.parametrize(("grey", "noise"), [(255, 0), (240, 2), (250, 6), (128, 0), (0, 0)])
def test_the_detector_sees_no_text_on_bare_paper(runtime: Runtime, grey: int, noise: int):
    pytest.importorskip(runtime)
    grain = np.random.default_rng(3).normal(grey, noise, (1400, 1000, 3))
    detector = RealDetector(runtime=runtime, pixels_limit=PIXELS_LIMIT)
    assert detector.find(np.clip(grain, 0, 255).astype(np.uint8)) == []


@pytest.mark.ocr
@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
@pytest.mark.parametrize("top", [40, 1100, 2100])
def test_a_line_alone_on_a_white_page_is_found_and_nothing_else(runtime: Runtime, top: int):
    pytest.importorskip(runtime)
    page = np.full((2339, 1654, 3), 255, np.uint8)
    cv2.putText(page, "HP 2024 No. 123456", (300, top + 60), cv2.FONT_HERSHEY_SIMPLEX, 2, (20, 20, 20), 4)

    (quad,) = RealDetector(runtime=runtime, pixels_limit=PIXELS_LIMIT).find(page)
    assert top - 20 <= quad[:, 1].min()
    assert quad[:, 1].max() <= top + 100


@pytest.mark.ocr
def test_a_page_is_read_without_any_connection_and_without_telemetry():
    script = """
import socket, sys
def forbidden(*_): raise AssertionError("a connection was opened")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = forbidden
import numpy as np
from ingest.ocr.engines import build_engine
engine = build_engine("rapidocr")
assert engine.identity.model and "openvino" not in sys.modules, "identity must not load a runtime"
assert engine.read(np.full((64, 64, 3), 255, np.uint8)).lines == ()
assert sys.modules.get("openvino_telemetry") is None
"""
    finished = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
