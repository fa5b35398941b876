"""Operations that draw random numbers: here every image gets the same draw, whenever and with whomever it comes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from zfwidgets.backend.graph.op import Rule
from zfwidgets.backend.graph.window import WHOLE
from zfwidgets.backend.ops.exact import Exact, lower_exactly
from zfwidgets.backend.ops.lowering import Call, Lowered


@dataclass(frozen=True, eq=False)
class Drawn(Exact):
    """Draws random numbers for each image by itself, always from one seed."""

    seed: int = 0

    def project(self, signal: Tensor, saved: tuple[Tensor, ...], rule: Rule) -> tuple[Tensor | None, ...]:
        if self.target is torch.ops.aten.normal_functional.default:  # only the shape of its input matters
            return (None,) * len(saved)
        try:
            return super().project(signal, saved, rule)
        except ValueError:  # torch has no gradient of it: what is drawn does not follow its input
            return (None,) * len(saved)

    def forward(self, *inputs: Tensor) -> Tensor:
        images = range(inputs[-1].shape[0])
        each = []
        for image in images:
            with seeded(self.seed, inputs[-1].device):
                each.append(super().forward(*(x[image : image + 1] for x in inputs)))
        return torch.cat(each)


def draws(call: Call) -> bool:
    """Whether a node draws random numbers: not where it might, but drops nothing (attention, recurrent layers)."""
    if torch.Tag.nondeterministic_seeded not in call.target.tags:
        return False
    switches = [call[name] for name in ("p", "dropout", "dropout_p", "train", "training") if name in call.arguments]
    return all(switches)


def lower_drawn(call: Call, output: int | None = None) -> Lowered:
    """The operation for a node that draws random numbers.

    Raises ValueError where it draws for several images at once.
    """
    if not call.batched:
        raise ValueError("it draws random numbers for several images at once")
    found = lower_exactly(call, output)
    exact: Any = found.op
    op = Drawn(exact.target, exact.arguments, WHOLE, exact.output, exact.differentiable, call.number)
    return replace(found, op=op)


@contextmanager
def seeded(seed: int, device: torch.device | None = None) -> Iterator[None]:
    """Torch's random numbers from a seed; afterwards they go on as before."""
    with torch.random.fork_rng([device] if device is not None and device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
