"""JPEG, PNG, GIF, BMP, WebP and HEIC: odd but sound ones, and those that are broken or do harm."""

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np
import pillow_heif
from hostile_case import Case, saved, scan
from hostile_packages import packed
from PIL import Image

pillow_heif.register_heif_opener()

_PNG = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, depth: int, colour: int, rows: bytes, *, interlaced: int = 0) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    return _PNG + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def interlaced_png() -> bytes:
    """8 x 8 grey with all seven Adam7 passes."""
    passes = ((1, 1), (1, 1), (2, 1), (2, 2), (4, 2), (4, 4), (8, 4))
    return png(8, 8, 8, 0, b"".join((b"\0" + b"\x80" * width) * rows for width, rows in passes), interlaced=1)


def jpegs() -> Iterator[Case]:
    page = scan()
    plain = saved(page, "JPEG", quality=85)
    yield Case("plain.jpg", plain)
    yield Case("progressive.jpg", saved(page, "JPEG", progressive=True))
    yield Case("grey.jpg", saved(scan("L"), "JPEG"))
    yield Case("cmyk.jpg", saved(scan("CMYK"), "JPEG"))
    yield Case("one-pixel.jpg", saved(scan(size=(1, 1)), "JPEG"))
    yield Case("restart-markers.jpg", saved(page, "JPEG", restart_marker_blocks=4))
    for orientation in range(2, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        yield Case(f"orientation-{orientation}.jpg", saved(page, "JPEG", exif=exif))
    yield Case("padded.jpg", plain + bytes(512), note="padding")
    yield Case("really-a-jpeg.pdf", plain, note="name:extension")
    yield Case("no-extension", plain, note="name:extension")
    yield Case("\u202egpj.exe\x07.jpg", plain, note="name:odd")
    yield Case("字" * 60 + ".jpg", plain)
    yield Case("-rf $(reboot); ' OR 1=1.jpg", plain)
    middle = len(plain) // 2
    yield Case("cut.jpg", plain[:middle], "truncated")
    yield Case("cut-then-ended.jpg", plain[:middle] + b"\xff\xd9", "damaged")
    yield Case("hole.jpg", plain[:middle] + plain[middle + 300 :], "damaged")
    yield Case("no-scan.jpg", plain[: plain.index(b"\xff\xda")] + b"\xff\xd9", "truncated")
    yield Case("only-a-head.jpg", plain[:20], "truncated")
    yield Case("signature-only.jpg", b"\xff\xd8\xff", "truncated")
    yield Case("huge-size.jpg", _with_size(plain, 60000, 60000), "too-many-pixels")
    yield Case("no-height.jpg", _with_size(plain, 240, 0), "unsupported-variant")
    yield Case("lossless.jpg", plain.replace(b"\xff\xc0", b"\xff\xc3", 1), "unsupported-variant")
    yield Case("with-zip.jpg", plain + b"PK\x03\x04" + bytes(60), "polyglot")
    yield Case("with-pdf.jpg", plain + b"\n%PDF-1.4\n%%EOF\n", "polyglot")
    yield Case("with-html.jpg", plain + b"<html><script>alert(1)</script>", "polyglot")
    yield Case("with-video.jpg", plain + b"\0\0\0\x18ftypmp42" + bytes(64), "polyglot")
    yield Case("pdf-in-comment.jpg", _with_comment(plain, b"%PDF-1.4\n1 0 obj<<>>endobj\n%%EOF\n"), "polyglot")
    yield Case("zip-in-comment.jpg", _with_comment(plain, packed({"a.exe": b"MZ"})), "polyglot")
    yield Case("mark-of-zip-by-chance.jpg", _with_comment(plain, b"PK\x05\x06" + bytes(range(40))))
    yield Case("sampled-four-by-two.jpg", _sampled(plain, 0x42), "unsupported-variant")
    yield Case("sampled-one-by-four.jpg", _sampled(plain, 0x14), "unsupported-variant")
    yield Case("with-junk.jpg", plain + b"\x01\x02\x03\x04" * 500, "trailing-data")


def _with_size(data: bytes, width: int, height: int) -> bytes:
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


def _sampled(data: bytes, factors: int) -> bytes:
    at = data.index(b"\xff\xc0") + 11
    return data[:at] + bytes([factors]) + data[at + 1 :]


def _with_comment(data: bytes, comment: bytes) -> bytes:
    return data[:2] + b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + data[2:]


def pngs() -> Iterator[Case]:
    page = scan()
    plain = saved(page, "PNG")
    yield Case("plain.png", plain)
    for mode in ("1", "L", "LA", "P", "RGBA", "I;16"):
        picture = scan("L").convert("I").point(lambda v: v * 257).convert("I;16") if mode == "I;16" else scan(mode)
        yield Case(f"mode-{mode.replace(';', '-')}.png", saved(picture, "PNG"))
    yield Case("rgb16.png", png(2, 1, 16, 2, b"\0" + struct.pack(">6H", 0, 32768, 65535, 1, 2, 3)))
    yield Case("grey-2-bit.png", png(4, 1, 2, 0, b"\0\x1b"))
    yield Case("interlaced.png", interlaced_png())
    yield Case("one-pixel.png", saved(scan(size=(1, 1)), "PNG"))
    yield Case("transparent-palette.png", saved(scan("P"), "PNG", transparency=0))
    pieces = _pieces(plain)
    yield Case("many-idat.png", pieces)
    yield Case("padded.png", plain + bytes(8), note="padding")
    yield Case("cut.png", plain[: len(plain) // 2], "truncated")
    yield Case("no-end.png", plain[:-12], "truncated")
    flipped = bytearray(plain)
    flipped[len(plain) // 2] ^= 0x55
    yield Case("bit-flipped.png", bytes(flipped), "damaged")
    yield Case("rows-missing.png", png(100, 100, 8, 2, (b"\0" + bytes(300)) * 60), "truncated")
    yield Case("rows-too-many.png", png(100, 100, 8, 2, (b"\0" + bytes(300)) * 160), "damaged")
    yield Case(
        "no-pixels.png",
        _PNG + chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 9, 8, 2, 0, 0, 0)) + chunk(b"IEND", b""),
        "truncated",
    )
    yield Case("no-palette.png", png(4, 1, 8, 3, b"\0\0\0\0\0"), "damaged")
    yield Case("size-nought.png", png(0, 5, 8, 2, b""), "damaged")
    yield Case("pixel-bomb.png", png(60000, 60000, 1, 0, bytes(1000)), "too-many-pixels")
    yield Case("inflating.png", png(10, 10, 8, 0, bytes(20 << 20)), "damaged")
    yield Case("filter-nine.png", png(4, 4, 8, 0, b"\x09\0\0\0\0" * 4), "damaged")
    yield Case("with-zip.png", plain + b"PK\x03\x04" + bytes(60), "polyglot")
    yield Case("with-junk.png", plain + b"secret" * 20, "trailing-data")
    animated = saved(page, "PNG", save_all=True, append_images=[page.rotate(180)], duration=100)
    yield Case("animated.png", animated, "animated")


def _pieces(plain: bytes) -> bytes:
    at = plain.index(b"IDAT") - 4
    (length,) = struct.unpack_from(">I", plain, at)
    body = plain[at + 8 : at + 8 + length]
    parts = b"".join(chunk(b"IDAT", body[i : i + 100]) for i in range(0, length, 100))
    return plain[:at] + chunk(b"IDAT", b"") + parts + plain[at + 12 + length :]


def others() -> Iterator[Case]:
    page = scan()
    gif = saved(page, "GIF")
    yield Case("plain.gif", gif)
    yield Case("cut.gif", gif[: len(gif) // 2], "truncated")
    yield Case("animated.gif", saved(page, "GIF", save_all=True, append_images=[page.rotate(180)]), "animated")
    yield Case("no-picture.gif", b"GIF89a" + bytes(7) + b";", "no-pages")
    yield Case("with-zip.gif", gif + b"PK\x03\x04" + bytes(60), "polyglot")
    bmp = saved(page, "BMP")
    yield Case("plain.bmp", bmp)
    yield Case("one-bit.bmp", saved(scan("1"), "BMP"))
    yield Case("palette.bmp", saved(scan("P"), "BMP"))
    yield Case("top-down.bmp", bmp[:22] + struct.pack("<i", -320) + bmp[26:])
    yield Case("cut.bmp", bmp[: len(bmp) // 2], "truncated")
    yield Case("huge-size.bmp", bmp[:18] + struct.pack("<ii", 60000, 60000) + bmp[26:], "truncated")
    webp = saved(page, "WEBP")
    yield Case("plain.webp", webp)
    yield Case("lossless.webp", saved(scan("RGBA"), "WEBP", lossless=True))
    yield Case("cut.webp", webp[: len(webp) // 2], "truncated")
    yield Case("animated.webp", saved(page, "WEBP", save_all=True, append_images=[page.rotate(180)]), "animated")
    hidden = packed({"a.exe": b"MZ"})
    chunk_of_zip = b"XXXX" + struct.pack("<I", len(hidden)) + hidden + bytes(len(hidden) % 2)
    size = struct.pack("<I", len(webp) + len(chunk_of_zip) - 8)
    yield Case("zip-in-chunk.webp", webp[:4] + size + webp[8:] + chunk_of_zip, "polyglot")
    heic = saved(page, "HEIF", quality=80)
    yield Case("plain.heic", heic)
    yield Case("cut.heic", heic[: len(heic) // 2], "truncated")
    yield Case("with-zip.heic", heic + b"PK\x03\x04" + bytes(60), "polyglot")


def loose() -> Iterator[Case]:
    yield Case("empty.pdf", b"", "empty")
    yield Case("one-byte.jpg", b"\xff", "unknown-format")
    yield Case("zeros.tif", bytes(4096), "unknown-format")
    noise = np.random.default_rng(3).integers(0, 255, 5000, dtype=np.uint8).tobytes()
    yield Case("noise.jpg", b"\x13" + noise, "unknown-format")
    yield Case("text.txt", "参保登记表".encode(), "unknown-format")
    yield Case("page.html", b"<!DOCTYPE html><html><script>1</script></html>", "unknown-format")
    yield Case("drawing.svg", b'<svg xmlns="http://www.w3.org/2000/svg" onload="x()"/>', "unknown-format")
    yield Case("program.exe", b"MZ" + bytes(200), "executable")
    yield Case("program.pdf", b"\x7fELF" + bytes(200), "executable")
    yield Case("script.sh", b"#!/bin/sh\nrm -rf /\n", "executable")
    yield Case("packed.rar", b"Rar!\x1a\x07\x00" + bytes(60), "archive-file")
    yield Case("packed.7z", b"7z\xbc\xaf\x27\x1c" + bytes(60), "archive-file")
    yield Case("packed.gz", b"\x1f\x8b\x08" + bytes(60), "archive-file")
    yield Case("old.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1024), "legacy-office")
    locked = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1024) + "EncryptedPackage".encode("utf-16-le")
    yield Case("locked.docx", locked, "encrypted")
    out = io.BytesIO()
    scan().save(out, "AVIF") if "AVIF" in Image.SAVE else out.write(b"\0\0\0\x1cftypavif" + bytes(60))
    yield Case("picture.avif", out.getvalue(), "unknown-format")


def cases() -> Iterator[Case]:
    yield from jpegs()
    yield from pngs()
    yield from others()
    yield from loose()
