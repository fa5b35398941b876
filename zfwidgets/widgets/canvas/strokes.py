"""Which pixels brush and rectangle cover, and the gesture that moves them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

BRUSHES = ("brush", "eraser")

Point = tuple[float, float]  # row and column from the upper left corner, in the picture's pixels
Box = tuple[int, int, int, int]  # top, left, bottom, right


def stroke(shape: tuple[int, int], start: Point, end: Point, diameter: float) -> np.ndarray:
    """The pixels, (H, W) bool, whose centres lie within half a `diameter` of the line from `start` to `end`.

    However thin the line, the pixels that hold its ends are among them.
    """
    radius = max(diameter, 2**0.5) / 2
    ends = np.array([start, end])
    top, left = np.maximum(np.floor(ends.min(0) - radius), 0).astype(int)
    bottom, right = np.maximum(np.ceil(ends.max(0) + radius), 0).astype(int)
    within = np.zeros(shape, bool)
    part = within[top:bottom, left:right]
    rows = np.arange(top, top + part.shape[0])[:, np.newaxis] + 0.5 - start[0]
    columns = np.arange(left, left + part.shape[1]) + 0.5 - start[1]
    down, across = ends[1] - ends[0]
    length = down**2 + across**2
    along = np.clip((rows * down + columns * across) / length, 0, 1) if length else 0
    part[...] = (rows - along * down) ** 2 + (columns - along * across) ** 2 <= radius**2
    return within


def rectangle(shape: tuple[int, int], corner: Point, opposite: Point) -> Box:
    """The rectangle between two corners, whichever they are, to the nearest pixel and inside the picture."""
    corners = np.rint([corner, opposite]).clip(0, shape).astype(int)
    return *corners.min(0).tolist(), *corners.max(0).tolist()


def extent(pixels: np.ndarray) -> Box | None:
    """The smallest box round the pixels, (H, W) bool; None where there are none."""
    rows, columns = np.flatnonzero(pixels.any(1)), np.flatnonzero(pixels.any(0))
    return (int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1) if len(rows) else None


def runs(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The pixels, (H, W) bool, as stretches side by side: the row of each, its first column, and the one after it."""
    edges = np.diff(np.pad(pixels, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    rows, starts = np.nonzero(edges == 1)
    return rows, starts, np.nonzero(edges == -1)[1]


def slices(box: Box) -> tuple[slice, slice]:
    """The rows and columns of a box."""
    top, left, bottom, right = box
    return slice(top, bottom), slice(left, right)


@dataclass
class Gesture:
    """What happens between the press of a button and its release."""

    tool: str
    brush: int  # diameter, pixels
    start: Point
    last: Point
    before: np.ndarray  # (H, W) bool, the mask that it began with
    mask: np.ndarray  # (H, W) bool, the mask if it ended now

    def move(self, point: Point) -> None:
        """Go on to there."""
        if self.tool in BRUSHES:
            self.mask[stroke(self.mask.shape, self.last, point, self.brush)] = self.tool == "brush"
        self.last = point
        if self.tool == "rectangle":
            self.mask = self.before.copy()
            self.mask[slices(self.box)] = True

    @property
    def box(self) -> Box:
        """From where it began to where it is."""
        return rectangle(self.before.shape, self.start, self.last)

    @property
    def strayed(self) -> float:
        """How far it is from where it began, pixels."""
        return math.dist(self.start, self.last)
