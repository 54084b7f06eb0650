"""Decoded pixels: arrays of eight bits, height x width x 1 (grey) or 3 (RGB), in one piece."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Samples = NDArray[np.uint8]

_GREY: Final = 2  # dimensions
#: What brings a picture upright, by EXIF orientation.
_TURNS: Final[Mapping[int, Callable[[Samples], Any]]] = {
    2: lambda samples: cv2.flip(samples, 1),
    3: lambda samples: cv2.rotate(samples, cv2.ROTATE_180),
    4: lambda samples: cv2.flip(samples, 0),
    5: cv2.transpose,
    6: lambda samples: cv2.rotate(samples, cv2.ROTATE_90_CLOCKWISE),
    7: lambda samples: cv2.rotate(cv2.transpose(samples), cv2.ROTATE_180),
    8: lambda samples: cv2.rotate(samples, cv2.ROTATE_90_COUNTERCLOCKWISE),
}


def samples_of(picture: Image.Image) -> Samples:
    """Of a picture in mode `1`, `L` or `RGB`."""
    return shaped(np.asarray(picture.convert("L") if picture.mode == "1" else picture))


def shaped(pixels: NDArray[np.uint8]) -> Samples:
    """Rows of grey values, or of colours, as samples."""
    return np.ascontiguousarray(pixels[:, :, None] if pixels.ndim == _GREY else pixels)


def upright(samples: Samples, orientation: int) -> Samples:
    """As it is meant to be looked at, by EXIF orientation."""
    turn = _TURNS.get(orientation)
    return samples if turn is None else shaped(np.asarray(turn(samples), np.uint8))
