"""Where text stands: quadrilaterals around the lines of a bitmap, in the bitmap's own pixels."""

import math
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
SHORT_SIDE: Final = 736  # smaller pictures are enlarged to it, as the network was trained


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

    def find(self, image: Bitmap) -> list[Quad]:
        """The lines' outlines in no order; none on an empty page."""
        height, width = image.shape[:2]
        probability = self._network.run(self._prepared(image))
        quads, _ = self._boxes(probability, (height, width))
        return [np.asarray(quad, np.float32) for quad in quads]

    def _prepared(self, image: Bitmap) -> Floats:
        height, width = detection_size(image.shape[0], image.shape[1], pixels_limit=self._pixels_limit)
        shrinks = height * width < image.shape[0] * image.shape[1]
        resized = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
        planes = resized[:, :, ::-1].transpose(2, 0, 1)[None]  # the network was trained on BGR
        return np.ascontiguousarray(planes, np.float32) / np.float32(127.5) - np.float32(1)


def sides(quad: Quad) -> tuple[float, float]:
    """Length of the first edge's direction and of the other, in pixels, at least 1 each."""
    along = np.linalg.norm([quad[1] - quad[0], quad[2] - quad[3]], axis=1).max()
    across = np.linalg.norm([quad[3] - quad[0], quad[2] - quad[1]], axis=1).max()
    return max(1.0, float(along)), max(1.0, float(across))


def detection_size(height: int, width: int, *, pixels_limit: int) -> tuple[int, int]:
    """Height and width offered to the network: multiples of its stride, within the limit, small pictures enlarged."""
    enlarge = max(1.0, SHORT_SIDE / min(height, width))
    scale = min(enlarge, math.sqrt(pixels_limit / (height * width)))
    return tuple(max(STRIDE, round(side * scale / STRIDE) * STRIDE) for side in (height, width))  # type: ignore[return-value]
