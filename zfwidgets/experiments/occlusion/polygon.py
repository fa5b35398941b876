"""Which pixels a polygon covers: the work grows with its edges and the rows they cross, not with its pixels."""

from __future__ import annotations

import numpy as np

TOGETHER = 1000  # edges whose crossings with all rows are in memory at once
NEAR = 1e-9  # pixels: an edge that goes so close by a pixel's middle goes through it


def fill_polygon(corners: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The pixels, (H, W) bool, whose middles lie in a polygon or on its edge.

    `corners` (n, 2) are rows and columns inside the picture, where a pixel's middle is a whole number. Where the
    polygon crosses itself, what it runs round an even number of times is outside.
    """
    covered = _crossed_oddly(corners, shape)
    # what lies on an edge counts as right of it, and so as outside where that is a right edge; turned, it is a left one
    covered |= _crossed_oddly(np.array(shape) - 1 - corners, shape)[::-1, ::-1]
    rows, columns = corners[(corners == np.rint(corners)).all(1)].astype(int).T
    covered[rows, columns] = True
    return covered


def _crossed_oddly(corners: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The pixels with an odd number of edges at their left or through their middles, (H, W) bool."""
    height, width = shape
    crossings = np.zeros(height * (width + 1), int)
    ends = np.roll(corners, -1, axis=0)
    for start in range(0, len(corners), TOGETHER):
        rows, columns = _crossings(corners[start : start + TOGETHER], ends[start : start + TOGETHER])
        crossings += np.bincount(rows * (width + 1) + columns, minlength=crossings.size)
    return crossings.reshape(height, width + 1).cumsum(1)[:, :width] % 2 == 1


def _crossings(starts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each row that an edge crosses, its number and that of the first pixel that is not left of the edge."""
    first, last = np.sort(np.ceil([starts[:, 0], ends[:, 0]]).astype(int), axis=0)
    counts = last - first  # each row once, also where two edges meet on it
    edges = np.repeat(np.arange(len(starts)), counts)
    rows = np.arange(len(edges)) - np.repeat(counts.cumsum() - counts - first, counts)
    (tall, wide), (top, left) = (ends - starts)[edges].T, starts[edges].T
    return rows, np.ceil(left + (rows - top) * wide / tall - NEAR).astype(int)
