"""Squares of tiles: how the strongest activations of a feature map hang together on a wall of many."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt

import numpy as np

from zfwidgets.drawing import fit_tile, mosaic, signed_picture
from zfwidgets.experiments.gallery import GREY
from zfwidgets.experiments.projection import robust_scale
from zfwidgets.widgets.geometry import BLOCK, CHOSEN, COLUMNS, EDGE, GAP, PULL, STRIP, WALL_HEIGHT, WALL_WIDTH

LARGE = CHOSEN  # pixels of the chosen feature map's square
FILLED = 0.8  # part of its place that a whole multiple of a tile's own pixels must fill


def side_of(size: int, k: int) -> int:
    """The side of a tile, pixels, where k of them make a square."""
    inner = ceil(sqrt(k))
    return (size - GAP * (inner - 1)) // inner


def shrunk(tiles: np.ndarray, side: int, signed: bool) -> np.ndarray:
    """Tiles (k, h, w, 3) made smaller. Strokes finer than a pixel grow pale then: a projection gets its scale anew."""
    small = np.stack([fit_tile(tile, side) for tile in tiles])
    return np.stack([_rescaled(tile) for tile in small]) if signed else small


def _rescaled(tile: np.ndarray) -> np.ndarray:
    """A projection as it is shown, uint8, on the scale of its own pixels: the ends are their 99th percentile."""
    values = tile.astype(np.float32).transpose(2, 0, 1) - 127.5
    return signed_picture(values, max(robust_scale(values), 1))


def _fitted(tiles: np.ndarray, side: int, signed: bool) -> np.ndarray:
    """Tiles at a whole multiple of their own pixels where that fills most of a square of `side`, or else blended."""
    longest = max(tiles.shape[1:3])
    if longest > side:
        return shrunk(tiles, side, signed)
    times = side // longest
    times += times * longest < FILLED * side
    return np.stack([fit_tile(tile, side) for tile in tiles.repeat(times, 1).repeat(times, 2)])


def square(tiles: np.ndarray, count: int, size: int, signed: bool = False, opacity: int = 255) -> np.ndarray:
    """The first `count` of the tiles (k, h, w, 3) as a square (size, size, 4) with see-through joints."""
    side, inner = side_of(size, len(tiles)), ceil(sqrt(len(tiles)))
    joined = mosaic(_fitted(tiles, side, signed)[np.newaxis], side, 1, GAP, beyond=0)
    for place in range(count, len(tiles)):
        row, column = (part * (side + GAP) for part in divmod(place, inner))
        joined[row : row + side, column : column + side] = 0
    joined[..., 3] = joined[..., 3] // 255 * opacity
    rest = size - joined.shape[0]
    return np.pad(joined, ((rest // 2, rest - rest // 2), (rest // 2, rest - rest // 2), (0, 0)))


def crossed(size: int) -> np.ndarray:
    """What stands for a dead feature map: an empty square, crossed out, readable on light and on dark."""
    square = np.full((size, size, 4), (GREY, GREY, GREY, 80), np.uint8)
    rows, columns = np.indices((size, size))
    square[(np.abs(rows - columns) < 2) | (np.abs(rows + columns - size + 1) < 2), 3] = 255
    return square


def tile_grid(blocks: Sequence[np.ndarray | None], in_pairs: bool) -> np.ndarray:
    """Squares side by side on the wall, (H, W, 4) uint8; those of a pair closer together."""
    tall, wide = STRIP + BLOCK + EDGE, BLOCK + 2 * EDGE
    wall = np.zeros((WALL_HEIGHT, WALL_WIDTH, 4), np.uint8)
    for place, block in enumerate(blocks):
        row, column = divmod(place, COLUMNS)
        top, left = row * tall + STRIP, column * wide + EDGE
        if in_pairs:
            left += PULL if column % 2 == 0 else -PULL
        if block is not None:
            wall[top : top + BLOCK, left : left + BLOCK] = block
    return wall
