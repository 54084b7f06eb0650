"""The process in which files from outside are opened; it obeys limits, answers in JSON, and may die without harm."""

import errno
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, Final

from archive_app.core.errors import Refused
from ingest.opening import kinds, raster, rendition, wire
from ingest.opening.confinement import allow, confine
from ingest.opening.model import Limits

Answer = dict[str, Any]


def send(answers: BinaryIO, message: wire.Message) -> None:
    """One frame, at once."""
    answers.write(wire.frame(message))
    answers.flush()


class Desk:
    """Does what a request asks for and puts every failure into words."""

    def __init__(self, limits: Limits, answers: BinaryIO) -> None:
        self._limits = limits
        self._answers = answers
        self._deeds: Final[dict[str, Callable[[wire.Message], Answer]]] = {
            "examine": self._examine,
            "page": self._page,
            "extract": self._extract,
            "rendition": self._rendition,
        }

    def answer(self, request: wire.Message) -> Answer:
        try:
            path = Path(request["path"])
            allow(self._limits, mapped=path.lstat().st_size)
            return {"done": self._deeds[request["deed"]](request)}
        except Refused as error:
            return {"refused": error.code, "parameters": error.parameters}
        except MemoryError:
            return {"refused": "too-much-memory", "parameters": {"limit": self._limits.memory}}
        except RecursionError:
            return {"refused": "loop", "parameters": {}}
        except Exception as error:  # noqa: BLE001  decoders fail in every way there is; the file is what they failed on
            return self._complaint(error)

    def _complaint(self, error: Exception) -> Answer:
        number = error.errno if isinstance(error, OSError) else None
        if number == errno.ENOMEM:
            return {"refused": "too-much-memory", "parameters": {"limit": self._limits.memory}}
        if number is not None:  # the disk, the scratch space or permissions: not the file's fault
            return {"failed": errno.errorcode.get(number, str(number))}
        return {"refused": "damaged", "parameters": {"detail": f"{type(error).__name__}: {error}"[:200]}}

    def _progress(self) -> None:
        send(self._answers, {"progress": True})

    def _examine(self, request: wire.Message) -> Answer:
        return asdict(kinds.examine(Path(request["path"]), request["name"], self._limits, self._progress))

    def _page(self, request: wire.Message) -> Answer:
        number = int(request["number"])
        content = kinds.page(Path(request["path"]), request["media_type"], number, self._limits)
        if content.picture is not None:
            Path(request["view"]).write_bytes(raster.view_of(content.picture))
            pixels = request["pixels"]
            raster.write_pixels(content.picture, pixels if isinstance(pixels, int) else Path(pixels))
        lines = None if content.text is None else [[line.text, line.box] for line in content.text]
        return {
            "number": number,
            **asdict(content.shape),
            "picture": content.picture is not None,
            "lines": lines,
        }

    def _extract(self, request: wire.Message) -> Answer:
        pages = [int(number) for number in request["pages"]]
        target = Path(request["target"])
        return {"media_type": kinds.extract(Path(request["path"]), request["media_type"], pages, target, self._limits)}

    def _rendition(self, request: wire.Message) -> Answer:
        target = Path(request["target"])
        made = rendition.make(
            Path(request["path"]), request["media_type"], target, seconds=self._limits.page_seconds - 1
        )
        return {"media_type": made}


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer until the parent closes the pipe. The first frame sets the limits."""
    opening = wire.receive(requests)
    if opening is None:
        return
    limits = Limits(**opening["limits"])
    confine(limits)
    desk = Desk(limits, answers)
    send(answers, {"ready": os.getpid()})
    while (request := wire.receive(requests)) is not None:
        send(answers, desk.answer(request))


if __name__ == "__main__":
    # Libraries that print must not write into our frames.
    private = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, private)
