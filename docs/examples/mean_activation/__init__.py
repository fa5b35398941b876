"""How strongly each feature map responds to some images, on average."""

from mean_activation.compute import mean_activation
from mean_activation.result import MeanActivation

__all__ = ["MeanActivation", "mean_activation"]
