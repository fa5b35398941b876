"""One operation at one place of a network."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce

import numpy as np

from zfwidgets.backend.graph.op import Op, Size, Space
from zfwidgets.backend.graph.window import WHOLE, Field, Positions, Window

Fields = tuple[Field, Field]
Places = tuple[Positions, Positions] | None  # rows and columns of a map; None: all of it, or it is not a map


@dataclass(frozen=True, eq=False)
class Step:
    """One operation at one place of the network."""

    name: str  # of the module, `_1` for its second call; or the module's name and the operation's
    op: Op | None  # None: the network's input
    inputs: tuple[Step, ...]
    shape: tuple[int, ...]  # of the output for one image
    space: Space = None  # the dimensions, counted with the batch, that are rows and columns
    parameters: int = 0
    batched: bool = True  # the first dimension of the output is the images
    real: bool = True  # its numbers are real, neither whole nor complex nor yes or no
    scattered: bool = False  # its maps are not those of its inputs: each unit may see everything
    fields: Fields = field(init=False)  # along rows and along columns

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", (self._field(0), self._field(1)))

    def __repr__(self) -> str:
        return f"Step({self.name!r}, {type(self.op).__name__}, {self.shape})"

    @property
    def ndim(self) -> int:
        """Dimensions with the batch."""
        return len(self.shape) + 1

    def size(self, dim: int) -> int:
        """Length of a dimension, counted with the batch."""
        return self.shape[dim - 1]

    @property
    def map_size(self) -> Size:
        """Rows and columns of the output."""
        return self.space and (self.size(self.space[0]), self.size(self.space[1]))

    @property
    def window(self) -> Window:
        """What one position of the output sees of the inputs."""
        return WHOLE if self.scattered or self.op is None else self.op.window

    @property
    def macs(self) -> int:
        """Multiply–adds for one image."""
        return self.op.macs(self.shape) if self.op else 0

    def origin(self, feature: int) -> tuple[Step, int]:
        """The step that computes a feature map of this one, and the map's number there: behind a concatenation, the
        branch that it came from."""
        found = self.op.origin(feature, [source.shape[0] for source in self.inputs]) if self.op else None
        return (self, feature) if found is None else self.inputs[found[0]].origin(found[1])

    def _field(self, axis: int) -> Field:
        """What this step's units see along one axis, from what its inputs see."""
        if self.op is None:
            return Field()
        along = (self.window.rows, self.window.columns)[axis]
        return reduce(Field.joined, (s.fields[axis].through(along, self.mixes(s, axis)) for s in self.inputs))

    def mixes(self, source: Step, axis: int) -> bool:
        """Whether each of our positions depends on all of `source`: it has no place, or is one number for many."""
        if self.scattered or source.map_size is None or self.map_size is None:
            return True
        return source.map_size[axis] == 1 < self.map_size[axis]

    def sees(self, outputs: Places, source: Step) -> Places:
        """The rows and columns of one input that the given rows and columns of the output depend on."""
        if source.map_size is None:
            return None
        if outputs is not None and not all(map(len, outputs)):
            return outputs
        window = WHOLE if outputs is None else self.window
        seen = outputs or (np.arange(1), np.arange(1))
        rows, columns = (
            np.arange(1) if size == 1 else axis.seen_by(positions, size)
            for axis, positions, size in zip((window.rows, window.columns), seen, source.map_size, strict=True)
        )
        return rows, columns

    def unpadded(self) -> Op | None:
        """The operation for windows cut from its input; None where it cannot work on a window."""
        if self.op is None or self.scattered:
            return None
        return self.op.unpadded(self.inputs[0].map_size, self.map_size)

    def averages_all(self) -> bool:
        """Whether each number of the output is the mean of a whole map of the input."""
        return self.op is not None and self.op.averages_all(self.inputs[0].map_size, self.map_size)
