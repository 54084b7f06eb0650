"""Where text stands: quadrilaterals around the lines of a bitmap, in the bitmap's own pixels."""

import math
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from rapidocr.ch_ppocr_det.utils import DBPostProcess

from archive_app.core.ports import Bitmap
from ingest.ocr.networks import DETECTION_MODEL, Floats, Network, Runtime, load_network

#: Four corners, clockwise from the top left: 4 x 2 pixels.
Quad = NDArray[np.float32]

STRIDE: Final = 32  # the network halves its input five times
STRIP_PIXELS: Final = 850_000  # looked at in one go
MARGIN: Final = 64  # pixels a strip sees beyond its own, so that no line is judged by a part of its height
SHORT_SIDE: Final = 736  # smaller pictures are enlarged to it, as the network was trained
CAPTION_ROWS: Final = 64  # of print set beneath each strip: see `captioned`
CAPTION: Final = "HEMG 0123456789 REBDK 98765 WMXQ 4567 "
INK_DEPTH: Final = 48  # of 255 levels below the paper around it
INK_SHARE: Final = 0.0003  # of a page's pixels: less than one short line, more than dust


class Detector:
    """Finds lines on a bitmap shrunk to at most `pixels_limit`.

    The limit is an area, not a side, so that a long receipt or a wide spread keeps its resolution while time and
    memory stay bounded.
    """

    def __init__(self, *, runtime: Runtime, pixels_limit: int) -> None:
        self._network: Network = load_network(DETECTION_MODEL, runtime=runtime)
        self._pixels_limit = pixels_limit
        self._boxes = DBPostProcess(
            thresh=0.3, box_thresh=0.5, max_candidates=3000, unclip_ratio=1.6, score_mode="fast", use_dilation=True
        )

    def find(self, image: Bitmap, *, scale: float = 1.0) -> list[Quad]:
        """The lines' outlines in no order; none on an empty page. `scale` (at most 1) looks from further away."""
        height, width = image.shape[:2]
        quads, _ = self._boxes(self._probability(self._prepared(image, scale)), (height, width))
        return [np.asarray(quad, np.float32) for quad in quads]

    def _probability(self, planes: Floats) -> Floats:
        """Of text, for each pixel. Large pictures are looked at in overlapping strips, which bounds working memory."""
        if planes.shape[2] < planes.shape[3]:
            return self._in_strips(planes, axis=3)
        return self._in_strips(planes, axis=2)

    def _in_strips(self, planes: Floats, *, axis: int) -> Floats:
        probability = np.empty((1, 1, *planes.shape[2:]), np.float32)
        for part, seen in strips(planes.shape[axis], planes.shape[5 - axis]):
            around = [slice(None)] * 4
            around[axis] = slice(seen.start, seen.stop)
            result = self._network.run(captioned(planes[tuple(around)]))
            kept, placed = around.copy(), around
            kept[2] = slice(0, planes.shape[2])
            kept[axis] = slice(part.start - seen.start, part.stop - seen.start)
            placed[axis] = slice(part.start, part.stop)
            probability[tuple(placed)] = result[tuple(kept)]
        return probability

    def _prepared(self, image: Bitmap, scale: float) -> Floats:
        limit = round(self._pixels_limit * scale * scale)
        height, width = detection_size(image.shape[0], image.shape[1], pixels_limit=limit)
        shrinks = height * width < image.shape[0] * image.shape[1]
        resized = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        planes = resized[:, :, ::-1].transpose(2, 0, 1)[None]  # the network was trained on BGR
        return np.ascontiguousarray(planes, np.float32) / np.float32(127.5) - np.float32(1)


def captioned(planes: Floats) -> Floats:
    """The planes with rows of print beneath them.

    The network weighs what it sees against the whole picture: with no text in it at all (a white strip, the back of a
    sheet) it takes the paper itself for text, everywhere. A line of print to compare with keeps it right.
    """
    return np.concatenate([planes, _caption(planes.shape[3])], axis=2)


@cache
def _caption(width: int) -> Floats:
    rows = np.full((CAPTION_ROWS, width), 255, np.uint8)
    text = CAPTION * math.ceil(width / 300)
    for baseline in (CAPTION_ROWS // 2, CAPTION_ROWS - 8):
        cv2.putText(rows, text, (8, baseline), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (20,), 1, cv2.LINE_AA)
    return np.broadcast_to(rows.astype(np.float32) / np.float32(127.5) - np.float32(1), (1, 3, *rows.shape))


def has_ink(image: Bitmap) -> bool:
    """Whether the page bears marks clearly darker than the paper around them, and more of them than dust makes."""
    height, width = image.shape[:2]
    shrink = max(1.0, max(height, width) / 1200)
    size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
    grey = cv2.cvtColor(cv2.resize(image, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    paper = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, np.ones((25, 25), np.uint8))
    return bool((paper.astype(np.int16) - grey > INK_DEPTH).mean() > INK_SHARE)


def sides(quad: Quad) -> tuple[float, float]:
    """Length of the first edge's direction and of the other, in pixels, at least 1 each."""
    along = np.linalg.norm([quad[1] - quad[0], quad[2] - quad[3]], axis=1).max()
    across = np.linalg.norm([quad[3] - quad[0], quad[2] - quad[1]], axis=1).max()
    return max(1.0, float(along)), max(1.0, float(across))


def strips(length: int, breadth: int) -> list[tuple[range, range]]:
    """Cut `length` into strips: what each answers for, and what it sees. All bounds are multiples of the stride.

    >>> strips(1472, 1056)
    [(range(0, 736), range(0, 800)), (range(736, 1472), range(672, 1472))]
    """
    count = math.ceil(length * breadth / STRIP_PIXELS)
    step = math.ceil(length / count / STRIDE) * STRIDE
    parts = [range(start, min(length, start + step)) for start in range(0, length, step)]
    return [(part, range(max(0, part.start - MARGIN), min(length, part.stop + MARGIN))) for part in parts]


def detection_size(height: int, width: int, *, pixels_limit: int) -> tuple[int, int]:
    """Height and width offered to the network: multiples of its stride, within the limit, small pictures enlarged."""
    enlarge = max(1.0, SHORT_SIDE / min(height, width))
    scale = min(enlarge, math.sqrt(pixels_limit / (height * width)))
    return tuple(max(STRIDE, round(side * scale / STRIDE) * STRIDE) for side in (height, width))  # type: ignore[return-value]
