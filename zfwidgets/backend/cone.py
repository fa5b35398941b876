"""Compute single units from nothing but what reaches them: of every map a window, no larger than need be.

A unit depends on a cone of positions that widens from layer to layer, down to its receptive field. All units of a layer
have the same cone, only in other places; so many units, of many images, go through it as one batch of windows. Where a
window hangs over the edge of its map, the positions beyond are filled with what the operation would have padded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any

import torch
from torch import Tensor

from zfwidgets.backend.forward import Cancelled, never
from zfwidgets.backend.ops import Op, Rule
from zfwidgets.backend.program import Program, Step
from zfwidgets.backend.units import Units, cut
from zfwidgets.backend.window import POINT, Sliding


@dataclass(frozen=True)
class Span:
    """Rows and columns of a step, counted as if its map had no edge."""

    top: int
    left: int
    height: int
    width: int

    def joined(self, other: Span) -> Span:
        """The smallest span that holds both."""
        top, left = min(self.top, other.top), min(self.left, other.left)
        bottom = max(self.top + self.height, other.top + other.height)
        right = max(self.left + self.width, other.left + other.width)
        return Span(top, left, bottom - top, right - left)

    def seen_through(self, op: Op) -> Span:
        """What an operation looks at to compute this."""
        rows, columns = op.window.rows, op.window.columns
        assert isinstance(rows, Sliding)
        assert isinstance(columns, Sliding)
        top, bottom = rows.unclipped((self.top, self.top + self.height - 1))
        left, right = columns.unclipped((self.left, self.left + self.width - 1))
        return Span(top, left, bottom - top + 1, right - left + 1)


@dataclass(frozen=True, eq=False)
class Stage:
    """One step inside a cone."""

    step: Step
    op: Op  # the step's own, without padding: it gets a window with everything that it looks at
    reads: Span  # that window, of each of its inputs
    slides: bool  # it looks at neighbours, so what lies beyond the edge of the map matters
    finished: tuple[Step, ...]  # the inputs that nobody reads afterwards


@dataclass(frozen=True, eq=False)
class Cone:
    """What the units of one layer depend on, at every step below it."""

    at: Step
    input: Step
    stages: tuple[Stage, ...]
    spans: dict[Step, Span]  # of every step, what the unit in row 0 and column 0 needs
    macs: int  # multiply–adds for one unit, on the way up

    @classmethod
    def of(cls, program: Program, at: Step) -> Cone | None:
        """The cone of a layer. None where there is none: every unit sees the whole image, or an operation on the way
        cannot work on a window."""
        if at not in program.cones:
            program.cones[at] = cls._built(program.needed_for([at]))
        return program.cones[at]

    @classmethod
    def _built(cls, steps: tuple[Step, ...]) -> Cone | None:
        at = steps[-1]
        if any(field.whole for field in at.fields) or not all(step.batched for step in steps):
            return None
        last_reader = {source: step for step in steps for source in step.inputs}
        spans, stages = {at: Span(0, 0, 1, 1)}, []
        for step in reversed(steps[1:]):
            assert step.op is not None
            bare = step.op.unpadded(step)
            if bare is None:
                return None
            reads = spans[step].seen_through(step.op)
            for source in step.inputs:
                spans[source] = spans[source].joined(reads) if source in spans else reads
            finished = tuple(source for source in set(step.inputs) if last_reader[source] is step)
            stages.append(Stage(step, bare, reads, _slides(step), finished))
        macs = sum(_macs(stage.step, spans[stage.step]) for stage in stages)
        return cls(at, steps[0], tuple(reversed(stages)), spans, macs)

    @torch.no_grad()
    def project(
        self, images: Tensor, units: Units, rule: Rule, stale: Callable[[], bool] = never
    ) -> tuple[Tensor, Tensor]:
        """Compute units from preprocessed images (N, C, H, W), and carry each down to the pixels of its span.

        Returns pixels (n, C, height, width) and activations (n,).
        """
        windows = _Windows(self, units)
        kept: dict[Step, Any] = {}
        unit = self._up(windows, windows.of_images(images), rule, kept, stale)
        seed = torch.zeros_like(unit)
        here = torch.arange(len(units)), units.feature
        seed[here] = unit[here]
        return self._down(windows, seed, rule, kept, stale), unit[here].flatten()

    def _up(
        self, windows: _Windows, images: Tensor, rule: Rule, kept: dict[Step, Any], stale: Callable[[], bool]
    ) -> Tensor:
        values = {self.input: images}
        for stage in self.stages:
            if stale():
                raise Cancelled
            inputs = tuple(windows.read(values[source], source, stage) for source in stage.step.inputs)
            values[stage.step], kept[stage.step] = stage.op.record(inputs, rule)
            for source in stage.finished:
                del values[source]
        return values[self.at]

    def _down(
        self, windows: _Windows, seed: Tensor, rule: Rule, kept: dict[Step, Any], stale: Callable[[], bool]
    ) -> Tensor:
        signals = {self.at: seed}
        for stage in reversed(self.stages):
            if stage.step not in signals:
                continue
            if stale():
                raise Cancelled
            signal = signals.pop(stage.step)
            if stage.slides:
                signal = windows.within(signal, stage.step, 0)
            parts = stage.op.project(signal, kept.pop(stage.step), rule)
            for source, part in zip(stage.step.inputs, parts, strict=True):
                if part is not None:
                    part = windows.put(part, source, stage)
                    signals[source] = signals[source] + part if source in signals else part
        return windows.within(signals[self.input], self.input, 0)


@dataclass(frozen=True, eq=False)
class _Windows:
    """Where on every map the windows of some units lie."""

    cone: Cone
    units: Units
    _beyond: dict[Step, Tensor | None] = field(default_factory=dict)

    def starts(self, step: Step, axis: int) -> Tensor:
        """Along rows (0) or columns (1), the first position of each unit's window, (n,); possibly beyond the edge."""
        span, units = self.cone.spans[step], (self.units.row, self.units.column)[axis]
        return (span.top, span.left)[axis] + self._stride(step, axis) * units

    def _stride(self, step: Step, axis: int) -> int:
        """How far apart the windows of two neighbouring units are."""
        return self.cone.at.fields[axis].stride // step.fields[axis].stride

    @cached_property
    def _outermost(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """The first and last row and the first and last column of all units."""
        rows, columns = self.units.row.tolist(), self.units.column.tolist()
        return (min(rows), max(rows)), (min(columns), max(columns))

    def of_images(self, images: Tensor) -> Tensor:
        """What the units see of their images."""
        span = self.cone.spans[self.cone.input]
        corners = (self.starts(self.cone.input, axis).tolist() for axis in (0, 1))
        places = zip(self.units.image.tolist(), *corners, strict=True)
        return torch.stack([cut(images[i], top, left, span.height, span.width) for i, top, left in places])

    def read(self, window: Tensor, source: Step, stage: Stage) -> Tensor:
        """What a stage looks at of a source's window."""
        if stage.slides:
            window = self.within(window, source, stage.op.border)
        return self._part(window, source, stage)

    def put(self, part: Tensor, source: Step, stage: Stage) -> Tensor:
        """The signal for a part of a source's window, in its place on the whole window."""
        span = self.cone.spans[source]
        if span == stage.reads:
            return part
        shape = list(part.shape)
        assert source.space is not None
        shape[source.space[0]], shape[source.space[1]] = span.height, span.width
        window = part.new_zeros(shape)
        self._part(window, source, stage).copy_(part)
        return window

    def within(self, window: Tensor, step: Step, border: float) -> Tensor:
        """The window with `border` at every position beyond the edge of the map."""
        if step not in self._beyond:
            self._beyond[step] = self._find_beyond(step, window.device)
        beyond = self._beyond[step]
        return window if beyond is None else window.masked_fill(beyond, border)

    def _part(self, window: Tensor, source: Step, stage: Stage) -> Tensor:
        span, reads = self.cone.spans[source], stage.reads
        if span == reads:
            return window
        assert source.space is not None
        rows, columns = source.space
        window = window.narrow(rows, reads.top - span.top, reads.height)
        return window.narrow(columns, reads.left - span.left, reads.width)

    def _find_beyond(self, step: Step, device: torch.device) -> Tensor | None:
        """Which positions of the windows lie beyond the edge, shaped to mask them; None: none of them."""
        found = [mask for axis in (0, 1) if (mask := self._beyond_axis(step, axis)) is not None]
        return (found[0] | found[-1]).to(device) if found else None

    def _beyond_axis(self, step: Step, axis: int) -> Tensor | None:
        span, stride = self.cone.spans[step], self._stride(step, axis)
        assert step.map_size is not None
        assert step.space is not None
        start, length, size = (span.top, span.left)[axis], (span.height, span.width)[axis], step.map_size[axis]
        first, last = self._outermost[axis]
        if start + stride * first >= 0 and start + stride * last + length <= size:
            return None
        at = self.starts(step, axis)[:, None] + torch.arange(length)
        shape = [1] * step.ndim
        shape[0], shape[step.space[axis]] = at.shape
        return ((at < 0) | (at >= size)).view(shape)


def _slides(step: Step) -> bool:
    """Padding below and to the right alone leaves the window of an operation a point, but not the size of its map."""
    assert step.op is not None
    return step.op.window != POINT or any(source.map_size != step.map_size for source in step.inputs)


def _macs(step: Step, span: Span) -> int:
    return step.macs * span.height * span.width // prod(step.map_size or (1,))
