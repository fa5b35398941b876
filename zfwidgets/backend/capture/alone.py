"""Every image gets the numbers that it would have alone: two are computed together, and each by itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from zfwidgets.backend.capture.refusals import refuse_company
from zfwidgets.backend.graph.program import Program
from zfwidgets.backend.graph.step import Step
from zfwidgets.backend.run.forward import forward

SINGLE, DOUBLE = 1e-4, 1e-8  # of the largest number: how much rounding may differ


def compare_with_alone(program: Program, node_of: Mapping[Step, Any], weight: Tensor) -> None:
    """Raise ValueError, with the module and the line, where an image's numbers depend on the batch that it is in.

    `weight` is one of its weights. Costs a pass over two images and two over one; where single precision cannot decide,
    double precision does.
    """
    if weight.device.type == "meta":  # a network without numbers
        return
    device = torch.device("cpu") if weight.device.type == "mps" else weight.device
    for kind, limit in ((torch.float32, SINGLE), (torch.float64, DOUBLE)):
        images = _examples(program).to(device, kind)
        copy = program if weight.dtype is kind and weight.device == device else program.to(device, kind)
        if _agrees(copy, copy.ends, images, limit):
            return
    steps = dict(zip(copy.steps, program.steps, strict=True))
    first = next(step for step in copy.steps[1:] if step.batched and not _agrees(copy, [step], images, limit))
    refuse_company(node_of[_culprit(steps[first])])


def _culprit(step: Step) -> Step:
    """The step that mixed images: the first of those below that no longer have the images in front."""
    while unbatched := [source for source in step.inputs if not source.batched]:
        step = unbatched[0]
    return step


def _agrees(program: Program, steps: Iterable[Step], images: Tensor, limit: float) -> bool:
    steps = [step for step in steps if step.batched]
    together = forward(program, images, steps).activations
    return all(
        _close(together[step][place : place + 1], alone[step], limit)
        for place in range(len(images))
        for alone in [forward(program, images[place : place + 1], steps).activations]
        for step in steps
    )


def _close(x: Tensor, y: Tensor, limit: float) -> bool:
    if x.shape != y.shape:
        return False
    if not (x.is_floating_point() or x.is_complex()):
        return bool((x == y).all())
    finite = torch.isfinite(x) & torch.isfinite(y)
    largest = float(y[finite].abs().max()) if finite.any() else 0.0
    return bool(((x == y) | ~finite | ((x - y).abs() <= limit * largest)).all()) and bool(
        (torch.isfinite(x) == torch.isfinite(y)).all()
    )


def _examples(program: Program) -> Tensor:
    """Two images as unlike as images are, so that nothing that they share stays hidden."""
    made = torch.randn((2, *program.input.shape), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return torch.stack([made[0], 3 * made[1] + 1])
