"""Every image gets the numbers that it would have alone: two are computed together, and each by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from zfwidgets.backend.capture.refusals import refuse_company
from zfwidgets.backend.graph.program import Program
from zfwidgets.backend.graph.step import Step
from zfwidgets.backend.run.forward import forward

SINGLE, DOUBLE = 1e-4, 1e-8  # of the largest number: how much rounding may differ
UNLIKE = 0.05  # of the mean, also in half precision


def compare_with_alone(program: Program, node_of: Mapping[Step, Any], weight: Tensor) -> None:
    """Raise ValueError, with the module and the line, where an image's numbers depend on the batch that it is in.

    At every step, so that nothing hides behind a last one that rounds or saturates. `weight` is one of the network's.
    Costs a pass over two images and two over one; where single precision cannot decide, double precision does.
    """
    if weight.device.type == "meta":  # a network without numbers
        return
    device = torch.device("cpu") if weight.device.type == "mps" else weight.device
    for kind, limit in ((torch.float32, SINGLE), (torch.float64, DOUBLE)):
        images = _examples(program).to(device, kind)
        copy = program if weight.dtype is kind and weight.device == device else program.to(device, kind)
        first = _first_that_differs(copy, images, limit)
        if first is None:
            return
    refuse_company(node_of[_culprit(program.steps[copy.steps.index(first)])])


def answer_alone(module: Callable[[Tensor], Tensor], program: Program, weight: Tensor) -> Tensor | None:
    """What the module itself gives for one image, with autograd's way back; None where it takes no single image."""
    if weight.device.type == "meta":
        return None
    image = _examples(program)[:1].to(weight.device, weight.dtype).requires_grad_()
    try:
        with torch.enable_grad():
            return module(image.clone())
    except Exception:  # whatever it does not like about one image
        return None


def compare_with_module(program: Program, answer: Tensor, weight: Tensor) -> None:
    """Raise ValueError where the module itself gives a single image another answer than the program does.

    What counts is the mean: single numbers differ where a maximum is nearly a tie.
    """
    kind = weight.dtype if weight.dtype in (torch.float32, torch.float64) else torch.float32
    image = _examples(program)[:1].to(weight.device, weight.dtype).to(kind)
    single = program if weight.dtype is kind else program.to(weight.device, kind)
    found = forward(single, image, [single.output]).activations[single.output]
    if found.numel() != answer.numel() or not bool(torch.isfinite(answer).all()):
        return
    expected = answer.detach().reshape(found.shape).to(kind)
    if bool((found - expected).abs().mean() > UNLIKE * expected.abs().mean()):
        raise ValueError("for a single image it computes something else than for several (an `if` on their number?)")


def notes_on_gradients(answer: Tensor | None) -> list[str]:
    """A sentence for the report, where the module has gradients of its own (`torch.autograd.Function`)."""
    names: dict[str, None] = {}
    seen, waiting = set(), [None if answer is None else answer.grad_fn]
    while waiting:
        step: Any = waiting.pop()
        if step is not None and step not in seen:
            seen.add(step)
            waiting += [source for source, _ in step.next_functions]
            of = getattr(step, "_forward_cls", None)
            if of is not None and not of.__module__.startswith("torch."):
                names[of.__name__] = None
    words = "the signal goes down by the gradient of what they compute, not by their own `backward`"
    return [f"Of functions with a gradient of their own ({', '.join(names)}), {words}."] if names else []


def _culprit(step: Step) -> Step:
    """The step that mixed images: the first of those below that no longer have the images in front."""
    while unbatched := [source for source in step.inputs if not source.batched]:
        step = unbatched[0]
    return step


def _first_that_differs(program: Program, images: Tensor, limit: float) -> Step | None:
    """The first step at which an image among others has other numbers than alone."""
    readers = Counter(source for step in program.steps for source in step.inputs)
    runs = [images, *images.split(1)]
    values: dict[Step, list[Tensor]] = {}
    for step in program.steps:
        values[step] = runs
        if step.op is not None:
            inputs = zip(*(values[source] for source in step.inputs), strict=True)
            values[step] = [step.op.forward(*each) for each in inputs]
        together, *alone = values[step]
        if step.batched and not all(_close(x[None], y, limit) for x, y in zip(together, alone, strict=True)):
            return step
        readers.subtract(step.inputs)
        for source in (*step.inputs, step):
            if not readers[source]:
                values.pop(source, None)
    return None


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
