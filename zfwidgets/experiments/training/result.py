"""How a training went: what each epoch came to, and how pictures are prepared for the trained network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zfwidgets.experiments.result import Result
from zfwidgets.experiments.schema import Float32, Float64, check, within

if TYPE_CHECKING:
    import pandas
    from torch import nn

    from zfwidgets.models import Network


@dataclass(frozen=True, eq=False)
class Training(Result):
    """How a training went. The trained weights are in the module that was given."""

    train_loss: Float64[np.ndarray, "epochs"]  # cross-entropy, mean over the epoch, with dropout
    train_accuracy: Float64[np.ndarray, "epochs"]  # share of right answers meanwhile, with dropout
    validation_loss: Float64[np.ndarray, "epochs"]  # after the epoch, on the crop in the middle
    validation_accuracy: Float64[np.ndarray, "epochs"]
    rate: Float64[np.ndarray, "epochs"]  # learning rate at the end of the epoch
    accuracy: float  # on the validation images at the end; of ten crops where the recipe says so
    interval: tuple[float, float]  # within which it lies with 95 % confidence (Wilson)
    images: tuple[int, int]  # to train and to validate with
    classes: tuple[str, ...]
    mean: Float32[np.ndarray, "3 side side2"]  # what is subtracted from levels of 0 to 255; 1×1 for one a channel
    scale: Float32[np.ndarray, "3 1 1"]  # and what they are then divided by
    size: int  # side of the network's input, pixels
    border: int  # how much larger pictures are read
    recipe: dict[str, Any]
    seed: int
    seconds: float  # of this run; less than the whole where it was resumed

    def verify(self) -> None:
        """Raise ValueError where fields contradict each other."""
        for accuracy in (self.train_accuracy, self.validation_accuracy, [self.accuracy], self.interval):
            check(within(accuracy, 0, 1), "there are accuracies outside 0 to 1")
        check(self.interval[0] <= self.accuracy <= self.interval[1], "the accuracy lies outside its interval")
        check(self.scale > 0, "there is a scale that is not positive")

    @property
    def epochs(self) -> np.ndarray:
        """The numbers of the epochs, from 1."""
        return np.arange(1, len(self.train_loss) + 1)

    @property
    def preprocess(self) -> Any:
        """What reads photographs as this training did, for `zf.Network` and `zf.load`."""
        import torch

        from zfwidgets.experiments.training.preparation import Preparation

        mean, scale = torch.from_numpy(self.mean), torch.from_numpy(self.scale)
        return Preparation(self.size, mean, scale, self.border, self.border > 0).preprocess

    def network(self, module: nn.Module, device: Any = "auto") -> Network:
        """The trained module as a network to look into, which reads photographs as this training did."""
        from zfwidgets.models import Network

        return Network(module, self.size, self.classes, self.preprocess, device)

    def to_pandas(self) -> pandas.DataFrame:
        """One row an epoch: epoch, losses, accuracies, learning rate. Needs pandas."""
        import pandas

        names = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "rate")
        return pandas.DataFrame({"epoch": self.epochs} | {name: getattr(self, name) for name in names})

    def __repr__(self) -> str:
        low, high = self.interval
        return f"Training({len(self.epochs)} epochs: {self.accuracy:.1%} right, 95 % interval {low:.1%} to {high:.1%})"


def wilson(right: int, count: int, z: float = 1.959964) -> tuple[float, float]:
    """Wilson's interval for a share: where the true one lies with 95 % confidence."""
    share = right / count
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    reach = z / (1 + z**2 / count) * (share * (1 - share) / count + z**2 / (4 * count**2)) ** 0.5
    return max(0.0, min(middle - reach, share)), min(1.0, max(middle + reach, share))
