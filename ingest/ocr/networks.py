"""The neural networks RapidOCR's wheel carries, on OpenVINO or ONNX Runtime, one thread each and within bounded memory.

Two things made one OpenVINO process grow to 1.7 GB: it keeps the working memory of the largest input for ever (some 350
bytes a pixel looked at), and compiled code for every shape of input it ever met (some 3 MB each). So callers bound the
pixels of one input and offer few shapes, and the cache of compiled operations is turned down here.
"""

import hashlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from archive_app.core.errors import Unavailable

Floats = NDArray[np.float32]
Runtime = Literal["openvino", "onnxruntime"]
Precision = Literal["bf16", "f32"]

DETECTION_MODEL: Final = "PP-OCRv6_det_small.onnx"
RECOGNITION_MODEL: Final = "PP-OCRv6_rec_small.onnx"

#: Compiled operations of one kind that OpenVINO may keep, per network; 5000 is its default.
OPERATIONS_KEPT: Final = 64


@dataclass(frozen=True, slots=True)
class Network:
    """A loaded network. `run` maps a batch to its first output, which is valid until the next call."""

    run: Callable[[Floats], Floats]
    alphabet: tuple[str, ...]  # characters the recogniser can give; empty for other networks


@cache
def available_runtime() -> Runtime:
    """OpenVINO where its wheel is installed, else ONNX Runtime. Raises `Unavailable` if neither is."""
    if importlib.util.find_spec("openvino"):
        return "openvino"
    if importlib.util.find_spec("onnxruntime"):
        return "onnxruntime"
    raise Unavailable("ocr-runtime-missing")


@cache
def model_path(name: str) -> Path:
    """Where the wheel put a model file. Raises `Unavailable`: nothing is ever downloaded."""
    spec = importlib.util.find_spec("rapidocr")
    path = Path(spec.origin).parent / "models" / name if spec and spec.origin else None
    if path is None or not path.is_file():
        raise Unavailable("ocr-model-missing", model=name)
    return path


@cache
def models_digest() -> str:
    """SHA-256 over the digests of both model files, hashed once per process."""
    digests = (
        hashlib.sha256(model_path(name).read_bytes()).hexdigest() for name in (DETECTION_MODEL, RECOGNITION_MODEL)
    )
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


@cache
def version_of(runtime: Runtime) -> str:
    """Versions of the model package and of the runtime that executes it."""
    return f"rapidocr {importlib.metadata.version('rapidocr')}, {runtime} {importlib.metadata.version(runtime)}"


@cache
def precision_of(runtime: Runtime) -> Precision:
    """Of the numbers computed with: part of the engine's identity, since it can change a doubtful character.

    `bf16` on processors built for it: the same share of words is found there, in two thirds of the time.
    """
    processor = Path("/proc/cpuinfo")
    flags = processor.read_text().split() if runtime == "openvino" and processor.is_file() else []
    return "bf16" if {"avx512_bf16", "amx_bf16"} & set(flags) else "f32"


def load_network(name: str, *, runtime: Runtime) -> Network:
    """Read and compile a network of the wheel for one thread. Raises `Unavailable` if its file is missing."""
    return (_on_openvino if runtime == "openvino" else _on_onnxruntime)(model_path(name))


def silence_openvino() -> None:
    """Keep OpenVINO from reporting its import to its makers over the network: its telemetry package is held absent."""
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None is Python's own mark for it


def _on_openvino(path: Path) -> Network:
    silence_openvino()
    import openvino  # noqa: PLC0415  # only after the line above, and only where it is installed

    model = openvino.Core().read_model(path)
    compiled = openvino.Core().compile_model(
        model,
        "CPU",
        {
            "INFERENCE_NUM_THREADS": 1,
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,  # pinned single threads of several processes would share one core
            "INFERENCE_PRECISION_HINT": precision_of("openvino"),
            "CPU_RUNTIME_CACHE_CAPACITY": OPERATIONS_KEPT,
        },
    )
    request = compiled.create_infer_request()

    def run(batch: Floats) -> Floats:
        request.infer([batch], share_inputs=True)
        output: Floats = request.get_output_tensor().data
        return output

    key = ["framework", "character"]
    alphabet = str(model.get_rt_info(key).value) if model.has_rt_info(key) else ""
    return Network(run=run, alphabet=tuple(alphabet.splitlines()))


def _on_onnxruntime(path: Path) -> Network:
    import onnxruntime  # noqa: PLC0415  # costs memory, and is not needed where OpenVINO runs

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False  # both keep the largest page's memory for ever
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def run(batch: Floats) -> Floats:
        output: Floats = session.run(None, {name: batch})[0]
        return output

    alphabet = session.get_modelmeta().custom_metadata_map.get("character", "")
    return Network(run=run, alphabet=tuple(alphabet.splitlines()))
