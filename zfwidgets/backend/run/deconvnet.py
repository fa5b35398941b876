"""Project units down to pixels (§2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

import torch
from torch import Tensor

from zfwidgets.backend.device import properties_of
from zfwidgets.backend.graph.op import DECONVNET, Rule
from zfwidgets.backend.graph.program import Program
from zfwidgets.backend.graph.step import Step
from zfwidgets.backend.run.cropped import project_cropped
from zfwidgets.backend.run.forward import Record, forward
from zfwidgets.backend.run.memory import in_parts, parts_of
from zfwidgets.backend.run.origins import Origins, cones_pay, origins_of
from zfwidgets.backend.run.units import Patches, Units
from zfwidgets.backend.surroundings import undisturbed
from zfwidgets.task import UNWATCHED, Task


@undisturbed()
def project(
    program: Program,
    record: Record,
    at: Step,
    seed: Tensor,
    rule: Rule = DECONVNET,
    task: Task = UNWATCHED,
) -> Tensor:
    """Carry the signal `seed`, shaped like the activations of step `at`, down to the pixels (N, C, H, W)."""
    return signal_at(program, record, at, seed, program.input, rule, task)


def signal_at(
    program: Program, record: Record, at: Step, seed: Tensor, lower: Step, rule: Rule, task: Task = UNWATCHED
) -> Tensor:
    """The signal as it arrives at a lower step, (N, …) like its activations, zeros where nothing does."""
    signals: dict[Step, Tensor] = {at: seed}
    for step in program.downward_from(at):
        if step is lower:
            break
        if step not in signals:
            continue
        task.check()
        assert step.op is not None
        parts = step.op.project(signals.pop(step), record.saved[step], rule)
        for source, part in zip(step.inputs, parts, strict=True):
            if part is not None:
                signals[source] = signals[source] + part if source in signals else part
    return signals[lower] if lower in signals else seed.new_zeros((seed.shape[0], *lower.shape))


@undisturbed()
def project_units(
    program: Program,
    images: Tensor | Sequence[Tensor],
    at: Step,
    units: Units,
    rule: Rule = DECONVNET,
    crop: bool = True,
    chunk: int | None = None,
    task: Task = UNWATCHED,
) -> Patches:
    """Project single units of layer `at`, each multiplied by its activation.

    `images` are preprocessed: (N, C, H, W), or a list of (C, H, W). By default each unit is computed from only what
    reaches it, which is exact and much less work. Units are computed on whole images where they see everything, where
    it is less work to share one forward pass among many units of an image, or with `crop=False`. `chunk` projections
    go down at once; by default, as many as the device does best at. Where its memory is too small, half as many do.
    """
    if crop and (origins := origins_of(program, at, units)) and cones_pay(program, at, units, origins):
        return _in_cones(program, images, at, units, origins, rule, chunk, task)
    chunk = chunk or fitting(images[0].device, max(prod(step.shape) for step in program.needed_for([at])))
    parts = in_parts(parts_of(len(units), chunk), lambda some: _on_images(program, images, at, units[some], rule, task))
    pixels, activations = (torch.cat(pieces) for pieces in zip(*(found for _, found in parts), strict=True))
    nowhere = torch.zeros_like(units.row)
    return Patches(pixels, nowhere, nowhere, activations)


def fitting(device: torch.device, numbers: int) -> int:
    """How many images or windows to compute at once, if the largest map of one holds so many numbers.

    On a CPU, maps of up to some 16 MB are put where others were before; larger ones are fresh memory each time, which
    takes longer to get than to fill. A CUDA device is busy only with many.
    """
    return min(max(1, properties_of(device).numbers_at_once // numbers), 64)


def _in_cones(
    program: Program,
    images: Tensor | Sequence[Tensor],
    at: Step,
    units: Units,
    origins: Origins,
    rule: Rule,
    chunk: int | None,
    task: Task,
) -> Patches:
    whole = origins[0][0].spans[program.input]
    pixels = images[0].new_zeros((len(units), len(images[0]), *whole.size))
    activations = images[0].new_zeros(len(units))
    for cone, which, features in origins:
        span = cone.spans[program.input]
        place = pixels[:, :, span.top - whole.top :, span.left - whole.left :][:, :, : span.size[0], : span.size[1]]
        count = chunk or fitting(images[0].device, cone.largest)
        chosen = replace(units[which], feature=features)
        parts = in_parts(
            parts_of(len(which), count),
            lambda some: project_cropped(cone, images, chosen[some], rule, task),  # noqa: B023 (at once)
        )
        for some, (found, values) in parts:
            place[which[some]], activations[which[some]] = found, values
    rows, columns = (field.stride for field in at.fields)
    return Patches(pixels, whole.top + rows * units.row, whole.left + columns * units.column, activations)


def _on_images(
    program: Program,
    images: Tensor | Sequence[Tensor],
    at: Step,
    units: Units,
    rule: Rule,
    task: Task,
) -> tuple[Tensor, Tensor]:
    used, which = units.image.unique(return_inverse=True)
    if len(used) == len(units) or not all(step.batched for step in program.needed_for([at])):
        used, which = units.image, torch.arange(len(units))  # what is saved cannot be told apart by image
    record = forward(program, torch.stack([images[i] for i in used.tolist()]), [at], rule, task)
    seed, activation = _seed(record.activations[at], which, units)
    if len(used) < len(units):
        record = record.of_images(which.to(images[0].device))
    return project(program, record, at, seed, rule, task), activation


def _seed(activations: Tensor, which: Tensor, units: Units) -> tuple[Tensor, Tensor]:
    """Zeros like the activations of each unit's image, but for the unit itself; and the units' activations."""
    seed = activations.new_zeros((len(which), *activations.shape[1:]))
    here = (torch.arange(len(which)), units.feature, units.row, units.column)[: activations.ndim]
    values = activations[(which, *here[1:])]
    seed[here] = values
    return seed, values
