"""The windows that a cone cuts out of the maps: where they lie for some units, and what is filled in at the edges."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import torch
import torch.nn.functional as F
from torch import Tensor

from zfwidgets.backend.graph.cone import Cone, Span, Stage
from zfwidgets.backend.graph.op import Space
from zfwidgets.backend.graph.step import Step
from zfwidgets.backend.run.units import Units, cut

Strip = tuple[int, int, int, int, int]  # first unit, number of units; dimension, first position, number of positions


@dataclass(frozen=True, eq=False)
class Windows:
    """Where on every map the windows of some units lie, and what is cut out there."""

    cone: Cone
    units: Units
    _beyond: dict[Step, list[Strip]] = field(default_factory=dict)

    def starts(self, step: Step, axis: int) -> Tensor:
        """Along rows (0) or columns (1), the first position of each unit's window, (n,); possibly beyond the edge."""
        span, units = self.cone.spans[step], (self.units.row, self.units.column)[axis]
        return (span.top, span.left)[axis] + self.cone.strides(step)[axis] * units

    def of_images(self, images: Tensor | Sequence[Tensor]) -> Tensor:
        """What the units see of their images."""
        size = self.cone.spans[self.cone.input].size
        corners = (self.starts(self.cone.input, axis).tolist() for axis in (0, 1))
        places = zip(self.units.image.tolist(), *corners, strict=True)
        return torch.stack([cut(images[i], top, left, *size) for i, top, left in places])

    def read(self, window: Tensor, source: Step, stage: Stage) -> Tensor:
        """What a stage looks at of a source's window, and of the border around it."""
        if stage.slides:
            window = self.within(window, source, stage.op.border)
        return reframed(window, source.space, self.cone.spans[source], stage.reads, stage.op.border)

    def put(self, part: Tensor, source: Step, stage: Stage) -> Tensor:
        """The signal for what a stage has read, in its place on the source's window."""
        return reframed(part, source.space, stage.reads, self.cone.spans[source], 0)

    def within(self, window: Tensor, step: Step, border: float) -> Tensor:
        """The window, with `border` written to every position beyond the edge of the map.

        Written in place: what stands there means nothing, and every reader that looks there writes what it needs.
        """
        if step not in self._beyond:
            self._beyond[step] = [strip for axis in (0, 1) for strip in self._strips(step, axis)]
        for first, count, dim, start, length in self._beyond[step]:
            window.narrow(0, first, count).narrow(dim, start, length).fill_(border)
        return window

    def _strips(self, step: Step, axis: int) -> Iterator[Strip]:
        """Where the windows hang over along one axis; neighbouring units with equal windows have one strip."""
        assert step.map_size is not None
        assert step.space is not None
        length, size, dim = self.cone.spans[step].size[axis], step.map_size[axis], step.space[axis]
        first = 0
        for start, same in groupby(self.starts(step, axis).tolist()):
            count = len(list(same))
            if start < 0:
                yield first, count, dim, 0, min(-start, length)
            if start + length > size:
                saved = max(size - start, 0)
                yield first, count, dim, saved, length - saved
            first += count


def reframed(x: Tensor, space: Space, old: Span, new: Span, fill: float) -> Tensor:
    """What lies on one span of a map, cut and filled up to another span; `space` says which dimensions are the map."""
    if old == new:
        return x
    assert space is not None
    sides = [0] * (2 * x.ndim)
    places = ((old.top, old.bottom, new.top, new.bottom), (old.left, old.right, new.left, new.right))
    for dim, (old_first, old_end, first, end) in zip(space, places, strict=True):
        start, stop = max(old_first, first), max(min(old_end, end), max(old_first, first))
        x = x.narrow(dim, min(start - old_first, x.shape[dim]), stop - start) if stop > start else x.narrow(dim, 0, 0)
        sides[2 * (x.ndim - 1 - dim)], sides[2 * (x.ndim - 1 - dim) + 1] = start - first, end - stop
    return F.pad(x, sides, value=fill) if any(sides) else x
