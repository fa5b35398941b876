"""What number is white in a PIL picture of one deep channel: Pillow's modes I, I;16 and F do not always say it."""

from typing import Any

import numpy as np
from PIL import Image

from zfwidgets.data.pixels import ROUNDING, check_range

_BITS_PER_SAMPLE, _PHOTOMETRIC, _PLANAR = 258, 262, 284  # TIFF 6.0
_WHITE_IS_ZERO, _SEPARATE_PLANES = 0, 2


def is_deep(picture: Image.Image) -> bool:
    """Say whether a picture has one channel of more than 8 bits a pixel."""
    return picture.mode.startswith("I") or picture.mode == "F"


def check_planes(picture: Image.Image) -> None:
    """Raise ValueError for the one kind of TIFF that Pillow opens, and then reads wrongly."""
    bits = _tag(picture, _BITS_PER_SAMPLE) or (8,)
    if _tag(picture, _PLANAR) == _SEPARATE_PLANES and len(bits) > 1 and max(bits) > 8:
        raise ValueError(
            f"it is a TIFF whose colours lie apart, with {max(bits)} bits, which Pillow cannot read; "
            "save it with 8 bits, or with the colours of a pixel side by side"
        )


def scaled(numbers: np.ndarray, picture: Image.Image, low: float, high: float) -> np.ndarray:
    """Return numbers (h, w) of a deep picture as an image of a type that says its scale; given its lowest and highest.

    - I;16: 16 bits, or the 12 that its file has.
    - I: 16 bits where its file says so (PNG, PGM). Else 8 bits where no number is over 255, as `convert("I")` gives
      them, and 16 bits where one is.
    - F: what lies in [0, 1] is that; what goes up to 2 or more, and at most to 255, is in 0 to 255, as `convert("F")`
      gives it.

    A colour that the file calls transparent is white. `picture` is the one that `numbers` were read from.

    Raises:
        ValueError: numbers below 0 or above 65535; floats whose largest lies between 1 and 2.
    """
    if picture.mode == "F":
        return _floats(numbers, low, high)
    white = _white(picture, low, high)
    numbers = numbers.astype(np.int32)
    if _tag(picture, _PHOTOMETRIC) == _WHITE_IS_ZERO:
        numbers = white - numbers
    if isinstance(transparent := picture.info.get("transparency"), int):
        numbers[numbers == transparent] = white
    if white in (255, 65535):
        return numbers.astype(np.uint8 if white == 255 else np.uint16)
    return numbers / white


def _white(picture: Image.Image, low: float, high: float) -> int:
    if low < 0 or high > 65535:
        raise ValueError(f"the image holds 32-bit numbers from {low} to {high}; save it with 8 or 16 bits")
    if _tag(picture, _BITS_PER_SAMPLE) == (12,):
        return 4095
    said = picture.mode != "I" or picture.format in ("PNG", "PPM")  # Pillow reads their 8 bits as L
    return 65535 if said or high > 255 else 255


def _floats(numbers: np.ndarray, low: float, high: float) -> np.ndarray:
    if 1 + ROUNDING < high < 2:
        raise ValueError(
            f"the image holds floats from {low:g} to {high:g}: too large for [0, 1], and black in 0 to 255; "
            "scale them to [0, 1]"
        )
    if low >= 0 and 2 <= high <= 255:
        return numbers / 255
    check_range(low, high)
    return numbers


def _tag(picture: Image.Image, number: int) -> Any:
    return getattr(picture, "tag_v2", {}).get(number)
