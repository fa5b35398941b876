"""The networks of `traps`, captured once for all tests."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from zfwidgets.backend.capture.exported import capture
from zfwidgets.backend.graph.program import Program
from zfwidgets.backend.graph.step import Step

from .networks import Around
from .traps import TRAPS, VARIANTS

SITES = ("stem", "trap", "")  # where the tests look: below, at and above the trap; "" is the whole network


@dataclass(frozen=True, eq=False)
class Case:
    module: nn.Module
    program: Program
    images: Tensor

    def step(self, site: str) -> Step:
        """The step whose output is what that part of the module returns."""
        head = self.program.by_name["head"]
        return {"stem": self.program.by_name["stem"], "trap": head.inputs[0], "": head}[site]


def network(name: str) -> tuple[nn.Module, Tensor]:
    """A trap's network in evaluation mode, and images for it."""
    trap = TRAPS[name]
    torch.manual_seed(zlib.crc32(name.encode()))
    module = Around(trap.build(), trap.shape)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm1d | nn.BatchNorm2d):
            randomise(part)
    return module.double().eval(), torch.randn(5, *trap.shape, dtype=torch.float64)


def randomise(norm: nn.BatchNorm1d | nn.BatchNorm2d) -> None:
    """Statistics as if it had been trained; the fresh ones would hide a forgotten mean."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    nn.init.normal_(norm.running_mean)
    nn.init.uniform_(norm.running_var, 0.4, 2.0)
    if norm.affine:
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)


def quick_and_slow(differentiable: bool = False) -> list[Any]:
    """The traps to run a test with, the variants among them marked slow."""
    return [
        pytest.param(name, marks=pytest.mark.slow if name in VARIANTS else ())
        for name, trap in TRAPS.items()
        if trap.differentiable or not differentiable
    ]


@cache
def case(name: str) -> Case:
    """A trap's network with its program."""
    module, images = network(name)
    return Case(module, capture(module, TRAPS[name].shape), images)
