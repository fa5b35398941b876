"""Recompute only what a changed rectangle changes: exact, and several times sooner than from the beginning.

The untouched image goes up once, and its maps are kept. Of an image in which a rectangle is changed, every map differs
only in a window. So each operation gets a batch of windows, one a change: what it looks at is cut from the untouched
map (its border included), and the changed part pasted in. Where windows grow as large as their map, whole maps take
over. The idea is Krypton's (Nakandala et al., SIGMOD 2019).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import prod

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from zfwidgets.backend.deconvnet import fitting
from zfwidgets.backend.forward import Cancelled, forward, never
from zfwidgets.backend.plan import Boxes, Frame, Frames, Plan, chunks
from zfwidgets.backend.program import Program, Step
from zfwidgets.backend.reach import Stretches
from zfwidgets.backend.window import Sliding

MEMORY = 2**29  # bytes that the maps may take, the network itself not counted


@dataclass(frozen=True, eq=False)
class Table:
    """An untouched map as a list of positions, row by row, each with all its numbers; a border may stand around it."""

    positions: Tensor  # (height · width, …)
    width: int
    above: int = 0  # rows of border
    left: int = 0  # columns of border

    def cut(self, frame: Frame) -> Tensor:
        """Its windows, (n, height, width, …)."""
        rows, columns = _places(frame.rows, self.above), _places(frame.columns, self.left)
        places = torch.from_numpy(rows[:, :, None] * self.width + columns[:, None, :]).to(self.positions.device)
        return self.positions.index_select(0, places.flatten()).unflatten(0, places.shape)


@dataclass(frozen=True, eq=False)
class Changed:
    """What some changes make of one map: for each a window of it, or the whole map."""

    step: Step
    values: Tensor  # (n, …) as the step computes them
    frame: Frame | None  # where the windows lie; None: the whole map

    def rows_first(self) -> Tensor:
        """With rows and columns right behind the changes, (n, height, width, …)."""
        return rows_first(self.values, self.step)


class Incremental:
    """What a network makes of one image when rectangles of it are replaced.

    `image` is preprocessed, (C, H, W), on the program's device. `wanted` are the steps whose values are asked for.
    The maps take at most `memory` bytes (those of one image and one change at least).
    """

    def __init__(
        self,
        program: Program,
        image: Tensor,
        wanted: Sequence[Step],
        memory: int = MEMORY,
        stale: Callable[[], bool] = never,
    ) -> None:
        self.program, self.wanted, self.memory = program, tuple(wanted), memory
        self.steps = program.needed_for(wanted)
        record = forward(program, _channels_last(image[None]), self.steps, stale=stale)
        self.untouched = {step: Changed(step, record.activations[step], None) for step in self.steps}
        self._tables: dict[tuple, Table] = {}

    def plan(self, boxes: Boxes) -> Plan:
        """How boxes (n, 4) — top, left, bottom, right, inside the image — will be computed, and what it costs."""
        return Plan(self.program, self.steps, boxes)

    def run(
        self, plan: Plan, replacement: Tensor, stale: Callable[[], bool] = never
    ) -> Iterator[tuple[np.ndarray, dict[Step, Changed]]]:
        """Put `replacement` (C, H, W) into each box of the image in turn.

        Yields, chunk by chunk, which boxes (k,) were computed, and for each wanted step what they change.
        """
        rectangles = self._table(self.program.input, replacement)
        for cell in plan.cells:
            frames = plan.frames(cell)
            count = self._at_once(frames)
            for some in chunks(cell, count):
                yield some, self._changed(frames if len(some) == len(cell) else plan.frames(some), rectangles, stale)

    @torch.no_grad()
    def _changed(self, frames: Frames, rectangles: Table, stale: Callable[[], bool]) -> dict[Step, Changed]:
        first = self.program.input
        frame = frames[first]
        assert frame is not None
        changed = {first: Changed(first, rows_last(rectangles.cut(frame), first), frame)}
        found = {}
        readers = Counter(source for step in self.steps for source in step.inputs)
        for step in self.steps:
            if stale():
                raise Cancelled
            if step.op is not None:
                changed[step] = self._compute(step, frames[step], [changed[source] for source in step.inputs])
            if step in self.wanted:
                found[step] = changed[step]
            readers.subtract(step.inputs)
            for source in (*step.inputs, step):
                if not readers[source]:
                    changed.pop(source, None)
        return found

    def _compute(self, step: Step, frame: Frame | None, sources: list[Changed]) -> Changed:
        assert step.op is not None
        if frame is None:
            return Changed(step, step.op.forward(*map(self.whole, sources)), None)
        bare = step.op.unpadded(step)
        assert bare is not None
        return Changed(step, bare.forward(*(self._read(step, frame, source) for source in sources)), frame)

    def whole(self, changed: Changed) -> Tensor:
        """The whole maps with the changes in their places, (n, …)."""
        if changed.frame is None:
            return changed.values
        untouched = self.untouched[changed.step].rows_first()
        n, height, width = len(changed.values), *untouched.shape[1:3]
        everywhere = Frame(Stretches(np.zeros(n, np.int64), height), Stretches(np.zeros(n, np.int64), width))
        maps = untouched.expand(n, *untouched.shape[1:]).clone(memory_format=torch.contiguous_format)
        _paste(changed, maps, everywhere)
        return rows_last(maps, changed.step)

    def sums(self, changed: Changed) -> Tensor:
        """Each map of a step with maps summed over rows and columns, (n, channels) float64."""
        space = changed.step.space
        assert space is not None
        values = changed.values.double().sum(space)
        if changed.frame is None:
            return values
        untouched = self._table(changed.step, self.untouched[changed.step].values[0])
        before = rows_last(untouched.cut(changed.frame), changed.step).double().sum(space)
        return self.untouched[changed.step].values.double().sum(space) - before + values

    def _read(self, step: Step, frame: Frame, source: Changed) -> Tensor:
        """What a step looks at to compute its windows: the untouched map around them, the changed part pasted in."""
        assert step.op is not None
        assert source.frame is not None
        down, across = step.op.window.rows, step.op.window.columns
        assert isinstance(down, Sliding)
        assert isinstance(across, Sliding)
        seen = Frame(frame.rows.seen_through(down), frame.columns.seen_through(across))
        if seen.equals(source.frame):
            return source.values
        windows = self._bordered(step, source.step, down, across).cut(seen)
        _paste(source, windows, seen)
        return rows_last(windows, source.step)

    def _bordered(self, step: Step, source: Step, down: Sliding, across: Sliding) -> Table:
        """The untouched map of a source, with the border that a step looks at."""
        assert step.op is not None
        assert step.map_size is not None
        assert source.map_size is not None
        above, below = down.border(source.map_size[0], step.map_size[0])
        left, right = across.border(source.map_size[1], step.map_size[1])
        key = source, above, below, left, right, step.op.border
        if key not in self._tables:
            sides = (left, right, above, below)
            values = self.untouched[source].values[0]
            self._tables[key] = self._table(source, values, sides, step.op.border)
        return self._tables[key]

    def _table(
        self, step: Step, values: Tensor, sides: tuple[int, int, int, int] = (0, 0, 0, 0), border: float = 0
    ) -> Table:
        """A map, shaped as the step computes it for one image, with a border: left, right, above, below."""
        rows = rows_first(values[None], step)[0]
        if any(sides):
            rows = F.pad(rows, (0, 0) * (rows.ndim - 2) + sides, value=border)
        return Table(rows.contiguous().flatten(0, 1), rows.shape[1], sides[2], sides[0])

    def _at_once(self, frames: Frames) -> int:
        """How many changes to compute together."""
        numbers = {step: _numbers(step, frame) for step, frame in frames.items()}
        readers = Counter(source for step in self.steps for source in step.inputs)
        live, peak = 0, 0
        for step in self.steps:
            live += numbers[step]
            peak = max(peak, live + sum(2 * numbers[source] for source in step.inputs))
            readers.subtract(step.inputs)
            live -= sum(numbers[source] for source in {*step.inputs, step} if not readers[source])
        bytes_each = peak * self.untouched[self.program.input].values.element_size()
        held = sum(kept.values.nbytes for kept in self.untouched.values()) * 2
        device = self.untouched[self.program.input].values.device
        return max(1, min(fitting(device, max(numbers.values())), (self.memory - held) // bytes_each))


def rows_first(values: Tensor, step: Step) -> Tensor:
    """A batch of maps with rows and columns right behind the images, whatever the step's own order."""
    assert step.space is not None
    return values.movedim(step.space, (1, 2))


def rows_last(values: Tensor, step: Step) -> Tensor:
    """The way back: in the step's own order."""
    assert step.space is not None
    return values.movedim((1, 2), step.space)


def _paste(changed: Changed, windows: Tensor, seen: Frame) -> None:
    """Write what has changed into windows (n, height, width, …) that lie at `seen`; changes that lie alike at once."""
    assert changed.frame is not None
    part = changed.rows_first()
    down = changed.frame.rows.start - seen.rows.start
    across = changed.frame.columns.start - seen.columns.start
    first = 0
    for (y, x), same in groupby(zip(down.tolist(), across.tolist(), strict=True)):
        some = slice(first, first + len(list(same)))
        rows = slice(max(y, 0), min(y + changed.frame.rows.length, seen.rows.length))
        columns = slice(max(x, 0), min(x + changed.frame.columns.length, seen.columns.length))
        inside = part[some, rows.start - y : rows.stop - y, columns.start - x : columns.stop - x]
        windows[some, rows, columns] = inside
        first = some.stop


def _places(stretches: Stretches, border: int) -> np.ndarray:
    return stretches.start[:, None] + border + np.arange(stretches.length)


def _numbers(step: Step, frame: Frame | None) -> int:
    numbers = prod(step.shape)
    return numbers if frame is None else numbers * frame.area // prod(step.map_size or ())


def _channels_last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)
