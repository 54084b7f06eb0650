"""The process in which files from outside are opened; it obeys limits, answers in JSON, and may die without harm."""

import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from archive_app.core.errors import ArchiveError, Refused
from ingest.opening import pdf, pictures, raster, sniff, wire
from ingest.opening.confinement import confine
from ingest.opening.model import PAGE_DPI, Limits

Answer = dict[str, Any]


def _examine(request: wire.Message, limits: Limits) -> Answer:
    path = Path(request["path"])
    size = path.stat().st_size
    if size > limits.bytes:
        raise Refused("too-large", size=size, limit=limits.bytes)
    media_type = sniff.media_type_of(path)
    kind = pdf.examine if media_type == "application/pdf" else pictures.examine
    return asdict(kind(path, media_type, limits))


def _page(request: wire.Message, limits: Limits) -> Answer:
    path, number = Path(request["path"]), int(request["number"])
    if request["media_type"] == "application/pdf":
        image, dpi = pdf.draw(path, number), PAGE_DPI
    else:
        image, dpi = pictures.decode(path, number, limits)
    pixels = raster.bitmap_of(image)
    with Path(request["pixels"]).open("wb") as stream:
        stream.write(memoryview(pixels).cast("B"))
    with Path(request["view"]).open("wb") as stream:
        stream.write(raster.view_of(image))
    return {"number": number, "width": image.width, "height": image.height, "dpi": dpi, "picture": True, "lines": None}


_DEEDS: dict[str, Callable[[wire.Message, Limits], Answer]] = {"examine": _examine, "page": _page}


def answer(request: wire.Message, limits: Limits) -> Answer:
    """What the request asked for, or why not: every failure becomes words."""
    try:
        return {"done": _DEEDS[request["deed"]](request, limits)}
    except ArchiveError as error:
        return {"refused": error.code, "parameters": {k: v for k, v in error.parameters.items() if v is not None}}
    except MemoryError:
        return {"refused": "too-much-memory", "parameters": {"limit": limits.memory}}
    except Exception as error:  # noqa: BLE001  decoders fail in every way there is; the file is what they failed on
        return {"refused": "damaged", "parameters": {"detail": f"{type(error).__name__}: {error}"[:200]}}


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer until the parent closes the pipe. The first frame sets the limits."""
    opening = wire.receive(requests)
    if opening is None:
        return
    limits = Limits(**opening["limits"])
    confine(limits)
    wire.send(answers, {"ready": os.getpid()})
    while (request := wire.receive(requests)) is not None:
        wire.send(answers, answer(request, limits))


if __name__ == "__main__":
    # Libraries that print must not write into our frames.
    private = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, private)
