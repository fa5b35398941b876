"""What hides a part of an image, and where it is put."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import ImageColor
from torch import Tensor
from torchvision.transforms.v2.functional import gaussian_blur

from zfwidgets.experiments.projection import ImageFeatures
from zfwidgets.models import Network

FILLS = ("grey", "mean", "blur", "noise")
BLUR = 14  # the blur's standard deviation is the image's shorter side divided by this: 16 pixels of 224

Colour = tuple[int, int, int]


def make_baseline(net: Network, image: Tensor, fill: str | Colour = "grey", seed: int = 0) -> Tensor:
    """What stands in hidden places, for a whole preprocessed image (C, H, W).

    The fill is meant in pixels, and preprocessed as pixels are: "grey" is mid-grey, 128 of 255 (with ImageNet's
    normalisation 0.074, 0.205, 0.426, not 0); "mean" the image's mean colour; "blur" the image itself, blurred with a
    standard deviation of a fourteenth of its shorter side; "noise" normal noise with the mean and spread of each
    channel; or a colour: a name, "#rrggbb", or three numbers from 0 to 255. An image of other than one or three
    channels has no colours: grey is then the middle between its least and its largest number.

    Raises:
        ValueError: no such fill.
    """
    if fill == "mean":
        return image.mean((1, 2), keepdim=True).expand_as(image)
    if fill == "blur":
        sigma = min(image.shape[1:]) / BLUR
        return gaussian_blur(image[None], _odd(min(6 * sigma, min(image.shape[1:]))), sigma)[0]
    if fill == "noise":
        noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float32).to(image)
        return noise * image.std((1, 2), keepdim=True) + image.mean((1, 2), keepdim=True)
    colour = (128, 128, 128) if fill == "grey" else _colour(fill)
    if len(image) not in (1, 3):
        if fill != "grey":
            raise ValueError(f"an image of {len(image)} channels has no colours; the fills are {_said(FILLS)}")
        return ((image.max() + image.min()) / 2).expand_as(image)
    return net.prepare(np.full((*image.shape[1:], 3), colour, np.uint8))[1]


def with_hidden(features: ImageFeatures, mask: np.ndarray, baseline: Tensor) -> ImageFeatures:
    """The same image with what `mask` (H, W) covers replaced by `baseline` (C, H, W), as `make_baseline` gives it."""
    net, image = features.net, features.input
    x = torch.where(torch.from_numpy(mask).to(image.device), baseline, image)
    picture = np.where(mask[..., None], baseline_picture(features, baseline), features.picture)
    return ImageFeatures.of_input(net, picture, x, features.crop)


def baseline_picture(features: ImageFeatures, baseline: Tensor) -> np.ndarray:
    """What stands in hidden places, on the same scale as the image, (H, W, 3) uint8."""
    width = features.input.shape[2]
    return features.net.preprocess.picture(torch.cat([features.input, baseline], 2))[:, width:]


def _odd(size: float) -> int:
    return int(size) - 1 + int(size) % 2


def _colour(fill: Any) -> Colour:
    try:
        colour = ImageColor.getrgb(fill)[:3] if isinstance(fill, str) else tuple(map(int, fill))
    except (TypeError, ValueError):
        colour = ()
    if len(colour) != 3 or not all(0 <= level <= 255 for level in colour):
        raise ValueError(
            f"fill is {_said(FILLS)}, or a colour: a name, '#rrggbb' or three numbers from 0 to 255; not {fill!r}"
        )
    return colour[0], colour[1], colour[2]


def _said(names: tuple[str, ...]) -> str:
    return ", ".join(map(repr, names))


@dataclass(frozen=True, eq=False)
class Squares:
    """The places of a square (or rectangle) that is moved over an image step by step, from the upper left corner until
    it has covered the last row and column; there it may hang over the edge."""

    top: np.ndarray  # (rows,) first pixel row of the square in each row of places
    left: np.ndarray  # (columns,) first pixel column
    size: tuple[int, int]  # height and width, pixels
    image: tuple[int, int]  # height and width

    @classmethod
    def over(cls, image: tuple[int, int], size: Any, stride: Any) -> Squares:
        """All places. Raises ValueError for a size or stride that is no number of pixels, or one too large."""
        size, stride = checked_pair("size", size, image), checked_pair("stride", stride, None)
        top, left = (
            np.arange(0, min(side - length + step, side), step)
            for side, length, step in zip(image, size, stride, strict=True)
        )
        return cls(top, left, size, image)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of places."""
        return len(self.top), len(self.left)

    def boxes(self) -> np.ndarray:
        """What each hides, row by row, (rows · columns, 4): top, left, bottom, right, the last two excluded."""
        top, left = np.repeat(self.top, len(self.left)), np.tile(self.left, len(self.top))
        bottom, right = np.minimum(top + self.size[0], self.image[0]), np.minimum(left + self.size[1], self.image[1])
        return np.stack([top, left, bottom, right], axis=1)


def checked_pair(name: str, given: Any, most: tuple[int, int] | None) -> tuple[int, int]:
    """A length in pixels along rows and columns, or one for both."""
    pair = given if isinstance(given, tuple | list) else (given, given)
    whole = len(pair) == 2 and all(isinstance(x, int | np.integer) and x >= 1 for x in pair)
    if not whole or (most is not None and (pair[0] > most[0] or pair[1] > most[1])):
        limit = f", at most the image's {most[0]}×{most[1]}" if most else ""
        raise ValueError(f"{name} is a number of pixels, or (height, width){limit}; {given!r} was given")
    return int(pair[0]), int(pair[1])
