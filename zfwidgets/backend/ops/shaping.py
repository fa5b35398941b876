"""Operations that only move numbers about: their way down is to move them back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor

from zfwidgets.backend.graph.op import Op, Rule, Size, pull_back
from zfwidgets.backend.graph.step import Step
from zfwidgets.backend.graph.window import POINT, WHOLE, Axis, Mirrored, PositionDependent, Sliding, Window
from zfwidgets.backend.ops.exact import space_without
from zfwidgets.backend.ops.lowering import Call, Lowered, lowers


@dataclass(frozen=True, eq=False)
class Reshape(Op):
    """Reads the same numbers in another shape, image by image.

    Where the map (the last two dimensions) is left alone, as in a channel shuffle, `local` is set and only the shape
    in front of it is baked in: the operation then works on maps of any size.
    """

    shape: tuple[int, ...]  # without the batch; without the map where local
    local: bool

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(x.shape[0], *self.shape, *(x.shape[-2:] if self.local else ()))

    def record(self, inputs: tuple[Tensor, ...], rule: Rule) -> tuple[Tensor, tuple[int, ...]]:
        return self.forward(*inputs), tuple(inputs[0].shape[1:])

    def project(self, signal: Tensor, saved: tuple[int, ...], rule: Rule) -> tuple[Tensor]:
        return (signal.reshape(signal.shape[0], *saved),)

    @property
    def window(self) -> Window:
        return POINT if self.local else WHOLE


@lowers(
    "reshape.default",
    "flatten.using_ints",
    "unflatten.int",
    "squeeze.dim",
    "squeeze.dims",
    "squeeze.default",
    "unsqueeze.default",
)
def _reshape(call: Call) -> Op | Lowered | None:
    step, shape = call.inputs[0], call.shape
    if not _keeps_batch(call):
        return None
    local = step.space == (step.ndim - 2, step.ndim - 1) and len(shape) >= 2 and shape[-2:] == step.shape[-2:]
    if local and prod(shape[:-2]) == prod(step.shape[:-2]):
        return Lowered(Reshape(shape[:-2], local=True), space=(len(shape) - 1, len(shape)))
    return Lowered(Reshape(shape, local=False), space=None)


def _keeps_batch(call: Call) -> bool:
    """The first dimension of the output is the images, each with all its numbers and no others."""
    return prod(call.shape) == prod(call.inputs[0].shape) and call.arguments.get("start_dim", 1) != 0


@dataclass(frozen=True, eq=False)
class Permute(Op):
    """Changes the order of the dimensions."""

    order: tuple[int, ...]

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(self.order)

    def project(self, signal: Tensor, saved: None, rule: Rule) -> tuple[Tensor]:
        back = sorted(range(len(self.order)), key=self.order.__getitem__)
        return (signal.permute(back),)


@lowers("permute.default", "transpose.int")
def _permute(call: Call) -> Lowered | None:
    ndim = call.inputs[0].ndim
    order = list(range(ndim))
    if "dims" in call.arguments:
        order = [dim % ndim for dim in call["dims"]]
    else:
        first, second = call.dim("dim0"), call.dim("dim1")
        order[first], order[second] = second, first
    if order[0] != 0:
        return None
    space = call.space and (order.index(call.space[0]), order.index(call.space[1]))
    return Lowered(Permute(tuple(order)), space)


@dataclass(frozen=True, eq=False)
class Narrow(Op):
    """Takes some of the maps (one part of a split)."""

    dim: int
    start: int
    length: int

    def forward(self, x: Tensor) -> Tensor:
        return x.narrow(self.dim, self.start, self.length)

    def record(self, inputs: tuple[Tensor, ...], rule: Rule) -> tuple[Tensor, int]:
        return self.forward(*inputs), inputs[0].shape[self.dim]

    def project(self, signal: Tensor, saved: int, rule: Rule) -> tuple[Tensor]:
        shape = list(signal.shape)
        shape[self.dim] = saved
        down = signal.new_zeros(shape)
        down.narrow(self.dim, self.start, self.length).copy_(signal)
        return (down,)


@lowers("slice.Tensor")
def _slice(call: Call) -> Op | None:
    dim, size = call.dim(), call.inputs[0].size(call.dim())
    if call["step"] != 1 or dim == 0 or dim in (call.space or ()):
        return None
    start, stop, _ = slice(call["start"], call["end"]).indices(size)
    return Narrow(dim, start, stop - start)


@dataclass(frozen=True, eq=False)
class Select(Op):
    """Takes one of the maps, without the dimension in which they were counted."""

    dim: int
    index: int

    def forward(self, x: Tensor) -> Tensor:
        return x.select(self.dim, self.index)

    def record(self, inputs: tuple[Tensor, ...], rule: Rule) -> tuple[Tensor, int]:
        return self.forward(*inputs), inputs[0].shape[self.dim]

    def project(self, signal: Tensor, saved: int, rule: Rule) -> tuple[Tensor]:
        down = signal.new_zeros((*signal.shape[: self.dim], saved, *signal.shape[self.dim :]))
        down.select(self.dim, self.index).copy_(signal)
        return (down,)


@lowers("select.int")
def _select(call: Call) -> Lowered | None:
    return select(call.inputs[0], call.dim(), call["index"])


def select(step: Step, dim: int, index: int) -> Lowered | None:
    """One of the maps, by its number along `dim`, or None where that cuts through the image."""
    if dim == 0 or dim in (step.space or ()):
        return None
    return Lowered(Select(dim, index % step.size(dim)), space_without(step.space, {dim}))


@dataclass(frozen=True, eq=False)
class Stack(Op):
    """Puts maps side by side along a new dimension; projecting hands each its own part of the signal."""

    dim: int

    def forward(self, *inputs: Tensor) -> Tensor:
        return torch.stack(inputs, self.dim)

    def project(self, signal: Tensor, saved: None, rule: Rule) -> tuple[Tensor, ...]:
        return signal.unbind(self.dim)


@lowers("stack.default")
def _stack(call: Call) -> Lowered | None:
    dim = call["dim"] % (call.inputs[0].ndim + 1)
    if dim == 0 or len({step.space for step in call.inputs}) > 1 or not all(map(call.is_input, call["tensors"])):
        return None
    space = call.space
    return Lowered(Stack(dim), space and (space[0] + (dim <= space[0]), space[1] + (dim <= space[1])))


@dataclass(frozen=True, eq=False)
class Detached(Op):
    """`detach`: the numbers go on, no signal goes back (a straight-through estimator)."""

    def forward(self, x: Tensor) -> Tensor:
        return x

    def project(self, signal: Tensor, saved: None, rule: Rule) -> tuple[None]:
        return (None,)


def part(step: Step, dim: int, start: int, length: int) -> Lowered | None:
    """One part of a tensor split along `dim`, or None where that cuts through the image."""
    return None if dim == 0 or dim in (step.space or ()) else Lowered(Narrow(dim, start, length), step.space)


@dataclass(frozen=True, eq=False)
class Pad(Op):
    """Puts a border around the map; projecting gives the border's signal back to the pixels it was made from."""

    sides: tuple[int, int, int, int]  # left, right, top, bottom
    mode: str
    value: float

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, self.sides, self.mode, self.value if self.mode == "constant" else None)

    def record(self, inputs: tuple[Tensor, ...], rule: Rule) -> tuple[Tensor, tuple[int, ...]]:
        return self.forward(*inputs), tuple(inputs[0].shape[1:])

    def project(self, signal: Tensor, saved: tuple[int, ...], rule: Rule) -> tuple[Tensor, ...]:
        if self.mode == "constant":
            return (F.pad(signal, [-side for side in self.sides]),)
        anywhere = signal.new_zeros((signal.shape[0], *saved))  # padding is linear: its gradient is the same everywhere
        return pull_back(self.forward, (anywhere,), signal)

    @property
    def window(self) -> Window:
        left, right, top, bottom = self.sides
        return Window(self._axis(top, bottom), self._axis(left, right))

    @property
    def border(self) -> float:
        return self.value

    def unpadded(self, inputs: Size, outputs: Size) -> Op:
        return replace(self, sides=(0, 0, 0, 0))

    def _axis(self, before: int, after: int) -> Axis:
        if self.mode != "constant":
            return Mirrored(before, self.mode)
        return Sliding(before=before) if min(before, after) >= 0 else PositionDependent(before)


@lowers("pad.default", "constant_pad_nd.default")
def _pad(call: Call) -> Op | None:
    sides = [*call["pad"], 0, 0, 0, 0][: max(4, len(call["pad"]))]
    if call.space != (2, 3) or call.inputs[0].ndim != 4 or any(sides[4:]):
        return None
    left, right, top, bottom = sides[:4]
    return Pad((left, right, top, bottom), call.arguments.get("mode", "constant"), float(call["value"] or 0))
