"""Normalisation: a fixed scale for each map, or contrast normalisation across maps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

from zfwidgets.backend.graph.op import Op, Rule, pull_back, zeros
from zfwidgets.backend.ops.lowering import Call, lowers


@dataclass(frozen=True, eq=False)
class BatchNorm(Op):
    """Normalises each map with the statistics of training; projecting keeps the scale and drops the shift."""

    weight: Tensor | None
    bias: Tensor | None
    mean: Tensor
    variance: Tensor
    epsilon: float

    def forward(self, x: Tensor) -> Tensor:
        return F.batch_norm(x, self.mean, self.variance, self.weight, self.bias, False, 0.0, self.epsilon)

    def project(self, signal: Tensor, saved: None, rule: Rule) -> tuple[Tensor]:
        scale = torch.rsqrt(self.variance + self.epsilon)
        if self.weight is not None:
            scale = scale * self.weight
        return (signal * scale.view(-1, *[1] * (signal.ndim - 2)),)

    def reinitialised(self, generator: torch.Generator) -> Self:
        ones = None if self.weight is None else torch.ones_like(self.weight)
        mean, variance = torch.zeros_like(self.mean), torch.ones_like(self.variance)
        return replace(self, weight=ones, bias=zeros(self.bias), mean=mean, variance=variance)

    @property
    def kind(self) -> str:
        return "normalisation"


@lowers("batch_norm.default", "_native_batch_norm_legit_no_training.default")
def _batch_norm(call: Call) -> Op | None:
    if call["running_mean"] is None or call.arguments.get("training"):
        return None  # statistics of the batch: no fixed scale
    return BatchNorm(call["weight"], call["bias"], call["running_mean"], call["running_var"], call["eps"])


@dataclass(frozen=True, eq=False)
class ContrastNorm(Op):
    """Divides each unit by the energy of its neighbours in nearby maps (local response normalisation).

    The deconvnet passes it over on the way down (ECCV text); the other rules take its exact gradient.
    """

    size: int
    alpha: float
    beta: float
    k: float

    def forward(self, x: Tensor) -> Tensor:
        return F.local_response_norm(x, self.size, self.alpha, self.beta, self.k)

    def record(self, inputs: tuple[Tensor, ...], rule: Rule) -> tuple[Tensor, Tensor | None]:
        return self.forward(*inputs), inputs[0] if rule.apply_derivative else None

    def project(self, signal: Tensor, saved: Tensor | None, rule: Rule) -> tuple[Tensor, ...]:
        return (signal,) if saved is None else pull_back(self.forward, (saved,), signal)

    @property
    def kind(self) -> str:
        return "normalisation"
