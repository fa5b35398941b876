"""Compute single units from nothing but what reaches them: a cone at work on a batch of windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from zfwidgets.backend.graph.cone import Cone
from zfwidgets.backend.graph.op import Rule
from zfwidgets.backend.graph.step import Step
from zfwidgets.backend.run.units import Units
from zfwidgets.backend.run.windows import Windows, reframed
from zfwidgets.backend.surroundings import undisturbed
from zfwidgets.task import UNWATCHED, Task


@undisturbed()
def project_cropped(
    whole: Cone, images: Tensor | Sequence[Tensor], units: Units, rule: Rule, task: Task = UNWATCHED
) -> tuple[Tensor, Tensor]:
    """Compute units from preprocessed images, each (C, H, W), and carry each down to the pixels of the cone's span.

    Returns pixels (n, C, height, width) and activations (n,).
    """
    windows = _windows(whole, units)
    unit, _, saved = _up(windows, windows.of_images(images), rule, task)
    seed = torch.zeros_like(unit)
    here = torch.arange(len(units)), units.feature
    seed[here] = unit[here]
    cone = windows.cone
    pixels = _down(windows, seed, cone.input, rule, saved, task)
    return reframed(pixels, (2, 3), cone.spans[cone.input], whole.spans[whole.input], 0), unit[here].flatten()


@undisturbed()
def meet_cropped(
    whole: Cone,
    images: Tensor | Sequence[Tensor],
    units: Units,
    lower: Step,
    rule: Rule,
    task: Task = UNWATCHED,
) -> tuple[Tensor, Tensor]:
    """Compute units from images, and carry a signal of 1 from each down to a lower step of the cone.

    Returns, on the window of that step that each unit depends on, the signal that arrives there and the activations
    that it meets, both (n, …); both are zero beyond the edge of the map.
    """
    windows = _windows(whole, units)
    unit, met, saved = _up(windows, windows.of_images(images), rule, task, lower)
    seed = torch.zeros_like(unit)
    seed[torch.arange(len(units)), units.feature] = 1
    return _down(windows, seed, lower, rule, saved, task), windows.within(met, lower, 0)


def _windows(whole: Cone, units: Units) -> Windows:
    return Windows(whole.trimmed(units.row.tolist(), units.column.tolist()), units)


def _up(
    windows: Windows, images: Tensor, rule: Rule, task: Task, lower: Step | None = None
) -> tuple[Tensor, Tensor, dict[Step, Any]]:
    """The values of the cone's own step, those of a lower one, and what the way down needs."""
    cone, met = windows.cone, images
    values, saved = {cone.input: images}, {}
    for stage in cone.stages:
        task.check()
        inputs = tuple(windows.read(values[source], source, stage) for source in stage.step.inputs)
        values[stage.step], saved[stage.step] = stage.op.record(inputs, rule)
        if stage.step is lower:
            met = values[stage.step]
        for source in stage.finished:
            del values[source]
    return values[cone.at], met, saved


def _down(windows: Windows, seed: Tensor, lower: Step, rule: Rule, saved: dict[Step, Any], task: Task) -> Tensor:
    """The signal as it arrives at a lower step, zeros where nothing does."""
    cone = windows.cone
    signals = {cone.at: seed}
    for stage in reversed(cone.stages):
        if stage.step is lower:
            break
        if stage.step not in signals:
            continue
        task.check()
        signal = signals.pop(stage.step)
        if stage.slides:
            signal = windows.within(signal, stage.step, 0)
        parts = stage.op.project(signal, saved.pop(stage.step), rule)
        for source, part in zip(stage.step.inputs, parts, strict=True):
            if part is not None:
                part = windows.put(part, source, stage)
                signals[source] = signals[source] + part if source in signals else part
    if lower not in signals:
        return seed.new_zeros((seed.shape[0], lower.shape[0], *cone.spans[lower].size))
    return windows.within(signals[lower], lower, 0)
