"""What the experiment returns."""

from dataclasses import dataclass

import numpy as np

from zfwidgets.experiments.result import Result
from zfwidgets.experiments.schema import Float32, check


@dataclass(frozen=True, eq=False)
class MeanActivation(Result):
    """The mean activation of every feature map of a layer, image by image."""

    values: Float32[np.ndarray, "images maps"]  # averaged over the rows and columns of a map
    names: tuple[str, ...]  # of the images
    layer: str
    network: str  # its name

    def verify(self) -> None:
        """Raise ValueError where fields contradict each other: a file may come from anybody."""
        check(len(self.names) == len(self.values), "there are not as many names as images")

    def strongest(self, count: int = 9) -> np.ndarray:
        """The numbers of the maps with the highest mean over all images, the highest first."""
        return np.argsort(-self.values.mean(axis=0), kind="stable")[:count]

    def __repr__(self) -> str:
        images, maps = self.values.shape
        return f"MeanActivation({self.network}, {self.layer}: {maps} maps, {images} images)"
