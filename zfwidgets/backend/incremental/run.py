"""Recompute only what a changed rectangle changes: exact, and several times sooner than from the beginning.

The image goes up once as it is, and its maps are saved. Of an image in which a rectangle is changed, every map differs
only in a window. So each operation gets a batch of windows, one a change: what it looks at is cut from the unoccluded
map (its border included), and the changed part pasted in. Where windows grow as large as their map, whole maps take
over. The idea is Krypton's (Nakandala et al., SIGMOD 2019).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from math import prod

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from zfwidgets.backend.graph.program import Program
from zfwidgets.backend.graph.step import Step
from zfwidgets.backend.graph.window import Sliding
from zfwidgets.backend.incremental.plan import Boxes, Frame, Frames, Plan, chunks
from zfwidgets.backend.incremental.reach import Stretches
from zfwidgets.backend.run.deconvnet import fitting
from zfwidgets.backend.run.forward import forward
from zfwidgets.task import UNWATCHED, Task

MEMORY = 2**29  # bytes that the maps may take, the network itself not counted


@dataclass(frozen=True, eq=False)
class Table:
    """An unoccluded map as a list of positions, row by row, each with all its numbers; a border may stand around it."""

    positions: Tensor  # (height · width, …)
    width: int
    above: int = 0  # rows of border
    left: int = 0  # columns of border

    @classmethod
    def of(cls, rows: Tensor, sides: tuple[int, int, int, int] = (0, 0, 0, 0), border: float = 0) -> Table:
        """The table of a map (height, width, …), with a border on its sides: left, right, above, below."""
        if any(sides):
            rows = F.pad(rows, (0, 0) * (rows.ndim - 2) + sides, value=border)
        return cls(rows.contiguous().flatten(0, 1), rows.shape[1], sides[2], sides[0])

    def cut(self, frame: Frame) -> Tensor:
        """Its windows, (n, height, width, …)."""
        rows, columns = _places(frame.rows, self.above), _places(frame.columns, self.left)
        places = torch.from_numpy(rows[:, :, None] * self.width + columns[:, None, :]).to(self.positions.device)
        return self.positions.index_select(0, places.flatten()).unflatten(0, places.shape)


@dataclass(frozen=True, eq=False)
class Unoccluded:
    """What a step computes for the image as it is."""

    step: Step
    values: Tensor  # (1, …)

    @cached_property
    def rows(self) -> Tensor:
        """The map with rows and columns in front, (height, width, …)."""
        return rows_first(self.values, self.step)[0]

    @cached_property
    def sums(self) -> Tensor:
        """Of all that lies above and to the left of each corner between positions, (height + 1, width + 1, …)."""
        sums = self.rows.double().cumsum(0).cumsum(1)
        return F.pad(sums, (0, 0) * (sums.ndim - 2) + (1, 0, 1, 0))

    def sums_in(self, frame: Frame) -> Tensor:
        """The sum over each window, (n, …) float64."""
        top, left = torch.from_numpy(frame.rows.start), torch.from_numpy(frame.columns.start)
        bottom, right = top + frame.rows.length, left + frame.columns.length
        return self.sums[bottom, right] - self.sums[top, right] - self.sums[bottom, left] + self.sums[top, left]


@dataclass(frozen=True, eq=False)
class Changed:
    """What some changes make of one map: for each a window of it, or the whole map."""

    step: Step
    values: Tensor  # (n, …) as the step computes them
    frame: Frame | None  # where the windows lie; None: the whole map
    unoccluded: Unoccluded

    def whole(self) -> Tensor:
        """The whole maps with the changes in their places, (n, …)."""
        if self.frame is None:
            return self.values
        around = self.unoccluded.rows
        n, height, width = len(self.values), *around.shape[:2]
        everywhere = Frame(Stretches(np.zeros(n, np.int64), height), Stretches(np.zeros(n, np.int64), width))
        maps = around.expand(n, *around.shape).clone(memory_format=torch.contiguous_format)
        self.paste(maps, everywhere)
        return rows_last(maps, self.step)

    def sums(self) -> Tensor:
        """Each map summed over its rows and columns, (n, channels) float64; a fully connected layer as it is."""
        space = self.step.space
        if space is None:
            return self.values.double()
        values = self.values.sum(space, dtype=torch.float64)
        if self.frame is None:
            return values
        return self.unoccluded.sums[-1, -1] - self.unoccluded.sums_in(self.frame) + values

    def paste(self, windows: Tensor, seen: Frame) -> None:
        """Write what has changed into windows (n, height, width, …) that lie at `seen`; changes that lie alike at
        once."""
        assert self.frame is not None
        part = rows_first(self.values, self.step)
        down = self.frame.rows.start - seen.rows.start
        across = self.frame.columns.start - seen.columns.start
        first = 0
        for (y, x), same in groupby(zip(down.tolist(), across.tolist(), strict=True)):
            some = slice(first, first + len(list(same)))
            rows = slice(max(y, 0), min(y + self.frame.rows.length, seen.rows.length))
            columns = slice(max(x, 0), min(x + self.frame.columns.length, seen.columns.length))
            inside = part[some, rows.start - y : rows.stop - y, columns.start - x : columns.stop - x]
            windows[some, rows, columns] = inside
            first = some.stop


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
        task: Task = UNWATCHED,
    ) -> None:
        self.program, self.wanted, self.memory = program, tuple(wanted), memory
        self.steps = program.needed_for(wanted)
        record = forward(program, _channels_last(image[None]), self.steps, task=task)
        self.unoccluded = {step: Unoccluded(step, values) for step, values in record.activations.items()}
        self._image = self.unoccluded[program.input]
        self._tables: dict[tuple, Table] = {}

    def plan(self, boxes: Boxes) -> Plan:
        """How boxes (n, 4) — top, left, bottom, right, inside the image — will be computed, and what it costs."""
        return Plan(self.steps, boxes)

    def run(
        self, plan: Plan, replacement: Tensor, task: Task = UNWATCHED
    ) -> Iterator[tuple[np.ndarray, dict[Step, Changed]]]:
        """Put `replacement` (C, H, W) into each box of the image in turn.

        Yields, chunk by chunk, which boxes (k,) were computed, and for each wanted step what they change.
        """
        for cell in plan.cells:
            whole_cell = plan.frames(cell)
            for some in chunks(cell, self._at_once(whole_cell)):
                frames = whole_cell if len(some) == len(cell) else plan.frames(some)
                yield some, self._changed(self._replaced(plan.boxes[some], frames, replacement), frames, task)

    def _replaced(self, boxes: Boxes, frames: Frames, replacement: Tensor) -> Changed:
        """The windows of the image itself, with the boxes replaced."""
        first = self.program.input
        frame = frames[first]
        assert frame is not None
        inside = torch.from_numpy(_inside(frame.rows, boxes[:, [0, 2]])[:, :, None]
                                  & _inside(frame.columns, boxes[:, [1, 3]])[:, None, :])  # fmt: skip
        new, old = (Table.of(rows).cut(frame) for rows in (rows_first(replacement[None], first)[0], self._image.rows))
        windows = torch.where(inside[..., None].to(new.device), new, old)
        return Changed(first, rows_last(windows, first), frame, self._image)

    @torch.no_grad()
    def _changed(self, image: Changed, frames: Frames, task: Task) -> dict[Step, Changed]:
        changed, found = {image.step: image}, {}
        readers = Counter(source for step in self.steps for source in step.inputs)
        for step in self.steps:
            task.check()
            if step.op is not None:
                sources = [changed[source] for source in step.inputs]
                changed[step] = self._compute(step, frames[step], sources)
            if step in self.wanted:
                found[step] = changed[step]
            readers.subtract(step.inputs)
            for source in (*step.inputs, step):
                if not readers[source]:
                    changed.pop(source, None)
        return found

    def _compute(self, step: Step, frame: Frame | None, sources: list[Changed]) -> Changed:
        assert step.op is not None
        source = sources[0]
        if frame is None and source.frame is not None and step.averages_all():
            values = (source.sums() / prod(source.step.map_size or ())).to(source.values.dtype).reshape(-1, *step.shape)
        elif frame is None:
            values = step.op.forward(*(source.whole() for source in sources))
        else:
            bare = step.unpadded()
            assert bare is not None
            values = bare.forward(*(self._read(step, frame, source) for source in sources))
        return Changed(step, values, frame, self.unoccluded[step])

    def _read(self, step: Step, frame: Frame, source: Changed) -> Tensor:
        """What a step looks at to compute its windows: the unoccluded map around them, the changed part pasted in."""
        assert step.op is not None
        assert source.frame is not None
        down, across = step.op.window.rows, step.op.window.columns
        assert isinstance(down, Sliding)
        assert isinstance(across, Sliding)
        seen = Frame(frame.rows.seen_through(down), frame.columns.seen_through(across))
        if seen.equals(source.frame):
            return source.values
        windows = self._bordered(step, source, down, across).cut(seen)
        source.paste(windows, seen)
        return rows_last(windows, source.step)

    def _bordered(self, step: Step, source: Changed, down: Sliding, across: Sliding) -> Table:
        """The unoccluded map of a source, with the border that a step looks at."""
        assert step.op is not None
        assert step.map_size is not None
        assert source.step.map_size is not None
        above, below = down.border(source.step.map_size[0], step.map_size[0])
        left, right = across.border(source.step.map_size[1], step.map_size[1])
        key = source.step, left, right, above, below, step.op.border
        if key not in self._tables:
            self._tables[key] = Table.of(source.unoccluded.rows, (left, right, above, below), step.op.border)
        return self._tables[key]

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
        image = self._image.values
        bytes_each = peak * image.element_size()
        held = sum(saved.values.nbytes for saved in self.unoccluded.values()) * 2
        best = fitting(image.device, max(1, max(numbers.values()) // 2))  # up to twice that size costs nothing here
        return max(1, min(best, (self.memory - held) // bytes_each))


def rows_first(values: Tensor, step: Step) -> Tensor:
    """A batch of maps with rows and columns right behind the images, whatever the step's own order."""
    assert step.space is not None
    return values.movedim(step.space, (1, 2))


def rows_last(values: Tensor, step: Step) -> Tensor:
    """The way back: in the step's own order."""
    assert step.space is not None
    return values.movedim((1, 2), step.space)


def _places(stretches: Stretches, border: int) -> np.ndarray:
    return stretches.start[:, None] + border + np.arange(stretches.length)


def _inside(stretches: Stretches, ends: np.ndarray) -> np.ndarray:
    """Which positions of each stretch lie from its first end to before its second, (n, length)."""
    places = _places(stretches, 0)
    return (places >= ends[:, :1]) & (places < ends[:, 1:])


def _numbers(step: Step, frame: Frame | None) -> int:
    numbers = prod(step.shape)
    return numbers if frame is None else numbers * frame.area // prod(step.map_size or ())


def _channels_last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)
