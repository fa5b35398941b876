"""What the experiment returns."""

from dataclasses import dataclass

import numpy as np

from zfwidgets.experiments.result import Result


@dataclass(frozen=True, eq=False)
class MeanActivation(Result):
    """The mean activation of every feature map of a layer, image by image."""

    values: np.ndarray  # (images, maps) float32, averaged over the rows and columns of a map
    names: tuple[str, ...]  # of the images
    layer: str
    network: str  # its name

    def strongest(self, count: int = 9) -> np.ndarray:
        """The numbers of the maps with the highest mean over all images, the highest first."""
        return np.argsort(-self.values.mean(axis=0), kind="stable")[:count]

    def __repr__(self) -> str:
        images, maps = self.values.shape
        return f"MeanActivation({self.network}, {self.layer}: {maps} maps, {images} images)"
