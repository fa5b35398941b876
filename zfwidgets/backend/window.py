"""Interval arithmetic: which input positions can an output position see?

Everything here speaks of one axis (rows or columns) at a time; an operation's `Window` is a pair of axes.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Protocol

Interval = tuple[int, int]  # first and last position, both included
NOTHING: Interval = (0, -1)


class Axis(Protocol):
    """How an operation moves along one axis of its map."""

    def seen_by(self, outputs: Interval, size: int) -> Interval:
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

    def unclipped(self, outputs: Interval) -> Interval:
        """As if the input went on for ever on both sides."""
        first, last = outputs
        return first * self.stride - self.before, last * self.stride - self.before + self.reach

    def seen_by(self, outputs: Interval, size: int) -> Interval:
        if self.dilation == 1 and self.stride <= self.kernel:  # without gaps
            return _clipped(*self.unclipped(outputs), size)
        seen = [self._taps(position, size) for position in range(outputs[0], outputs[1] + 1)]
        return min((taps[0] for taps in seen if taps), default=0), max((taps[-1] for taps in seen if taps), default=-1)

    def _taps(self, output: int, size: int) -> range:
        """The positions that one output looks at, those in the padding left out."""
        start, _ = self.unclipped((output, output))
        hidden = max(0, ceil(-start / self.dilation))
        return range(start + hidden * self.dilation, min(start + self.reach + 1, size), self.dilation)


@dataclass(frozen=True)
class Placed:
    """Position for position, but what happens depends on where on the map it is: the map cannot be cut."""

    before: int = 0  # positions in front of the first, as in padding; negative: cut off

    def seen_by(self, outputs: Interval, size: int) -> Interval:
        return _clipped(outputs[0] - self.before, outputs[1] - self.before, size)


@dataclass(frozen=True)
class Adaptive:
    """A pool that divides whatever it gets into `bins` parts, which may overlap."""

    bins: int

    def seen_by(self, outputs: Interval, size: int) -> Interval:
        first, last = outputs
        return first * size // self.bins, ceil((last + 1) * size / self.bins) - 1


@dataclass(frozen=True)
class Mirrored:
    """A border made of the map's own pixels."""

    before: int
    mode: str  # "reflect", "replicate" or "circular"

    def seen_by(self, outputs: Interval, size: int) -> Interval:
        seen = [self._source(position - self.before, size) for position in range(outputs[0], outputs[1] + 1)]
        return min(seen), max(seen)

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

    def seen_by(self, outputs: Interval, size: int) -> Interval:
        return 0, size - 1


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
PLACED = Window(Placed(), Placed())
WHOLE = Window(Everything(), Everything())


def _clipped(first: int, last: int, size: int) -> Interval:
    first, last = max(first, 0), min(last, size - 1)
    return (first, last) if first <= last else NOTHING


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

    def covers(self, image: int) -> bool:
        """Whether a cut of the image for one unit would be the whole image."""
        return self.crop(0, image)[1] == image

    def crop(self, unit: int, image: int) -> Interval:
        """Where to cut an image of `image` pixels so that this unit is computed exactly as on the whole image.

        The cut starts on a multiple of the stride, so that every layer below keeps its phase; its length is congruent
        to the image's modulo the stride, so that a cut at the far border ends on it; and it is the same for all units.
        Returns (start, length).
        """
        if self.whole:
            return 0, image
        lead = self.first % self.stride
        length = self.size + lead
        length += (image - length) % self.stride
        if length >= image:
            return 0, image
        start = self.first - lead + unit * self.stride
        return min(max(start, 0), image - length), length
