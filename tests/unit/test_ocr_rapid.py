import subprocess
import sys
from typing import Any, cast

import numpy as np
import pytest

from archive_app.core.errors import OcrFailed
from ingest.ocr.rapid import RapidOcr, _Models


class Detector:
    def __init__(self, found: list[Any] | Exception) -> None:
        self.found = found

    def find(self, _image: object) -> list[Any]:
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
