"""What a file is, told from its first bytes and never from its name."""

from pathlib import Path

from archive_app.core.errors import Refused

_HEAD = 4096

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"II+\x00", "image/tiff"),
    (b"MM\x00+", "image/tiff"),
    (b"BM", "image/bmp"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
)


def media_type_of(path: Path) -> str:
    """The media type by content. Raises `Refused("empty")` or `Refused("unknown-format")`."""
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    if not head:
        raise Refused("empty")
    for signature, media_type in _SIGNATURES:
        if head.startswith(signature):
            return media_type
    raise Refused("unknown-format")
