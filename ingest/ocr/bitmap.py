"""What every engine asks of the bitmap it is given."""

import numpy as np

from archive_app.core.errors import OcrFailed
from archive_app.core.ports import Bitmap

CHANNELS = 3


def check_bitmap(image: Bitmap) -> None:
    """Raise `OcrFailed("ocr-bad-bitmap")` unless it is a non-empty height x width x 3 array of bytes."""
    if image.dtype != np.uint8 or image.ndim != CHANNELS or image.shape[2] != CHANNELS or 0 in image.shape:
        raise OcrFailed("ocr-bad-bitmap", shape=image.shape, type=str(image.dtype))
