"""Modules around a module, which change nothing that it computes."""

from __future__ import annotations

from torch import nn
from torch.nn.parallel import DataParallel, DistributedDataParallel
from torch.optim.swa_utils import AveragedModel


def unwrapped(module: nn.Module) -> nn.Module:
    """What is inside `DataParallel`, `DistributedDataParallel`, `torch.compile` and averages of weights."""
    while True:
        if isinstance(module, DataParallel | DistributedDataParallel | AveragedModel):
            module = module.module
        elif isinstance(inside := getattr(module, "_orig_mod", None), nn.Module):
            module = inside
        else:
            return module
