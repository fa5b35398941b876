"""Images with several objects each: of every class it is known whether one is there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zfwidgets.data.collection import Collection

THERE, DIFFICULT, NOT_THERE = 1, 0, -1


@dataclass(frozen=True, eq=False)
class LabelledObjects:
    """Images, and of each class whether an object of it is there."""

    images: Collection
    present: np.ndarray  # (images, classes) int8: 1 there; -1 not there; 0 only such as are marked difficult
    classes: tuple[str, ...]
    name: str = ""
    left_out: tuple[str, ...] = ()  # what could not be taken, in words

    def __len__(self) -> int:
        return len(self.images)
