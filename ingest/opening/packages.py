"""ZIP packages (OFD, DOCX, XLSX) and the XML in them, unpacked under a ceiling and read without entities."""

import lzma
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final
from xml.etree.ElementTree import Element

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from archive_app.core.errors import Refused
from ingest.opening import trailing
from ingest.opening.model import Limits

_MOST_MEMBERS: Final = 10_000
_PIECE: Final = 1 << 20
_END: Final = 22  # bytes of the end of a ZIP, before its comment
_LONGEST_COMMENT: Final = (1 << 16) - 1
_DTD: Final = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)
_DEEPEST: Final = 256
_ENCODING: Final = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9_-]+)[\"'][^>]*\?>")
_CHINESE: Final = {"gb2312", "gbk", "gb18030", "cp936"}


class Package:
    """The members of a package; each was read once, so that its check sum is known to hold."""

    def __init__(self, archive: zipfile.ZipFile, limits: Limits) -> None:
        self._archive = archive
        self._limits = limits
        self.names = tuple(info.filename for info in archive.infolist() if not info.is_dir())

    def read(self, name: str) -> bytes:
        """A member's bytes. Raises `Refused("damaged")` if it is absent, `Refused("archive-bomb")` past the ceiling."""
        try:
            with self._archive.open(name) as stream:
                data = stream.read(self._limits.text_bytes + 1)
        except (KeyError, zipfile.BadZipFile, EOFError, OSError, NotImplementedError) as error:
            raise Refused("damaged", part="package member") from error
        if len(data) > self._limits.text_bytes:
            raise Refused("archive-bomb", limit=self._limits.text_bytes)
        return data

    def xml(self, name: str) -> Element:
        """A member's XML. Raises `Refused`."""
        return parse_xml(self.read(name))


def parse_xml(data: bytes) -> Element:
    """The root element. Raises `Refused`: `xml-entities`, `damaged`, `loop`."""
    data = _readable(data)
    if _DTD.search(data) or _DTD.search(data.replace(b"\x00", b"")):
        raise Refused("xml-entities")
    if _depth(data) > _DEEPEST:
        raise Refused("archive-bomb", limit=_DEEPEST)
    try:
        root: Element = ElementTree.fromstring(data, forbid_dtd=True)
    except DefusedXmlException as error:
        raise Refused("xml-entities") from error
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        reason = "truncated" if "no element found" in str(error) or "unclosed" in str(error) else "damaged"
        raise Refused(reason, part="XML", detail=str(error)[:80]) from error
    return root


def _readable(data: bytes) -> bytes:
    """The parser knows no multi-byte encodings of China; such a file is brought to UTF-8 first, strictly."""
    declared = _ENCODING.match(data)
    if declared is None or declared[1].lower().decode("ascii") not in _CHINESE:
        return data
    try:
        text = data[declared.end() :].decode("gb18030")
    except UnicodeDecodeError as error:
        raise Refused("damaged", part="XML encoding") from error
    return text.encode("utf-8")


def _depth(data: bytes) -> int:
    """An upper bound of the nesting, cheap enough to be asked first: trees are freed recursively."""
    depth = deepest = 0
    for match in re.finditer(rb"<(/?)[^!?>][^>]*?(/?)>", data):
        if match[1]:
            depth -= 1
        elif not match[2]:
            depth += 1
            deepest = max(deepest, depth)
    return deepest


@contextmanager
def opened(path: Path, limits: Limits) -> Iterator[Package]:
    """A package without bombs, loops or absurd names, all check sums verified. Raises `Refused`."""
    try:
        with zipfile.ZipFile(path) as archive:
            _check(archive, path, limits)
            yield Package(archive, limits)
    except zipfile.BadZipFile as error:
        raise Refused("damaged", part="ZIP", detail=str(error)[:80]) from error


def _check(archive: zipfile.ZipFile, path: Path, limits: Limits) -> None:
    infos = archive.infolist()
    if len(infos) > _MOST_MEMBERS:
        raise Refused("archive-bomb", limit=_MOST_MEMBERS)
    names: set[str] = set()
    for info in infos:
        name = PurePosixPath(info.filename.replace("\\", "/"))
        if name.is_absolute() or ".." in name.parts or stat.S_ISLNK(info.external_attr >> 16):
            raise Refused("active-content", kind="ZIP path")
        if info.filename in names:
            raise Refused("polyglot", kind="ZIP")
        names.add(info.filename)
        if info.flag_bits & 1:
            raise Refused("encrypted")
    if sum(info.file_size for info in infos) > _ceiling(path, limits):
        raise Refused("archive-bomb", limit=_ceiling(path, limits))
    starts = sorted(info.header_offset for info in infos)
    if len(starts) != len(set(starts)) or (starts and starts[0] != 0):
        raise Refused("polyglot" if starts and starts[0] else "archive-bomb", kind="ZIP", limit=len(starts))
    trailing.refuse_other_file(archive.comment)
    trailing.check(_behind(archive, path))
    _read_all(archive, _ceiling(path, limits))


def _behind(archive: zipfile.ZipFile, path: Path) -> bytes:
    """What follows the end of the package; readers look for that end in the last bytes of the file only."""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - _END - _LONGEST_COMMENT))
        tail = stream.read()
    return tail[tail.rfind(b"PK\x05\x06") + _END + len(archive.comment) :]


def _ceiling(path: Path, limits: Limits) -> int:
    # Pictures inside are hardly packed: their size is bounded by the file's own.
    return limits.text_bytes + 4 * path.stat().st_size


def _read_all(archive: zipfile.ZipFile, ceiling: int) -> None:
    left = ceiling
    for info in archive.infolist():
        try:
            left -= _length(archive, info, left)
        except NotImplementedError as error:
            raise Refused("unsupported-variant", kind="ZIP compression") from error
        except EOFError as error:
            raise Refused("truncated", part="ZIP") from error
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, ValueError, OSError) as error:
            raise Refused("damaged", part="ZIP") from error


def _length(archive: zipfile.ZipFile, info: zipfile.ZipInfo, ceiling: int) -> int:
    length = 0
    with archive.open(info) as stream:
        while piece := stream.read(_PIECE):
            length += len(piece)
            if length > ceiling:
                raise Refused("archive-bomb", limit=ceiling)
    return length
