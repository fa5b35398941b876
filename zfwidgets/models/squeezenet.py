"""The embedded network: SqueezeNet 1.1, written down step by step.

Capturing torchvision's module would give the same program (a test compares them), but importing torchvision and torch's
exporter takes longer than everything else between the start of a kernel and the first picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from zfwidgets.backend.graph.op import Op
from zfwidgets.backend.graph.program import Program
from zfwidgets.backend.graph.step import Step
from zfwidgets.backend.ops.linear import Convolution
from zfwidgets.backend.ops.merging import Concatenation
from zfwidgets.backend.ops.pooling import AveragePool, MaxPool
from zfwidgets.backend.ops.rectifier import Rectifier
from zfwidgets.backend.ops.shaping import Reshape
from zfwidgets.backend.surroundings import undisturbed

WEIGHTS = Path(__file__).parent / "weights"
TRAINED = WEIGHTS / "squeezenet1_1.safetensors"
SIZE = 227  # what its authors trained it with
POOLS = (2, 5, 8)  # the places of `features` that are pools; 3 and up are fire modules otherwise
MODULES = {
    Convolution: "Conv2d",
    Rectifier: "ReLU",
    MaxPool: "MaxPool2d",
    AveragePool: "AdaptiveAvgPool2d",
    Concatenation: "Fire",  # a fire module's last step
}


def squeezenet1_1() -> Program:
    """SqueezeNet 1.1 with its authors' ImageNet weights, for images of 227×227; names as in torchvision."""
    stack = _Stack(load_file(TRAINED))
    step = stack.rectified("features.0", "features.1", stack.input, stride=2)
    for place in range(2, 13):
        name = f"features.{place}"
        step = (
            stack.then(name, MaxPool((3, 3), (2, 2), (0, 0), (1, 1), True), step)
            if place in POOLS
            else fire(stack, name, step)
        )
    step = stack.rectified("classifier.1", "classifier.2", step)
    size = step.map_size
    assert size is not None
    step = stack.then("classifier.3", AveragePool(size, size, (0, 0)), step)
    output = stack.then("flatten", Reshape((step.shape[0],), local=False), step)
    return Program(tuple(stack.steps), output, dict(_modules(stack.steps)))


def _modules(steps: Iterable[Step]) -> Iterator[tuple[str, str]]:
    """The path and class of each of torchvision's modules."""
    yield from {"": "SqueezeNet", "features": "Sequential", "classifier": "Sequential"}.items()
    yield "classifier.0", "Dropout"
    for step in steps:
        if type(step.op) in MODULES:
            yield step.name.removesuffix(".cat"), MODULES[type(step.op)]


def fire(stack: _Stack, name: str, step: Step) -> Step:
    """Few 1×1 filters squeeze the maps; 1×1 and 3×3 filters expand them again, side by side."""
    squeezed = stack.rectified(f"{name}.squeeze", f"{name}.squeeze_activation", step)
    sides = [
        stack.rectified(f"{name}.expand{kernel}", f"{name}.expand{kernel}_activation", squeezed)
        for kernel in ("1x1", "3x3")
    ]
    return stack.then(f"{name}.cat", Concatenation(1), *sides)


def imagenet_labels() -> tuple[str, ...]:
    """The names of ImageNet's 1000 classes, in torchvision's words."""
    return tuple((WEIGHTS / "imagenet_classes.txt").read_text(encoding="utf-8").splitlines())


class _Stack:
    """Steps put one upon the other; shapes come from running each once on zeros."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        self.weights = weights
        self.input = Step("input", None, (), (3, SIZE, SIZE), (2, 3))
        self.steps = [self.input]

    @undisturbed()
    def then(self, name: str, op: Op, *inputs: Step, parameters: int = 0) -> Step:
        shape = op.forward(*(torch.zeros(1, *step.shape, dtype=torch.float32) for step in inputs)).shape[1:]
        space = (2, 3) if len(shape) == 3 else None
        step = Step(name, op, inputs, tuple(shape), space, parameters)
        self.steps.append(step)
        return step

    def rectified(self, name: str, rectifier: str, step: Step, stride: int = 1) -> Step:
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        padding = (1, 1) if name.endswith("3x3") else (0, 0)
        op = Convolution(weight, bias, (stride, stride), padding, padding, (1, 1), 1)
        filtered = self.then(name, op, step, parameters=weight.numel() + bias.numel())
        return self.then(rectifier, Rectifier(torch.relu, {}), filtered)
