"""A network that learnt nothing, as small as one with two convolutions and two linear layers can be."""

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
