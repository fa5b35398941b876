"""The forms and textures of `Shapes`: signed distances in the unit circle, from which edges are smooth at any size."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Plane = np.ndarray  # (rows, columns) float32
Distance = Callable[[Plane, Plane], Plane]  # of the points (across, up) to an outline; negative inside

_HALF = math.sqrt(0.5)
_STRIPE = 2 * math.pi / 0.6  # radians per radius: a stripe and its gap are 0.6 radii wide
_WAVES = np.array([[8.5, 2.0], [-4.5, 7.5], [3.0, -9.5], [7.0, 6.0]], np.float32)[:, :, None, None]


@dataclass(frozen=True)
class Form:
    """An outline that the unit circle just holds, its centroid in the middle; across and up are those of angle 0."""

    distance: Distance
    turn: float = 360.0  # the smallest turn that maps it to itself, degrees; 0 where every turn does


def _disc(across: Plane, up: Plane) -> Plane:
    return np.hypot(across, up) - 1


def _ring(across: Plane, up: Plane) -> Plane:
    return np.abs(np.hypot(across, up) - 0.775) - 0.225


def _ellipse(across: Plane, up: Plane) -> Plane:
    # to first order, which is exact on the outline; in the very middle the slope is 0
    height = 0.58
    level = np.hypot(across, up / height)
    slope = np.hypot(across, up / height**2)
    return level * (level - 1) / np.maximum(slope, 1e-3)


def _box(across: Plane, up: Plane, width: float, height: float) -> Plane:
    return np.maximum(np.abs(across) - width, np.abs(up) - height)


def _square(across: Plane, up: Plane) -> Plane:
    return _box(across, up, _HALF, _HALF)


def _bar(across: Plane, up: Plane) -> Plane:
    return _box(across, up, 0.96, 0.28)


def _cross(across: Plane, up: Plane) -> Plane:
    across, up = np.abs(across), np.abs(up)
    return _box(np.maximum(across, up), np.minimum(across, up), 0.96, 0.28)


def _pointed(across: Plane, up: Plane, points: int, slope: float) -> Plane:
    """Measure to a polygon or star with one point up, from which its sides fall by the slope, radians."""
    turn = 2 * math.pi / points
    angle = np.arctan2(across, up)
    angle = np.abs(angle - turn * np.rint(angle / turn))  # all sides lie on one: 0 at the point
    return np.hypot(across, up) * np.cos(angle - slope) - math.cos(slope)


def _triangle(across: Plane, up: Plane) -> Plane:
    return _pointed(across, up, 3, math.pi / 3)


def _hexagon(across: Plane, up: Plane) -> Plane:
    return _pointed(across, up, 6, math.pi / 6)


def _star(across: Plane, up: Plane) -> Plane:
    return _pointed(across, up, 5, math.radians(66))


def _crescent(across: Plane, up: Plane) -> Plane:
    # the unit disc less a disc of radius 0.78 at 0.5 has its centroid at -0.371 and its horns 1.270 from there
    across, up = across * 1.270 - 0.371, up * 1.270
    return np.maximum(np.hypot(across, up) - 1, 0.78 - np.hypot(across - 0.5, up)) / 1.270


def _heart(across: Plane, up: Plane) -> Plane:
    # a unit square on its corner and two discs on its upper sides: the centroid is 0.2215 above the square's middle
    scale = _HALF + 0.2215
    across, up = np.abs(across) * scale, up * scale + 0.2215
    square = (across + np.abs(up) - _HALF) * _HALF
    return np.minimum(square, np.hypot(across - _HALF / 2, up - _HALF / 2) - 0.5) / scale


def _arrow(across: Plane, up: Plane) -> Plane:
    # shaft and head meet in the middle, where they balance if the head is 45/64 wide; the shaft goes on into the head
    across, slope = np.abs(across), math.atan2(1, 45 / 64)
    head = np.maximum(across * math.sin(slope) + (up - 1) * math.cos(slope), -up)
    return np.minimum(head, _box(across, up + 0.334, 0.25, 0.634))


FORMS = {
    "disc": Form(_disc, 0),
    "ring": Form(_ring, 0),
    "ellipse": Form(_ellipse, 180),
    "square": Form(_square, 90),
    "triangle": Form(_triangle, 120),
    "hexagon": Form(_hexagon, 60),
    "star": Form(_star, 72),
    "cross": Form(_cross, 90),
    "bar": Form(_bar, 180),
    "crescent": Form(_crescent),
    "heart": Form(_heart),
    "arrow": Form(_arrow),
}


def _stripes(across: Plane, up: Plane, start: np.ndarray) -> Plane:
    return np.sin(_STRIPE * across + start[0]) / _STRIPE


def _checks(across: Plane, up: Plane, start: np.ndarray) -> Plane:
    return np.sin(_STRIPE * across + start[0]) * np.sin(_STRIPE * up + start[1]) / _STRIPE


def _dots(across: Plane, up: Plane, start: np.ndarray) -> Plane:
    return (0.8 - np.cos(_STRIPE * across + start[0]) - np.cos(_STRIPE * up + start[1])) / _STRIPE


def _noise(across: Plane, up: Plane, start: np.ndarray) -> Plane:
    waves = np.sin(_WAVES[:, 0] * across + _WAVES[:, 1] * up + start[:, None, None])
    return waves.sum(axis=0) / 12


# to first order the distance, in radii, to the edge of a texture's second colour, negative where that colour is; the
# last argument is where the pattern begins, (4,) radians
TEXTURES: dict[str, Callable[[Plane, Plane, np.ndarray], Plane] | None] = {
    "plain": None,
    "stripes": _stripes,
    "checks": _checks,
    "dots": _dots,
    "noise": _noise,
}
