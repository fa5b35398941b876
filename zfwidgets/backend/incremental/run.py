"""Recompute only what a changed rectangle changes: exact, and several times sooner than from the beginning.

The image goes up once as it is, and its maps are saved. Of an image in which a rectangle is changed, every map differs
only in a window. So each operation gets a batch of windows, one a change: what it looks at is cut from the unoccluded
map (its border included), and the changed part pasted in. Where windows grow as large as their map, whole maps take
over. The idea is Krypton's (Nakandala et al., SIGMOD 2019).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from math import prod

import numpy as np
import torch
from torch import Tensor

from zfwidgets.backend.graph.program import Program
from zfwidgets.backend.graph.step import Step
from zfwidgets.backend.graph.window import Sliding
from zfwidgets.backend.incremental.maps import Changed, Table, Unoccluded, positions, rows_first, rows_last
from zfwidgets.backend.incremental.plan import Boxes, Frame, Frames, Plan
from zfwidgets.backend.incremental.reach import Stretches
from zfwidgets.backend.run.deconvnet import fitting
from zfwidgets.backend.run.forward import forward
from zfwidgets.backend.run.memory import equal_parts, in_parts, within_memory
from zfwidgets.backend.surroundings import undisturbed
from zfwidgets.task import UNWATCHED, Task

MEMORY = 2**29  # bytes that the maps may take, the network itself not counted


class Incremental:
    """What a network makes of one image when rectangles of it are replaced.

    `image` is preprocessed, (C, H, W), on the program's device. `wanted` are the steps whose values are asked for.
    The maps take at most `memory` bytes (those of one image and one change at least), less where the device has less.
    """

    @within_memory()
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

            def compute(part: slice, cell: np.ndarray = cell, whole_cell: Frames = whole_cell) -> dict[Step, Changed]:
                some = cell[part]
                frames = whole_cell if len(some) == len(cell) else plan.frames(some)
                return self._changed(self._replaced(plan.boxes[some], frames, replacement), frames, task)

            for part, changed in in_parts(equal_parts(len(cell), self._at_once(whole_cell)), compute):
                yield cell[part], changed

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

    @undisturbed()
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


def _inside(stretches: Stretches, ends: np.ndarray) -> np.ndarray:
    """Which positions of each stretch lie from its first end to before its second, (n, length)."""
    places = positions(stretches)
    return (places >= ends[:, :1]) & (places < ends[:, 1:])


def _numbers(step: Step, frame: Frame | None) -> int:
    numbers = prod(step.shape)
    return numbers if frame is None else numbers * frame.area // prod(step.map_size or ())


def _channels_last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)
