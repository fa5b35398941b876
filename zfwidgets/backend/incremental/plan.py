"""Which changes to compute together, and on which parts of the maps: the plan of an incremental inference.

A batch needs windows of one size on every map. Changes that lie alike — on the same phase of the strides, equally far
from an edge — need equally large ones, so they are put together, row by row and column by column.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from math import prod, sqrt

import numpy as np

from zfwidgets.backend.graph.step import Step
from zfwidgets.backend.incremental.reach import Reach, Stretches, spread

Boxes = np.ndarray  # (n, 4) int64: top, left, bottom, right of what is changed (the last two excluded)

PAYS = 0.8  # a window of more than this share of its map is not worth cutting out: all of the map is computed
WORTH = 1.15  # how many times less work windows must be altogether: cutting them out and pasting costs time, too
MIN_BATCH = 30  # changes that a batch should have at least, even if some windows are then larger than need be


@dataclass(frozen=True, eq=False)
class Frame:
    """Where on a map the windows of some changes lie."""

    rows: Stretches
    columns: Stretches

    @property
    def area(self) -> int:
        """Positions in each."""
        return self.rows.length * self.columns.length

    def equals(self, other: Frame) -> bool:
        """Whether both are the same windows."""
        return self is other or (self.rows.equals(other.rows) and self.columns.equals(other.columns))


Frames = dict[Step, Frame | None]  # None: the whole map, or what has no rows and columns


@dataclass(frozen=True, eq=False)
class Plan:
    """How to compute what each of some changed boxes does to an image."""

    steps: tuple[Step, ...]  # those to compute; the input first
    boxes: Boxes

    @cached_property
    def _reach(self) -> tuple[dict[Step, Reach], dict[Step, Reach]]:
        top, left, bottom, right = self.boxes.T
        return spread(self.steps, Reach(top, bottom - 1), 0), spread(self.steps, Reach(left, right - 1), 1)

    def frames(self, some: np.ndarray) -> Frames:
        """The windows of some changes, on every map of one size; whole maps where that is hardly more work."""
        frames = self._windows(some)
        if sum(step.macs for step in self.steps) < WORTH * macs(frames):
            return {step: frame if step.op is None else None for step, frame in frames.items()}
        return frames

    def _windows(self, some: np.ndarray) -> Frames:
        frames: Frames = {}
        found: dict[tuple[Reach, Reach], Frame] = {}  # many steps alter the same positions
        for step in self.steps:
            frames[step] = None
            if step in self._cut and all(frames[source] is not None for source in step.inputs):
                assert step.map_size is not None
                rows, columns = (reach[step] for reach in self._reach)
                if (rows, columns) not in found:
                    height, width = step.map_size
                    found[rows, columns] = Frame(rows[some].stretches(height), columns[some].stretches(width))
                frame = found[rows, columns]
                if step.op is None or frame.area <= PAYS * prod(step.map_size):
                    frames[step] = frame
        return frames

    @cached_property
    def _cut(self) -> set[Step]:
        return {step for step in self.steps if _can_be_cut(step)}

    @property
    def full(self) -> int:
        """Multiply–adds of computing every changed image from the beginning."""
        return len(self.boxes) * sum(step.macs for step in self.steps)

    @cached_property
    def least(self) -> int:
        """Multiply–adds that cannot be avoided: of every map exactly what changes, for each change by itself."""
        total = 0
        for step in self.steps:
            if step in self._reach[0]:
                rows, columns = (reach[step].lengths for reach in self._reach)
                total += step.macs * int((rows * columns).sum()) // prod(step.map_size or ())
            else:
                total += step.macs * len(self.boxes)
        return total

    @cached_property
    def done(self) -> int:
        """Multiply–adds that this plan takes."""
        return sum(len(cell) * macs(self.frames(cell)) for cell in self.cells)

    @cached_property
    def cells(self) -> tuple[np.ndarray, ...]:
        """The changes that are computed alike; together all of them, each (n,) int64."""
        classes = max(1, round(sqrt(len(self.boxes) / MIN_BATCH)))
        rows, columns = (self._alike(axis, classes) for axis in (0, 1))
        phase = max(field.stride for step in self.steps for field in step.fields)
        order = np.lexsort((self.boxes[:, 1] % phase, self.boxes[:, 0] % phase, columns, rows))
        keys = zip(rows[order].tolist(), columns[order].tolist(), order.tolist(), strict=True)
        return tuple(np.array([key[-1] for key in same]) for _, same in groupby(keys, lambda key: key[:2]))

    def _alike(self, axis: int, classes: int) -> np.ndarray:
        """The changes sorted into so many classes by the lengths of what they alter along an axis, (n,)."""
        steps = [step for step in self.steps if step.macs and step in self._reach[axis]]
        if not steps:
            return np.zeros(len(self.boxes), np.int64)
        lengths = np.stack([self._reach[axis][step].lengths for step in steps], axis=1)
        other = [self._reach[1 - axis][step].lengths.mean() for step in steps]
        weights = [step.macs / prod(step.map_size or ()) for step in steps]
        profiles, which, counts = np.unique(lengths, axis=0, return_inverse=True, return_counts=True)
        return merged(profiles, counts, np.multiply(weights, other), classes)[which.ravel()]


def macs(frames: Frames) -> int:
    """Multiply–adds for one change whose windows are these."""
    return sum(
        step.macs if frame is None else step.macs * frame.area // prod(step.map_size or ())
        for step, frame in frames.items()
    )


def merged(profiles: np.ndarray, counts: np.ndarray, weights: np.ndarray, classes: int) -> np.ndarray:
    """Profiles (n, lengths) put into at most so many classes, (n,): again and again the two are joined that cost least.

    A class costs its longest lengths for each of its members; `weights` says what a length costs.
    """
    longest, counts = profiles.astype(float), counts.astype(float)
    label = np.arange(len(profiles))

    def added(k: int) -> np.ndarray:
        """What joining class k with each other class costs."""
        both = np.maximum(longest, longest[k]) @ weights * (counts + counts[k])
        cost = both - longest @ weights * counts - longest[k] @ weights * counts[k]
        cost[(counts == 0) | (np.arange(len(counts)) == k)] = np.inf
        return cost

    costs = np.stack([added(k) for k in range(len(profiles))])
    for _ in range(len(profiles) - classes):
        saved, gone = sorted(np.unravel_index(int(costs.argmin()), costs.shape))
        longest[saved] = np.maximum(longest[saved], longest[gone])
        counts[saved], counts[gone] = counts[saved] + counts[gone], 0
        label[label == gone] = saved
        costs[gone], costs[:, gone] = np.inf, np.inf
        costs[saved] = costs[:, saved] = added(int(saved))
    return label


def _can_be_cut(step: Step) -> bool:
    if step.op is None:
        return True
    mixes = any(step.mixes(source, axis) for source in step.inputs for axis in (0, 1))
    return step.batched and not mixes and step.unpadded() is not None
