"""DOCX and XLSX (ECMA-376): text in the order of reading; macros, embedded programs and outside content are refused."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final
from xml.etree.ElementTree import Element

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from archive_app.core.errors import Refused
from ingest.opening import packages, pictures, text_pages
from ingest.opening.model import Limits, TextLine

_W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_STRICT_W: Final = "{http://purl.oclc.org/ooxml/wordprocessingml/main}"
_RELATION: Final = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_OUTSIDE_ALLOWED: Final = {"hyperlink", "externalLinkPath"}
_TEMPLATE: Final = "attachedTemplate"
_ACTIVE_PARTS: Final = ("vbaproject", "activex", "/embeddings/oleobject", ".exe", ".dll", ".vbs", ".js", ".bin/vba")
_FIELDS_THAT_ACT: Final = ("DDEAUTO", "DDE ", "INCLUDETEXT", 'INCLUDEPICTURE "HTTP')
_MOST_CELLS: Final = 2_000_000


def check(path: Path, limits: Limits) -> tuple[str, ...]:
    """Notes about what stays outside of the text. Raises `Refused`."""
    notes = []
    with packages.opened(path, limits) as package:
        for name in package.names:
            low = name.lower()
            if "vbaproject" in low or low.endswith(".xlm") or "/macrosheets/" in low:
                raise Refused("macro")
            if any(part in low for part in _ACTIVE_PARTS):
                raise Refused("active-content", kind="OLE")
            if low.endswith(".rels"):
                _check_relations(package.xml(name))
            elif low.endswith((".xml", ".vml")):
                package.xml(name)
        types = package.read("[Content_Types].xml")
        if b"macroEnabled" in types:
            raise Refused("macro")
        media = [name for name in package.names if "/media/" in name]
        for name in media:
            _check_picture(package.read(name), limits)
        if media:
            notes.append("pictures-not-read")
    return tuple(notes)


def _check_picture(data: bytes, limits: Limits) -> None:
    """Raises `Refused` for a picture that is not whole. Drawings of kinds that are not taken alone are let be."""
    try:
        pictures.inside(data, limits)
    except Refused as refusal:
        if refusal.code in {"empty", "truncated", "damaged", "missing-image"}:
            raise Refused("damaged-image", page="?", cause=refusal.code) from refusal


def _check_relations(root: Element) -> None:
    for relation in root.iter(_RELATION):
        if relation.get("TargetMode") != "External":
            continue
        kind = relation.get("Type", "").rpartition("/")[2]
        target = relation.get("Target", "").lower()
        far = target.startswith(("http:", "https:", "ftp:", "\\\\", "file://///", "mhtml:", "//"))
        if kind in _OUTSIDE_ALLOWED or (kind == _TEMPLATE and not far):
            continue
        raise Refused("external-reference", kind=kind)


def word_sheets(path: Path, limits: Limits) -> list[tuple[TextLine, ...]]:
    """A document's paragraphs and tables on sheets; page breaks stay page breaks. Raises `Refused`."""
    with packages.opened(path, limits) as package:
        main = next((name for name in package.names if name.lower() == "word/document.xml"), None)
        if main is None:
            raise Refused("damaged", part="word/document.xml")
        root = package.xml(main)
        beside = [
            name for name in sorted(package.names)
            if name.startswith(("word/header", "word/footer", "word/footnotes", "word/endnotes", "word/comments"))
            and name.endswith(".xml")
        ]  # fmt: skip
        around = [line for name in beside for part in _parts(package.xml(name)) for line in part]
    parts = list(_parts(root))
    if around:
        parts[-1] = [*parts[-1], *dict.fromkeys(around)]
    return text_pages.laid_out(parts)


def _parts(root: Element) -> Iterator[list[str]]:
    lines: list[str] = []
    for event, text in _runs(root):
        if event == "line":
            lines.append(text)
        elif lines:
            yield lines
            lines = []
    yield lines


def _runs(root: Element) -> Iterator[tuple[str, str]]:
    """`line` with a paragraph's or a table row's text, `page` at a page break, in document order."""
    for element in root:
        name = _local(element)
        if name == "p":
            yield from _paragraph(element)
        elif name == "tbl":
            for row in (child for child in element if _local(child) == "tr"):
                cells = [" ".join(_texts(cell)) for cell in row if _local(cell) in {"tc", "sdt"}]
                yield "line", " ".join(cell for cell in cells if cell)
        else:
            yield from _runs(element)


def _paragraph(paragraph: Element) -> Iterator[tuple[str, str]]:
    text: list[str] = []
    for element in paragraph.iter():
        name = _local(element)
        if name == "t":
            text.append(element.text or "")
        elif name in {"tab", "cr", "noBreakHyphen"}:
            text.append(" ")
        elif name == "instrText" and (element.text or "").strip().upper().startswith(_FIELDS_THAT_ACT):
            raise Refused("active-content", kind="field")
        elif name == "lastRenderedPageBreak" or (name == "br" and _attribute(element, "type") == "page"):
            yield "line", "".join(text)
            yield "page", ""
            text = []
    yield "line", "".join(text)


def _texts(cell: Element) -> list[str]:
    return ["".join(t.text or "" for t in p.iter() if _local(t) == "t") for p in cell.iter() if _local(p) == "p"]


def _local(element: Element) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) and tag.startswith((_W, _STRICT_W)) else ""


def _attribute(element: Element, name: str) -> str | None:
    return element.get(_W + name, element.get(_STRICT_W + name))


def workbook_sheets(path: Path, limits: Limits) -> list[tuple[TextLine, ...]]:
    """Each worksheet begins a sheet; each cell is a line, values as last calculated. Raises `Refused`."""
    with path.open("rb") as stream:
        return text_pages.laid_out(_worksheets(stream, limits))


def _worksheets(stream: BinaryIO, limits: Limits) -> list[list[str | list[str]]]:
    try:
        book = openpyxl.load_workbook(stream, read_only=True, data_only=True, keep_links=False)
    except (InvalidFileException, KeyError, ValueError, TypeError, AttributeError) as error:
        raise Refused("damaged", part="XLSX", detail=f"{type(error).__name__}: {error}"[:80]) from error
    try:
        parts: list[list[str | list[str]]] = []
        cells = size = 0
        for sheet in book.worksheets:
            lines: list[str | list[str]] = [sheet.title]
            sheet.reset_dimensions()  # what is stated counts cells that were only painted, up to the last there can be
            for row in sheet.iter_rows(values_only=True):
                line = _filled(row)
                cells += len(line)
                size += sum(map(len, line))
                if cells > _MOST_CELLS or size > limits.text_bytes:
                    raise Refused("too-much-text", limit=limits.text_bytes)
                if line:
                    lines.append(line)
            parts.append(lines)
    finally:
        book.close()
    return parts


def _filled(row: Sequence[object]) -> list[str]:
    """A row's values as text, up to its last one."""
    last = next((place for place in range(len(row), 0, -1) if row[place - 1] is not None), 0)
    return ["" if value is None else " ".join(str(value).split()) for value in row[:last]]
