"""Pages of a PDF copied into a PDF of their own: streams as they are, and nothing of the pages that stay behind."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pikepdf

from archive_app.core.errors import Refused

#: Entries of a page that lead to other pages or to the document as a whole.
_LEADS_AWAY: Final = ("/B", "/StructParents", "/PieceInfo", "/Metadata", "/Thumb", "/AA", "/PresSteps", "/Trans", "/AF")
_LEFT_BEHIND: Final = {"/Link", "/Widget", "/Popup"}
_ANNOTATION_LEADS: Final = ("/Parent", "/P", "/IRT", "/Dest", "/A", "/AA", "/StructParent", "/Popup", "/PA")


def extract(path: Path, pages: Sequence[int], target: Path) -> None:
    """Write the pages, numbered from 1, in that order. Raises `Refused("no-such-page")`.

    Form fields are drawn into their page first, because a field belongs to the whole document.
    """
    with pikepdf.open(path, attempt_recovery=False, suppress_warnings=True) as source, pikepdf.new() as result:
        total = len(source.pages)
        for number in pages:
            if not 1 <= number <= total:
                raise Refused("no-such-page", page=number, pages=total)
        if "/AcroForm" in source.Root:
            source.generate_appearance_streams()
            source.flatten_annotations("all")
        for number in pages:
            _cut_loose(source.pages[number - 1])
        for number in pages:
            result.pages.append(source.pages[number - 1])
        result.remove_unreferenced_resources()
        result.save(
            target,
            min_version=source.pdf_version,
            compress_streams=False,
            stream_decode_level=pikepdf.StreamDecodeLevel.none,
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
            deterministic_id=True,
            fix_metadata_version=False,
        )


def _cut_loose(page: pikepdf.Page) -> None:
    _own_resources(page)
    for key in _LEADS_AWAY:
        if key in page.obj:
            del page.obj[key]
    annotations = page.obj.get("/Annots")
    if isinstance(annotations, pikepdf.Array):
        kept = [
            a for a in annotations if isinstance(a, pikepdf.Dictionary) and str(a.get("/Subtype")) not in _LEFT_BEHIND
        ]
        for annotation in kept:
            for key in _ANNOTATION_LEADS:
                if key in annotation:
                    del annotation[key]
        page.obj["/Annots"] = pikepdf.Array(kept)


def _own_resources(page: pikepdf.Page) -> None:
    """A resource dictionary that pages share would bring the other pages' pictures along: each gets its own."""
    page.obj["/Resources"] = _copied(page.resources)
    for name in ("/XObject", "/Font", "/ExtGState", "/Pattern", "/Shading", "/ColorSpace", "/Properties"):
        inner = page.resources.get(name)
        if isinstance(inner, pikepdf.Dictionary):
            page.resources[name] = _copied(inner)


def _copied(dictionary: pikepdf.Object) -> pikepdf.Dictionary:
    return pikepdf.Dictionary(dict(dictionary.items()))
