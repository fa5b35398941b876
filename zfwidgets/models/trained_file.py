"""What a file of weights that was written here says of its training: the classes, and how pictures were read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from zfwidgets.files import read_metadata
from zfwidgets.models.preprocess import Preprocess

NUMBERS = ("mean", "std", "size")
LARGEST = 4096  # pixels, of a side that a file may ask for


def described(preprocess: Any, classes: tuple[str, ...]) -> dict[str, str]:
    """The metadata of such a file."""
    found = {"classes": "\n".join(classes), "reads": "otherwise"}
    if isinstance(preprocess, Preprocess) and preprocess.resize is not None:
        found |= {name: " ".join(map(repr, getattr(preprocess, name))) for name in NUMBERS}
        found |= {"reads": "photographs", "resize": str(preprocess.resize)}
    return found


def reading_of(path: Path) -> tuple[tuple[str, ...], Preprocess | None] | None:
    """The classes, and what reads pictures as in the training; None for a file that says nothing of it.

    The second is None where the file cannot hold it: there each pixel has a mean of its own.
    """
    if path.suffix != ".safetensors":
        return None
    metadata = read_metadata(path)
    if "reads" not in metadata:
        return None
    classes = tuple(metadata["classes"].split("\n"))
    if metadata["reads"] != "photographs":
        return classes, None
    try:
        mean, std, size = (tuple(map(float, metadata[name].split())) for name in NUMBERS)
        height, width, resize = (int(number) for number in (*size, float(metadata["resize"])))
        if not (len(mean) == len(std) == 3 and np.isfinite(mean).all() and min(std) > 0 and max(std) < np.inf):
            raise ValueError("a mean and a deviation of three channels are three numbers each")
        if not 0 < min(height, width, resize) <= max(height, width, resize) <= LARGEST:
            raise ValueError(f"sides are 1 to {LARGEST} pixels")
    except (KeyError, ValueError, OverflowError) as error:
        raise ValueError(f"{path.name} does not say rightly how its training read pictures: {error}") from error
    return classes, Preprocess((height, width), resize, mean, std)
