"""How far does a changed rectangle spread? Of every map, the rows and columns that it can alter.

The way up is the receptive field read backwards: an input interval alters the outputs whose windows touch it. Many
changes are followed at once, one axis at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np

from zfwidgets.backend.graph.step import Step
from zfwidgets.backend.graph.window import Sliding


@dataclass(frozen=True, eq=False)
class Reach:
    """Along one axis of a map, what each of n changes can alter; where it alters nothing, the last lies in front of
    the first."""

    first: np.ndarray  # (n,) int64
    last: np.ndarray  # (n,) int64, included

    @classmethod
    def everything(cls, changes: int, size: int) -> Reach:
        """Every position of an axis, for every change."""
        return cls(np.zeros(changes, np.int64), np.full(changes, size - 1))

    @property
    def lengths(self) -> np.ndarray:
        """How many positions each change can alter, (n,)."""
        return np.maximum(self.last - self.first + 1, 0)

    def through(self, along: Sliding, inputs: int, outputs: int) -> Reach:
        """One operation further up, from a map of `inputs` positions to one of `outputs`."""
        if along == Sliding() and inputs == outputs:
            return self
        first = -((along.reach - along.before - self.first) // along.stride)  # rounded up
        last = (self.last + along.before) // along.stride
        nothing = self.first > self.last
        first = np.where(nothing, outputs, np.maximum(first, 0))
        return Reach(first, np.where(nothing, -1, np.minimum(last, outputs - 1)))

    def joined(self, other: Reach) -> Reach:
        """What either alters, and all between."""
        if self is other:
            return self
        return Reach(np.minimum(self.first, other.first), np.maximum(self.last, other.last))

    def stretches(self, size: int) -> Stretches:
        """Equally long stretches that hold what each change alters, pushed inward at the end of the axis."""
        length = max(int(self.lengths.max()), 1)
        return Stretches(np.clip(self.first, 0, size - length), length)

    def __getitem__(self, chosen: np.ndarray) -> Reach:
        return Reach(self.first[chosen], self.last[chosen])


@dataclass(frozen=True, eq=False)
class Stretches:
    """Along one axis, for each change where its stretch of positions begins; all are equally long."""

    start: np.ndarray  # (n,) int64
    length: int

    def seen_through(self, along: Sliding) -> Stretches:
        """What an operation reads to compute these positions; possibly beyond the edges."""
        length = (self.length - 1) * along.stride + along.reach + 1
        return Stretches(self.start * along.stride - along.before, length)

    def equals(self, other: Stretches) -> bool:
        """Whether both are the same positions."""
        return self.length == other.length and bool((self.start == other.start).all())


def spread(steps: tuple[Step, ...], changed: Reach, axis: int) -> dict[Step, Reach]:
    """From what is changed of the input along an axis, what is altered of every map above (of those that are maps).

    `steps` begins with the input. Where nothing better is known, everything is altered.
    """
    found = {steps[0]: changed}
    for step in steps[1:]:
        if step.map_size is not None:
            parts = [_through(step, source, found.get(source), axis, len(changed.first)) for source in step.inputs]
            found[step] = reduce(Reach.joined, parts)
    return found


def _through(step: Step, source: Step, below: Reach | None, axis: int, changes: int) -> Reach:
    assert step.op is not None
    assert step.map_size is not None
    along = (step.op.window.rows, step.op.window.columns)[axis]
    if below is None or not isinstance(along, Sliding) or step.mixes(source, axis) or step.unpadded() is None:
        return Reach.everything(changes, step.map_size[axis])
    assert source.map_size is not None
    return below.through(along, source.map_size[axis], step.map_size[axis])
