"""What a decoded page looks like: colours, depths and orientation come out as the paper looked."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from archive_app.core.errors import Refused
from ingest.opening import fax, pictures, raster
from ingest.opening.model import Limits

RED, BLUE, WHITE, BLACK = (255, 0, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)


def halves(left: tuple[int, int, int] = RED, right: tuple[int, int, int] = BLUE) -> Image.Image:
    """64 x 32, one colour on the left and another on the right."""
    picture = Image.new("RGB", (64, 32), left)
    picture.paste(right, (32, 0, 64, 32))
    return picture


def opened(path: Path, media_type: str) -> NDArray[np.uint8]:
    samples, _ = pictures.decode(path, media_type, 1, Limits())
    return np.broadcast_to(samples, (*samples.shape[:2], 3))


def near(pixel: NDArray[np.uint8], colour: tuple[int, int, int]) -> bool:
    return bool(np.abs(pixel.astype(int) - colour).max() < 40)


def jpeg(picture: Image.Image, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=95, **options)  # type: ignore[arg-type]
    return out.getvalue()


def test_an_adobe_cmyk_jpeg_keeps_its_colours(tmp_path: Path):
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg(Image.new("CMYK", (32, 32), (0, 255, 255, 0))))
    assert near(opened(path, "image/jpeg")[16, 16], RED)


def test_a_plain_cmyk_jpeg_is_not_inverted(tmp_path: Path):
    # Without Adobe's marker the inks are stored as they are; Pillow has written them inverted, so invert before.
    adobe = jpeg(Image.new("CMYK", (32, 32), (255, 0, 0, 255)))
    at = adobe.index(b"\xff\xee")
    (length,) = struct.unpack_from(">H", adobe, at + 2)
    path = tmp_path / "plain.jpg"
    path.write_bytes(adobe[:at] + adobe[at + 2 + length :])
    assert near(opened(path, "image/jpeg")[16, 16], RED)


@pytest.mark.parametrize(
    ("orientation", "where"),
    [(1, "left"), (2, "right"), (3, "right"), (4, "left"), (5, "top"), (6, "top"), (7, "bottom"), (8, "bottom")],
)
@pytest.mark.parametrize("kind", ["jpeg", "tiff", "png"])
def test_the_orientation_is_applied_once(kind: str, orientation: int, where: str, tmp_path: Path):
    path = tmp_path / "turned"
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"tiffinfo": {274: orientation}} if kind == "tiff" else {"exif": exif}
    halves().save(path, kind, **options)
    pixels = opened(path, f"image/{kind}")
    height, width = pixels.shape[:2]
    assert (width, height) == ((64, 32) if where in {"left", "right"} else (32, 64))
    places = {
        "left": (height // 2, 4),
        "right": (height // 2, width - 4),
        "top": (4, width // 2),
        "bottom": (height - 4, width // 2),
    }
    assert near(pixels[places[where]], RED)


def test_sixteen_bits_are_scaled_not_cut(tmp_path: Path):
    path = tmp_path / "deep.tif"
    tifffile.imwrite(path, np.array([[0, 128, 257 * 100, 65535]], np.uint16))
    assert opened(path, "image/tiff")[0, :, 0].tolist() == [0, 0, 100, 255]


def test_grey_with_white_as_nought_is_not_inverted(tmp_path: Path):
    path = tmp_path / "white.tif"
    tifffile.imwrite(path, np.array([[0, 55, 255]], np.uint8), photometric="miniswhite")
    assert opened(path, "image/tiff")[0, :, 0].tolist() == [255, 200, 0]


def test_a_planar_tiff_has_its_colours(tmp_path: Path):
    path = tmp_path / "planar.tif"
    planes = np.moveaxis(np.asarray(halves()), 2, 0).copy()
    tifffile.imwrite(path, planes, photometric="rgb", planarconfig="separate")
    assert near(opened(path, "image/tiff")[16, 4], RED)


@pytest.mark.parametrize("compression", ["group4", "group3", "raw", "tiff_lzw"])
def test_a_bilevel_tiff_is_black_on_white(compression: str, tmp_path: Path):
    path = tmp_path / "bilevel.tif"
    halves(BLACK, WHITE).convert("1").save(path, "TIFF", compression=compression)
    pixels = opened(path, "image/tiff")
    assert near(pixels[16, 4], BLACK)
    assert near(pixels[16, 60], WHITE)


def test_what_is_transparent_lies_on_white_paper(tmp_path: Path):
    path = tmp_path / "clear.png"
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(path)
    assert opened(path, "image/png")[4, 4].tolist() == list(WHITE)


def test_a_transparent_palette_lies_on_white_paper(tmp_path: Path):
    path = tmp_path / "clear.gif"
    Image.new("P", (8, 8), 0).save(path, transparency=0)
    assert opened(path, "image/gif")[4, 4].tolist() == list(WHITE)


def test_group_4_with_the_bits_reversed_is_read(tmp_path: Path):
    path = tmp_path / "reversed.tif"
    halves(BLACK, WHITE).convert("1").save(path, "TIFF", compression="group4", tiffinfo={266: 2})
    pixels = opened(path, "image/tiff")
    assert near(pixels[16, 4], BLACK)


def test_one_wrong_bit_in_group_4_is_noticed():
    rows = np.asarray(Image.effect_noise((200, 200), 80).point(lambda v: 255 if v > 170 else 0).convert("1"))
    (strip,) = fax._encoded(rows, len(rows))
    data = bytearray(strip)
    fax.check_group4(bytes(data), width=200, height=200)
    data[len(data) // 2] ^= 0x10
    with pytest.raises(Refused):
        fax.check_group4(bytes(data), width=200, height=200)


def test_every_row_lost_from_a_png_is_noticed(tmp_path: Path):
    path = tmp_path / "short.png"
    whole = io.BytesIO()
    halves().save(whole, "PNG")
    data = whole.getvalue()
    at = data.index(b"IDAT")
    (length,) = struct.unpack_from(">I", data, at - 4)
    rows = zlib.decompress(data[at + 4 : at + 4 + length])
    body = zlib.compress(rows[:-193])
    chunk = struct.pack(">I", len(body)) + b"IDAT" + body + struct.pack(">I", zlib.crc32(b"IDAT" + body))
    path.write_bytes(data[: at - 4] + chunk + data[at + 8 + length :])
    with pytest.raises(Refused) as refusal:
        pictures.examine(path, "image/png", Limits(), lambda: None)
    assert refusal.value.code == "truncated"


def test_the_view_is_small_and_keeps_grey_grey():
    view = Image.open(io.BytesIO(raster.view_of(np.full((2500, 5000, 1), 200, np.uint8))))
    assert (view.size, view.mode) == ((2000, 1000), "L")


def test_a_page_without_stated_resolution_has_none(tmp_path: Path):
    path = tmp_path / "plain.png"
    halves().save(path)
    assert pictures.decode(path, "image/png", 1, Limits())[1] is None
    halves().save(path, dpi=(200, 200))
    assert pictures.decode(path, "image/png", 1, Limits())[1] == 200
