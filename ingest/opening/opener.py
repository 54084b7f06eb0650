"""Opens files in child processes: every file ends with an answer or a reason, and no file harms the archive.

A child that dies, hangs or grows is replaced; what it was busy with is refused or reported as `ChildDied`.
"""

import contextlib
import os
import uuid
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from ingest.opening.crew import Crew
from ingest.opening.model import Examination, Limits, OpenedPage, PageShape, TextLine

__all__ = ["Examination", "Limits", "OpenedPage", "Opener", "PageShape", "TextLine"]


class Opener:
    """A small crew of pre-forked children. One opener belongs to one thread of one process."""

    def __init__(self, limits: Limits, *, children: int = 1, scratch: Path) -> None:
        """`scratch` holds pixels on their way; a folder in memory is best."""
        self._limits = limits
        self._scratch = scratch
        scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._crew = Crew(limits, children=children, scratch=scratch)

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
        pixels, view = self._scratch / f"{name}.rgb", self._scratch / f"{name}.jpg"
        try:
            found = self._crew.ask(
                {
                    "deed": "page",
                    "path": os.fspath(path.absolute()),
                    "media_type": media_type,
                    "number": number,
                    "pixels": os.fspath(pixels.absolute()),
                    "view": os.fspath(view.absolute()),
                }
            )
            return self._opened(found, pixels, view)
        finally:
            for left in (pixels, view):
                left.unlink(missing_ok=True)

    @staticmethod
    def _opened(found: dict[str, Any], pixels: Path, view: Path) -> OpenedPage:
        lines = found["lines"]
        bitmap = None
        if found["picture"]:
            # Copy-on-write mapping of a file without a name: the memory goes when the page goes.
            bitmap = np.memmap(pixels, dtype=np.uint8, mode="c", shape=(found["height"], found["width"], 3))
        return OpenedPage(
            number=found["number"],
            bitmap=None if bitmap is None else np.asarray(bitmap),
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
