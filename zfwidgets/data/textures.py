"""Plain textures: gratings, checks, dots, colours, noise; what the lowest layers of a network look for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Field = np.ndarray  # (side, side) float, 0 to 1: how much of the second colour


def texture(name: str, variant: int, side: int) -> np.ndarray:
    """A square of one texture, (side, side, 3) uint8. The variant decides on angle, scale and colours.

    Raises ValueError for an unknown name.
    """
    if name not in TEXTURES:
        raise ValueError(f"the textures are {', '.join(TEXTURES)}; {name!r} was given")
    random = np.random.default_rng([variant, *name.encode()])
    angle = np.pi * (variant % 12) / 12
    rows, columns = np.mgrid[:side, :side].astype(np.float32)
    along = np.cos(angle) * columns + np.sin(angle) * rows
    across = np.cos(angle) * rows - np.sin(angle) * columns
    share = TEXTURES[name](along, across, random)[..., None]
    colours = random.uniform(0, 255, (2, 3)) if variant % 2 else np.array([[15.0] * 3, [240.0] * 3])
    return np.rint(colours[0] + (colours[1] - colours[0]) * share).astype(np.uint8)


def _stripes(along: np.ndarray, across: np.ndarray, random: np.random.Generator) -> Field:
    return _wave(along, random) > 0.5


def _grating(along: np.ndarray, across: np.ndarray, random: np.random.Generator) -> Field:
    return _wave(along, random)


def _checks(along: np.ndarray, across: np.ndarray, random: np.random.Generator) -> Field:
    period = random.uniform(8, 60)
    return ((along // period + across // period) % 2).astype(float)


def _dots(along: np.ndarray, across: np.ndarray, random: np.random.Generator) -> Field:
    period = random.uniform(12, 60)
    radius = np.hypot(along % period - period / 2, across % period - period / 2)
    return np.clip(period * random.uniform(0.2, 0.4) - radius, 0, 1)


def _rings(along: np.ndarray, across: np.ndarray, random: np.random.Generator) -> Field:
    middle = along.mean(), across.mean()
    return _wave(np.hypot(along - middle[0], across - middle[1]), random)


def _edge(along: np.ndarray, across: np.ndarray, random: np.random.Generator) -> Field:
    return np.clip(along - np.quantile(along, random.uniform(0.3, 0.7)), 0, 1)


def _ramp(along: np.ndarray, across: np.ndarray, random: np.random.Generator) -> Field:
    return (along - along.min()) / np.ptp(along)


def _noise(along: np.ndarray, across: np.ndarray, random: np.random.Generator) -> Field:
    grain = int(random.integers(1, 9))
    side = len(along)
    coarse = random.random((side // grain + 1, side // grain + 1))
    return coarse.repeat(grain, 0).repeat(grain, 1)[:side, :side]


def _wave(distance: np.ndarray, random: np.random.Generator) -> Field:
    return (1 + np.sin(2 * np.pi * distance / random.uniform(5, 45))) / 2


TEXTURES: dict[str, Callable[[np.ndarray, np.ndarray, np.random.Generator], Field]] = {
    "stripes": _stripes,
    "grating": _grating,
    "checks": _checks,
    "dots": _dots,
    "rings": _rings,
    "edge": _edge,
    "ramp": _ramp,
    "noise": _noise,
}
