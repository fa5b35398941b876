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
    cone = whole.trimmed(units.row.tolist(), units.column.tolist())
    windows = Windows(cone, units)
    saved: dict[Step, Any] = {}
    unit = _up(windows, windows.of_images(images), rule, saved, task)
    seed = torch.zeros_like(unit)
    here = torch.arange(len(units)), units.feature
    seed[here] = unit[here]
    pixels = _down(windows, seed, rule, saved, task)
    return reframed(pixels, (2, 3), cone.spans[cone.input], whole.spans[whole.input], 0), unit[here].flatten()


def _up(windows: Windows, images: Tensor, rule: Rule, saved: dict[Step, Any], task: Task) -> Tensor:
    cone = windows.cone
    values = {cone.input: images}
    for stage in cone.stages:
        task.check()
        inputs = tuple(windows.read(values[source], source, stage) for source in stage.step.inputs)
        values[stage.step], saved[stage.step] = stage.op.record(inputs, rule)
        for source in stage.finished:
            del values[source]
    return values[cone.at]


def _down(windows: Windows, seed: Tensor, rule: Rule, saved: dict[Step, Any], task: Task) -> Tensor:
    cone = windows.cone
    signals = {cone.at: seed}
    for stage in reversed(cone.stages):
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
    if cone.input not in signals:
        return seed.new_zeros((seed.shape[0], cone.input.shape[0], *cone.spans[cone.input].size))
    return windows.within(signals[cone.input], cone.input, 0)
