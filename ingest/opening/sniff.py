"""What a file is, told from its content and never from its name."""

import mmap
import re
import zipfile
from pathlib import Path
from typing import Final

from archive_app.core.errors import Refused
from ingest.opening import trailing

PDF, OFD, XML = "application/pdf", "application/ofd", "application/xml"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_HEAD: Final = 4096
_PDF_HEAD: Final = 1024  # readers look for the header this far

_SIGNATURES: Final[tuple[tuple[bytes, str], ...]] = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"II+\x00", "image/tiff"),
    (b"MM\x00+", "image/tiff"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", PDF),
)
_REFUSED: Final[tuple[tuple[bytes, str], ...]] = (
    (b"Rar!\x1a\x07", "archive-file"),
    (b"7z\xbc\xaf\x27\x1c", "archive-file"),
    (b"\x1f\x8b", "archive-file"),
    (b"BZh", "archive-file"),
    (b"\xfd7zXZ\x00", "archive-file"),
    (b"\x7fELF", "executable"),
    (b"MZ", "executable"),
    (b"#!", "executable"),
)
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HEIF_BRANDS: Final = {b"heic", b"heix", b"heim", b"heis", b"mif1"}
_HEIF_SEQUENCES: Final = {b"hevc", b"hevx", b"msf1"}
_XML_HEAD: Final = re.compile(rb"\s*<(\?xml[\s?]|[A-Za-z_\x80-\xff])")
_MARKUP: Final = re.compile(rb"<(!doctype\s+html|html|script|svg)\b", re.IGNORECASE)


def media_type_of(path: Path) -> str:
    """The media type. Raises `Refused` for what is empty, unknown or of a kind that is never taken."""
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    if not head:
        raise Refused("empty")
    for signature, media_type in _SIGNATURES:
        if head.startswith(signature):
            _refuse_second_kind(path, head, media_type)
            return media_type
    for signature, reason in _REFUSED:
        if head.startswith(signature):
            raise Refused(reason)
    if picture := _bmp(head) or _riff(head) or _heif(head):
        _refuse_second_kind(path, head, picture)
        return picture
    if document := _office(path, head):
        _refuse_pdf_header(head)
        return document
    if b"%PDF-" in head[:_PDF_HEAD]:
        trailing.refuse_other_file(head[: head.index(b"%PDF-")])
        _refuse_second_kind(path, head, PDF)
        return PDF
    if _looks_like_xml(head):
        return XML
    raise Refused("unknown-format")


def _refuse_second_kind(path: Path, head: bytes, media_type: str) -> None:
    """Readers of PDF look behind the first byte for its header, readers of ZIP look from the end for its index."""
    if media_type != PDF:
        _refuse_pdf_header(head)
    if zipfile.is_zipfile(path) and _has_index(path):
        raise Refused("polyglot", kind="ZIP")


def _refuse_pdf_header(head: bytes) -> None:
    if b"%PDF-" in head[:_PDF_HEAD]:
        raise Refused("polyglot", kind="PDF")


def _has_index(path: Path) -> bool:
    """Whether members of a ZIP are listed. The mark of its end alone stands in one of 65,000 compressed files."""
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data.find(b"PK\x01\x02") >= 0


def _bmp(head: bytes) -> str | None:
    # Two letters are weak evidence: the reserved words and the header's size must fit too.
    plausible = head[6:10] == b"\x00" * 4 and int.from_bytes(head[14:18], "little") in {12, 40, 52, 56, 64, 108, 124}
    return "image/bmp" if head[:2] == b"BM" and plausible else None


def _riff(head: bytes) -> str | None:
    return "image/webp" if head[:4] == b"RIFF" and head[8:12] == b"WEBP" else None


def _heif(head: bytes) -> str | None:
    if head[4:8] != b"ftyp":
        return None
    if head[8:12] in _HEIF_SEQUENCES:
        raise Refused("animated", frames="?")
    return "image/heic" if head[8:12] in _HEIF_BRANDS else None


def _office(path: Path, head: bytes) -> str | None:
    if head.startswith(_OLE):
        # Encrypted OOXML is an OLE file with this stream; its name stands in the directory as UTF-16.
        with path.open("rb") as stream:
            encrypted = "EncryptedPackage".encode("utf-16-le") in stream.read(1 << 20)
        raise Refused("encrypted" if encrypted else "legacy-office")
    if not head.startswith(b"PK"):
        return None
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise Refused("truncated" if head[:4] == b"PK\x03\x04" else "damaged", part="ZIP") from error
    if "OFD.xml" in names:
        return OFD
    if "[Content_Types].xml" in names:
        if any(name.startswith("word/") for name in names):
            return DOCX
        if any(name.startswith("xl/") for name in names):
            return XLSX
        raise Refused("unknown-format")
    raise Refused("archive-file")


def _looks_like_xml(head: bytes) -> bool:
    text = head.removeprefix(b"\xef\xbb\xbf")
    if text[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        text = text[2:].replace(b"\x00", b"")
    return bool(_XML_HEAD.match(text)) and not _MARKUP.search(text)
