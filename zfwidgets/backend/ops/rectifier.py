"""Rectifiers: where the three rules part."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor

from zfwidgets.backend.graph.op import Op, Rule, pull_back
from zfwidgets.backend.ops.exact import functional
from zfwidgets.backend.ops.lowering import Call, Lowered, lowers


@dataclass(frozen=True, eq=False)
class Rectifier(Op):
    """Lets the positive part pass. The deconvnet rectifies the signal that comes down, whatever was positive on the
    way up (§2); the gradient asks only where the input was positive; guided backpropagation does both.

    Soft rectifiers (leaky ReLU, ELU, SiLU, GELU, hard swish, …) follow the same rules, each with its own slope.
    """

    function: Any  # ATen's
    options: dict[str, Any]

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, **self.options)

    def record(self, inputs: tuple[Tensor, ...], rule: Rule) -> tuple[Tensor, Tensor | None]:
        return self.forward(*inputs), inputs[0] if rule.apply_derivative else None

    def project(self, signal: Tensor, saved: Tensor | None, rule: Rule) -> tuple[Tensor]:
        if rule.rectify_signal:
            signal = signal.clamp(min=0)
        if saved is not None:
            (signal,) = pull_back(self.forward, (saved,), signal)
        return (signal,)

    @property
    def kind(self) -> str:
        return "rectifier"

    def to(self, device: torch.device, dtype: torch.dtype) -> Self:
        options = {name: x.to(device, dtype, copy=True) for name, x in self.options.items() if isinstance(x, Tensor)}
        return replace(self, options=self.options | options)


@lowers(
    "relu.default", "relu6.default", "leaky_relu.default", "elu.default", "selu.default", "celu.default",
    "silu.default", "gelu.default", "mish.default", "hardswish.default", "softplus.default", "hardtanh.default",
    "prelu.default", "threshold.default",
    batched=False,
)  # fmt: skip
def _rectifier(call: Call) -> Op | None:
    options = dict(call.arguments)
    x = options.pop("self" if "self" in options else "input")
    if not call.is_input(x) or len(call.inputs) > 1 or options.get("min_val", 0) < 0:
        return None
    return Rectifier(functional(call.target), options)


@lowers("clamp.default", "clamp_min.default", batched=False)
def _clamp(call: Call) -> Lowered | Op | None:
    """A ReLU by another name; a clamp at another number (the smallest divisor allowed, say) is none."""
    return _rectifier(call) if call["min"] == 0 else None
