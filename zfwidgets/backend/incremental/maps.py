"""Maps of an image as it is and as changed, and windows cut from the one to be pasted into the other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from zfwidgets.backend.graph.step import Step
from zfwidgets.backend.incremental.plan import Frame
from zfwidgets.backend.incremental.reach import Stretches


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
        rows, columns = positions(frame.rows, self.above), positions(frame.columns, self.left)
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


def rows_first(values: Tensor, step: Step) -> Tensor:
    """A batch of maps with rows and columns right behind the images, whatever the step's own order."""
    assert step.space is not None
    return values.movedim(step.space, (1, 2))


def rows_last(values: Tensor, step: Step) -> Tensor:
    """The way back: in the step's own order."""
    assert step.space is not None
    return values.movedim((1, 2), step.space)


def positions(stretches: Stretches, border: int = 0) -> np.ndarray:
    """The positions in each stretch, (n, length), counted from the first one of a border."""
    return stretches.start[:, None] + border + np.arange(stretches.length)
