"""The table from ATen's operators to our operations."""

from __future__ import annotations

import copyreg
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from zfwidgets.backend.graph.op import Op, Space
from zfwidgets.backend.graph.step import Step


def _named(operator: torch._ops.OpOverload) -> tuple[Any, tuple[str, str]]:
    return _operator, (operator.name(), operator._overloadname)


def _operator(name: str, overload: str) -> torch._ops.OpOverload:
    namespace, _, rest = name.partition("::")
    packet = getattr(getattr(torch.ops, namespace), rest.partition(".")[0])
    found: torch._ops.OpOverload = getattr(packet, overload)
    return found


# A network is sent to the workers of a cluster with its operations, and torch's own operators cannot be sent.
copyreg.pickle(torch._ops.OpOverload, _named)


@dataclass(frozen=True)
class Batch:
    """Stands for `multiple` times the number of images in an argument."""

    multiple: int = 1


@dataclass(frozen=True, eq=False)
class Call:
    """One node of the exported graph, its arguments bound to their names; a `Step` stands where a tensor comes in."""

    target: Any
    arguments: dict[str, Any]
    inputs: tuple[Step, ...]
    shape: tuple[int, ...]  # of the output, without the batch dimension
    images_first: bool = True  # the output's first dimension is the images
    differentiable: bool = True  # the output's numbers are neither whole numbers nor yes or no
    number: int = 0  # of the node

    def __getitem__(self, name: str) -> Any:
        return self.arguments[name]

    @property
    def batched(self) -> bool:
        """In the output and in all inputs, the first dimension is the images."""
        return self.images_first and all(step.batched for step in self.inputs)

    def is_input(self, value: Any) -> bool:
        """Whether an argument is computed from the image, rather than a constant."""
        return any(value is step for step in self.inputs)

    @property
    def space(self) -> Space:
        """Rows and columns of the first input that has them."""
        return next((step.space for step in self.inputs if step.space), None)

    @property
    def position_dependent(self) -> bool:
        """A constant differs from place to place on the map (a mask, a position embedding)."""
        ndim = self.inputs[0].ndim
        constants = [value for value in self.arguments.values() if isinstance(value, Tensor)]
        return any(x.ndim >= ndim - dim and x.shape[dim - ndim] > 1 for x in constants for dim in self.space or ())

    def dim(self, name: str = "dim") -> int:
        """An argument that names a dimension of the first input, counted from the front."""
        return int(self[name]) % self.inputs[0].ndim


@dataclass(frozen=True, eq=False)
class Lowered:
    """What a node became: an operation, and where rows and columns lie in its output."""

    op: Op
    space: Space
    reads_images: bool = False  # the program's input is read too, to know how many images there are


Lowering = Callable[[Call], "Lowered | Op | None"]
LOWERINGS: dict[Any, Lowering] = {}


def lowers(*targets: str, batched: bool = True) -> Callable[[Lowering], Lowering]:
    """Register how ATen operators (`"conv2d"`, or one overload: `"add.Tensor"`) become operations.

    In-place operators need no entry of their own. The function returns an `Op`, a `Lowered` when rows and columns
    move, or None when this call is beyond it (the exact gradient then steps in). With `batched` it is only asked
    where the first dimension is the images, before and after.
    """

    def register(lowering: Lowering) -> Lowering:
        def checked(call: Call) -> Lowered | Op | None:
            return lowering(call) if call.batched or not batched else None

        LOWERINGS.update(dict.fromkeys(targets, checked))
        return lowering

    return register
