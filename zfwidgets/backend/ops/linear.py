"""Filters: convolution and fully connected layers. Down means the same filter, transposed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

from zfwidgets.backend.graph.op import Op, Rule, Size, he, zeros
from zfwidgets.backend.graph.window import POINT, WHOLE, Window
from zfwidgets.backend.ops.lowering import Call, lowers

Pair = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Convolution(Op):
    """Filters every place of its input; projecting filters with the transposed kernels. Biases play no part."""

    weight: Tensor
    bias: Tensor | None
    stride: Pair
    before: Pair  # padding above and to the left
    after: Pair  # padding below and to the right
    dilation: Pair
    groups: int

    def forward(self, x: Tensor) -> Tensor:
        if self.before == self.after:
            padding = self.before
        else:
            x, padding = F.pad(x, self._sides), (0, 0)
        return F.conv2d(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def record(self, inputs: tuple[Tensor, ...], rule: Rule) -> tuple[Tensor, tuple[int, ...]]:
        return self.forward(*inputs), tuple(inputs[0].shape[1:])

    def project(self, signal: Tensor, saved: tuple[int, ...], rule: Rule) -> tuple[Tensor]:
        channels, height, width = saved
        if self.before == self.after:
            return (self._transposed(signal, saved, self.before),)
        left, right, top, bottom = self._sides
        padded = self._transposed(signal, (channels, height + top + bottom, width + left + right), (0, 0))
        return (padded[..., top : top + height, left : left + width],)

    def _transposed(self, signal: Tensor, shape: tuple[int, ...], padding: Pair) -> Tensor:
        """ATen's own kernel for the gradient to the input; of the input itself it reads only the shape."""
        x = signal.new_empty((signal.shape[0], *shape))
        down, _, _ = torch.ops.aten.convolution_backward(
            signal, x, self.weight, None, self.stride, padding, self.dilation, False, (0, 0), self.groups,
            (True, False, False),
        )  # fmt: skip
        return down

    @property
    def _sides(self) -> tuple[int, int, int, int]:
        return self.before[1], self.after[1], self.before[0], self.after[0]

    @property
    def window(self) -> Window:
        height, width = self.weight.shape[2:]
        return Window.sliding((height, width), self.stride, self.before, self.dilation)

    def unpadded(self, inputs: Size, outputs: Size) -> Op:
        return replace(self, before=(0, 0), after=(0, 0))

    def macs(self, shape: tuple[int, ...]) -> int:
        return prod(shape) * prod(self.weight.shape[1:])

    def reinitialised(self, generator: torch.Generator) -> Self:
        return replace(self, weight=he(self.weight, generator), bias=zeros(self.bias))


@lowers("conv2d.default", "conv2d.padding", "convolution.default")
def _convolution(call: Call) -> Op | None:
    weight, bias = call["weight"], call["bias"]
    if not (isinstance(weight, Tensor) and weight.ndim == 4) or call.arguments.get("transposed"):
        return None
    stride, dilation = pair(call["stride"]), pair(call["dilation"])
    before, after = _padding(call["padding"], weight.shape[2:], dilation)
    return Convolution(weight, bias, stride, before, after, dilation, call["groups"])


def _padding(padding: str | list[int], kernel: tuple[int, ...], dilation: Pair) -> tuple[Pair, Pair]:
    if not isinstance(padding, str):
        return pair(padding), pair(padding)
    if padding == "valid":
        return (0, 0), (0, 0)
    total = pair([step * (size - 1) for size, step in zip(kernel, dilation, strict=True)])
    before = (total[0] // 2, total[1] // 2)  # "same": the odd one goes below and to the right
    return before, (total[0] - before[0], total[1] - before[1])


@dataclass(frozen=True, eq=False)
class Linear(Op):
    """A fully connected layer on the last dimension; projecting multiplies with the transposed matrix."""

    weight: Tensor
    bias: Tensor | None
    local: bool  # the image's rows and columns are left alone (a layer written as 1×1 convolution, channels last)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)

    def project(self, signal: Tensor, saved: None, rule: Rule) -> tuple[Tensor]:
        return (signal @ self.weight,)

    @property
    def window(self) -> Window:
        return POINT if self.local else WHOLE

    def macs(self, shape: tuple[int, ...]) -> int:
        return prod(shape) * self.weight.shape[1]

    def reinitialised(self, generator: torch.Generator) -> Self:
        return replace(self, weight=he(self.weight, generator), bias=zeros(self.bias))


@lowers("linear.default")
def _linear(call: Call) -> Op | None:
    if not isinstance(call["weight"], Tensor):
        return None
    local = call.space is not None and call.inputs[0].ndim - 1 not in call.space
    return Linear(call["weight"], call["bias"], local)


def pair(numbers: int | list[int]) -> Pair:
    """(rows, columns) from the one or two numbers that torch takes for them."""
    both = [numbers] if isinstance(numbers, int) else list(numbers)
    return both[0], both[-1]
