"""A captured network: a straight list of steps, each naming the steps that it reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from typing import TYPE_CHECKING

import numpy as np
import torch

from zfwidgets.backend.ops import Op, Space
from zfwidgets.backend.window import WHOLE, Field, Positions

if TYPE_CHECKING:
    from zfwidgets.backend.cone import Cone

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
    def map_size(self) -> tuple[int, int] | None:
        """Rows and columns of the output."""
        return self.space and (self.size(self.space[0]), self.size(self.space[1]))

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
        along = (self.op.window.rows, self.op.window.columns)[axis]
        return reduce(Field.joined, (s.fields[axis].through(along, self.mixes(s, axis)) for s in self.inputs))

    def mixes(self, source: Step, axis: int) -> bool:
        """Whether each of our positions depends on all of `source`: it has no place, or is one number for many."""
        if source.map_size is None or self.map_size is None:
            return True
        return source.map_size[axis] == 1 < self.map_size[axis]

    def sees(self, outputs: Places, source: Step) -> Places:
        """The rows and columns of one input that the given rows and columns of the output depend on."""
        if source.map_size is None:
            return None
        if outputs is not None and not all(map(len, outputs)):
            return outputs
        window = WHOLE if outputs is None or self.op is None else self.op.window
        seen = outputs or (np.arange(1), np.arange(1))
        rows, columns = (
            np.arange(1) if size == 1 else axis.seen_by(positions, size)
            for axis, positions, size in zip((window.rows, window.columns), seen, source.map_size, strict=True)
        )
        return rows, columns


@dataclass(frozen=True)
class FeatureLayer:
    """One layer whose feature maps can be looked at.

    A fully connected layer counts as maps of one unit.
    """

    name: str
    kind: str  # convolution, rectifier, pool, normalisation, merge, linear, …
    channels: int
    height: int
    width: int
    receptive_field: tuple[int, int]  # rows and columns of the image that one unit sees, borders apart
    stride: tuple[float, float]  # pixels from one unit to the next
    parameters: int
    macs: int  # multiply–adds for one image
    whole: bool  # every unit sees the whole image
    trunk: bool  # everything that reaches the output passes through it

    @property
    def units(self) -> int:
        """Units in one map."""
        return self.height * self.width

    def checked(self, feature: int) -> int:
        """The number of a feature map, if there is one. Raises ValueError, with the range, if not."""
        if not isinstance(feature, int | np.integer) or not 0 <= feature < self.channels:
            most = self.channels - 1
            raise ValueError(f"layer {self.name!r} has the features 0 to {most}; {feature!r} was asked for")
        return int(feature)


@dataclass(frozen=True, eq=False)
class Program:
    """A network as a list of steps in the order of computation (each reads only earlier ones)."""

    steps: tuple[Step, ...]  # the first is the input
    output: Step
    cones: dict[Step, Cone | None] = field(default_factory=dict, init=False, repr=False)  # what `Cone.of` has found
    _needed: dict[frozenset[Step], tuple[Step, ...]] = field(default_factory=dict, init=False, repr=False)

    @property
    def input(self) -> Step:
        """The step that stands for the preprocessed images."""
        return self.steps[0]

    @cached_property
    def by_name(self) -> dict[str, Step]:
        """Every step under its name."""
        return {step.name: step for step in self.steps}

    @cached_property
    def ends(self) -> tuple[Step, ...]:
        """The steps that no other step reads; together they need every step."""
        read = {source for step in self.steps for source in step.inputs}
        return tuple(step for step in self.steps if step not in read)

    def needed_for(self, targets: Iterable[Step]) -> tuple[Step, ...]:
        """The steps that compute `targets`, in order, the input included."""
        key = frozenset(targets)
        if key not in self._needed:
            self._needed[key] = self._cone(key)
        return self._needed[key]

    def _cone(self, targets: frozenset[Step]) -> tuple[Step, ...]:
        needed = set(targets)
        for step in reversed(self.steps):
            if step in needed:
                needed.update(step.inputs)
        return tuple(step for step in self.steps if step in needed)

    def downward_from(self, step: Step) -> Iterator[Step]:
        """The steps that `step` depends on, from itself down; the input left out."""
        return reversed(self.needed_for([step])[1:])

    def receptive_field(self, step: Step, row: int, column: int) -> tuple[int, int, int, int]:
        """The box (top, left, bottom, right; the last two excluded) of input pixels that one unit depends on, exactly:
        cut at every border on the way. Only an operation without a rule makes it larger than need be: to it everything
        may matter."""
        places: dict[Step, Places] = {step: (np.array([row]), np.array([column])) if step.space else None}
        for current in self.downward_from(step):
            for source in current.inputs:
                seen = current.sees(places[current], source)
                places[source] = _union(places[source], seen) if source in places else seen
        rows, columns = places[self.input] or tuple(np.arange(size) for size in self.input.shape[1:])
        if not len(rows) or not len(columns):
            return 0, 0, 0, 0
        return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1

    @cached_property
    def layers(self) -> tuple[FeatureLayer, ...]:
        """Every step that has feature maps (or is a vector of features), in order."""
        trunk = self._trunk
        return tuple(self._layer(step, step in trunk) for step in self.steps[1:] if _has_features(step))

    def _layer(self, step: Step, trunk: bool) -> FeatureLayer:
        channels, height, width = (*step.shape, 1, 1)[:3]
        image = self.input.shape[1:]
        whole = any(axis.whole for axis in step.fields)
        rows, columns = step.fields
        sizes = (image[0] if rows.whole else rows.size, image[1] if columns.whole else columns.size)
        strides = (
            image[0] / height if rows.whole else float(rows.stride),
            image[1] / width if columns.whole else float(columns.stride),
        )
        kind = step.op.kind if step.op else "input"
        return FeatureLayer(
            step.name, kind, channels, height, width, sizes, strides, step.parameters, step.macs, whole, trunk
        )

    @cached_property
    def _trunk(self) -> set[Step]:
        """Steps that no path from input to output goes round."""
        useful = self.needed_for([self.output])
        place = {step: index for index, step in enumerate(useful)}
        last_use = dict.fromkeys(useful, 0)
        for step in useful:
            for source in step.inputs:
                last_use[source] = place[step]
        trunk, reach = set(), 0
        for step in useful:
            if reach <= place[step]:
                trunk.add(step)
            reach = max(reach, last_use[step])
        return trunk

    def to(self, device: torch.device, dtype: torch.dtype) -> Program:
        """A copy with its weights on a device, in one floating-point type."""
        copies: dict[Step, Step] = {}
        for step in self.steps:
            op = step.op.to(device, dtype) if step.op else None
            copies[step] = replace(step, op=op, inputs=tuple(copies[source] for source in step.inputs))
        return Program(tuple(copies.values()), copies[self.output])


def _has_features(step: Step) -> bool:
    return step.batched and (len(step.shape) == 1 or (len(step.shape) == 3 and step.space == (2, 3)))


def _union(a: Places, b: Places) -> Places:
    if a is None or b is None:
        return None
    if not all(map(len, a)):
        return b
    if not all(map(len, b)):
        return a
    return np.union1d(a[0], b[0]), np.union1d(a[1], b[1])
