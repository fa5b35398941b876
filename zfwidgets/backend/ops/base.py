"""What an operation is, the three rules for going down, and the table from ATen to our operations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor

from zfwidgets.backend.window import POINT, Window

if TYPE_CHECKING:
    from zfwidgets.backend.program import Step

Space = tuple[int, int] | None  # which dimensions of a tensor are the rows and columns of an image, if any


@dataclass(frozen=True)
class Rule:
    """How a signal passes a rectifier on its way down. Everything else is the same for all rules."""

    name: str
    clips: bool  # the signal itself is rectified (Zeiler & Fergus)
    slopes: bool  # the signal is multiplied by the rectifier's slope (the chain rule)


DECONVNET = Rule("deconvnet", clips=True, slopes=False)
GRADIENT = Rule("gradient", clips=False, slopes=True)
GUIDED = Rule("guided", clips=True, slopes=True)
RULES = {rule.name: rule for rule in (DECONVNET, GRADIENT, GUIDED)}


@dataclass(frozen=True, eq=False)
class Op:
    """One operation of a network: how it computes, and how a signal goes back down through it.

    Inputs and outputs are batches, images first. What `record` keeps holds one entry an image in each tensor, so
    that it can be picked apart image by image.
    """

    def forward(self, *inputs: Tensor) -> Tensor:
        raise NotImplementedError

    def record(self, inputs: tuple[Tensor, ...], rule: Rule) -> tuple[Tensor, Any]:
        """Compute, and keep what `project` will ask for under this rule."""
        return self.forward(*inputs), None

    def project(self, signal: Tensor, kept: Any, rule: Rule) -> tuple[Tensor | None, ...]:
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

    def unpadded(self, step: Step) -> Op | None:
        """The same operation for windows cut from its input: it gets all that it looks at, the border included.

        `step` is where it stands in the program. None: it cannot work on a window.
        """
        return self if self.window == POINT else None

    def averages_all(self, step: Step) -> bool:
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

    def to(self, device: torch.device, dtype: torch.dtype) -> Self:
        """A copy of the operation with its weights on a device."""
        moved = {
            field.name: moved_to(value, device, dtype)
            for field in fields(self)
            if isinstance(value := getattr(self, field.name), Tensor)
        }
        return replace(self, **moved)


@dataclass(frozen=True)
class Batch:
    """Stands for `multiple` times the number of images in an argument."""

    multiple: int = 1


@dataclass(frozen=True, eq=False)
class Call:
    """One node of the exported graph, its arguments bound to their names; `Step`s stand where tensors come in."""

    target: Any
    arguments: dict[str, Any]
    inputs: tuple[Step, ...]
    shape: tuple[int, ...]  # of the output, without the batch dimension
    images_first: bool = True  # the output's first dimension is the images

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
    def placed(self) -> bool:
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


def moved_to(weight: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    """A copy on a device, floating-point numbers in one type; on CUDA, filters with their channels last.

    On a CPU that is a tenth faster, too, but rounds otherwise than the user's module does: a maximum that is nearly a
    tie then falls on another switch, and projections through many pools differ from what the module would give.
    """
    order = torch.channels_last if weight.ndim == 4 and device.type == "cuda" else torch.preserve_format
    return weight.to(device, dtype if weight.is_floating_point() else None, copy=True, memory_format=order)


def sum_to(signal: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Undo broadcasting: what was spread over many positions is gathered again. `shape` is without the batch."""
    return signal.sum_to_size((signal.shape[0], *shape)) if signal.shape[1:] != shape else signal


def pull_back(function: Callable[..., Tensor], points: tuple[Tensor, ...], signal: Tensor) -> tuple[Tensor, ...]:
    """The exact gradient: the signal at a function's output, carried to its inputs."""
    pull: Any = torch.func.vjp(function, *points)[1]
    return pull(signal)
