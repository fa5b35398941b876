"""Small networks around one function, and what is asked of all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from zfwidgets.backend.capture.exported import capture
from zfwidgets.backend.graph.op import GRADIENT
from zfwidgets.backend.graph.program import Program
from zfwidgets.backend.graph.step import Step
from zfwidgets.backend.run.deconvnet import project
from zfwidgets.backend.run.forward import forward

from ..oracles import relative_error
from .networks import Apply, Around

SHAPE = (3, 12, 10)
EXACT = 1e-10


Part = Callable[[], nn.Module]


def around(function: Callable[..., Any], *parts: Part) -> nn.Module:
    """Convolution → the function, with parts of its own → convolution (or a linear layer), in float64."""
    torch.manual_seed(11)
    return Around(Apply(function, *(part() for part in parts)), SHAPE).double().eval()


def captured(function: Callable[..., Any], *parts: Part) -> Program:
    return capture(around(function, *parts), SHAPE)


def examples(count: int = 3, shape: tuple[int, int, int] = SHAPE) -> Tensor:
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(7), dtype=torch.float64)


def values(program: Program, images: Tensor, step: Step | None = None) -> Tensor:
    at = step or program.output
    return forward(program, images, [at]).activations[at]


def gradient(program: Program, images: Tensor, step: Step | None = None) -> tuple[Tensor, Tensor]:
    """A random signal at a step and what it is at the pixels, by the rule "gradient"."""
    at = step or program.output
    record = forward(program, images, [at], GRADIENT)
    made = record.activations[at]
    seed = torch.randn(made.shape, generator=torch.Generator().manual_seed(5), dtype=made.dtype)
    return seed, project(program, record, at, seed, GRADIENT)


def assert_as_torch_has_it(module: nn.Module, program: Program | None = None) -> Program:
    """The numbers and the gradient of the output are plain torch's."""
    images = examples()
    program = program or capture(module, SHAPE)
    x = images.clone().requires_grad_()
    expected = module(x)
    assert relative_error(values(program, images), expected.detach()) < EXACT
    seed, found = gradient(program, images)
    (down,) = torch.autograd.grad(expected, x, seed)
    assert relative_error(found, down) < EXACT
    return program
