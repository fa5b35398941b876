"""An operation some of whose feature maps are taken out: to ask what they are good for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor

from zfwidgets.backend.graph.op import Op, Rule, Size, moved_to
from zfwidgets.backend.graph.window import Window


@dataclass(frozen=True, eq=False)
class Muted(Op):
    """An operation with some maps set to zero, or each to its mean over the image; no signal goes down through them."""

    inner: Op
    out: Tensor  # (maps,) bool: which are taken out
    to_mean: bool = False

    def forward(self, *inputs: Tensor) -> Tensor:
        return self._muted(self.inner.forward(*inputs))

    def record(self, inputs: tuple[Tensor, ...], rule: Rule) -> tuple[Tensor, Any]:
        output, saved = self.inner.record(inputs, rule)
        return self._muted(output), saved

    def project(self, signal: Tensor, saved: Any, rule: Rule) -> tuple[Tensor | None, ...]:
        return self.inner.project(torch.where(self._mask(signal), 0, signal), saved, rule)

    @property
    def window(self) -> Window:
        return self.inner.window

    @property
    def border(self) -> float:
        return self.inner.border

    def unpadded(self, inputs: Size, outputs: Size) -> Op | None:
        """None where a mean is asked for: a window does not know that of its map."""
        bare = None if self.to_mean else self.inner.unpadded(inputs, outputs)
        return bare and replace(self, inner=bare)

    @property
    def fallback(self) -> bool:
        return self.inner.fallback

    @property
    def kind(self) -> str:
        return self.inner.kind

    def macs(self, shape: tuple[int, ...]) -> int:
        return self.inner.macs(shape)

    def to(self, device: torch.device, dtype: torch.dtype) -> Self:
        return replace(self, inner=self.inner.to(device, dtype), out=moved_to(self.out, device, dtype))

    def _mask(self, x: Tensor) -> Tensor:
        return self.out.view(-1, *[1] * (x.ndim - 2))

    def _muted(self, x: Tensor) -> Tensor:
        places = tuple(range(2, x.ndim))
        fill = x.mean(places, keepdim=True) if self.to_mean and places else x.new_zeros(())
        return torch.where(self._mask(x), fill, x)
