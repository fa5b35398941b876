"""From a photograph to what a network reads: resize, crop, normalise."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

_LARGEST_SCALED = 16_000_000  # pixels, 64 MB: what is larger when it is scaled is a strip, and cropped first


@dataclass(frozen=True)
class Preprocess:
    """Scale the shorter side to `resize`, cut `size` from the centre, subtract `mean` and divide by `std`.

    Mean and standard deviation are of pixels in [0, 1], one number a channel; the default is ImageNet's. With one
    channel, the picture is turned to grey.
    """

    size: tuple[int, int]  # height and width of the network's input, pixels
    resize: int | None = None  # shorter side before the crop, pixels; None: the largest crop of the right proportions
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    resampling: Image.Resampling = Image.Resampling.BICUBIC

    def __call__(self, image: np.ndarray) -> tuple[np.ndarray, Tensor]:
        """The picture as the network gets it, (H, W, 3) uint8, and the numbers that it reads, (C, H, W) float32."""
        pixels = self.fit(image)
        return pixels, self.normalise(pixels)

    def again(self, pixels: np.ndarray) -> Tensor:
        """The numbers (C, H, W) for a picture (h, w, 3) uint8 that was made from a fitted one."""
        return self.normalise(pixels if pixels.shape[:2] == self.size else self.fit(pixels))

    def picture(self, x: Tensor) -> np.ndarray:
        """What numbers (C, H, W) look like, (H, W, 3) uint8."""
        return picture_of(x, (self.mean, self.std) if len(x) == len(self.mean) else None)

    def fit(self, image: np.ndarray) -> np.ndarray:
        """An image (h, w, 3) uint8, scaled and cropped to (H, W, 3) uint8."""
        height, width = self.size
        picture = Image.fromarray(image)
        scaled = self._scaled(*picture.size)
        left, top = round((scaled[0] - width) / 2), round((scaled[1] - height) / 2)
        crop = (left, top, left + width, top + height)
        if scaled[0] * scaled[1] > max(_LARGEST_SCALED, 4 * width * height):
            return np.array(_crop_of_scaled(picture, scaled, crop, self.resampling).convert("RGB"))
        return np.array(picture.resize(scaled, self.resampling).crop(crop).convert("RGB"))

    def crop_of(self, height: int, width: int) -> tuple[float, float, float, float]:
        """What is left of an image of that size: top, left, bottom, right, as parts of its height and width."""
        across, down = self._scaled(width, height)
        top, left = max(0, round((down - self.size[0]) / 2)), max(0, round((across - self.size[1]) / 2))
        bottom, right = min(down, top + self.size[0]), min(across, left + self.size[1])
        return top / down, left / across, bottom / down, right / across

    def _scaled(self, width: int, height: int) -> tuple[int, int]:
        if self.resize is None:
            factor = max(self.size[0] / height, self.size[1] / width)
            return max(self.size[1], int(factor * width)), max(self.size[0], int(factor * height))
        short, long = self.resize, int(self.resize * max(width, height) / min(width, height))
        return (short, long) if width <= height else (long, short)

    def normalise(self, pixels: np.ndarray) -> Tensor:
        """A fitted picture (H, W, 3) uint8 as the network's input, (C, H, W) float32."""
        if len(self.mean) == 1:
            pixels = np.array(Image.fromarray(pixels).convert("L"))[..., None]
        x = torch.from_numpy(pixels).permute(2, 0, 1).float() / 255
        return (x - _per_channel(self.mean)) / _per_channel(self.std)


@dataclass(frozen=True)
class Transform:
    """A user's own preprocessing: any function from an RGB PIL image to a tensor (C, H, W).

    What the network sees is shown by undoing a `Normalize` step found in it, else by stretching the numbers to [0, 1].
    """

    function: Callable[[Image.Image], Tensor]
    size: tuple[int, int]

    def __call__(self, image: np.ndarray) -> tuple[np.ndarray, Tensor]:
        """The picture as the network gets it, (H, W, 3) uint8, and the numbers that it reads, (C, H, W) float32."""
        x = self.compute(Image.fromarray(image))
        if not isinstance(x, Tensor) or x.ndim != 3:
            raise TypeError(f"preprocess must turn a PIL image into a tensor (C, H, W); it returned {_described(x)}")
        if tuple(x.shape[1:]) != self.size:
            raise ValueError(
                f"preprocess returns images of {x.shape[1]}×{x.shape[2]} pixels, but the network was captured for "
                f"{self.size[0]}×{self.size[1]}: give size={tuple(x.shape[1:])}, or resize and crop in preprocess"
            )
        return self.picture(x), x.float()

    def compute(self, image: Image.Image) -> Tensor:
        """What the function makes of an image."""
        return self.function(image)

    def again(self, pixels: np.ndarray) -> Tensor:
        """The numbers (C, H, W) for a picture (h, w, 3) uint8 that was made from a fitted one; resized a second time,
        as nobody can tell resizing from the rest of the function."""
        return self(pixels)[1]

    def picture(self, x: Tensor) -> np.ndarray:
        """What numbers (C, H, W) look like, (H, W, 3) uint8."""
        return picture_of(x, self._normalisation())

    def _normalisation(self) -> tuple[Any, Any] | None:
        steps = getattr(self.function, "transforms", [self.function])
        return next(((step.mean, step.std) for step in steps if hasattr(step, "mean") and hasattr(step, "std")), None)


def picture_of(x: Tensor, normalisation: tuple[Any, Any] | None = None) -> np.ndarray:
    """Preprocessed numbers (C, H, W) as a picture (H, W, 3) uint8: the first three channels, or one channel as grey."""
    x = x.detach().float().cpu()
    if normalisation is not None:
        x = x * _per_channel(normalisation[1]) + _per_channel(normalisation[0])
    elif x.min() < 0 or x.max() > 1:
        x = (x - x.min()) / (x.max() - x.min()).clamp(min=1e-12)
    x = x[:3] if len(x) >= 3 else x[:1].expand(3, -1, -1)
    return (x.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()


def as_preprocess(given: Any, size: tuple[int, ...], channels: int) -> Preprocess | Transform:
    """What the user gave as `preprocess`: nothing, a `Preprocess`, a torchvision preset, or any function."""
    size = (size[0], size[1])
    if given is None:
        if channels == 1:
            return Preprocess(size, mean=(0.5,), std=(0.5,))
        return Preprocess(size)
    if isinstance(given, Preprocess):
        return given
    if not callable(given):
        raise TypeError(f"preprocess is a function from a PIL image to a tensor (C, H, W); this is {_described(given)}")
    return of_preset(given) if hasattr(given, "crop_size") and hasattr(given, "mean") else Transform(given, size)


def of_preset(preset: Any) -> Preprocess:
    """The same as a torchvision classification preset (`weights.transforms()`)."""
    side = preset.crop_size[0]
    resampling = Image.Resampling[preset.interpolation.name]
    return Preprocess((side, side), preset.resize_size[0], tuple(preset.mean), tuple(preset.std), resampling)


def _crop_of_scaled(
    picture: Image.Image, scaled: tuple[int, int], crop: tuple[int, int, int, int], resampling: Image.Resampling
) -> Image.Image:
    """The same as `picture.resize(scaled).crop(crop)`, but for rounding, in the memory of the crop."""
    columns, rows = (_needed(picture.size[axis], scaled[axis], crop[axis], crop[axis + 2]) for axis in (0, 1))
    source = picture.crop((columns.first, rows.first, columns.last, rows.last))
    box = (columns.box[0], rows.box[0], columns.box[1], rows.box[1])
    part = source.resize((columns.stop - columns.start, rows.stop - rows.start), resampling, box)
    left, top = crop[0] - columns.start, crop[1] - rows.start
    return part.crop((left, top, left + crop[2] - crop[0], top + crop[3] - crop[1]))


class _Needed(NamedTuple):
    """Along one axis, which pixels of the scaled picture are shown, and which of the picture they are made from."""

    start: int  # of the scaled picture
    stop: int
    first: int  # of the picture: all that the resampling reaches
    last: int
    box: tuple[float, float]  # what becomes start to stop, from `first` on


def _needed(length: int, scaled: int, start: int, stop: int) -> _Needed:
    start, stop = max(0, start), min(scaled, stop)  # beyond the picture, a crop is black
    step = length / scaled
    reach = math.ceil(4 * max(1, step))  # Lanczos, the widest, reaches 3
    first, last = max(0, math.floor(start * step) - reach), min(length, math.ceil(stop * step) + reach)
    # from `first` on, the numbers are small: Pillow takes them in single precision
    return _Needed(start, stop, first, last, (start * step - first, min(stop * step - first, last - first)))


def _per_channel(numbers: Any) -> Tensor:
    return torch.as_tensor(numbers, dtype=torch.float32, device="cpu").view(-1, 1, 1)


def _described(value: Any) -> str:
    shape = getattr(value, "shape", None)
    return type(value).__name__ + (f" of shape {tuple(shape)}" if shape is not None else "")
