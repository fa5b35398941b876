"""Ways to change an image by one number: moved, scaled, turned, lit otherwise, blurred, or by any function (Fig. 5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.transforms.v2.functional import gaussian_blur

from zfwidgets.data import decode
from zfwidgets.experiments.occlusion import make_baseline
from zfwidgets.experiments.projection import ImageFeatures
from zfwidgets.models import Network

BORDERS = ("edge", "grey", "reflection")  # what is beyond the image
Change = Callable[[ImageFeatures, float, str], Tensor]  # image, value, border -> input of the network (C, H, W)


@dataclass(frozen=True, eq=False)
class Transformation:
    """One way to change an image, and the values of its parameter that are tried."""

    name: str
    unit: str  # of the parameter, as it is written on an axis
    values: np.ndarray  # (v,) float64, rising
    identity: float | None  # the value that changes nothing, if there is one
    change: Change

    def apply(self, image: ImageFeatures, value: float, border: str = "edge") -> Tensor:
        """The changed image as the network's input, (C, H, W). At the identity's value it is the image itself."""
        if self.identity is not None and value == self.identity:
            return image.input
        return self.change(image, float(value), border)

    def picture(self, image: ImageFeatures, value: float, border: str = "edge") -> np.ndarray:
        """What the changed image looks like, (H, W, 3) uint8."""
        x = self.apply(image, value, border)
        return image.picture if x is image.input else image.net.preprocess.picture(x)


def _translated(axis: int) -> Change:
    """By whole pixels an exact copy; between them, bilinear."""

    def change(image: ImageFeatures, value: float, border: str) -> Tensor:
        shift = [0.0, 0.0]
        shift[axis] = value
        if value == round(value):
            return _shifted(image, int(shift[0]), int(shift[1]), border)
        return _resampled(image, [[1, 0, -shift[1]], [0, 1, -shift[0]]], border)

    return change


def _scaled(image: ImageFeatures, value: float, border: str) -> Tensor:
    return _resampled(image, [[1 / value, 0, 0], [0, 1 / value, 0]], border)


def _rotated(image: ImageFeatures, value: float, border: str) -> Tensor:
    """Counterclockwise, about the middle of the image."""
    if value % 360 == 0:
        return image.input
    cosine, sine = np.cos(np.radians(value)), np.sin(np.radians(value))
    return _resampled(image, [[cosine, -sine, 0], [sine, cosine, 0]], border)


def _resampled(image: ImageFeatures, matrix: Sequence[Sequence[float]], border: str) -> Tensor:
    """Each pixel (x, y), counted from the middle of the image, is read bilinearly at matrix · (x, y, 1)."""
    x = image.input
    height, width = x.shape[1:]
    (a, b, across), (c, d, down) = matrix
    # affine_grid counts from -1 to 1 along both axes
    theta = [[a, b * height / width, 2 * across / width], [c * width / height, d, 2 * down / height]]
    grid = F.affine_grid(torch.tensor([theta], dtype=x.dtype, device=x.device), [1, *x.shape], align_corners=False)
    if border == "grey":
        grey = _level(image, "grey")
        return F.grid_sample((x - grey)[None], grid, align_corners=False)[0] + grey
    mode = {"edge": "border", "reflection": "reflection"}[border]
    return F.grid_sample(x[None], grid, padding_mode=mode, align_corners=False)[0]


def _shifted(image: ImageFeatures, down: int, across: int, border: str) -> Tensor:
    """FeatureShift by whole pixels."""
    rows, columns = (torch.arange(size) - by for size, by in zip(image.input.shape[1:], (down, across), strict=True))
    inside = _within(rows)[:, None] & _within(columns)
    moved = image.input[:, _brought_back(rows, border)] if down else image.input
    moved = moved[:, :, _brought_back(columns, border)] if across else moved
    return torch.where(inside.to(moved.device), moved, _level(image, "grey")) if border == "grey" else moved


def _within(positions: Tensor) -> Tensor:
    return (positions >= 0) & (positions < len(positions))


def _brought_back(positions: Tensor, border: str) -> Tensor:
    """Positions beyond the edge, as the border says: mirrored about it, or at the edge itself."""
    size = len(positions)
    if border != "reflection":
        return positions.clamp(0, size - 1)
    positions = positions % (2 * size)
    return torch.minimum(positions, 2 * size - 1 - positions)


def _brightened(image: ImageFeatures, value: float, border: str) -> Tensor:
    return _lit(image, _level(image, "black"), value)


def _contrasted(image: ImageFeatures, value: float, border: str) -> Tensor:
    return _lit(image, _level(image, "grey"), value)


def _lit(image: ImageFeatures, fixed: Tensor, factor: float) -> Tensor:
    """Pixels drawn away from a colour that stays, or toward it; cut off at black and white."""
    changed = fixed + factor * (image.input - fixed)
    return torch.clamp(changed, _level(image, "black"), _level(image, "white"))


def _blurred(image: ImageFeatures, value: float, border: str) -> Tensor:
    reach = min(int(4 * value) + 1, (min(image.input.shape[1:]) - 1) // 2)
    down = gaussian_blur(image.input[None], [1, 2 * reach + 1], value)  # width, height: one axis after the other
    return gaussian_blur(down, [2 * reach + 1, 1], value)[0]


def _level(image: ImageFeatures, colour: str) -> Tensor:
    """A colour as the network's input has it, (C, 1, 1)."""
    if len(image.input) in (1, 3):
        return _levels(image.net, colour).to(image.input)
    return make_baseline(image.net, image.input, colour)[:, :1, :1]


@lru_cache(maxsize=16)
def _levels(net: Network, colour: str) -> Tensor:
    return make_baseline(net, torch.zeros(net.program.input.shape, dtype=torch.float32), colour)[:, :1, :1]


def _known(name: str, unit: str, values: np.ndarray, identity: float, change: Change) -> Transformation:
    return Transformation(name, unit, np.round(values, 10), identity, change)


TRANSFORMATIONS = {
    one.name: one
    for one in (
        _known("translation", "pixels down", np.arange(-60, 61, 2.0), 0, _translated(0)),
        _known("horizontal translation", "pixels to the right", np.arange(-60, 61, 2.0), 0, _translated(1)),
        _known("scale", "times", np.linspace(1, 1.8, 41), 1, _scaled),
        _known("rotation", "degrees counterclockwise", np.arange(0, 351, 10.0), 0, _rotated),
        _known("brightness", "times", np.linspace(0.2, 2, 37), 1, _brightened),
        _known("contrast", "times", np.linspace(0, 2, 41), 1, _contrasted),
        _known("blur", "pixels (standard deviation)", np.linspace(0, 8, 33), 0, _blurred),
    )
}


def transformation(
    name: str,
    function: Callable[[np.ndarray, float], Any],
    values: Sequence[float],
    unit: str = "",
    identity: float | None = None,
) -> Transformation:
    """A transformation of one's own.

    `function` takes the picture as the network gets it, (H, W, 3) uint8, and a value, and returns an image. `identity`
    is the value that changes nothing, if there is one; the curves then begin at the image itself there.
    """  # fmt: skip

    def change(image: ImageFeatures, value: float, border: str) -> Tensor:
        return image.net.preprocess.again(decode(function(image.picture.copy(), value))).to(image.input)

    return Transformation(name, unit, _rising(name, values), identity, change)


def chosen(transforms: Any) -> tuple[Transformation, ...]:
    """Transformations by their names, or with values of one's own: ("rotation", [0, 45, 90]).

    Raises ValueError for an unknown name, and for values that are not numbers.
    """
    several = [transforms] if isinstance(transforms, str | Transformation) else list(transforms)
    if len(several) == 2 and isinstance(several[0], str) and not isinstance(several[1], str | Transformation | tuple):
        several = [tuple(several)]  # one pair of a name and values
    found = tuple(map(_one, several))
    if not found or len({one.name for one in found}) < len(found):
        raise ValueError("transforms are one or more transformations, each named once")
    return found


def _one(given: Any) -> Transformation:
    if isinstance(given, Transformation):
        return given
    name, values = (given, None) if isinstance(given, str) else given
    if name not in TRANSFORMATIONS:
        raise ValueError(f"the transformations are {', '.join(map(repr, TRANSFORMATIONS))}; {name!r} was given")
    known = TRANSFORMATIONS[name]
    return known if values is None else replace(known, values=_rising(name, values))


def _rising(name: str, values: Sequence[float]) -> np.ndarray:
    numbers = np.unique(np.asarray(values, np.float64))
    if not len(numbers) or not np.isfinite(numbers).all():
        raise ValueError(f"the values of {name!r} are one or more numbers")
    return numbers
