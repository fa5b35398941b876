"""A preprocessing that draws random numbers: found out when a network is made, and every image then gets one draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from zfwidgets.backend.random_states import random_states, same, states_from, states_kept
from zfwidgets.models.preprocess import Preprocess, Transform

TRIES = 4
NOTE = (
    "The preprocessing draws random numbers; here every image gets the same draw, whenever and with whomever it comes. "
    "Give the preprocessing of evaluation for pictures without chance."
)


@dataclass(frozen=True)
class RandomTransform(Transform):
    """A user's own preprocessing that draws random numbers, each time from one seed."""

    seed: int = 0

    def compute(self, image: Image.Image) -> Tensor:
        """What the function makes of an image."""
        with states_from(self.seed):
            return super().compute(image)


def settled(preprocess: Preprocess | Transform) -> tuple[Preprocess | Transform, tuple[str, ...]]:
    """The preprocessing with its draws fixed where it has any, and what to say of that in the report.

    Raises ValueError where its random numbers are of a source that nobody can fix.
    """
    if not isinstance(preprocess, Transform) or not _draws(preprocess):
        return preprocess, ()
    fixed = RandomTransform(preprocess.function, preprocess.size)
    if not _repeats(fixed):
        raise ValueError(
            "preprocess gives another tensor for the same picture each time, and not by the random numbers of torch, "
            "numpy.random or random, which can be seeded. Give one without chance, as in evaluation"
        )
    return fixed, (NOTE,)


def _draws(preprocess: Transform) -> bool:
    """Whether it asks for random numbers, or gives other tensors for the same picture."""
    with states_kept() as before:
        if not _repeats(preprocess):
            return True
        return not all(map(same, before, random_states()))


def _repeats(preprocess: Transform) -> bool:
    """Whether it gives the same for the same picture, some times; so do those that fail."""
    picture = _noise(preprocess.size)
    try:
        first = preprocess.compute(picture)
        others = (preprocess.compute(picture) for _ in range(TRIES))
        return not isinstance(first, Tensor) or all(_alike(first, other) for other in others)
    except Exception:  # it says so when it gets the user's own images
        return True


def _alike(x: Tensor, y: Any) -> bool:
    return isinstance(y, Tensor) and x.shape == y.shape and bool(((x == y) | (x != x)).all())


def _noise(size: tuple[int, int]) -> Image.Image:
    """A picture larger than the input, so that there is something to crop."""
    height, width = (length + length // 4 + 4 for length in size)
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8))
