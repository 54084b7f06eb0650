"""Page views made smaller for thumbnails and small screens. Only views made by ourselves are opened here."""

import io

from PIL import Image

_WIDEST = 2000
_NARROWEST = 16
_QUALITY = 80


def scaled(view: bytes, width: int) -> bytes:
    """A JPEG view at most `width` pixels wide (16 to 2000); a narrower one stays as it is."""
    wanted = max(_NARROWEST, min(width, _WIDEST))
    with Image.open(io.BytesIO(view), formats=("JPEG",)) as image:
        if image.width <= wanted:
            return view
        image.draft("RGB", (wanted, image.height))
        smaller = image.resize((wanted, max(1, round(image.height * wanted / image.width))))
    target = io.BytesIO()
    smaller.save(target, "JPEG", quality=_QUALITY)
    return target.getvalue()
