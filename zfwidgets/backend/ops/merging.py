"""Where paths meet: sums, products and concatenations."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from zfwidgets.backend.graph.op import Op, Rule, sum_to
from zfwidgets.backend.graph.window import POINT, POSITION_DEPENDENT, Window
from zfwidgets.backend.ops.lowering import Batch, Call, lowers


@dataclass(frozen=True, eq=False)
class Sum(Op):
    """Adds two maps (a residual connection); projecting sends the signal down both paths."""

    factor: float = 1

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return torch.add(x, y, alpha=self.factor)

    def record(self, inputs: tuple[Tensor, ...], rule: Rule) -> tuple[Tensor, tuple[tuple[int, ...], ...]]:
        return self.forward(*inputs), tuple(tuple(x.shape[1:]) for x in inputs)

    def project(self, signal: Tensor, saved: tuple[tuple[int, ...], ...], rule: Rule) -> tuple[Tensor, Tensor]:
        return sum_to(signal, saved[0]), sum_to(signal, saved[1]) * self.factor

    @property
    def kind(self) -> str:
        return "merge"


@dataclass(frozen=True, eq=False)
class Product(Op):
    """Multiplies two maps (a gate); projecting sends each the signal times the other."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return x * y

    def record(self, inputs: tuple[Tensor, ...], rule: Rule) -> tuple[Tensor, tuple[Tensor, ...]]:
        return self.forward(*inputs), inputs

    def project(self, signal: Tensor, saved: tuple[Tensor, ...], rule: Rule) -> tuple[Tensor, Tensor]:
        x, y = saved
        return sum_to(signal * y, tuple(x.shape[1:])), sum_to(signal * x, tuple(y.shape[1:]))

    @property
    def kind(self) -> str:
        return "merge"


@dataclass(frozen=True, eq=False)
class Affine(Op):
    """Multiplies by constants and adds constants; projecting keeps the factor."""

    factor: Tensor
    shift: Tensor
    position_dependent: bool = False  # they differ from place to place

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor + self.shift

    def project(self, signal: Tensor, saved: None, rule: Rule) -> tuple[Tensor]:
        return (signal * self.factor,)

    @property
    def window(self) -> Window:
        return POSITION_DEPENDENT if self.position_dependent else POINT


@dataclass(frozen=True, eq=False)
class Concatenation(Op):
    """Stacks maps of several paths; projecting hands each path its own part of the signal."""

    dim: int

    def forward(self, *inputs: Tensor) -> Tensor:
        return torch.cat(inputs, self.dim)

    def record(self, inputs: tuple[Tensor, ...], rule: Rule) -> tuple[Tensor, list[int]]:
        return self.forward(*inputs), [x.shape[self.dim] for x in inputs]

    def project(self, signal: Tensor, saved: list[int], rule: Rule) -> tuple[Tensor, ...]:
        return signal.split(saved, self.dim)

    def origin(self, feature: int, channels: list[int]) -> tuple[int, int] | None:
        if self.dim != 1:
            return None
        for place, count in enumerate(channels):
            if feature < count:
                return place, feature
            feature -= count
        return None

    @property
    def kind(self) -> str:
        return "merge"


@lowers("cat.default")
def _cat(call: Call) -> Op | None:
    dim = call.dim()
    if dim == 0 or dim in (call.space or ()) or not all(map(call.is_input, call["tensors"])):
        return None
    return Concatenation(dim)


@lowers("add.Tensor", "sub.Tensor", "add.Scalar", "sub.Scalar")
def _add(call: Call) -> Op | None:
    sign = -1 if call.target._opname.startswith("sub") else 1
    x, y, factor = call["self"], call["other"], sign * call.arguments.get("alpha", 1)
    if call.is_input(x) and call.is_input(y):
        return Sum(factor) if _same_batch(call) else None
    if not _keeps_shape(call):
        return None
    constant = _constant(y if call.is_input(x) else x)
    return _affine(call, 1, constant * factor) if call.is_input(x) else _affine(call, factor, constant)


@lowers("mul.Tensor", "mul.Scalar", "div.Tensor", "div.Scalar")
def _multiply(call: Call) -> Op | None:
    x, y, divides = call["self"], call["other"], call.target._opname.startswith("div")
    if call.is_input(x) and call.is_input(y):
        return None if divides or not _same_batch(call) else Product()
    if not _keeps_shape(call) or (divides and call.is_input(y)):
        return None
    constant = _constant(y if call.is_input(x) else x)
    return _affine(call, 1 / constant if divides else constant, 0)


def _affine(call: Call, factor: Tensor | float, shift: Tensor | float) -> Op | None:
    constants = _constant(factor), _constant(shift)
    return (
        Affine(*constants, call.position_dependent) if all(value.is_floating_point() for value in constants) else None
    )


def _constant(value: Tensor | float) -> Tensor:
    return value if isinstance(value, Tensor) else torch.tensor(float(value), dtype=torch.float64)


def _keeps_shape(call: Call) -> bool:
    """A constant joins one map and is not itself larger than the map."""
    return call.shape == call.inputs[0].shape and not any(isinstance(call[name], Batch) for name in ("self", "other"))


def _same_batch(call: Call) -> bool:
    """Both have the images in front: no broadcasting against a tensor with fewer dimensions."""
    return len({step.ndim for step in call.inputs}) == 1
