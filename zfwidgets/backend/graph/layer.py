"""A layer of a network, as something to be looked at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zfwidgets.renamed import renamed_property


@dataclass(frozen=True)
class FeatureLayer:
    """One layer whose feature maps can be looked at.

    A fully connected layer counts as maps of one unit.
    """

    name: str  # the module's own, or its and the operation's
    title: str  # what a person would call it: `conv 1`, `stage 3 · block 2`; another one for every layer
    kind: str  # convolution, rectifier, pool, normalisation, merge, linear, …
    channels: int
    height: int
    width: int
    receptive_field: tuple[int, int]  # rows and columns of the image that one unit sees, borders apart
    stride: tuple[float, float]  # pixels from one unit to the next
    parameters: int
    macs: int  # multiply–adds for one image
    whole: bool  # every unit sees the whole image
    dominates_output: bool  # everything that reaches the output passes through it

    trunk = renamed_property("trunk", "dominates_output")

    @property
    def units(self) -> int:
        """Units in one map."""
        return self.height * self.width

    def checked(self, feature: int) -> int:
        """The number of a feature map, if there is one. Raises ValueError, with the range, if not."""
        if not isinstance(feature, int | np.integer) or not 0 <= feature < self.channels:
            most = self.channels - 1
            raise ValueError(f"layer {self.name!r} has the features 0 to {most}; {feature!r} was asked for")
        return int(feature)
