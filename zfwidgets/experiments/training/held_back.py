"""A labelled data set in two parts: to learn from, and held back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from zfwidgets.data import Labelled, Shapes


def split(data: Labelled, part: float, seed: int) -> tuple[Labelled, Labelled]:
    """The rest, and a part of each class chosen at random."""
    rng = np.random.default_rng(seed)
    held: list[int] = []
    for label in range(len(data.classes)):
        own = rng.permutation(np.flatnonzero(data.targets == label))
        held += own[: round(part * len(own))].tolist()
    chosen = np.zeros(len(data), bool)
    chosen[held] = True
    if chosen.all() or not chosen.any():
        raise ValueError(f"{len(data)} images are too few to hold a part of {part:g} back; give validation=")
    return data.part(np.flatnonzero(~chosen)), data.part(np.flatnonzero(chosen))


def of_source(data: Any, validation: Any, part: float, seed: int) -> tuple[Labelled, Labelled]:
    """The images to train with, and those to validate with: given, in a folder's `val`, of other shapes, or a part."""
    if isinstance(data, str) and data == "shapes":
        data = Shapes()
    if isinstance(data, Shapes) and validation is None:
        validation = Shapes(
            max(200, data.count // 10), data.size, data.seed + 1, forms=data.forms, clutter=data.clutter
        )
    if isinstance(data, str | Path) and validation is None and (Path(data) / "train").is_dir():
        data, validation = Path(data) / "train", Path(data) / "val"
    train = Labelled.of(data)
    if validation is None:
        return split(train, part, seed)
    return train, Labelled.of(validation, train.classes)
