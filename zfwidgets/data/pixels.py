"""From the pixel arrays that people have, of several types and channels, to one kind: (H, W, 3) uint8 RGB."""

import sys
from typing import Any

import numpy as np

MAX_PIXELS = 100_000_000

_CHANNELS = (1, 3, 4)
ROUNDING = 1e-4  # how far a float may stray outside [0, 1] before it is an error; 8 bits step by 4e-3


def rgb(pixels: np.ndarray) -> np.ndarray:
    """Return a new array (H, W, 3) uint8 from `pixels` (H, W, C), where C is 1 (grey), 3, or 4 (the last is alpha).

    uint8 is taken as it is, uint16 is scaled by 255 / 65535, a float by 255, and True is white. A wider integer is
    taken as it is from 0 to 255. What is transparent is laid on white.

    Raises:
        ValueError: a float outside [0, 1], or not finite; a wider integer outside 0 to 255.
        TypeError: another type of number.
    """
    levels = _levels(pixels)
    if levels.shape[2] == 4:
        levels = _on_white(levels)
    return np.array(np.broadcast_to(levels, (*levels.shape[:2], 3)), order="C")


def from_array(array: np.ndarray) -> np.ndarray:
    """Return `array` as (H, W, C); it may be that already, or (H, W).

    Raises:
        ValueError: another shape; if the channels come first, the message says how to move them.
    """
    if array.ndim == 2:
        return array[:, :, None]
    if array.ndim == 3 and array.shape[2] in _CHANNELS:
        return array
    hint = "if it is a batch of grey images, use array[..., None]" if array.ndim == 3 and array.shape[2] > 4 else ""
    if array.ndim == 3 and array.shape[0] in _CHANNELS:
        hint = "its channels come first: use array.transpose(1, 2, 0)"
    raise _wrong_shape("array", "(H, W), (H, W, 1), (H, W, 3) or (H, W, 4)", array.shape, hint)


def from_tensor(tensor: Any) -> np.ndarray:
    """Return a torch `tensor` (C, H, W) or (H, W), on any device, as an array (H, W, C).

    Raises:
        ValueError: another shape; if the channels come last, the message says how to move them.
    """
    shape = tuple(tensor.shape)
    if len(shape) == 2:
        return numbers_of(tensor)[:, :, None]
    if len(shape) == 3 and shape[0] in _CHANNELS:
        return numbers_of(tensor).transpose(1, 2, 0)
    hint = "if it is a batch of grey images, use tensor[:, None]" if len(shape) == 3 and shape[0] > 4 else ""
    if len(shape) == 3 and shape[2] in _CHANNELS:
        hint = "its channels come last: use tensor.permute(2, 0, 1)"
    raise _wrong_shape("tensor", "(H, W), (1, H, W), (3, H, W) or (4, H, W)", shape, hint)


def is_tensor(value: object) -> bool:
    """Say whether `value` is a torch tensor, without importing torch: where nobody imported it, nothing is a tensor."""
    return isinstance(value, getattr(sys.modules.get("torch"), "Tensor", ()))


def check_size(height: int, width: int, max_pixels: int) -> None:
    """Raise ValueError for an image without pixels, or with more than `max_pixels`."""
    if not height or not width:
        raise ValueError(f"the image has no pixels: its height is {height} and its width is {width}")
    if height * width > max_pixels:
        raise ValueError(
            f"the image has {height} x {width} = {height * width:,} pixels, more than the limit of {max_pixels:,}; "
            "make it smaller, or give a larger max_pixels"
        )


def numbers_of(tensor: Any) -> np.ndarray:
    """Return a torch tensor's numbers as an array of the same shape, from any device."""
    # numpy has no bfloat16, and 8 bits need no more than float32
    return (tensor.float() if tensor.is_floating_point() else tensor).detach().cpu().numpy()


def _wrong_shape(noun: str, layouts: str, shape: tuple[int, ...], hint: str) -> ValueError:
    if len(shape) == 4:
        hint = "it is a batch: give one image of it"
    return ValueError(f"an image {noun} has shape {layouts}, and this one has {shape}{hint and '; '}{hint}")


def _levels(pixels: np.ndarray) -> np.ndarray:
    """Scale numbers of any accepted type to uint8."""
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == np.bool_:
        return pixels.astype(np.uint8) * np.uint8(255)
    if pixels.dtype.kind == "u" and pixels.dtype.itemsize == 2:
        # 65535 is 257 x 255 and 257 is odd: this is the nearest level, and there are no ties
        return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if pixels.dtype.kind == "f":
        check_range(float(pixels.min()), float(pixels.max()))
        return np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    if pixels.dtype.kind in "iu" and pixels.dtype.itemsize > 1:
        _check_levels(int(pixels.min()), int(pixels.max()), pixels.dtype)
        return pixels.astype(np.uint8)
    raise TypeError(
        "the numbers of an image are uint8, uint16, bool, floats in [0, 1], or other integers from 0 to 255, and these "
        f"are {pixels.dtype}; if they run from 0 to 255, convert them to uint8"
    )


def _check_levels(low: int, high: int, dtype: np.dtype) -> None:
    if low < 0 or high > 255:
        raise ValueError(
            f"an image of {dtype} holds levels from 0 to 255, and this one goes from {low} to {high}; "
            "if it has 16 bits, convert it to uint16, else scale it to [0, 1]"
        )


def check_range(low: float, high: float) -> None:
    """Raise ValueError where the lowest and the highest number of an image of floats lie outside [0, 1]."""
    if not np.isfinite([low, high]).all():  # minimum and maximum both hand on NaN
        raise ValueError("the image holds numbers that are not finite (NaN or infinity)")
    if low < -ROUNDING:
        raise ValueError(
            f"an image of floats lies in [0, 1], and this one goes down to {low:g}; "
            "if it was normalised for a network, give it as it was before"
        )
    if high > 1 + ROUNDING:
        hint = "divide it by 255" if high <= 255 else "scale it to [0, 1]"
        raise ValueError(f"an image of floats lies in [0, 1], and this one goes up to {high:g}; {hint}")


def _on_white(levels: np.ndarray) -> np.ndarray:
    """Lay (H, W, 4) on white: 255 - (255 - colour) x alpha / 255, to the nearest level."""
    darkness = (255 - levels[:, :, :3]).astype(np.uint32)
    return (255 - (darkness * levels[:, :, 3:] + 127) // 255).astype(np.uint8)
