"""What single units depend on: of every map a window, no larger than need be.

A unit depends on a cone of positions that widens from layer to layer, down to its receptive field. All units of a layer
have the same cone, only in other places; so many units, of many images, go through it as one batch of windows. Where a
window hangs over the edge of its map, what lies beyond is left out where no unit needs it, and else filled with what
the operation would have padded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from weakref import WeakKeyDictionary

from zfwidgets.backend.graph.op import Op
from zfwidgets.backend.graph.program import Program
from zfwidgets.backend.graph.step import Step
from zfwidgets.backend.graph.window import POINT, Sliding


@dataclass(frozen=True)
class Span:
    """Rows and columns of a step, counted as if its map had no edge; the last ones are excluded."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def size(self) -> tuple[int, int]:
        """Rows and columns in it."""
        return self.bottom - self.top, self.right - self.left

    def joined(self, other: Span) -> Span:
        """The smallest span that holds both."""
        return Span(
            min(self.top, other.top),
            min(self.left, other.left),
            max(self.bottom, other.bottom),
            max(self.right, other.right),
        )

    def within(self, other: Span) -> Span:
        """The part that lies in the other one; or itself, where none does."""
        top, left = max(self.top, other.top), max(self.left, other.left)
        bottom, right = min(self.bottom, other.bottom), min(self.right, other.right)
        return Span(top, left, bottom, right) if top < bottom and left < right else self

    def seen_through(self, op: Op) -> Span:
        """What an operation looks at to compute this."""
        rows, columns = op.window.rows, op.window.columns
        assert isinstance(rows, Sliding)
        assert isinstance(columns, Sliding)
        top, bottom = rows.unclipped((self.top, self.bottom - 1))
        left, right = columns.unclipped((self.left, self.right - 1))
        return Span(top, left, bottom + 1, right + 1)


@dataclass(frozen=True, eq=False)
class Stage:
    """One step inside a cone."""

    step: Step
    op: Op  # the step's own, without padding: it gets a window with everything that it looks at
    reads: Span  # that window, of each of its inputs
    slides: bool  # it looks at neighbours, so what lies beyond the edge of the map matters
    finished: tuple[Step, ...]  # the inputs that nobody reads afterwards


@dataclass(frozen=True, eq=False)
class Cone:
    """What the units of one layer depend on, at every step below it."""

    at: Step
    input: Step
    stages: tuple[Stage, ...]
    spans: dict[Step, Span]  # of every step, what the unit in row 0 and column 0 needs
    macs: int  # multiply–adds for one unit, on the way up

    @classmethod
    def of(cls, program: Program, at: Step) -> Cone | None:
        """The cone of a layer. None where there is none: every unit sees the whole image, or an operation on the way
        cannot work on a window."""
        known = _KNOWN.setdefault(program, {})
        if at not in known:
            known[at] = cls._built(program.needed_for([at]))
        return known[at]

    @classmethod
    def _built(cls, steps: tuple[Step, ...]) -> Cone | None:
        at = steps[-1]
        if any(field.whole for field in at.fields) or not all(step.batched for step in steps):
            return None
        last_reader = {source: step for step in steps for source in step.inputs}
        spans, stages = {at: Span(0, 0, 1, 1)}, []
        for step in reversed(steps[1:]):
            bare = step.unpadded()
            if bare is None:
                return None
            reads = spans[step].seen_through(_op(step))
            for source in step.inputs:
                spans[source] = spans[source].joined(reads) if source in spans else reads
            finished = tuple(source for source in set(step.inputs) if last_reader[source] is step)
            stages.append(Stage(step, bare, reads, _slides(step), finished))
        macs = sum(_macs(stage.step, spans[stage.step]) for stage in stages)
        return cls(at, steps[0], tuple(reversed(stages)), spans, macs)

    @property
    def largest(self) -> int:
        """Numbers in the largest of its windows, for one unit."""
        return max(
            prod(step.shape) * prod(span.size) // prod(step.map_size or (1,)) for step, span in self.spans.items()
        )

    def trimmed(self, rows: list[int], columns: list[int]) -> Cone:
        """Without the positions that lie beyond the edge of their map for all units in these rows and columns."""
        top, left, bottom, right = min(rows), min(columns), max(rows), max(columns)
        spans = {}
        for step, span in self.spans.items():
            down, across = self.strides(step)
            assert step.map_size is not None
            height, width = step.map_size
            reached = Span(-down * bottom, -across * right, height - down * top, width - across * left)
            spans[step] = span.within(reached)
        if spans == self.spans:
            return self
        stages = tuple(replace(stage, reads=spans[stage.step].seen_through(_op(stage.step))) for stage in self.stages)
        return replace(self, stages=stages, spans=spans)

    def strides(self, step: Step) -> tuple[int, int]:
        """How many rows and columns apart the windows of two neighbouring units are on the map of a step."""
        (down, across), (rows, columns) = self.at.fields, step.fields
        return down.stride // rows.stride, across.stride // columns.stride


def _op(step: Step) -> Op:
    assert step.op is not None  # only the input has none
    return step.op


def _slides(step: Step) -> bool:
    """Padding below and to the right alone leaves the window of an operation a point, but not the size of its map."""
    return _op(step).window != POINT or any(source.map_size != step.map_size for source in step.inputs)


def _macs(step: Step, span: Span) -> int:
    return step.macs * prod(span.size) // prod(step.map_size or (1,))


_KNOWN: WeakKeyDictionary[Program, dict[Step, Cone | None]] = WeakKeyDictionary()
