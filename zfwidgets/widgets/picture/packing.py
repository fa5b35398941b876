"""How a picture goes to the page: the pixels that matter, raw or packed without loss."""

from __future__ import annotations

from collections import Counter
from io import BytesIO

import numpy as np
from PIL import Image


def message(pixels: bytes, height: int, width: int, transport: str) -> dict[str, object]:
    """What goes to the browser: the bytes, and how they are packed, so that neither can go without the other.

    A picture that has one colour around a rectangle, as a projection has around what its unit sees, goes as that `box`
    (top, left, bottom, right) and as the colour `around` it, RGBA: most of its bytes stay behind.
    """
    if not pixels or len(pixels) != 4 * height * width:  # another thread is about to show something
        return {"transport": "raw", "data": pixels}
    whole = np.frombuffer(pixels, np.uint8).reshape(height, width, 4)
    around = _commonest_corner(whole)
    top, left, bottom, right = box = _box_without(whole, around)
    part = whole[top:bottom, left:right]
    trimmed = {} if part.size == whole.size else {"box": box, "around": np.frombuffer(around, np.uint8).tolist()}
    packed = webp(part) if transport == "webp" else part.tobytes()
    return {"transport": transport, "data": packed, **trimmed}


def webp(pixels: np.ndarray) -> bytes:
    """Pack (H, W, 4) uint8 without loss; the settings are the fastest ones, and as small as PNG."""
    packed = BytesIO()
    Image.fromarray(pixels).save(packed, "WEBP", lossless=True, method=0, quality=0, exact=True)
    return packed.getvalue()


def _commonest_corner(pixels: np.ndarray) -> bytes:
    """The colour of most corners: what lies at one of them may be a part of what is shown."""
    corners = Counter(pixels[row, column].tobytes() for row in (0, -1) for column in (0, -1))
    return corners.most_common(1)[0][0]


def _box_without(pixels: np.ndarray, colour: bytes) -> tuple[int, int, int, int]:
    """The least rectangle outside which all pixels have that colour; one pixel, where the rest has it, too."""
    differs = pixels.view(np.uint32)[..., 0] != np.frombuffer(colour, np.uint32)
    rows, columns = np.flatnonzero(differs.any(1)), np.flatnonzero(differs.any(0))
    if not len(rows):
        return 0, 0, 1, 1
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1
