"""Opens files in child processes: every file ends with an answer or a reason, and no file harms the archive.

A child that dies, hangs or grows is replaced; what it was busy with is refused or reported as `ChildDied`.
"""

import contextlib
import mmap
import os
import uuid
import weakref
from collections.abc import Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from archive_app.core.ports import Bitmap
from ingest.opening.crew import Crew
from ingest.opening.model import Examination, Limits, OpenedPage, PageShape, TextLine

#: Raised whenever our own steps come to draw the same page differently.
_DRAWING = 1
_DRAWERS = ("pillow", "pillow-heif", "imagecodecs", "simplejpeg", "pypdfium2")
_KEPT = 64 << 20  # bytes of the file of pixels that stay for the next page

__all__ = ["Examination", "Limits", "OpenedPage", "Opener", "PageShape", "TextLine"]


@cache
def drawn_by() -> str:
    """What makes pictures of pages here: the same page of the same file, drawn by the same, is the same picture."""
    return " ".join([str(_DRAWING), *(f"{name}={metadata.version(name)}" for name in _DRAWERS)])


class Opener:
    """A small crew of pre-forked children. One opener belongs to one thread of one process."""

    def __init__(self, limits: Limits, *, children: int = 1, scratch: Path) -> None:
        """`scratch` holds pixels on their way; a folder in memory is best."""
        self._limits = limits
        self._scratch = scratch
        scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._crew = Crew(limits, children=children, scratch=scratch)
        self._shown: weakref.ref[mmap.mmap] | None = None  # the pixels that were given last, while they are in use

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def examine(self, path: Path, *, name: str) -> Examination:
        """What the file is. Raises `Refused` with its reason, `ChildDied` if the child was ended from outside."""
        found = self._crew.ask({"deed": "examine", "path": os.fspath(path.absolute()), "name": name})
        return Examination(
            media_type=found["media_type"],
            format=found["format"],
            pages=tuple(PageShape(**shape) for shape in found["pages"]),
            has_picture=found["has_picture"],
            notes=tuple(found["notes"]),
        )

    def page(self, path: Path, media_type: str, number: int) -> OpenedPage:
        """The page with that number, from 1. Raises `Refused`, `ChildDied`, `Unavailable`."""
        name = uuid.uuid4().hex
        own, view = self._scratch / f"{name}.rgb", self._scratch / f"{name}.jpg"
        pixels = None if self._in_use() else self._crew.pixels.fileno()
        try:
            found = self._crew.ask(
                {
                    "deed": "page",
                    "path": os.fspath(path.absolute()),
                    "media_type": media_type,
                    "number": number,
                    "pixels": os.fspath(own.absolute()) if pixels is None else pixels,
                    "view": os.fspath(view.absolute()),
                }
            )
            bitmap = self._bitmap(found, own, pixels) if found["picture"] else None
            return self._opened(found, bitmap, view)
        finally:
            for left in (own, view):
                left.unlink(missing_ok=True)

    def _in_use(self) -> bool:
        """Whether the pixels given last are still looked at; if not, their file is cut to what is worth keeping."""
        if self._shown is not None and self._shown() is not None:
            return True
        if os.fstat(self._crew.pixels.fileno()).st_size > _KEPT:
            self._crew.pixels.truncate(0)
        return False

    def _bitmap(self, found: dict[str, Any], own: Path, pixels: int | None) -> Bitmap:
        """A mapping that may be written on without writing in the file."""
        shape = (found["height"], found["width"], 3)
        with contextlib.ExitStack() as opened:
            source = opened.enter_context(own.open("rb")).fileno() if pixels is None else pixels
            mapped = mmap.mmap(source, shape[0] * shape[1] * shape[2], access=mmap.ACCESS_COPY)
        if pixels is not None:
            self._shown = weakref.ref(mapped)
        return np.frombuffer(mapped, dtype=np.uint8).reshape(shape)

    @staticmethod
    def _opened(found: dict[str, Any], bitmap: "Bitmap | None", view: Path) -> OpenedPage:
        lines = found["lines"]
        return OpenedPage(
            number=found["number"],
            bitmap=bitmap,
            view=view.read_bytes() if found["picture"] else None,
            width=found["width"],
            height=found["height"],
            dpi=found["dpi"],
            text_layer=None if lines is None else tuple(TextLine(text, (x, y, w, h)) for text, (x, y, w, h) in lines),
        )

    def extract(self, path: Path, media_type: str, pages: Sequence[int], target: Path) -> str:
        """Copy pages, from 1 and in that order, into a file of their own without re-encoding; returns its media type.

        Raises `Refused`: `no-such-page`, or `cannot-extract` for kinds without separable pages.
        """
        found = self._crew.ask(
            {
                "deed": "extract",
                "path": os.fspath(path.absolute()),
                "media_type": media_type,
                "pages": list(pages),
                "target": os.fspath(target.absolute()),
            }
        )
        return str(found["media_type"])

    def rendition(self, path: Path, media_type: str, target: Path) -> str | None:
        """A viewing copy as PDF for documents without pages of their own; None where nothing here can make one."""
        found = self._crew.ask(
            {
                "deed": "rendition",
                "path": os.fspath(path.absolute()),
                "media_type": media_type,
                "target": os.fspath(target.absolute()),
            }
        )
        made = found["media_type"]
        return None if made is None else str(made)

    def close(self) -> None:
        """End the children."""
        with contextlib.suppress(OSError):
            self._crew.close()
