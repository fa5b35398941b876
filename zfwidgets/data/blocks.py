"""A PIL picture as pixels, upright, block by block: no second picture of its size is made on the way."""

from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image

from zfwidgets.data.depth import is_deep, scaled
from zfwidgets.data.pixels import from_array, rgb

_BLOCK = 1 << 20  # pixels
_ORIENTATION = 274

# EXIF 2.3, table "Orientation": of an upright picture (H, W, C), where the rows and columns as they are stored lie
_STORED: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.transpose(1, 0, 2),
    6: lambda upright: upright[:, ::-1].transpose(1, 0, 2),
    7: lambda upright: upright[::-1, ::-1].transpose(1, 0, 2),
    8: lambda upright: upright[::-1].transpose(1, 0, 2),
}


def upright_pixels(picture: Image.Image, damaged: Callable[[Exception], Exception]) -> np.ndarray:
    """Return a new array (H, W, 3) uint8. What Pillow raises on the way is handed to `damaged`."""
    try:
        picture.load()
        orientation = picture.getexif().get(_ORIENTATION, 1)
        spread = extremes(picture) if is_deep(picture) else None
    except Exception as error:
        raise damaged(error) from error
    turned = orientation in (5, 6, 7, 8)
    upright = np.empty((*(picture.size if turned else picture.size[::-1]), 3), np.uint8)
    stored = _STORED[orientation](upright) if orientation in _STORED else upright
    for place, block in _blocks(picture):
        if spread is not None:
            pixels = scaled(np.asarray(block), picture, *spread)
        else:
            try:
                pixels = np.asarray(_in_color(block))
            except Exception as error:
                raise damaged(error) from error
        stored[place] = rgb(from_array(pixels))
    return upright


def extremes(picture: Image.Image) -> tuple[float, float]:
    """Return the lowest and the highest number of a picture of one channel; NaN where there is one."""
    found = [(array.min(), array.max()) for array in (np.asarray(block) for _, block in _blocks(picture))]
    low, high = np.array(found).T
    return low.min().item(), high.max().item()


def _blocks(picture: Image.Image) -> Iterator[tuple[tuple[slice, slice], Image.Image]]:
    """Yield a picture in parts, and where each of them is."""
    width, height = picture.size
    if width * height <= _BLOCK:
        yield (slice(0, height), slice(0, width)), picture
        return
    wide = min(width, _BLOCK)
    high = max(1, _BLOCK // wide)
    for top in range(0, height, high):
        for left in range(0, width, wide):
            right, bottom = min(left + wide, width), min(top + high, height)
            yield (slice(top, bottom), slice(left, right)), picture.crop((left, top, right, bottom))


def _in_color(picture: Image.Image) -> Image.Image:
    """Convert a picture of 8 bits a channel to RGB, or to RGBA where some of it is transparent."""
    if picture.mode == "La":  # Pillow goes from it to LA only
        picture = picture.convert("LA")
    return picture.convert("RGBA" if picture.has_transparency_data else "RGB")
