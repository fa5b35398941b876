"""What is asked of whatever somebody wants to make a network from, and what is found out about it."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any

import numpy as np
import torch
from torch import nn

from zfwidgets.backend.device import DEVICES
from zfwidgets.backend.graph.step import Step


def check_module(module: nn.Module) -> None:
    """Raise TypeError for what is no module, ValueError for weights that are not finite."""
    if not isinstance(module, nn.Module):
        raise TypeError(f"a Network is made from a torch.nn.Module; this is {type(module).__name__}")
    for name, weight in [*module.named_parameters(), *module.named_buffers()]:
        if weight.is_floating_point() and not bool(torch.isfinite(weight).all()):
            raise ValueError(
                f"the weights {name!r} hold numbers that are not finite (NaN or infinity): has the training diverged?"
            )


def input_channels(module: nn.Module) -> int:
    """Of the first convolution, or else three."""
    first = next((part for part in module.modules() if isinstance(part, nn.Conv2d)), None)
    return first.in_channels if first is not None else 3


def checked_size(size: Any) -> tuple[int, int]:
    """Height and width. Raises ValueError for what is neither a number nor two."""
    try:
        height, width = map(index, (size, size) if np.ndim(size) == 0 else size)
    except (TypeError, ValueError):
        height = width = 0
    if height < 1 or width < 1:
        raise ValueError(
            f"size is the height and width of the input in pixels, or one number for both; {size!r} is not possible"
        )
    return height, width


def best_device(device: str | torch.device) -> torch.device:
    """The device; "auto" is CUDA, else MPS, else the CPU."""
    if device != "auto":
        return torch.device(device)
    return torch.device(next(kind for kind, properties in DEVICES.items() if properties.available()))


def working_type(module: nn.Module) -> torch.dtype:
    """The type of number that the network computes with."""
    double = any(p.dtype == torch.float64 for p in module.parameters())
    return torch.float64 if double else torch.float32


def notes_on(module: nn.Module) -> list[str]:
    """Sentences about the module for the report."""
    notes = []
    if module.training:
        notes.append("The module is in training mode; it is looked at as in evaluation mode, and left as it is.")
    if any(p.dtype in (torch.float16, torch.bfloat16) for p in module.parameters()):
        notes.append("The module's weights are in half precision; they are computed with in single precision here.")
    return notes


def checked_labels(labels: Sequence[str] | None, output: Step) -> tuple[str, ...]:
    """The names of the classes; by default their numbers."""
    classes = output.shape[0] if len(output.shape) == 1 else 0
    if labels is None:
        return tuple(f"class {index}" for index in range(classes))
    if isinstance(labels, str) or (classes and len(labels) != classes):
        raise ValueError(f"labels are the names of the {classes} classes, in order; {len(labels)} were given")
    return tuple(str(label) for label in labels)
