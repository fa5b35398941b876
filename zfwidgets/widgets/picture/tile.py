"""A small picture on a see-through square, for rows and diagrams of them."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO

import numpy as np
from PIL import Image

from zfwidgets.drawing import fit_tile
from zfwidgets.widgets.picture.picture import rgba


def framed(picture: np.ndarray, side: int) -> np.ndarray:
    """A picture (h, w, 3) uint8 in the middle of a see-through square, (side, side, 4) uint8; one of that size, with
    four channels, as it is."""
    if picture.shape == (side, side, 4):
        return picture
    square, fitted = np.zeros((side, side, 4), np.uint8), rgba(fit_tile(picture, side))
    top, left = (side - fitted.shape[0]) // 2, (side - fitted.shape[1]) // 2
    square[top : top + fitted.shape[0], left : left + fitted.shape[1]] = fitted
    return square


def tile_source(pixels: bytes) -> str:
    """The source of an HTML image of a square's RGBA bytes."""
    side, data = round((len(pixels) / 4) ** 0.5), BytesIO()
    Image.frombytes("RGBA", (side, side), pixels).save(data, "PNG")
    return f"data:image/png;base64,{b64encode(data.getvalue()).decode()}"
