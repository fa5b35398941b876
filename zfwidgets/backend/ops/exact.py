"""The fallback: an operation without a rule of its own goes down by its exact gradient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor

from zfwidgets.backend.graph.op import Op, Rule, Space, moved_to, pull_back
from zfwidgets.backend.graph.window import POINT, POSITION_DEPENDENT, WHOLE, Window
from zfwidgets.backend.ops.lowering import Batch, Call, Lowered


@dataclass(frozen=True)
class Slot:
    """Stands for the i-th input in an argument."""

    index: int


@dataclass(frozen=True, eq=False)
class Exact(Op):
    """Any differentiable operation; projecting is its vector–Jacobian product. The network's report names it."""

    target: Any
    arguments: dict[str, Any]  # with Slot and Batch in the places to fill
    sees: Window
    output: int | None = None  # which of several results
    differentiable: bool = True  # its result is no whole number and no yes or no, of which there is no gradient

    def forward(self, *inputs: Tensor) -> Tensor:
        images = inputs[-1].shape[0]
        filled = {
            name: substitute(value, lambda leaf: _fill(leaf, inputs, images)) for name, value in self.arguments.items()
        }
        result = call_by_name(self.target, filled)
        return result if self.output is None else result[self.output]

    def record(self, inputs: tuple[Tensor, ...], rule: Rule) -> tuple[Tensor, tuple[Tensor, ...]]:
        return self.forward(*inputs), inputs

    def project(self, signal: Tensor, saved: tuple[Tensor, ...], rule: Rule) -> tuple[Tensor | None, ...]:
        smooth = [i for i, x in enumerate(saved) if x.is_floating_point() or x.is_complex()]
        if not (self.differentiable and smooth):
            return (None,) * len(saved)

        def of_smooth(*inputs: Tensor) -> Tensor:
            changed = dict(zip(smooth, inputs, strict=True))
            return self.forward(*(changed.get(i, x) for i, x in enumerate(saved)))

        try:
            parts = pull_back(of_smooth, tuple(saved[i] for i in smooth), signal)
        except (RuntimeError, NotImplementedError) as error:
            if "not implemented" not in str(error) and "not differentiable" not in str(error):
                raise
            raise ValueError(f"nothing can be projected through {self.kind}, of which torch has no gradient") from error
        return tuple(dict(zip(smooth, parts, strict=True)).get(i) for i in range(len(saved)))

    @property
    def window(self) -> Window:
        return self.sees

    @property
    def fallback(self) -> bool:
        return True

    @property
    def kind(self) -> str:
        return self.target._opname.strip("_")

    def to(self, device: torch.device, dtype: torch.dtype) -> Self:
        def move(leaf: Any) -> Any:
            if isinstance(leaf, Tensor):
                return moved_to(leaf, device, dtype)
            if isinstance(leaf, torch.dtype) and leaf.is_floating_point:
                return dtype
            return device if isinstance(leaf, torch.device) else leaf

        return replace(self, arguments={name: substitute(value, move) for name, value in self.arguments.items()})


FLAT = {"floor_divide", "heaviside", "nextafter"}  # torch has no derivative of them; it is zero


def lower_exactly(call: Call, output: int | None = None) -> Lowered:
    """The fallback for one node of the graph."""
    slots = iter(range(len(call.inputs)))
    steps = set(call.inputs)

    found: list[Any] = []

    def mark(leaf: Any) -> Any:
        found.append(leaf)
        return Slot(next(slots)) if leaf in steps else leaf

    arguments = {name: substitute(value, mark) for name, value in call.arguments.items()}
    sees = window_of(call)
    differentiable = call.differentiable and functional(call.target)._opname not in FLAT
    op = Exact(functional(call.target), arguments, sees, output, differentiable)
    keeps_maps = sees is not WHOLE or (call.space == (2, 3) and len(call.shape) == 3)
    space = space_without(call.space, _gone(call)) if keeps_maps else None
    return Lowered(op, space, reads_images=any(isinstance(leaf, Batch) for leaf in found))


ACROSS_MAPS = {"softmax", "_softmax", "mean", "sum", "amax", "amin", "max", "min", "topk", "slice", "slice_scatter"}


def window_of(call: Call) -> Window:
    """What an output position depends on, as far as is known: the same position of the inputs, or everything."""
    if call.space is None or not call.batched or any(step.ndim != call.inputs[0].ndim for step in call.inputs):
        return WHOLE
    ndim, name = call.inputs[0].ndim, functional(call.target)._opname
    if torch.Tag.pointwise in functional(call.target).tags:
        return POSITION_DEPENDENT if call.position_dependent else POINT
    if name == "layer_norm":
        return POINT if max(call.space) < ndim - len(call["normalized_shape"]) else WHOLE
    if name in ACROSS_MAPS and call.arguments.get("dim") not in (None, []):
        return WHOLE if {0, *call.space} & _dims(call) else POINT
    return WHOLE


def _dims(call: Call) -> set[int]:
    """The dimensions that a reduction is over."""
    dims = call["dim"] if isinstance(call["dim"], list) else [call["dim"]]
    return {dim % call.inputs[0].ndim for dim in dims}


def _gone(call: Call) -> set[int]:
    """Those of them that the result no longer has."""
    reduces = functional(call.target)._opname in ACROSS_MAPS and len(call.shape) + 1 < call.inputs[0].ndim
    return _dims(call) if reduces else set()


def space_without(space: Space, gone: set[int]) -> Space:
    """Where rows and columns lie once other dimensions are gone."""
    return space and (space[0] - sum(dim < space[0] for dim in gone), space[1] - sum(dim < space[1] for dim in gone))


_FUNCTIONAL = {torch.ops.aten.normal_.default: torch.ops.aten.normal_functional.default}


def functional(target: Any) -> Any:
    """The operator that leaves its inputs alone: `add_.Tensor` → `add.Tensor`."""
    if not target._schema.is_mutable:
        return target
    if target in _FUNCTIONAL:
        return _FUNCTIONAL[target]
    packet = getattr(getattr(torch.ops, target.namespace), target._opname.rstrip("_"), None)
    if packet is None or not hasattr(packet, target._overloadname):
        raise ValueError(f"the operation {target} writes into its input and has no form that does not")
    return getattr(packet, target._overloadname)


def call_by_name(target: Any, arguments: dict[str, Any]) -> Any:
    """Call an ATen operator with its arguments by name (those that it takes by position only, by position)."""
    schema = target._schema.arguments
    positional = [arguments[argument.name] for argument in schema if not argument.kwarg_only]
    named = {argument.name: arguments[argument.name] for argument in schema if argument.kwarg_only}
    return target(*positional, **named)


def substitute(value: Any, change: Callable[[Any], Any]) -> Any:
    """A copy of nested lists and tuples with `change` applied to every leaf."""
    if isinstance(value, list | tuple):
        return type(value)(substitute(item, change) for item in value)
    return change(value)


def _fill(leaf: Any, inputs: tuple[Tensor, ...], images: int) -> Any:
    if isinstance(leaf, Slot):
        return inputs[leaf.index]
    return leaf.multiple * images if isinstance(leaf, Batch) else leaf
