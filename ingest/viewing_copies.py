"""Viewing copies (转换件) of documents without pages of their own: a PDF beside the master, whose pages are shown.

Pages are given from the copy only if it says all that the document says: spreadsheets are often cut when they are
printed. Otherwise the document's own text is read, and the copy is there to be opened. Where nothing here can make one,
the note `viewing-copy:none` says so; the master is taken in all the same.
"""

import tempfile
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID, uuid5

from archive_app.core.errors import Refused
from archive_app.core.model import Component, Record
from archive_app.core.ports import StoredObject
from archive_app.core.unit import Unit
from archive_app.core.vocabulary import ComponentKind
from ingest.opening.model import Examination
from ingest.workshop import Workshop

NONE = "viewing-copy:none"
CUT = "viewing-copy:cut"  # there is one, and it lacks something of the text
TOOL = "LibreOffice"
_MOST_COMPARED = 40  # pages; longer documents are read from their own text


@dataclass(frozen=True, slots=True)
class ViewingCopy:
    """A copy that was made, examined and stored under its record's key; no row names it yet."""

    stored: StoredObject
    found: Examination
    says_all: bool


def make_copy(workshop: Workshop, path: Path, found: Examination, *, fonds: str, owner: UUID) -> ViewingCopy | None:
    """A PDF of the document, made in the child that opens files; None where there is none to make.

    Raises `ChildDied`, `Unavailable`: another attempt may do better.
    """
    if found.has_picture or NONE in found.notes:
        return None
    with tempfile.TemporaryDirectory(dir=workshop.scratch) as folder:
        target = Path(folder) / "copy.pdf"
        try:
            if workshop.opener().rendition(path, found.media_type, target) is None:
                return None
            shown = workshop.opener().examine(target, name=target.name)
            says_all = _says_all(workshop, path, found, target, shown)
        except Refused:  # too slow, too large: the document itself was whole
            return None
        with target.open("rb") as stream:
            stored = workshop.store.put(stream, fonds=fonds, owner=owner, limit=workshop.limit_bytes)
    return ViewingCopy(stored, shown, says_all)


def _says_all(workshop: Workshop, path: Path, found: Examination, copy: Path, shown: Examination) -> bool:
    if max(len(shown.pages), len(found.pages)) > _MOST_COMPARED:
        return False
    return not (_characters(workshop, path, found) - _characters(workshop, copy, shown))


def _characters(workshop: Workshop, path: Path, found: Examination) -> Counter[str]:
    counted: Counter[str] = Counter()
    for number in range(1, len(found.pages) + 1):
        for line in workshop.opener().page(path, found.media_type, number).text_layer or ():
            counted.update(one for one in unicodedata.normalize("NFKC", line.text) if not one.isspace())
    return counted


def seen_through(found: Examination, copy: ViewingCopy | None) -> Examination:
    """The document with the pages of its viewing copy, or with the note why it has not."""
    if copy is not None and copy.says_all:
        return replace(found, pages=copy.found.pages, has_picture=True)
    if copy is not None:
        return replace(found, notes=(*found.notes, CUT))
    if found.has_picture or NONE in found.notes:
        return found
    return replace(found, notes=(*found.notes, NONE))


def component_of(unit: Unit, record: Record, copy: ViewingCopy, *, master_sha256: str) -> Component:
    """The row of a viewing copy of the record's master with that digest."""
    return Component.of(
        record,
        copy.stored,
        id=uuid5(record.id, f"viewing copy {master_sha256}"),
        kind=ComponentKind.RENDITION,
        media_type=copy.found.media_type,
        format=copy.found.format,
        notes=list(copy.found.notes),
        derived_from={"sha256": master_sha256, "tool": TOOL},
        created_at=unit.clock.now(),
    )


def copy_of(components: Sequence[Component], master: Component) -> Component | None:
    """The viewing copy of a master among a record's components."""
    copies = (one for one in components if one.kind == ComponentKind.RENDITION and one.superseded_at is None)
    return next((one for one in copies if one.derived_from.get("sha256") == master.sha256), None)
