from collections.abc import Sequence

import numpy as np
import pytest

from ingest.ocr.detection import Quad
from ingest.ocr.layout import box_around, order_of
from ingest.ocr.orientation import Rotation, find_rotation, turned, turned_back
from ingest.ocr.recognition import Character, Reading


def outline(x: float, y: float, width: float, height: float) -> Quad:
    return np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], np.float32)


def reading(confidence: float) -> Reading:
    return Reading(characters=(Character("文", 0.0, 1.0, confidence),), confidence=confidence)


LYING = [outline(10, y, 200, 20) for y in (10, 40, 70)]
STANDING = [outline(x, 10, 20, 200) for x in (10, 40, 70)]


class Reader:
    """Reads well only lines whose text runs the given way, and counts how often it is asked."""

    def __init__(self, direction: tuple[int, int], *, legible: float = 0.98) -> None:
        self.direction, self.legible, self.asked = direction, legible, 0

    def __call__(self, quads: Sequence[Quad]) -> list[Reading]:
        self.asked += 1
        runs = [tuple(int(v) for v in np.sign(quad[1] - quad[0])) for quad in quads]
        return [reading(self.legible if run == self.direction else 0.3) for run in runs]


@pytest.mark.parametrize(
    ("quads", "direction", "rotation"),
    [(LYING, (1, 0), 0), (STANDING, (0, -1), 90), (LYING, (-1, 0), 180), (STANDING, (0, 1), 270)],
    ids=["upright", "read upwards", "upside down", "read downwards"],
)
def test_the_rotation_follows_the_way_the_text_runs(quads: list[Quad], direction: tuple[int, int], rotation: int):
    assert find_rotation(quads, Reader(direction))[0] == rotation


def test_an_upright_page_is_settled_by_one_sample_whose_readings_are_kept():
    reader = Reader((1, 0))
    _, kept = find_rotation(LYING, reader)
    assert reader.asked == 1
    assert kept == dict.fromkeys(range(3), reading(0.98))


def test_a_hardly_legible_page_keeps_the_better_direction():
    assert find_rotation(LYING, Reader((1, 0), legible=0.5))[0] == 0


def test_columns_of_upright_characters_do_not_turn_the_page():
    assert find_rotation(STANDING, Reader((1, 0)))[0] == 0


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_point_of_the_turned_bitmap_is_found_again_on_the_given_one(rotation: Rotation):
    given = np.zeros((40, 60, 3), np.uint8)
    given[5:9, 20:33] = 255
    upright = turned(given, rotation)
    rows, columns = np.nonzero(upright[:, :, 0])
    found = outline(columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1)
    back = turned_back(found, rotation, height=40, width=60)
    assert box_around(back, height=40, width=60) == (20, 5, 13, 4)


def test_a_box_over_the_edge_is_clipped_and_never_empty():
    assert box_around(outline(-5, -5, 10, 10), height=100, width=100) == (0, 0, 5, 5)
    assert box_around(outline(120, 50, 10, 0), height=100, width=100) == (99, 50, 1, 1)


def test_a_skewed_scan_keeps_its_rows():
    angle = np.deg2rad(2.0)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]], np.float32)
    cells = [outline(x, y, 150, 20) @ turn for y in (100, 130, 160) for x in (0, 600, 1200, 1800)]
    assert order_of(cells) == list(range(12))
