"""A captured network: a straight list of steps, each naming the steps that it reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch

from zfwidgets.backend.graph.layer import FeatureLayer
from zfwidgets.backend.graph.op import Op
from zfwidgets.backend.graph.step import Places, Step
from zfwidgets.backend.graph.titles import titles


@dataclass(frozen=True, eq=False)
class Program:
    """A network as a list of steps in the order of computation (each reads only earlier ones)."""

    steps: tuple[Step, ...]  # the first is the input
    output: Step
    modules: Mapping[str, str] = field(default_factory=dict)  # the class name of the module at each path
    notes: tuple[str, ...] = ()  # sentences for the report
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
        dominating, named = self._dominating, titles(self.steps, self.output, self.modules)
        return tuple(
            self._layer(step, named[step], step in dominating) for step in self.steps[1:] if _has_features(step)
        )

    def _layer(self, step: Step, title: str, dominates_output: bool) -> FeatureLayer:
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
            step.name, title, kind, channels, height, width, sizes, strides, step.parameters, step.macs, whole,
            dominates_output,
        )  # fmt: skip

    @cached_property
    def _dominating(self) -> set[Step]:
        """Steps that no path from input to output goes round."""
        return set(self.dominating([self.output]))

    def dominating(self, targets: Iterable[Step]) -> tuple[Step, ...]:
        """The steps, in order, that no path from the input to any of `targets` goes round."""
        useful = self.needed_for(targets)
        place = {step: index for index, step in enumerate(useful)}
        last_use = dict.fromkeys(useful, 0) | dict.fromkeys(targets, len(useful))
        for step in useful:
            for source in step.inputs:
                last_use[source] = max(last_use[source], place[step])
        dominating, reach = [], 0
        for step in useful:
            if reach <= place[step]:
                dominating.append(step)
            reach = max(reach, last_use[step])
        return tuple(dominating)

    def gate(self, step: Step, targets: Iterable[Step]) -> Step:
        """The last step with features, this one or below it, through which everything passes that reaches
        `targets`; else the input."""
        wanted = tuple(targets)
        useful = self.needed_for(wanted)
        before = set(useful[: useful.index(step) + 1])
        gates = (each for each in self.dominating(wanted) if each is self.input or _has_features(each))
        return [each for each in gates if each in before][-1]

    def above(self, gate: Step, targets: Iterable[Step]) -> Program:
        """The steps from a gate to `targets` as a program, whose images are the gate's values; names stay."""
        wanted = tuple(targets)
        useful = self.needed_for(wanted)
        copies = {gate: Step(gate.name, None, (), gate.shape, gate.space)}
        for step in useful[useful.index(gate) + 1 :]:
            copies[step] = replace(step, inputs=tuple(copies[source] for source in step.inputs))
        return Program(tuple(copies.values()), copies[wanted[-1]], self.modules)

    def to(self, device: torch.device, dtype: torch.dtype) -> Program:
        """A copy with its weights on a device, in one floating-point type."""
        return self._with_ops(lambda step: step.op and step.op.to(device, dtype))

    def with_op(self, changed: Step, op: Op) -> Program:
        """The same with another operation at one step, which gives values of the same shape."""
        return self._with_ops(lambda step: op if step is changed else step.op)

    def reinitialised(self, generator: torch.Generator) -> Program:
        """The same with new weights."""
        return self._with_ops(lambda step: None if step.op is None else step.op.reinitialised(generator))

    def _with_ops(self, op_of: Callable[[Step], Op | None]) -> Program:
        copies: dict[Step, Step] = {}
        for step in self.steps:
            inputs = tuple(copies[source] for source in step.inputs)
            copies[step] = replace(step, op=op_of(step), inputs=inputs)
        return Program(tuple(copies.values()), copies[self.output], self.modules, self.notes)


def _has_features(step: Step) -> bool:
    return step.batched and step.real and (len(step.shape) == 1 or (len(step.shape) == 3 and step.space == (2, 3)))


def _union(a: Places, b: Places) -> Places:
    if a is None or b is None:
        return None
    if not all(map(len, a)):
        return b
    if not all(map(len, b)):
        return a
    return np.union1d(a[0], b[0]), np.union1d(a[1], b[1])
