"""OFD (GB/T 33190): the document's text with its places; pages that are nothing but one picture give that picture.

Text and drawing are not rendered here: such pages have no picture, and the note `viewing-copy:none` says so.
"""

import posixpath
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element

from PIL import Image

from archive_app.core.errors import Refused
from ingest.opening import packages, pictures
from ingest.opening.model import PAGE_DPI, Examination, Limits, PageShape, TextLine

_PIXELS_A_MM: Final = PAGE_DPI / 25.4
_A4: Final = (0.0, 0.0, 210.0, 297.0)
_REPEAT: Final = re.compile(r"g\s+(\d+)\s+(-?[\d.]+)")
_MOST_REPEATS: Final = 10_000

Rectangle = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class _Document:
    """One document of the package: where it lies, its default page area, its pages' files, its pictures' files."""

    pages: tuple[str, ...]
    area: Rectangle
    media: dict[str, str]


def examine(path: Path, limits: Limits) -> Examination:
    """Structure of the package and every page. Raises `Refused`."""
    with packages.opened(path, limits) as package:
        root = package.xml("OFD.xml")
        document = _document(package, root, limits)
        shapes: list[PageShape] = []
        drawn = 0
        for name in document.pages:
            page = package.xml(name)
            shapes.append(_shape(_area(page, document), limits))
            drawn += _check_media(page, document, package, limits)
        signed = any(_local(e) == "Signatures" for e in root.iter())
        attachments = sum("/Attachs/" in name and not name.endswith(".xml") for name in package.names)
    version = root.get("Version", "1.0")
    notes = [
        "viewing-copy:none",
        *(["signed"] if signed else []),
        *([f"attachments:{attachments}"] if attachments else []),
    ]
    return Examination(
        media_type="application/ofd",
        format=f"OFD {version}",
        pages=tuple(shapes),
        has_picture=drawn > 0,
        notes=tuple(notes),
    )


def page(path: Path, number: int, limits: Limits) -> tuple[PageShape, tuple[TextLine, ...] | None, Image.Image | None]:
    """One page's shape, and either its lines in the order of the file or the picture that it is. Raises `Refused`."""
    with packages.opened(path, limits) as package:
        document = _document(package, package.xml("OFD.xml"), limits)
        if not 1 <= number <= len(document.pages):
            raise Refused("no-such-page", page=number, pages=len(document.pages))
        root = package.xml(document.pages[number - 1])
        area = _area(root, document)
        shape = _shape(area, limits)
        if _is_picture(root):
            return shape, None, _drawn(root, document, package, shape, limits)
        lines = [line for element in root.iter() if _local(element) == "TextObject" for line in _lines(element, area)]
        return shape, tuple(lines), None


def _is_picture(root: Element) -> bool:
    kinds = {_local(element) for element in root.iter()}
    return "ImageObject" in kinds and "TextObject" not in kinds


def _drawn(
    root: Element, document: _Document, package: packages.Package, shape: PageShape, limits: Limits
) -> Image.Image:
    """The pictures of a page laid where they belong, on white."""
    sheet = Image.new("RGB", (shape.width, shape.height), "white")
    left, top = _area(root, document)[:2]
    for element in root.iter():
        if _local(element) != "ImageObject":
            continue
        x, y, width, height = _rectangle(element.get("Boundary"))
        size = (max(1, round(width * _PIXELS_A_MM)), max(1, round(height * _PIXELS_A_MM)))
        if size[0] * size[1] > limits.page_pixels:
            raise Refused("too-many-pixels", width=size[0], height=size[1], limit=limits.page_pixels)
        picture = _medium(package.read(document.media[element.get("ResourceID", "")]), limits)
        place = (round((x - left) * _PIXELS_A_MM), round((y - top) * _PIXELS_A_MM))
        sheet.paste(picture.convert("RGB").resize(size, Image.Resampling.BICUBIC), place)
    return sheet


def _medium(data: bytes, limits: Limits) -> Image.Image:
    samples = pictures.inside(data, limits)
    return Image.fromarray(samples.squeeze(axis=2) if samples.shape[2] == 1 else samples)


def _document(package: packages.Package, root: Element, limits: Limits) -> _Document:
    main = next((e.text for e in root.iter() if _local(e) == "DocRoot" and e.text), None)
    if main is None:
        raise Refused("damaged", part="OFD.xml")
    name = _resolve("OFD.xml", main)
    document = package.xml(name)
    folder_of = name
    pages = [e.get("BaseLoc", "") for e in document.iter() if _local(e) == "Page"]
    pages = [_resolve(folder_of, page) for page in pages]
    if not pages:
        raise Refused("no-pages")
    if len(pages) > limits.pages:
        raise Refused("too-many-pages", pages=len(pages), limit=limits.pages)
    missing = [page for page in pages if page not in package.names]
    if missing:
        raise Refused("damaged", part="OFD page")
    for element in document.iter():
        if _local(element) == "Action" and any(_local(inner) in {"URI", "Sound", "Movie"} for inner in element):
            kinds = {_local(inner) for inner in element}
            if kinds & {"Sound", "Movie"}:
                raise Refused("active-content", kind="OFD action")
    area = next((_rectangle(e.text) for e in document.iter() if _local(e) == "PhysicalBox"), _A4)
    return _Document(tuple(pages), area, _media(package, document, name))


def _media(package: packages.Package, document: Element, name: str) -> dict[str, str]:
    found = {}
    for element in document.iter():
        if _local(element) not in {"PublicRes", "DocumentRes"} or not element.text:
            continue
        resource = _resolve(name, element.text)
        root = package.xml(resource)
        base = posixpath.join(posixpath.dirname(resource), root.get("BaseLoc", ""))
        for media in root.iter():
            if _local(media) == "MultiMedia":
                file = next((e.text for e in media if _local(e) == "MediaFile" and e.text), "")
                found[media.get("ID", "")] = posixpath.normpath(posixpath.join(base, file)).lstrip("/")
    return found


def _check_media(page: Element, document: _Document, package: packages.Package, limits: Limits) -> int:
    """Every picture the page names is there and whole; 1 if the page is nothing but pictures, else 0."""
    for element in page.iter():
        if _local(element) != "ImageObject":
            continue
        name = document.media.get(element.get("ResourceID", ""))
        if name is None or name not in package.names:
            raise Refused("missing-image", page="?")
        if not name.lower().endswith((".jb2", ".gbig2")):
            try:
                _medium(package.read(name), limits)
            except Refused as refusal:
                raise Refused("damaged-image", page="?", cause=refusal.code) from refusal
        elif _is_picture(page):
            raise Refused("unsupported-variant", kind="OFD JBIG2")
    return int(_is_picture(page))


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _resolve(beside: str, place: str) -> str:
    place = place.strip()
    joined = place if place.startswith("/") else posixpath.join(posixpath.dirname(beside), place)
    return posixpath.normpath(joined).lstrip("/")


def _rectangle(text: str | None) -> Rectangle:
    try:
        x, y, width, height = (float(number) for number in (text or "").split())
    except ValueError as error:
        raise Refused("damaged", part="OFD box") from error
    if not (0 < width < 1e5 and 0 < height < 1e5):  # noqa: PLR2004  a hundred metres
        raise Refused("damaged", part="OFD box")
    return x, y, width, height


def _area(page: Element, document: _Document) -> Rectangle:
    return next((_rectangle(e.text) for e in page.iter() if _local(e) == "PhysicalBox"), document.area)


def _shape(area: Rectangle, limits: Limits) -> PageShape:
    width, height = (max(1, round(side * _PIXELS_A_MM)) for side in area[2:])
    if width * height > limits.page_pixels:
        raise Refused("too-many-pixels", width=width, height=height, limit=limits.page_pixels)
    return PageShape(width=width, height=height, dpi=PAGE_DPI)


def _lines(thing: Element, area: Rectangle) -> list[TextLine]:
    left, top, width, height = _rectangle(thing.get("Boundary"))
    size = float(thing.get("Size", "3.5"))
    found = []
    for code in (e for e in thing.iter() if _local(e) == "TextCode"):
        text = (code.text or "").strip()
        if not text:
            continue
        x, y = float(code.get("X", "0")), float(code.get("Y", "0"))
        run = sum(_deltas(code.get("DeltaX", ""))) + size
        many = sum(1 for e in thing.iter() if _local(e) == "TextCode") > 1
        box = (left + x, top + y - size, run, size * 1.2) if many else (left, top, width, height)
        x0, y0 = (max(0, round((box[side] - area[side]) * _PIXELS_A_MM)) for side in (0, 1))
        wide, high = (max(1, round(side * _PIXELS_A_MM)) for side in box[2:])
        found.append(TextLine(text, (x0, y0, wide, high)))
    return found


def _deltas(text: str) -> list[float]:
    repeated = [float(step) * min(int(count), _MOST_REPEATS) for count, step in _REPEAT.findall(text)]
    return repeated + [float(one) for one in _REPEAT.sub(" ", text).split()]
