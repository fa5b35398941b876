"""From pictures of a batch to a network's input: crops, mirrors, and what is subtracted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from zfwidgets.experiments.training.recipe import Recipe
from zfwidgets.models import Preprocess

LEVELS = 255.0


@dataclass(frozen=True, eq=False)
class Preparation:
    """Crops of pictures (N, 3, S, S) uint8, less a mean and divided by a scale: (N, 3, size, size) float32."""

    size: int  # of the network's input, pixels
    mean: Tensor  # (3, S, S) or (3, 1, 1), in levels of 0 to 255
    scale: Tensor  # (3, 1, 1), in levels
    border: int  # how much larger than the input a picture is, or is made
    enlarged: bool  # it is so already

    @classmethod
    def fitted(cls, recipe: Recipe, size: int, pictures: Iterable[Tensor]) -> Preparation:
        """The mean and the standard deviation of these pictures, as the recipe wants them."""
        count, total, squares = 0, torch.zeros(()), torch.zeros(())
        for batch in pictures:
            numbers = batch.double()
            count, total, squares = count + len(batch), total + numbers.sum(0), squares + numbers.square().sum(0)
        each = total / count
        mean = each.mean((1, 2), keepdim=True)
        deviation = ((squares / count).mean((1, 2), keepdim=True) - mean.square()).clamp(min=1).sqrt()
        return cls(
            size, (each if recipe.centred == "pixel" else mean).float(),
            torch.ones(3, 1, 1) if recipe.levels else deviation.float(), recipe.border, recipe.enlarged,
        )  # fmt: skip

    @property
    def side(self) -> int:
        """Of the pictures that are read, pixels."""
        return self.size + self.border * self.enlarged

    def __call__(self, pictures: Tensor, rows: Tensor, columns: Tensor, mirrored: Tensor) -> Tensor:
        """Crops whose upper left corners are `rows` and `columns` (N,), 0 to twice the reach; some mirrored, (N,)
        bool."""
        x = (pictures.float() - self.mean.to(pictures.device)) / self.scale.to(pictures.device)
        if not self.enlarged and self.border:
            x = F.pad(x, [self.border] * 4, mode="replicate")
        along = torch.arange(self.size, device=x.device)
        down, across = rows[:, None] + along, columns[:, None] + along
        across = torch.where(mirrored[:, None], across.flip(1), across)
        images = torch.arange(len(x), device=x.device)
        return x.movedim(1, -1)[images[:, None, None], down[:, :, None], across[:, None, :]].movedim(-1, 1)

    @property
    def reach(self) -> int:
        """Rows and columns that a crop can be moved from its first place to its last."""
        return self.border if self.enlarged else 2 * self.border

    def centre(self, pictures: Tensor) -> Tensor:
        """The crops in the middle."""
        middle = torch.full((len(pictures),), self.reach // 2, device=pictures.device)
        return self(pictures, middle, middle, torch.zeros_like(middle, dtype=torch.bool))

    def ten(self, pictures: Tensor) -> list[Tensor]:
        """The centre, the four corners, and the mirror of each (§3)."""
        end = self.reach
        places = [(end // 2, end // 2), (0, 0), (0, end), (end, 0), (end, end)]
        ones = torch.ones(len(pictures), dtype=torch.int64, device=pictures.device)
        return [
            self(pictures, row * ones, column * ones, ones.bool() & mirrored)
            for row, column in places
            for mirrored in (False, True)
        ]

    def at_random(self, pictures: Tensor, corners: bool, generator: torch.Generator) -> Tensor:
        """A crop of each at random: one of the ten, or anywhere."""
        count, end = len(pictures), self.reach
        if corners:
            known = torch.tensor([(end // 2, end // 2), (0, 0), (0, end), (end, 0), (end, end)])
            rows, columns = known[torch.randint(5, (count,), generator=generator)].T
        else:
            rows, columns = torch.randint(end + 1, (2, count), generator=generator)
        mirrored = torch.rand(count, generator=generator) < 0.5
        return self(pictures, *(numbers.to(pictures.device) for numbers in (rows, columns, mirrored)))

    @property
    def preprocess(self) -> Preprocess | PixelMean:
        """The same for `zf.Network`: the crop in the middle."""
        resize = self.side if self.enlarged else self.size
        if self.mean.shape[-1] > 1:
            return PixelMean(self)
        mean, deviation = (tuple(part.flatten().div(LEVELS).tolist()) for part in (self.mean, self.scale))
        return Preprocess((self.size, self.size), resize, mean, deviation)


@dataclass(frozen=True, eq=False)
class PixelMean:
    """From a PIL image to a network's input where each pixel has a mean of its own."""

    preparation: Preparation

    def __call__(self, image: Image.Image) -> Tensor:
        side = self.preparation.side
        pixels = Preprocess((side, side), side).fit(np.asarray(image.convert("RGB")))
        return self.preparation.centre(torch.from_numpy(pixels).permute(2, 0, 1)[None])[0]
