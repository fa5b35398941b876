"""The paper's remedy against filters that dominate (§3, Fig. 6a)."""

from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def clip_rms(module: nn.Module, limit: float = 0.1) -> int:
    """Scale every convolution filter whose root mean square exceeds `limit` back to it (§3); returns how many.

    A filter is all weights of one feature map, (channels, height, width). The paper's limit of 0.1 presumes inputs in
    about ±128: for inputs divided by their deviation, the first layer's equivalent is larger by that deviation, some
    60 times.
    """
    clipped = 0
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            rms = part.weight.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
            clipped += int((rms > limit).sum())
            part.weight.mul_(torch.where(rms > limit, limit / rms, 1.0))
    return clipped
