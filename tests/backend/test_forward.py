"""A forward pass keeps what was asked for and nothing else, and stops when nobody waits for it."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from zfwidgets.backend.capture.exported import capture
from zfwidgets.backend.graph.op import DECONVNET, GRADIENT, Op
from zfwidgets.backend.graph.program import Program
from zfwidgets.backend.graph.step import Step
from zfwidgets.backend.run.deconvnet import project, project_units
from zfwidgets.backend.run.forward import forward
from zfwidgets.backend.run.units import Units
from zfwidgets.task import Cancelled, Task

from .cases import case


@dataclass(frozen=True, eq=False)
class Watched(Op):
    """Adds one, and counts which of all results are still alive."""

    results: list[weakref.ref[Tensor]]
    alive: list[int] = field(default_factory=list)

    def forward(self, *inputs: Tensor) -> Tensor:
        self.alive.append(sum(result() is not None for result in self.results))
        output = inputs[0] + 1
        self.results.append(weakref.ref(output))
        return output

    def project(self, signal: Tensor, saved: Any, rule: Any) -> tuple[Tensor]:
        return (signal,)


def chain(length: int) -> tuple[Program, Watched]:
    op = Watched([])
    steps = [Step("input", None, (), (1, 3, 4), (2, 3))]
    for i in range(length):
        steps.append(Step(f"step{i}", op, (steps[-1],), (1, 3, 4), (2, 3)))
    return Program(tuple(steps), steps[-1]), op


IMAGES = torch.zeros(1, 1, 3, 4)


def test_a_map_is_freed_as_soon_as_its_last_reader_has_run():
    program, op = chain(9)
    forward(program, IMAGES, [program.output])
    assert op.alive == [0] + [1] * 8


def test_a_map_that_is_wanted_outlives_the_pass():
    program, op = chain(9)
    wanted = program.by_name["step3"]
    record = forward(program, IMAGES, [wanted, program.output])
    assert op.alive == [0, 1, 1, 1] + [1] + [2] * 4
    assert float(record.activations[wanted].max()) == 4


def test_steps_above_the_wanted_ones_do_not_run():
    program, op = chain(9)
    forward(program, IMAGES, [program.by_name["step3"]])
    assert len(op.alive) == 4


def test_the_record_holds_the_activations_that_were_asked_for_and_no_others():
    one = case("everything at once")
    wanted = [one.step("stem"), one.step("")]
    record = forward(one.program, one.images, wanted)
    assert set(record.activations) == set(wanted)
    assert not record.saved
    assert not forward(one.program, one.images, wanted, DECONVNET).saved.keys() - set(one.program.steps)


def tensors_in(saved: Any) -> Iterator[Tensor]:
    if isinstance(saved, Tensor):
        yield saved
    elif isinstance(saved, tuple | list):
        for item in saved:
            yield from tensors_in(item)


def test_the_deconvnet_keeps_switches_and_no_activations():
    module = nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.ReLU(), nn.MaxPool2d(3, 2), nn.LocalResponseNorm(3), nn.Conv2d(6, 4, 3), nn.AvgPool2d(2)
    )
    program = capture(module, (3, 20, 26))
    images = torch.randn(2, 3, 20, 26)
    record = forward(program, images, [program.output], DECONVNET)
    saved = [tensor for step in record.saved.values() for tensor in tensors_in(step)]
    assert [(x.dtype, tuple(x.shape)) for x in saved] == [(torch.int64, (2, 6, 8, 11))]
    record = forward(program, images, [program.output], GRADIENT)
    assert any(x.is_floating_point() for step in record.saved.values() for x in tensors_in(step))


class After:
    """Says from the n-th question on that nobody waits any more."""

    def __init__(self, questions: int) -> None:
        self.left = questions

    def __call__(self) -> bool:
        self.left -= 1
        return self.left < 0


def test_a_stale_forward_pass_stops_between_two_steps():
    program, op = chain(9)
    with pytest.raises(Cancelled):
        forward(program, IMAGES, [program.output], task=Task(After(4)))
    assert len(op.alive) == 3  # the input is a step, too


def test_a_stale_projection_stops():
    program, _ = chain(9)
    record = forward(program, IMAGES, [program.output], DECONVNET)
    with pytest.raises(Cancelled):
        project(program, record, program.output, IMAGES, task=Task(After(8)))
    assert project(program, record, program.output, IMAGES, task=Task(After(9))).shape == IMAGES.shape


@pytest.mark.parametrize("crop", [True, False])
def test_stale_units_stop_wherever_they_are(crop):
    one = case("functional relu")
    units = Units(*torch.tensor([[0, 0, 4, 5], [1, 2, 3, 4]]).T)
    questions = After(1000)
    project_units(one.program, one.images, one.step(""), units, crop=crop, chunk=1, task=Task(questions))
    needed = 1000 - questions.left
    assert needed == 2 * (6 if crop else 7)  # two chunks, each up three steps (and past the input) and down three
    for n in range(needed):
        with pytest.raises(Cancelled):
            project_units(one.program, one.images, one.step(""), units, crop=crop, chunk=1, task=Task(After(n)))
