"""Networks that learnt nothing, as small as they can be."""

from __future__ import annotations

import torch
from torch import nn

import zfwidgets as zf


def tiny_network() -> zf.Network:
    """For 32×32 pixels and four classes, on the CPU; always the same."""
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 5, 5, 2, 2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(5, 7, 3, 1, 1), nn.ReLU(), nn.Flatten(),
        nn.Linear(7 * 64, 9), nn.ReLU(), nn.Linear(9, 4),
    )  # fmt: skip
    return zf.Network(module, 32, device="cpu")


class Standardised(nn.Module):
    """Gives NaN for a picture of one colour: it divides by the deviation of each channel."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """From (N, 3, H, W) to four maps."""
        return torch.relu(self.conv((x - x.mean((2, 3), keepdim=True)) / x.std((2, 3), keepdim=True)))
