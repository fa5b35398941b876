"""Parts of images, marked as rectangles, polygons or arrays, and the same masks at random places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zfwidgets.experiments.occlusion.polygon import fill_polygon

Shape = tuple[int, int]


def mask_of(marked: Any, shape: Shape, what: str) -> np.ndarray:
    """The pixels of a marked part, (H, W) bool.

    `marked` is a rectangle (top, left, bottom, right; the last two excluded), or several of them, a polygon (three or
    more (row, column)), or a bool array (H, W); in the pixels of the picture as the network gets it, whose upper left
    corner is (0, 0) and whose first pixel's middle is (0.5, 0.5). `what` names it in messages.

    Raises:
        ValueError: it is none of these, lies outside the picture, or covers no pixel.
    """
    array = np.asarray(marked)
    if array.dtype == bool and array.shape == shape:
        mask = array.copy()
    elif array.shape == (4,) and array.dtype.kind in "iuf":
        mask = _rectangles(array[None], shape, what)
    elif array.ndim == 2 and array.shape[1] == 4 and len(array) and array.dtype.kind in "iuf":
        mask = _rectangles(array, shape, what)
    elif array.ndim == 2 and array.shape[1] == 2 and len(array) >= 3 and array.dtype.kind in "iuf":
        mask = _polygon(array, shape, what)
    else:
        raise ValueError(
            f"{what} is a rectangle (top, left, bottom, right), a polygon of three or more (row, column), or a bool "
            f"array {shape}; {_described(array)} was given"
        )
    if not mask.any():
        raise ValueError(f"{what} covers no pixel")
    return mask


def _rectangles(boxes: np.ndarray, shape: Shape, what: str) -> np.ndarray:
    """What boxes (n, 4) cover, at the cost of their corners: +1 and −1 are put there, and summed along both axes."""
    top, left, bottom, right = edges = np.rint(boxes).T
    good = (top >= 0) & (top < bottom) & (bottom <= shape[0]) & (left >= 0) & (left < right) & (right <= shape[1])
    if not good.all():
        box = tuple(boxes[~good][0].tolist())
        raise ValueError(f"{what}, {box}, does not lie in a picture of {shape[0]}×{shape[1]} pixels")
    top, left, bottom, right = edges.astype(int)
    corners = np.zeros((shape[0] + 1, shape[1] + 1), int)
    for rows, columns, sign in ((top, left, 1), (bottom, right, 1), (top, right, -1), (bottom, left, -1)):
        np.add.at(corners, (rows, columns), sign)
    return corners.cumsum(0).cumsum(1)[:-1, :-1] > 0


def _polygon(corners: np.ndarray, shape: Shape, what: str) -> np.ndarray:
    if not ((corners >= 0) & (corners <= np.array(shape))).all():
        raise ValueError(f"{what} has a corner outside the picture of {shape[0]}×{shape[1]} pixels")
    return fill_polygon(corners - 0.5, shape)  # there, a pixel's middle is a whole number


def _described(array: np.ndarray) -> str:
    return f"an array {array.dtype} of shape {array.shape}" if array.size > 8 else repr(array.tolist())[:60]


def rectangles(mask: np.ndarray) -> list[tuple[int, int, int, int]]:
    """The mask (H, W) as rectangles that do not overlap: equal stretches of rows below each other are one."""
    found: list[tuple[int, int, int, int]] = []
    open_: dict[tuple[int, int], int] = {}  # columns of a stretch, and the row where it began
    for row in range(len(mask) + 1):
        edges = np.flatnonzero(np.diff(np.pad(mask[row], 1).astype(np.int8))) if row < len(mask) else np.zeros(0, int)
        here = {(int(left), int(right)) for left, right in edges.reshape(-1, 2)}
        found += [(open_.pop(columns), columns[0], row, columns[1]) for columns in list(open_) if columns not in here]
        open_ |= {columns: row for columns in here if columns not in open_}
    return sorted(found)


def part_masks(parts: Mapping[str, Any], images: int, shape: Shape) -> dict[str, np.ndarray]:
    """Each part's masks, one an image, (images, H, W) bool. `parts` has for each part one mark an image, or None where
    the part is not marked, whose mask is empty."""
    if not isinstance(parts, Mapping) or not parts:
        raise ValueError('parts are named: {"nose": [one mark for each image], …}')
    found = {}
    for name, marks in parts.items():
        if not isinstance(marks, Sequence | np.ndarray) or len(marks) != images:
            count = len(marks) if isinstance(marks, Sequence | np.ndarray) else repr(marks)
            raise ValueError(f"the part {name!r} needs one mark for each of the {images} images; {count} were given")
        found[str(name)] = np.stack(
            [
                np.zeros(shape, bool) if mark is None else mask_of(mark, shape, f"the part {name!r} of image {index}")
                for index, mark in enumerate(marks)
            ]
        )
    return found


def random_placement(mask: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The same mask (H, W) at a random place, all of it inside the picture."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    piece = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    top, left = (
        int(random.integers(0, side - length + 1)) for side, length in zip(mask.shape, piece.shape, strict=True)
    )
    moved = np.zeros_like(mask)
    moved[top : top + piece.shape[0], left : left + piece.shape[1]] = piece
    return moved
