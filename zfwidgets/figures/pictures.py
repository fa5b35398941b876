"""Arrays as pictures: the colours that figures and widgets share, and how a number is said."""

from __future__ import annotations

from math import ceil, sqrt

import numpy as np
from PIL import Image


def signed_picture(pixels: np.ndarray, scale: float | None = None) -> np.ndarray:
    """Signed numbers (C, H, W) as a picture (H, W, 3) uint8: zero is mid-grey, ±`scale` are the ends.

    Without a scale, the largest magnitude is taken. Three channels are shown as colour, any other number as their mean.
    """
    if len(pixels) != 3:
        pixels = np.repeat(pixels.mean(axis=0, keepdims=True), 3, axis=0)
    scale = float(np.abs(pixels).max()) if scale is None else scale
    unit = np.clip(pixels / scale, -1, 1) if scale > 0 else np.zeros_like(pixels)
    return np.rint(127.5 + 127.5 * unit).astype(np.uint8).transpose(1, 2, 0)


def mosaic(tiles: np.ndarray, side: int, across: int, gap: int = 2, beyond: int = 8) -> np.ndarray:
    """Blocks of tiles (n, k, h, w, 3) uint8 as one picture with see-through joints, (H, W, 4) uint8.

    Each block is a square of its k tiles, row by row, every tile fitted into `side` pixels; `across` blocks go in a
    row. `gap` pixels lie between tiles, `beyond` between blocks (half of it around the picture).
    """
    n, k = tiles.shape[:2]
    inner, down = ceil(sqrt(k)), ceil(n / across)
    pitch = inner * side + (inner - 1) * gap + beyond
    wall = np.zeros((down * pitch, across * pitch, 4), np.uint8)
    for block, place in np.ndindex(n, k):
        fitted = fit_tile(tiles[block, place], side)
        row = block // across * pitch + beyond // 2 + place // inner * (side + gap) + (side - fitted.shape[0]) // 2
        column = block % across * pitch + beyond // 2 + place % inner * (side + gap) + (side - fitted.shape[1]) // 2
        wall[row : row + fitted.shape[0], column : column + fitted.shape[1], :3] = fitted
        wall[row : row + fitted.shape[0], column : column + fitted.shape[1], 3] = 255
    return wall


def fit_tile(tile: np.ndarray, side: int) -> np.ndarray:
    """A tile (h, w, 3) uint8 at the largest whole multiple of its own pixels in a square of `side`; or made smaller."""
    height, width = tile.shape[:2]
    times = side // max(height, width)
    if times:
        return tile.repeat(times, 0).repeat(times, 1)
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(Image.fromarray(tile).resize(size, Image.Resampling.BOX, reducing_gap=2.0))


def heat(values: np.ndarray, low: float | None = None, high: float | None = None) -> np.ndarray:
    """A map (H, W) in magma, (H, W, 3) uint8: dark is `low` (the least value by default), bright is `high`."""
    from matplotlib import colormaps

    low = float(values.min()) if low is None else low
    high = float(values.max()) if high is None else high
    unit = (values - low) / (high - low) if high > low else np.zeros_like(values)
    return colormaps["magma"](np.clip(unit, 0, 1), bytes=True)[..., :3]


OKABE_ITO = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")  # told apart by everybody
REST = "#999999"


def label_picture(label: np.ndarray) -> tuple[np.ndarray, dict[int, str]]:
    """A map of classes (rows, columns) in colours, (rows, columns, 3) uint8; and the colour of each class, the most
    frequent first. What is beyond the seven most frequent is grey."""
    classes, counts = np.unique(label, return_counts=True)
    ranked = classes[np.argsort(-counts, kind="stable")].tolist()
    colours = dict(zip(ranked, (*OKABE_ITO, *[REST] * len(ranked)), strict=False))
    picture = np.zeros((*label.shape, 3), np.uint8)
    for number, colour in colours.items():
        picture[label == number] = tuple(bytes.fromhex(colour[1:]))
    return picture, colours


def said(number: float) -> str:
    """A number in three significant digits, without an exponent where that is readable."""
    return f"{number:,.0f}" if 999.5 <= abs(number) < 1e7 else f"{number:.3g}"
