"""Raster files: proven whole, then decoded page by page with the orientation applied, to eight bits a sample.

The structure is walked before a decoder sees the file, because decoders load much that is damaged without a word.
"""

import mmap
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import imagecodecs
import numpy as np
import pillow_heif
from PIL import Image, UnidentifiedImageError

from archive_app.core.errors import Refused
from ingest.opening import containers, fax, jpeg, png, sniff, tiff, trailing
from ingest.opening.model import Examination, Limits, PageShape
from ingest.opening.samples import Samples, samples_of, shaped, upright

Image.MAX_IMAGE_PIXELS = None  # the archive's own limit is checked before any pixel is decoded
pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)

_ORIENTATION: Final = 0x0112
_TURNED: Final = {5, 6, 7, 8}  # EXIF orientations that swap width and height
_PROVEN_BY_WALK: Final = {"image/jpeg", "image/png"}
_TURNED_BY_DECODER: Final = {"image/tiff", "image/heic"}
_SIXTEEN_BITS: Final = 65535
_WHITE_IS_NOUGHT, _WHITE_IS_ONE = 0, 1  # PhotometricInterpretation
_PLAUSIBLE_DPI: Final = range(30, 4801)  # outside of this it is a default, not a measurement

Progress = Callable[[], None]
_OUTLINES: Final = {
    "image/gif": ("GIF", containers.gif),
    "image/bmp": ("BMP", containers.bmp),
    "image/webp": ("WebP", containers.webp),
    "image/heic": ("HEIC", containers.heif),
}


def examine(path: Path, media_type: str, limits: Limits, progress: Progress) -> Examination:
    """Structure, then every page decoded once. Raises `Refused`."""
    with _mapped(path) as data:
        if media_type == "image/tiff":
            return _examine_tiff(path, data, limits, progress)
        name, notes = _outline(path, media_type, data, limits)
    if media_type in _PROVEN_BY_WALK and "interlaced" not in name:
        shape = _stated_shape(path)
    else:
        shape = shape_of(*decode(path, media_type, 1, limits))
    return Examination(media_type=media_type, format=name, pages=(shape,), notes=notes)


def _stated_shape(path: Path) -> PageShape:
    """From the headers alone: the walk has already proven every pixel to be there."""
    with _decoder_errors("picture"), Image.open(path) as image:
        width, height = image.size
        if image.getexif().get(_ORIENTATION, 1) in _TURNED:
            width, height = height, width
        return PageShape(width=width, height=height, dpi=_dpi(image))


def shape_of(samples: Samples, dpi: int | None) -> PageShape:
    """What a decoded page measures."""
    height, width, _ = samples.shape
    return PageShape(width=width, height=height, dpi=dpi)


def decode(
    path: Path, media_type: str, number: int, limits: Limits, *, proving: bool = False
) -> tuple[Samples, int | None]:
    """The pixels of a page, upright by EXIF, with its stated dpi. Raises `Refused`.

    Of a file that was examined nothing is proven again; `proving` is part of the examination.
    """
    with _decoder_errors(media_type):
        return _decode(path, media_type, number, limits, proving=proving)


@contextmanager
def _decoder_errors(media_type: str) -> Iterator[None]:
    """A decoder's complaint as a reason of ours."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # warnings about metadata; pixels are checked structurally
            yield
    except UnidentifiedImageError as error:
        raise Refused("unsupported-variant", kind=media_type) from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk's fault, not the file's
        code = "truncated" if "truncated" in str(error) else "damaged"
        raise Refused(code, detail=f"{type(error).__name__}: {error}"[:160]) from error


@contextmanager
def _mapped(path: Path) -> Iterator[mmap.mmap]:
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        yield data


def _outline(path: Path, media_type: str, data: mmap.mmap, limits: Limits) -> tuple[str, tuple[str, ...]]:
    if media_type == "image/png":
        header, notes = png.check(path, page_pixels=limits.page_pixels)
        return f"PNG, {header.name}", notes
    if media_type == "image/jpeg":
        whole = data[:]
        walked = jpeg.walk(whole)
        _check_size(walked.width, walked.height, limits)
        jpeg.check_coefficients(whole)
        return f"JPEG, {walked.process}", jpeg.notes_on_rest(whole, walked)
    name, walk = _OUTLINES[media_type]
    outline = walk(data[:])
    if outline.size:
        _check_size(*outline.size, limits)
    return f"{name}, {outline.variant}", outline.notes


def inside(data: bytes, limits: Limits) -> Samples:
    """A picture inside of another file, as strictly checked as if it had come alone. Raises `Refused`."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        path = Path(file.name)
        media_type = sniff.media_type_of(path)
        if not media_type.startswith("image/"):
            raise Refused("unknown-format")
        examine(path, media_type, limits, lambda: None)
        return decode(path, media_type, 1, limits)[0]


def _check_size(width: int, height: int, limits: Limits) -> None:
    if width * height > limits.page_pixels:
        raise Refused("too-many-pixels", width=width, height=height, limit=limits.page_pixels)


def _examine_tiff(path: Path, data: mmap.mmap, limits: Limits, progress: Progress) -> Examination:
    found = tiff.directories(data, limits)
    end = tiff.end_of(found)
    trailing.refuse_other_file(data[end : end + trailing.NEAR])
    pages = [directory for directory in found if directory.is_page]
    if len(pages) > limits.pages:
        raise Refused("too-many-pages", pages=len(pages), limit=limits.pages)
    shapes = []
    for index in range(len(pages)):
        shapes.append(shape_of(*decode(path, "image/tiff", index + 1, limits, proving=True)))
        progress()
    version = "BigTIFF" if data[2:4] in {b"+\x00", b"\x00+"} else "TIFF 6.0"
    ways = dict.fromkeys(tiff.COMPRESSIONS[page.compression] for page in pages)
    notes = ("thumbnails",) if len(pages) < len(found) else ()
    return Examination(
        media_type="image/tiff", format=f"{version}, {', '.join(ways)}", pages=tuple(shapes), notes=notes
    )


def _decode(path: Path, media_type: str, number: int, limits: Limits, *, proving: bool) -> tuple[Samples, int | None]:
    frame, rows = 0, None
    if media_type == "image/tiff":
        frame, rows = _tiff_page(path, number, limits, proving=proving)
    elif number != 1:
        raise Refused("no-such-page", page=number, pages=1)
    with Image.open(path) as image:
        if media_type not in {"image/tiff", "image/jpeg"} and (frames := getattr(image, "n_frames", 1)) > 1:
            raise Refused("animated", frames=frames)
        image.seek(frame)
        _check_size(*image.size, limits)
        dpi, orientation = _dpi(image), image.getexif().get(_ORIENTATION, 1)
        if rows is not None:
            samples = rows
        elif media_type == "image/jpeg":
            data = path.read_bytes()
            samples = jpeg.pixels(data, jpeg.walk(data))
        elif media_type == "image/webp" and image.mode == "RGB":
            samples = _webp_pixels(path.read_bytes())
        else:
            samples = samples_of(eight_bits(image))
            if media_type in _TURNED_BY_DECODER:
                orientation = 1
    return upright(samples, orientation), dpi


def _webp_pixels(data: bytes) -> Samples:
    try:
        return shaped(imagecodecs.webp_decode(data))
    except imagecodecs.WebpError as error:
        raise Refused("damaged", detail=str(error)[:120]) from error


def _tiff_page(path: Path, number: int, limits: Limits, *, proving: bool) -> tuple[int, Samples | None]:
    """The index of the page's directory, and its pixels where they are decoded here.

    While `proving`, strips that a decoder would not find damaged are proven whole.
    """
    with _mapped(path) as data:
        found = tiff.directories(data, limits)
        pages = [index for index, directory in enumerate(found) if directory.is_page]
        if not 1 <= number <= len(pages):
            raise Refused("no-such-page", page=number, pages=len(pages))
        index = pages[number - 1]
        directory = found[index]
        if directory.compression == tiff.GROUP4 and _is_plain_fax(directory):
            return index, _fax_page(data, index, directory, proving=proving)
        if proving:
            _prove(data, directory)
    return index, None


def _prove(data: mmap.mmap, directory: tiff.Directory) -> None:
    tables = directory.entries.get(tiff.JPEG_TABLES)
    for index, (offset, length) in enumerate(directory.pieces()):
        piece = data[offset : offset + length]
        if directory.compression == tiff.GROUP4:
            bits = fax.straight(piece, fill_order=directory.number(tiff.FILL_ORDER, 1))
            width = directory.number(tiff.TILE_WIDTH, directory.size[0])
            fax.check_group4(bits, width=width, height=directory.rows_of(index))
        elif directory.compression == tiff.JPEG:
            whole = tables.value.removesuffix(b"\xff\xd9") + piece[2:] if tables else piece
            jpeg.walk(whole)
            jpeg.check_coefficients(whole)


def _is_plain_fax(directory: tiff.Directory) -> bool:
    return (
        tiff.TILE_OFFSETS not in directory.entries
        and directory.number(tiff.BITS, 1) == directory.number(tiff.SAMPLES, 1) == 1
        and directory.number(tiff.PHOTOMETRIC, 0) in {_WHITE_IS_NOUGHT, _WHITE_IS_ONE}
    )


def _fax_page(data: mmap.mmap, index: int, directory: tiff.Directory, *, proving: bool) -> Samples:
    try:
        rows = imagecodecs.tiff_decode(data, index=index)
    except imagecodecs.TiffError as error:
        raise Refused("damaged", detail=str(error)[:120]) from error
    width, height = directory.size
    if rows.shape != (height, width):
        raise Refused("damaged", part="CCITT G4")
    if proving:
        fill_order = directory.number(tiff.FILL_ORDER, 1)
        strips = [fax.straight(data[at : at + length], fill_order=fill_order) for at, length in directory.pieces()]
        fax.check_strips(rows, strips, rows_per_strip=directory.rows_of(0))
    bits = rows.view(np.uint8)
    # 1 becomes 255 and 0 stays, or 1 becomes 0 and 0 goes round to 255.
    return shaped(np.negative(bits) if directory.number(tiff.PHOTOMETRIC, 0) == _WHITE_IS_ONE else bits - np.uint8(1))


def _dpi(image: Image.Image) -> int | None:
    stated = image.info.get("dpi")
    try:
        dpi = round(float(stated[0])) if stated else 0
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None  # nonsense in the metadata says nothing about the pixels
    return dpi if dpi in _PLAUSIBLE_DPI else None


def eight_bits(image: Image.Image) -> Image.Image:
    """The picture in mode `1`, `L` or `RGB`: 16 bits are scaled, transparency lies on white paper."""
    image.load()
    if image.mode.startswith("I"):
        samples = np.asarray(image, dtype=np.int64)
        if samples.min() < 0 or samples.max() > _SIXTEEN_BITS:
            raise Refused("unsupported-variant", kind="32 bit samples")
        return Image.fromarray(((samples * 255 + _SIXTEEN_BITS // 2) // _SIXTEEN_BITS).astype(np.uint8), "L")
    if image.mode == "F":
        raise Refused("unsupported-variant", kind="floating-point samples")
    if image.mode in {"1", "L", "RGB"} and "transparency" not in image.info:
        return image
    if image.mode in {"LA", "La", "PA", "RGBA", "RGBa"} or "transparency" in image.info:
        layer = image.convert("RGBA")
        paper = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(paper, layer).convert("RGB")
    return image.convert("RGB")
