"""TIFF: the sorts that scanners write, and directories that loop, lie or end early."""

import io
import struct
from collections.abc import Iterator

import imagecodecs  # noqa: F401  tifffile compresses with it
import numpy as np
import tifffile
from hostile_case import Case, saved, scan
from hostile_packages import packed
from PIL import Image

_SHORT, _LONG = 3, 4


def by_hand(tags: list[tuple[int, int, int]], data: bytes = b"", *, following: int = 0) -> bytes:
    """A little-endian TIFF of one directory; `-1` as a value stands for the place of the data."""
    start = 8 + 2 + 12 * len(tags) + 4
    rows = b"".join(
        struct.pack("<HHII", tag, kind, 1, start if value == -1 else value) for tag, kind, value in sorted(tags)
    )
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + rows + struct.pack("<I", following) + data


def grey(width: int = 8, height: int = 8, **changes: int) -> list[tuple[int, int, int]]:
    tags = {
        256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: -1, 277: 1, 278: height, 279: width * height,
    }  # fmt: skip
    tags.update({int(name[1:]): value for name, value in changes.items()})
    return [(tag, _LONG, value) for tag, value in tags.items()]


def _written(array: np.ndarray, **options: object) -> bytes:  # type: ignore[type-arg]
    out = io.BytesIO()
    tifffile.imwrite(out, array, **options)  # type: ignore[arg-type]
    return out.getvalue()


def sound() -> Iterator[Case]:
    page, bilevel = scan(), scan("1", size=(800, 1100))
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        yield Case(f"{compression}.tif", saved(page, "TIFF", compression=compression))
    yield Case("g4.tif", saved(bilevel, "TIFF", compression="group4", dpi=(600, 600)))
    yield Case("g4-one-strip.tif", saved(bilevel, "TIFF", compression="group4", tiffinfo={278: 1100}))
    yield Case("g3.tif", saved(bilevel, "TIFF", compression="group3"))
    many = [scan("1", size=(400, 500)), scan("L"), scan()]
    yield Case("three-pages.tif", saved(many[0], "TIFF", save_all=True, append_images=many[1:], compression="tiff_lzw"))
    yield Case("big.tif", saved(page, "TIFF", big_tiff=True))
    array = np.asarray(page)
    yield Case("big-endian.tif", _written(array, byteorder=">"))
    yield Case("planar.tif", _written(np.moveaxis(array, 2, 0).copy(), photometric="rgb", planarconfig="separate"))
    yield Case("tiled.tif", _written(array, tile=(64, 64), compression="deflate"))
    yield Case("min-is-white.tif", _written(np.asarray(scan("L")), photometric="miniswhite"))
    sixteen = np.asarray(scan("L")).astype(np.uint16) * 257
    yield Case("grey16.tif", _written(sixteen))
    yield Case("cmyk.tif", saved(scan("CMYK"), "TIFF"))
    yield Case("palette.tif", saved(scan("P"), "TIFF"))
    yield Case("alpha.tif", saved(scan("RGBA"), "TIFF"))
    yield Case("by-hand.tif", by_hand(grey(), bytes(64)))
    yield Case("turned.tif", saved(page, "TIFF", tiffinfo={274: 6}))
    yield Case("one-pixel.tif", by_hand(grey(1, 1), b"\x80"))
    reduced = saved(page, "TIFF", save_all=True, append_images=[_thumbnail(page)])
    yield Case("second-small.tif", reduced)
    yield Case("padded.tif", by_hand(grey(), bytes(64)) + bytes(100))


def _thumbnail(page: Image.Image) -> Image.Image:
    return page.resize((24, 32))


def broken() -> Iterator[Case]:
    bilevel = scan("1", size=(800, 1100))
    g4 = saved(bilevel, "TIFF", compression="group4", tiffinfo={278: 1100})
    lzw = saved(scan(), "TIFF", compression="tiff_lzw")
    jpeg = saved(scan(), "TIFF", compression="jpeg")
    yield Case("cut-g4.tif", g4[: len(g4) // 2], "truncated")
    yield Case("holed-g4.tif", _holed(g4), "damaged")
    yield Case("holed-lzw.tif", _holed(lzw), "damaged")
    yield Case("holed-jpeg.tif", _holed(jpeg), "damaged")
    yield Case("rows-cut.tif", by_hand(grey(), bytes(32)), "truncated")
    yield Case("strip-too-short.tif", by_hand(grey(t279=32), bytes(64)), "truncated")
    yield Case("strip-elsewhere.tif", by_hand(grey(t273=1 << 30), bytes(64)), "truncated")
    yield Case("strip-empty.tif", by_hand(grey(t279=0, t259=5), bytes(64)), "missing-image")
    yield Case("strips-missing.tif", by_hand(grey(t278=2), bytes(64)), "truncated")
    yield Case("loop.tif", by_hand(grey(), bytes(64), following=8), "loop")
    yield Case("next-elsewhere.tif", by_hand(grey(), bytes(64), following=1 << 28), "truncated")
    whole = by_hand(grey(), bytes(64))
    yield Case("with-zip.tif", whole + packed({"a.exe": b"MZ"}), "polyglot")
    yield Case("with-program.tif", whole + b"\x7fELF" + bytes(200), "polyglot")
    yield Case("with-html.tif", saved(scan(), "TIFF") + b"<html><script>1</script>", "polyglot")
    yield Case("no-directory.tif", b"II*\0\0\0\0\0", "no-pages")
    yield Case("header-only.tif", b"II*\0", "truncated")
    yield Case("no-size.tif", by_hand([t for t in grey() if t[0] != 256], bytes(64)), "damaged")
    yield Case("size-nought.tif", by_hand(grey(0, 8), bytes(64)), "damaged")
    yield Case("pixel-bomb.tif", by_hand(grey(60000, 60000, t279=64), bytes(64)), "too-many-pixels")
    yield Case("rows-nought.tif", by_hand(grey(t278=0), bytes(64)), "damaged")
    yield Case("old-jpeg.tif", by_hand(grey(t259=6), bytes(64)), "unsupported-variant")
    yield Case("unknown-compression.tif", by_hand(grey(t259=34712), bytes(64)), "unsupported-variant")
    yield Case("entry-bomb.tif", b"II*\0" + struct.pack("<IH", 8, 0xFFFF) + bytes(200), "damaged")
    yield Case(
        "value-bomb.tif",
        by_hand([*grey()[:1], (273, _SHORT, 8)], b"").replace(
            b"\x11\x01\x03\x00\x01\0\0\0", b"\x11\x01\x03\x00\xff\xff\xff\x7f"
        ),
        "truncated",
    )
    yield Case("float.tif", _written(np.zeros((4, 4), np.float32)), "unsupported-variant")
    pages = [scan("1", size=(8, 8))] * 60
    yield Case("many-pages.tif", saved(pages[0], "TIFF", save_all=True, append_images=pages[1:]), "too-many-pages")


def _holed(data: bytes) -> bytes:
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages[0]
        at, length = page.dataoffsets[0], page.databytecounts[0]
    middle = at + length // 2
    return data[:middle] + b"\xaa\x13" * 40 + data[middle + 80 :]


def cases() -> Iterator[Case]:
    yield from sound()
    yield from broken()
