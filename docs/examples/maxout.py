"""An operation of one's own: the larger of two feature maps, as in a maxout network."""

from dataclasses import dataclass

import torch
from torch import Tensor

from zfwidgets.backend.graph.op import Op, Rule
from zfwidgets.backend.ops import Call
from zfwidgets.backend.ops.lowering import lowers


@dataclass(frozen=True, eq=False)
class Maxout(Op):
    """Takes the larger of two maps; projecting sends the signal to the one that was larger.

    It is a max pool across two maps, and like a max pool it keeps switches. Of two equals,
    the first one gets the signal.
    """

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return torch.maximum(x, y)

    def record(self, inputs: tuple[Tensor, ...], rule: Rule) -> tuple[Tensor, Tensor]:
        x, y = inputs
        return self.forward(x, y), x >= y

    def project(self, signal: Tensor, kept: Tensor, rule: Rule) -> tuple[Tensor, Tensor]:
        return signal * kept, signal * ~kept

    @property
    def kind(self) -> str:
        return "merge"


@lowers("maximum.default")
def _maximum(call: Call) -> Op | None:
    """Of two maps of one size; anything else (None) is left to the exact gradient."""
    alike = len(call.inputs) == 2 and all(step.shape == call.shape for step in call.inputs)
    return Maxout() if alike else None
