"""A calm clutter for the grounds of `Shapes`: soft clouds, a slope of light, faint blots and strokes."""

import math
from functools import lru_cache

import numpy as np

_KNOTS = 9  # of the clouds, along a side
_ELLIPSES = 7  # blots and strokes


def clutter(rng: np.random.Generator, size: int) -> np.ndarray:
    """Draw what to add to a ground, (3, size, size) float32, levels of 255 about 0; the same scene at every size."""
    return _clouds(rng, size) + _ellipses(rng, size)


def _clouds(rng: np.random.Generator, size: int) -> np.ndarray:
    side = np.linspace(-1, 1, _KNOTS)
    down, across = rng.uniform(-18, 18, 2)
    slope = down * side[:, None] + across * side
    grey, tint = rng.normal(0, 14, (_KNOTS, _KNOTS)), rng.normal(0, 5, (3, _KNOTS, _KNOTS))
    spread = _spline(size)
    return spread @ (slope + grey + tint).astype(np.float32) @ spread.T


def _ellipses(rng: np.random.Generator, size: int) -> np.ndarray:
    # an ellipse is where a quadratic form of the place is positive: one matrix product draws them all
    cover = np.clip(_quadratic_forms(rng, size) @ _monomials(size), 0, 1)
    colours = rng.normal(0, 14, _ELLIPSES) + rng.normal(0, 8, (3, _ELLIPSES))
    return (colours.astype(np.float32) @ cover).reshape(3, size, size)


def _quadratic_forms(rng: np.random.Generator, size: int) -> np.ndarray:
    """Draw 1 - (along / length)² - (aside / width)² of ellipses, as factors (ellipses, 6) of `_monomials`.

    They are scaled to fall by 1 per pixel through 0.5 at the long sides: clipped to [0, 1], that is a smooth edge.
    """
    x, y = rng.uniform(-0.5, 0.5, (2, _ELLIPSES))
    angle = rng.uniform(0, math.pi, _ELLIPSES)
    length, width = _lengths_and_widths(rng)
    along, aside = np.array([np.cos(angle), np.sin(angle)]) / length, np.array([-np.sin(angle), np.cos(angle)]) / width
    xx, xy, yy = along[0] ** 2 + aside[0] ** 2, along[0] * along[1] + aside[0] * aside[1], along[1] ** 2 + aside[1] ** 2
    middle = 1 - xx * x * x - 2 * xy * x * y - yy * y * y
    factors = np.array([-xx, -2 * xy, -yy, 2 * (xx * x + xy * y), 2 * (xy * x + yy * y), middle]) * (width * size / 2)
    factors[-1] += 0.5
    return factors.T.astype(np.float32)


def _lengths_and_widths(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw half axes, as parts of the picture's side: of strokes and of blots in turn."""
    stroke = np.arange(_ELLIPSES) % 2 == 0
    length = rng.uniform(0.08, 0.2, _ELLIPSES) * np.where(stroke, 3.5, 1)
    width = np.where(stroke, 0.012, length * rng.uniform(0.6, 1, _ELLIPSES))
    return length, width


@lru_cache(maxsize=8)
def _spline(size: int) -> np.ndarray:
    """Make the matrix (size, knots) that lays a smooth curve over the knots, by cubic B-splines."""
    place = (np.arange(size) + 0.5) / size * (_KNOTS - 3) + 1
    far = np.abs(place[:, None] - np.arange(_KNOTS))
    return _kept(np.where(far < 1, 2 / 3 - far**2 + far**3 / 2, np.clip(2 - far, 0, None) ** 3 / 6))


@lru_cache(maxsize=8)
def _monomials(size: int) -> np.ndarray:
    """Make x², xy, y², x, y and 1 of every pixel, (6, size * size): x to the right and y down, -0.5 to 0.5."""
    side = (np.arange(size) + 0.5) / size - 0.5
    y, x = (plane.ravel() for plane in np.meshgrid(side, side, indexing="ij"))
    return _kept(np.stack([x * x, x * y, y * y, x, y, np.ones_like(x)]))


def _kept(array: np.ndarray) -> np.ndarray:
    array = array.astype(np.float32)
    array.setflags(write=False)  # the cache hands the same array to everyone
    return array
