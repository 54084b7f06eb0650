"""XML e-receipts (电子票据): each leaf becomes a line, its name before its value."""

from pathlib import Path
from xml.etree.ElementTree import Element

from archive_app.core.errors import Refused
from ingest.opening import packages, text_pages
from ingest.opening.model import Limits, TextLine


def sheets(path: Path, limits: Limits) -> list[tuple[TextLine, ...]]:
    """The receipt's words on sheets. Raises `Refused`."""
    if path.stat().st_size > limits.text_bytes:
        raise Refused("too-much-text", limit=limits.text_bytes)
    root = packages.parse_xml(path.read_bytes())
    lines = list(_lines(root))
    if not lines:
        raise Refused("no-pages")
    return text_pages.laid_out([lines])


def _lines(root: Element) -> list[str]:
    found = []
    for element in root.iter():
        if not isinstance(element.tag, str):
            continue
        name = element.tag.rpartition("}")[2]
        found += [
            f"{key.rpartition('}')[2]}: {value.strip()}" for key, value in element.attrib.items() if value.strip()
        ]
        text = (element.text or "").strip()
        if text:
            found.append(f"{name}: {' '.join(text.split())}")
        tail = (element.tail or "").strip()
        if tail:
            found.append(" ".join(tail.split()))
    return found
