"""Tiles: many small pictures joined to one."""

from __future__ import annotations

from math import ceil, sqrt

import numpy as np
from PIL import Image


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
    if times == 1:
        return tile  # a copy of each would take as long as all else that is done with a page of them
    if times:
        return tile.repeat(times, 0).repeat(times, 1)
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(Image.fromarray(tile).resize(size, Image.Resampling.BOX, reducing_gap=2.0))
