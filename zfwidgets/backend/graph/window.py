"""Which input positions can an output position see?

Everything here speaks of one axis (rows or columns) at a time; an operation's `Window` is a pair of axes. Positions are
rising numbers, not intervals: dilated filters leave gaps, and which of them a border cuts off depends on the gaps.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from typing import Protocol

import numpy as np

Positions = np.ndarray  # (n,) int64, rising
Interval = tuple[int, int]  # first and last position, both included


class Axis(Protocol):
    """How an operation moves along one axis of its map."""

    def seen_by(self, outputs: Positions, size: int) -> Positions:
        """The input positions, of `size` in all, that the output positions look at."""
        ...


@dataclass(frozen=True)
class Sliding:
    """A kernel that slides: convolution, pooling, padding, and (as one position) everything elementwise."""

    kernel: int = 1
    stride: int = 1
    before: int = 0  # padding in front of the first position
    dilation: int = 1

    @property
    def reach(self) -> int:
        """From the first input position of a window to its last."""
        return self.dilation * (self.kernel - 1)

    def border(self, inputs: int, outputs: int) -> tuple[int, int]:
        """How far windows reach beyond a map of `inputs` positions, in front and behind, to make `outputs` of it."""
        return self.before, max((outputs - 1) * self.stride - self.before + self.reach + 1 - inputs, 0)

    def unclipped(self, outputs: Interval) -> Interval:
        """As if the input went on for ever on both sides."""
        first, last = outputs
        return first * self.stride - self.before, last * self.stride - self.before + self.reach

    def seen_by(self, outputs: Positions, size: int) -> Positions:
        starts = outputs * self.stride - self.before
        if self.kernel == 1:
            return _inside(starts, size)
        if (
            self.dilation == 1
            and len(outputs)
            and outputs[-1] - outputs[0] < len(outputs)
            and self.stride <= self.kernel
        ):
            return np.arange(max(starts[0], 0), min(starts[-1] + self.kernel, size))  # no gaps: the usual case, sooner
        taps = starts[:, None] + self.dilation * np.arange(self.kernel)
        return _inside(np.unique(taps), size)


@dataclass(frozen=True)
class PositionDependent:
    """Position for position, but what happens depends on where on the map it is: the map cannot be cut."""

    before: int = 0  # positions in front of the first, as in padding; negative: cut off

    def seen_by(self, outputs: Positions, size: int) -> Positions:
        return _inside(outputs - self.before, size)


@dataclass(frozen=True)
class Adaptive:
    """A pool that divides whatever it gets into `bins` parts, which may overlap."""

    bins: int

    def seen_by(self, outputs: Positions, size: int) -> Positions:
        bins = [range(bin * size // self.bins, ceil((bin + 1) * size / self.bins)) for bin in outputs.tolist()]
        return _rising(position for positions in bins for position in positions)


@dataclass(frozen=True)
class Mirrored:
    """A border made of the map's own pixels."""

    before: int
    mode: str  # "reflect", "replicate" or "circular"

    def seen_by(self, outputs: Positions, size: int) -> Positions:
        return _rising(self._source(position - self.before, size) for position in outputs.tolist())

    def _source(self, position: int, size: int) -> int:
        if self.mode == "circular":
            return position % size
        if self.mode == "replicate":
            return min(max(position, 0), size - 1)
        position = abs(position)
        return position if position < size else 2 * (size - 1) - position


@dataclass(frozen=True)
class Everything:
    """Every output position looks at the whole axis."""

    def seen_by(self, outputs: Positions, size: int) -> Positions:
        return np.arange(size)


@dataclass(frozen=True)
class Window:
    """What one output position of an operation sees of its input map."""

    rows: Axis
    columns: Axis

    @classmethod
    def sliding(
        cls, kernel: tuple[int, int], stride: tuple[int, int], before: tuple[int, int], dilation: tuple[int, int]
    ) -> Window:
        """A kernel with the same meaning of its four numbers on both axes; each a pair (rows, columns)."""
        rows, columns = (Sliding(*numbers) for numbers in zip(kernel, stride, before, dilation, strict=True))
        return cls(rows, columns)


POINT = Window(Sliding(), Sliding())
POSITION_DEPENDENT = Window(PositionDependent(), PositionDependent())
WHOLE = Window(Everything(), Everything())


def _inside(positions: Positions, size: int) -> Positions:
    return positions[(positions >= 0) & (positions < size)]


def _rising(positions: Iterable[int]) -> Positions:
    return np.array(sorted(set(positions)), dtype=np.int64)


@dataclass(frozen=True)
class Field:
    """Along one axis, the pixels that the units of a layer see: unit i sees first + stride·i … of `size` pixels.

    The numbers are those of an image without borders. `whole` marks a layer behind an operation that looks at
    the whole map: then every unit sees the whole axis, and the image cannot be cut.
    """

    size: int = 1
    stride: int = 1
    first: int = 0
    whole: bool = False

    def through(self, axis: Axis, mixes: bool) -> Field:
        """The field of the next layer, one operation further up, which moves along `axis` or mixes all positions."""
        if self.whole or mixes or not isinstance(axis, Sliding):
            return Field(self.size, self.stride, self.first, whole=True)
        return Field(
            self.size + axis.reach * self.stride,
            self.stride * axis.stride,
            self.first - axis.before * self.stride,
        )

    def joined(self, other: Field) -> Field:
        """The field of a sum or concatenation of two layers."""
        if self.whole or other.whole or self.stride != other.stride:
            return Field(max(self.size, other.size), max(self.stride, other.stride), self.first, whole=True)
        first = min(self.first, other.first)
        last = max(self.first + self.size, other.first + other.size)
        return Field(last - first, self.stride, first)

    def nearest(self, pixel: float, units: int, image: int) -> int:
        """The unit, of `units` in all, in the middle of whose field `pixel` lies best."""
        if self.whole:
            return min(int(pixel * units / image), units - 1)
        unit = round((pixel - self.first - (self.size - 1) / 2) / self.stride)
        return min(max(unit, 0), units - 1)
