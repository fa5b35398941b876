"""What an operation is, and the three rules for going down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import torch
from torch import Tensor

from zfwidgets.backend.device import properties_of
from zfwidgets.backend.graph.window import POINT, Window

Space = tuple[int, int] | None  # which dimensions of a tensor are the rows and columns of an image, if any
Size = tuple[int, int] | None  # rows and columns of a map; None: it is not a map


@dataclass(frozen=True)
class Rule:
    """How a signal passes a rectifier on its way down. Everything else is the same for all rules."""

    name: str
    rectify_signal: bool  # the signal itself is rectified (Zeiler & Fergus)
    apply_derivative: bool  # the signal is multiplied by the rectifier's slope (the chain rule)


DECONVNET = Rule("deconvnet", rectify_signal=True, apply_derivative=False)
GRADIENT = Rule("gradient", rectify_signal=False, apply_derivative=True)
GUIDED = Rule("guided", rectify_signal=True, apply_derivative=True)
RULES = {rule.name: rule for rule in (DECONVNET, GRADIENT, GUIDED)}


@dataclass(frozen=True, eq=False)
class Op:
    """One operation of a network: how it computes, and how a signal goes back down through it.

    Inputs and outputs are batches, images first. What `record` keeps holds one entry an image in each tensor, so
    that it can be picked apart image by image.
    """

    def forward(self, *inputs: Tensor) -> Tensor:
        """Compute the output of a batch."""
        raise NotImplementedError

    def record(self, inputs: tuple[Tensor, ...], rule: Rule) -> tuple[Tensor, Any]:
        """Compute, and keep what `project` will ask for under this rule."""
        return self.forward(*inputs), None

    def project(self, signal: Tensor, saved: Any, rule: Rule) -> tuple[Tensor | None, ...]:
        """The signal at the output, carried down: one part for each input (None: nothing passes there)."""
        raise NotImplementedError

    @property
    def window(self) -> Window:
        """What one output position sees of the input."""
        return POINT

    @property
    def border(self) -> float:
        """What stands for the positions beyond the edge of a map that the window reaches."""
        return 0.0

    def unpadded(self, inputs: Size, outputs: Size) -> Op | None:
        """The same operation for windows cut from its input: it gets all that it looks at, the border included.

        `inputs` and `outputs` are the sizes of the maps where it stands. None: it cannot work on a window.
        """
        return self if self.window == POINT else None

    def averages_all(self, inputs: Size, outputs: Size) -> bool:
        """Whether each number of the output is the mean of a whole map of the input."""
        return False

    def origin(self, feature: int, channels: list[int]) -> tuple[int, int] | None:
        """Which input a feature map is handed on from unchanged, and its number there; None: it is computed here.

        `channels` says how many maps each input has.
        """
        return None

    @property
    def fallback(self) -> bool:
        """No rule of the paper fits: the signal goes down by the exact gradient."""
        return False

    @property
    def kind(self) -> str:
        """What a student would call it."""
        return type(self).__name__.lower()

    def macs(self, shape: tuple[int, ...]) -> int:
        """Multiply–adds for one image whose output has this shape, without the batch dimension."""
        return 0

    def reinitialised(self, generator: torch.Generator) -> Self:
        """The same before any training: weights drawn anew as He did, biases 0, normalisation left off. Constants stay.

        The generator is one of the CPU, so that a seed gives the same weights on every device.
        """
        return self

    def to(self, device: torch.device, dtype: torch.dtype) -> Self:
        """A copy of the operation with its weights on a device."""
        moved = {
            field.name: moved_to(value, device, dtype)
            for field in fields(self)
            if isinstance(value := getattr(self, field.name), Tensor)
        }
        return replace(self, **moved)


def moved_to(weight: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    """A copy on a device, floating-point numbers in one type; on CUDA, filters with their channels last.

    On a CPU that is a tenth faster, too, but rounds otherwise than the user's module does: a maximum that is nearly a
    tie then falls on another switch, and projections through many pools differ from what the module would give.
    """
    last = weight.ndim == 4 and properties_of(device).channels_last
    order = torch.channels_last if last else torch.preserve_format
    return weight.to(device, dtype if weight.is_floating_point() else None, copy=True, memory_format=order)


def he(weight: Tensor, generator: torch.Generator) -> Tensor:
    """New weights of the same shape for a layer before a rectifier (He 2015), normal, by the number of inputs."""
    drawn = torch.randn(weight.shape, generator=generator) * (2 / weight[0].numel()) ** 0.5
    return torch.empty_like(weight).copy_(drawn)


def zeros(bias: Tensor | None) -> Tensor | None:
    """As many zeros; none where there are no biases."""
    return None if bias is None else torch.zeros_like(bias)


def sum_to(signal: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Undo broadcasting: what was spread over many positions is gathered again. `shape` is without the batch."""
    return signal.sum_to_size((signal.shape[0], *shape)) if signal.shape[1:] != shape else signal


def pull_back(function: Callable[..., Tensor], points: tuple[Tensor, ...], signal: Tensor) -> tuple[Tensor, ...]:
    """The exact gradient: the signal at a function's output, carried to its inputs; zeros where nothing arrives.

    Plain autograd: `torch.func.vjp` refuses functions that others wrote in C++ (recurrent layers, deformable
    convolution).
    """
    with torch.enable_grad():
        inputs = tuple(point.detach().requires_grad_() for point in points)
        output = function(*inputs)
        if not output.requires_grad:
            return tuple(torch.zeros_like(point) for point in points)
        return torch.autograd.grad(output, inputs, signal, allow_unused=True, materialize_grads=True)
