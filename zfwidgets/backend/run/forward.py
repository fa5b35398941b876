"""Run a program upward, remembering only what was asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from zfwidgets.backend.graph.op import Rule
from zfwidgets.backend.graph.program import Program
from zfwidgets.backend.graph.step import Step
from zfwidgets.backend.surroundings import undisturbed
from zfwidgets.task import UNWATCHED, Task


@dataclass(frozen=True, eq=False)
class Record:
    """What a forward pass left behind."""

    activations: dict[Step, Tensor] = field(default_factory=dict)
    saved: dict[Step, Any] = field(default_factory=dict)  # switches, and what else the way down needs

    def of_images(self, indices: Tensor) -> Record:
        """The same record for some of the images, each as often as it is named."""
        pick = {step: _pick(saved, indices) for step, saved in self.saved.items()}
        return Record({step: x.index_select(0, indices) for step, x in self.activations.items()}, pick)


def _pick(saved: Any, indices: Tensor) -> Any:
    if isinstance(saved, Tensor):
        return saved.index_select(0, indices)
    if isinstance(saved, tuple):
        return tuple(_pick(item, indices) for item in saved)
    return saved


@undisturbed()
def forward(
    program: Program,
    images: Tensor,
    wanted: Iterable[Step],
    rule: Rule | None = None,
    task: Task = UNWATCHED,
    visit: Callable[[Step, Tensor], None] | None = None,
) -> Record:
    """Run preprocessed images (N, C, H, W) up to the `wanted` steps, and return their activations.

    With a `rule`, also keep what carrying a signal down from them needs. Everything else is freed as soon as its last
    reader has run; with `visit`, so are the wanted activations, which it is called with instead. `task` is
    asked between steps whether the result is still wanted; `Cancelled` is raised if not.
    """
    targets = set(wanted)
    steps = program.needed_for(targets)
    readers = Counter(source for step in steps for source in step.inputs)
    record = Record()
    values: dict[Step, Tensor] = {program.input: images.clone() if images.is_inference() else images}
    for step in steps:
        task.check()
        if step.op is not None:
            inputs = tuple(values[source] for source in step.inputs)
            values[step] = _run(step, inputs, rule, record)
        if step in targets and visit is None:
            record.activations[step] = values[step]
        elif step in targets and visit is not None:
            visit(step, values[step])
        readers.subtract(step.inputs)
        for source in (*step.inputs, step):
            if not readers[source]:
                values.pop(source, None)
    return record


def _run(step: Step, inputs: tuple[Tensor, ...], rule: Rule | None, record: Record) -> Tensor:
    assert step.op is not None
    if rule is None:
        return step.op.forward(*inputs)
    output, record.saved[step] = step.op.record(inputs, rule)
    return output
