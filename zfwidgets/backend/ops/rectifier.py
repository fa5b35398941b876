"""Rectifiers: where the three rules part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import Tensor

from zfwidgets.backend.ops.base import Call, Op, Rule, lowers, pull_back
from zfwidgets.backend.ops.exact import functional


@dataclass(frozen=True, eq=False)
class Rectifier(Op):
    """Lets the positive part pass. The deconvnet rectifies the signal that comes down, whatever was positive on the
    way up (§2); the gradient asks only where the input was positive; guided backpropagation does both.

    Soft rectifiers (leaky ReLU, ELU, SiLU, GELU, hard swish, …) follow the same rules, each with its own slope.
    """

    function: Callable[[Tensor], Tensor]
    name: str

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)

    def record(self, inputs: tuple[Tensor, ...], rule: Rule) -> tuple[Tensor, Tensor | None]:
        return self.forward(*inputs), inputs[0] if rule.slopes else None

    def project(self, signal: Tensor, kept: Tensor | None, rule: Rule) -> tuple[Tensor]:
        if rule.clips:
            signal = signal.clamp(min=0)
        if kept is not None:
            (signal,) = pull_back(self.function, (kept,), signal)
        return (signal,)

    @property
    def kind(self) -> str:
        return "rectifier"


@lowers(
    "relu.default", "relu6.default", "leaky_relu.default", "elu.default", "selu.default", "celu.default",
    "silu.default", "gelu.default", "mish.default", "hardswish.default", "softplus.default", "hardtanh.default",
    "threshold.default",
)  # fmt: skip
def _rectifier(call: Call) -> Op | None:
    options = dict(call.arguments)
    x = options.pop("self" if "self" in options else "input")
    if not call.is_input(x) or len(call.inputs) > 1 or options.get("min_val", 0) < 0:
        return None
    name = call.target._opname.rstrip("_")
    return Rectifier(partial(_called, functional(call.target), options), name)


def _called(function: Callable[..., Tensor], options: dict[str, Any], x: Tensor) -> Tensor:
    return function(x, **options)
