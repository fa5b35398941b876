"""Numbers, maps and classes as pictures, in colours that figures and widgets share."""

from __future__ import annotations

import numpy as np

from zfwidgets.drawing.palette import CLASSES, REST


def signed_picture(pixels: np.ndarray, scale: float | None = None) -> np.ndarray:
    """Signed numbers (C, H, W) as a picture (H, W, 3) uint8: zero is mid-grey, ±`scale` are the ends.

    Without a scale, the largest magnitude is taken. Three channels are shown as colour, any other number as their mean.
    """
    if len(pixels) != 3:
        pixels = np.repeat(pixels.mean(axis=0, keepdims=True), 3, axis=0)
    scale = float(np.abs(pixels).max()) if scale is None else scale
    unit = np.clip(pixels / scale, -1, 1) if scale > 0 else np.zeros_like(pixels)
    return np.rint(127.5 + 127.5 * unit).astype(np.uint8).transpose(1, 2, 0)


def heat(values: np.ndarray, low: float | None = None, high: float | None = None) -> np.ndarray:
    """A map (H, W) in magma, (H, W, 3) uint8: dark is `low` (the least value by default), bright is `high`.

    Where both are the same, nothing is darker or brighter than something else: it is half bright, or dark where they
    are not positive.
    """
    from matplotlib import colormaps

    low = float(values.min()) if low is None else low
    high = float(values.max()) if high is None else high
    unit = (values - low) / (high - low) if high > low else np.full(values.shape, 0.5 if high > 0 else 0)
    return colormaps["magma"](np.clip(unit, 0, 1), bytes=True)[..., :3]


def label_picture(label: np.ndarray) -> tuple[np.ndarray, dict[int, str]]:
    """A map of classes (rows, columns) in colours, (rows, columns, 3) uint8; and the colour of each class, the most
    frequent first. What is beyond the seven most frequent is grey."""
    classes, counts = np.unique(label, return_counts=True)
    ranked = classes[np.argsort(-counts, kind="stable")].tolist()
    colours = dict(zip(ranked, (*CLASSES, *[REST] * len(ranked)), strict=False))
    picture = np.zeros((*label.shape, 3), np.uint8)
    for number, colour in colours.items():
        picture[label == number] = tuple(bytes.fromhex(colour[1:]))
    return picture, colours
