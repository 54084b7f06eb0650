"""The promises of `OcrEngine`, held by every engine. The picture holds invented values."""

import json
import re
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from archive_app.core.errors import InvalidInput, OcrFailed
from archive_app.core.ports import Bitmap, OcrEngine, OcrPage
from ingest.ocr.engines import build_engine

PICTURE = Path(__file__).parent / "data" / "receipt_lines.png"
HEIGHT, WIDTH = 420, 900

pytestmark = pytest.mark.ocr


@pytest.fixture(scope="module", params=["rapidocr", "tesseract"])
def engine(request: pytest.FixtureRequest) -> OcrEngine:
    return build_engine(request.param)


@pytest.fixture(scope="module")
def picture() -> Bitmap:
    with Image.open(PICTURE) as image:
        return np.asarray(image.convert("RGB"))


@pytest.fixture(scope="module")
def page(engine: OcrEngine, picture: Bitmap) -> OcrPage:
    return engine.read(picture)


def text_of(page: OcrPage) -> str:
    joined = "".join(line.text for line in page.lines)
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", joined))


def test_printed_chinese_and_numbers_are_read(page: OcrPage):
    for words in ("门诊收费票据", "陆知遥", "2024-03-15", "血常规检验", "128.50", "慢性扁桃体炎"):
        assert words in text_of(page)


def test_rows_are_read_down_the_page_and_their_cells_from_left_to_right(page: OcrPage):
    text = text_of(page)
    places = [text.index(words) for words in ("门诊", "姓名", "日期", "项目", "金额", "诊断")]
    assert places == sorted(places)


def test_no_blank_stands_between_han_characters(page: OcrPage):
    assert not any(re.search(r"[一-鿿]\s+[一-鿿]", line.text) for line in page.lines)


def test_boxes_are_whole_pixels_inside_the_bitmap(page: OcrPage):
    boxes = [line.box for line in page.lines] + [word.box for line in page.lines for word in line.words]
    for x, y, width, height in boxes:
        assert all(type(value) is int for value in (x, y, width, height))
        assert x >= 0
        assert y >= 0
        assert width > 0
        assert height > 0
        assert x + width <= WIDTH
        assert y + height <= HEIGHT


def test_a_word_stands_where_it_is_printed(page: OcrPage):
    (line,) = (line for line in page.lines if "慢性" in line.text)
    x, y, width, height = next(word.box for word in line.words if word.text == "性")
    assert x + width / 2 == pytest.approx(202, abs=24)  # the fifth of characters 36 pixels wide that start at 40
    assert 290 <= y + height / 2 <= 350


def test_confidences_are_between_nought_and_one(page: OcrPage):
    assert all(0 <= line.confidence <= 1 for line in page.lines)
    assert all(0 <= word.confidence <= 1 for line in page.lines for word in line.words)


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_turned_page_is_read_and_its_boxes_stay_on_the_bitmap_as_given(
    engine: OcrEngine, picture: Bitmap, page: OcrPage, rotation: int
):
    turned = engine.read(np.ascontiguousarray(np.rot90(picture, rotation // 90)))

    assert turned.rotation == rotation
    assert "血常规检验" in text_of(turned)
    x, y, width, height = next(line.box for line in page.lines if "门诊" in line.text)
    expected = {
        90: (y, WIDTH - x - width, height, width),
        180: (WIDTH - x - width, HEIGHT - y - height, width, height),
        270: (HEIGHT - y - height, x, height, width),
    }[rotation]
    assert next(line.box for line in turned.lines if "门诊" in line.text) == pytest.approx(expected, abs=12)


def test_an_empty_page_is_upright_and_has_no_lines(engine: OcrEngine):
    page = engine.read(np.full((300, 400, 3), 255, np.uint8))
    assert page.lines == ()
    assert page.rotation == 0


@pytest.mark.parametrize(
    "bitmap",
    [np.zeros((0, 10, 3), np.uint8), np.zeros((10, 10), np.uint8), np.zeros((10, 10, 3), np.float32)],
    ids=["no rows", "grey", "not bytes"],
)
def test_what_is_no_bitmap_is_a_failure_and_not_an_empty_page(engine: OcrEngine, bitmap: Bitmap):
    with pytest.raises(OcrFailed):
        engine.read(bitmap)


@pytest.mark.parametrize("shape", [(1, 1), (3, 2000), (2000, 3)])
def test_a_sliver_is_read_without_failing(engine: OcrEngine, shape: tuple[int, int]):
    assert engine.read(np.full((*shape, 3), 255, np.uint8)).lines == ()


def test_the_page_carries_the_identity_of_its_engine(engine: OcrEngine, page: OcrPage):
    identity = page.identity
    assert identity == engine.identity
    assert re.fullmatch(r"[0-9a-f]{64}", identity.model)
    assert re.search(r"\d+\.\d+", identity.version)
    canonical = json.dumps(json.loads(identity.parameters), sort_keys=True, separators=(",", ":"))
    assert identity.parameters == canonical


def test_reading_twice_gives_the_same_page(engine: OcrEngine, picture: Bitmap, page: OcrPage):
    assert engine.read(picture) == page


def test_an_unknown_engine_is_invalid_input():
    with pytest.raises(InvalidInput):
        build_engine("abacus")
