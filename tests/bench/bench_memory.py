"""Peak memory of taking in a large PDF, and of a worker that reads its first pages.

    python -m tests.bench.bench_memory [--gigabytes 2.0] [--seconds 60] [--output FILE.json]

The PDF is made here: pages of one incompressible picture each. Memory is the resident set of the whole process tree,
sampled twenty times a second. Nothing here is an assertion.
"""

import argparse
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pikepdf
import psutil
from PIL import Image

from archive_app.wiring import opened
from tests.bench.bench_pipeline import an_archive

_SAMPLE_SECONDS = 0.05


def make_pdf(path: Path, size: int) -> int:
    """A PDF of about `size` bytes; gives the number of pages."""
    noise = np.random.default_rng(7)
    pdf = pikepdf.new()
    total = pages = 0
    while total < size:
        pixels = noise.integers(0, 256, (1754, 1240, 3), dtype=np.uint8)
        data = io.BytesIO()
        Image.fromarray(pixels).save(data, "JPEG", quality=95)
        picture = pikepdf.Stream(
            pdf,
            data.getvalue(),
            Type=pikepdf.Name.XObject,
            Subtype=pikepdf.Name.Image,
            Width=1240,
            Height=1754,
            ColorSpace=pikepdf.Name.DeviceRGB,
            BitsPerComponent=8,
            Filter=pikepdf.Name.DCTDecode,
        )
        page = pdf.add_blank_page(page_size=(595, 842))
        page.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(Im0=picture))
        page.Contents = pdf.make_stream(b"q 595 0 0 842 0 0 cm /Im0 Do Q")
        total += len(data.getvalue())
        pages += 1
    pdf.save(path, compress_streams=False, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    return pages


def peak(command: list[str], *, until: Callable[[float], bool]) -> tuple[int, float]:
    """The highest resident set of a command's tree in bytes, and how long it ran, until it ends or `until` says so."""
    began, highest = time.monotonic(), 0
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    tree = psutil.Process(process.pid)
    while process.poll() is None and not until(time.monotonic() - began):
        resident = 0
        for one in [tree, *tree.children(recursive=True)]:
            try:
                resident += one.memory_info().rss
            except psutil.NoSuchProcess:
                continue
        highest = max(highest, resident)
        time.sleep(_SAMPLE_SECONDS)
    ran = time.monotonic() - began
    process.terminate()
    process.wait()
    return highest, ran


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--gigabytes", type=float, default=2.0)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        large = folder / "large.pdf"
        pages = make_pdf(large, int(options.gigabytes * 1e9))
        settings, viewer = an_archive(folder / "home")
        with opened(settings) as archive:
            token = folder / "token"
            token.write_text(archive.accounts.tokens.add(viewer.user_id), encoding="utf-8")
            os.chmod(token, 0o600)  # noqa: PTH101 - a token of a bench
        base = [sys.executable, "-m", "archive_app", "--home", str(settings.home)]
        ingesting, seconds = peak([*base, "--token-file", str(token), "ingest", str(large)], until=lambda _: False)
        working, _ = peak([*base, "worker", "run", "--single"], until=lambda ran: ran > options.seconds)
        answer = {
            "pdf_bytes": large.stat().st_size,
            "pdf_pages": pages,
            "ingest_peak_mb": ingesting / 1e6,
            "ingest_seconds": seconds,
            "worker_peak_mb": working / 1e6,
        }
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    text = json.dumps(answer, indent=2)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")
    print(text)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
