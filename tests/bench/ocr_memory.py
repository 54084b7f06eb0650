"""Memory of one OCR worker: idle, loaded and busy over many varied pages, for each runtime, against bare RapidOCR.

    python tests/bench/ocr_memory.py SCANS [--pages 33] [--readers ours-openvino ...]

Each reader runs in a process of its own on every scan of the folder, turned, enlarged and shrunk in a fixed order, so
that shapes vary. Prints one JSON object, then a table. Megabytes are 10^6 bytes of resident memory.
"""

import argparse
import json
import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import psutil
from PIL import Image, ImageOps

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from archive_app.core.ports import Bitmap
from ingest.ocr.networks import silence_openvino
from ingest.ocr.rapid import RapidOcr

READERS = ("ours-openvino", "ours-onnxruntime", "bare-openvino", "bare-onnxruntime")
SCALES = (1.0, 1.4, 0.8, 1.15)
SUFFIXES = {".png", ".jpg", ".jpeg"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scans", type=Path)
    parser.add_argument("--pages", type=int, default=33)
    parser.add_argument("--readers", nargs="+", choices=READERS, default=list(READERS))
    asked = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    results = []
    for reader in asked.readers:
        with context.Pool(1) as pool:
            results.append(pool.apply(measure, (reader, asked.scans, asked.pages)))
    sys.stdout.write(json.dumps({"pages": asked.pages, "readers": results}, indent=1) + "\n")
    columns = list(results[0])
    sys.stdout.write("".join(f"{column:>18}" for column in columns) + "\n")
    for result in results:
        sys.stdout.write("".join(f"{result[column]!s:>18}" for column in columns) + "\n")


def measure(reader: str, scans: Path, pages: int) -> dict[str, object]:
    """Resident memory before the first page, after it, between pages at most and at its very peak, with CPU seconds."""
    read = build(reader)
    idle = resident_mb()
    first, *rest = islice(varied(scans), pages)
    read(load(*first))
    loaded, between = resident_mb(), 0
    started = time.process_time()
    for page in rest:
        read(load(*page))
        between = max(between, resident_mb())
    spent = time.process_time() - started
    return {
        "reader": reader,
        "idle_mb": idle,
        "loaded_mb": loaded,
        "between_pages_mb": between,
        "peak_mb": peak_mb(),
        "cpu_s_per_page": round(spent / max(1, len(rest)), 2),
    }


def build(reader: str) -> Callable[[Bitmap], object]:
    kind, runtime = reader.split("-")
    if kind == "ours":
        return RapidOcr(runtime="openvino" if runtime == "openvino" else "onnxruntime").read
    silence_openvino()
    from rapidocr import EngineType, RapidOCR  # noqa: PLC0415  # not part of our own reader's memory

    parameters: dict[str, object] = {f"{part}.engine_type": EngineType(runtime) for part in ("Det", "Cls", "Rec")}
    parameters |= {
        "EngineConfig.openvino.inference_num_threads": 1,
        "EngineConfig.onnxruntime.intra_op_num_threads": 1,
        "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        "Global.log_level": "critical",
    }
    engine = RapidOCR(params=parameters)
    return lambda image: engine(np.ascontiguousarray(image[:, :, ::-1]))


def varied(scans: Path) -> Iterator[tuple[Path, float]]:
    """Each scan again and again, at sizes that change from page to page."""
    files = sorted(path for path in scans.iterdir() if path.suffix in SUFFIXES)
    return zip(cycle(files), cycle(SCALES), strict=False)


def load(path: Path, scale: float) -> Bitmap:
    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image).convert("RGB")
    return np.asarray(upright.resize((round(upright.width * scale), round(upright.height * scale))))


def resident_mb() -> int:
    return int(psutil.Process().memory_info().rss / 1e6)


def peak_mb() -> int:
    status = Path("/proc/self/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) // 1000


if __name__ == "__main__":
    main()
