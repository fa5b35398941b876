"""What the value of a node may be, besides a step or a constant; and what its numbers are."""

from __future__ import annotations

import sys
from typing import Any

from torch import Tensor, fx

from zfwidgets.backend.graph.step import Step
from zfwidgets.backend.ops import Call, Lowered
from zfwidgets.backend.ops.shaping import part, select


def takes_all(call: Call) -> bool:
    """Whether a slice goes from the first to the last: `x[:]`, which stands in front of every `x[:, 1:3]`."""
    size = call.inputs[0].size(dim) if (dim := call.dim()) else sys.maxsize
    return call["step"] == 1 and (call["start"] or 0) == 0 and (call["end"] is None or call["end"] >= size)


def is_real(node: Any) -> bool:
    """Whether a node's numbers are neither whole nor complex nor yes or no."""
    value = node.meta.get("val") if isinstance(node, fx.Node) else None
    return not isinstance(value, Tensor) or value.is_floating_point()


def has_gradient(node: fx.Node) -> bool:
    """Whether a node's numbers are real or complex."""
    value = node.meta.get("val")
    return is_real(node) or (isinstance(value, Tensor) and value.is_complex())


class Parts:
    """A tensor split into several: lowered one by one, as they are taken."""

    def __init__(self, step: Step, dim: int, lengths: list[int] | None) -> None:
        self.step, self.dim, self.lengths = step, dim, lengths  # no lengths: single maps, their dimension gone

    def take(self, index: int) -> Lowered | None:
        """One part, or None where that cuts through the image."""
        if self.lengths is None:
            return select(self.step, self.dim, index)
        return part(self.step, self.dim, sum(self.lengths[:index]), self.lengths[index])


class Several:
    """A node with several results, none of which is known to be a part of its input."""

    def __init__(self, call: Call) -> None:
        self.call = call


class Shared:
    """A value that is one for all images of a batch: what is computed with it has no place in a program."""

    def __init__(self, node: fx.Node) -> None:
        self.node = node
