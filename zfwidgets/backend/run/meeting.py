"""What of a lower layer a unit is made of: the signal that comes down from it, where it meets that layer's maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

import torch
from torch import Tensor

from zfwidgets.backend.graph.op import DECONVNET, Rule
from zfwidgets.backend.graph.program import Program
from zfwidgets.backend.graph.step import Step
from zfwidgets.backend.run.cropped import meet_cropped
from zfwidgets.backend.run.deconvnet import fitting, signal_at
from zfwidgets.backend.run.forward import forward
from zfwidgets.backend.run.memory import in_parts, parts_of
from zfwidgets.backend.run.origins import cones_pay, origins_of
from zfwidgets.backend.run.units import Units
from zfwidgets.backend.surroundings import undisturbed
from zfwidgets.task import UNWATCHED, Task

KINDS = ("contribution", "signal", "product")  # what `meet` sums up


@undisturbed()
def meet(
    program: Program,
    images: Tensor | Sequence[Tensor],
    at: Step,
    units: Units,
    lower: Step,
    rule: Rule = DECONVNET,
    task: Task = UNWATCHED,
) -> Tensor:
    """Carry a signal of 1 from units of layer `at` down to the maps of a lower layer, and sum up what arrives.

    `images` are preprocessed, (N, C, H, W) or a list of (C, H, W). With the signal G and the activations A of a map,
    the sums over its positions are those of max(G·A, 0), of max(G, 0), and of G·A: (n, 3, maps), on the program's
    device. Units are computed as by `project_units`: each in its cone, or on whole images, where units of one image
    that stand together share one pass upward.
    """
    sums = images[0].new_zeros((len(units), len(KINDS), lower.shape[0]))
    origins = origins_of(program, at, units)
    if origins and cones_pay(program, at, units, origins):
        for cone, which, features in origins:
            if lower not in cone.spans:
                continue  # another branch, which these units do not depend on
            chosen = replace(units[which], feature=features)
            parts = in_parts(
                parts_of(len(which), fitting(images[0].device, cone.largest)),
                lambda some: _summed(*meet_cropped(cone, images, chosen[some], lower, rule, task)),  # noqa: B023
            )
            for some, found in parts:
                sums[which[some]] = found
        return sums
    largest = max(prod(step.shape) for step in program.needed_for([at]))
    parts = in_parts(
        parts_of(len(units), fitting(images[0].device, largest)),
        lambda some: _summed(*_on_images(program, images, at, units[some], lower, rule, task)),
    )
    for some, found in parts:
        sums[some] = found
    return sums


def _on_images(
    program: Program, images: Tensor | Sequence[Tensor], at: Step, units: Units, lower: Step, rule: Rule, task: Task
) -> tuple[Tensor, Tensor]:
    used, which = units.image.unique(return_inverse=True)
    if not all(step.batched for step in program.needed_for([at])):
        used, which = units.image, torch.arange(len(units))  # what is saved cannot be told apart by image
    record = forward(program, torch.stack([images[i] for i in used.tolist()]), [at, lower], rule, task)
    record = record.of_images(which.to(images[0].device))
    activations = record.activations[at]
    seed = torch.zeros_like(activations)
    seed[(torch.arange(len(units)), units.feature, units.row, units.column)[: activations.ndim]] = 1
    return signal_at(program, record, at, seed, lower, rule, task), record.activations[lower]


def _summed(signal: Tensor, activation: Tensor) -> Tensor:
    product = signal * activation
    kinds = torch.stack([product.clamp(min=0), signal.clamp(min=0), product], 1)
    return kinds.flatten(3).sum(3) if kinds.ndim > 3 else kinds
