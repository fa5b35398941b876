"""A GPU computes what the CPU computes."""

from __future__ import annotations

import pytest
import torch

from zfwidgets.backend.graph.op import RULES
from zfwidgets.backend.run.deconvnet import project_units
from zfwidgets.backend.run.forward import forward
from zfwidgets.backend.run.units import Units

from ..oracles import relative_error
from .cases import case
from .traps import TRAPS

pytestmark = pytest.mark.cuda


@pytest.mark.parametrize("name", TRAPS)
def test_forward_on_cuda_equals_the_cpu(name, cuda):
    one = case(name)
    program = one.program.to(cuda, torch.float64)
    found = forward(program, one.images.to(cuda), [program.output]).activations[program.output]
    expected = forward(one.program, one.images, [one.program.output]).activations[one.program.output]
    assert found.is_cuda
    assert relative_error(found.cpu(), expected) < 1e-10


@pytest.mark.parametrize("crop", [True, False])
@pytest.mark.parametrize("name", TRAPS)
def test_projections_on_cuda_equal_the_cpus(name, crop, cuda):
    one = case(name)
    program = one.program.to(cuda, torch.float64)
    units = Units(*torch.tensor([[0, 1, 0, 0], [2, 3, 0, 0], [2, 0, 0, 0]]).T)
    for rule in RULES.values():
        found = project_units(program, one.images.to(cuda), program.output, units, rule, crop)
        expected = project_units(one.program, one.images, one.program.output, units, rule, crop)
        assert found.pixels.is_cuda
        assert relative_error(found.pixels.cpu(), expected.pixels) < 1e-10
        assert torch.equal(found.top, expected.top)
        assert torch.equal(found.left, expected.left)


def test_the_original_stays_on_the_cpu(cuda):
    one = case("everything at once")
    one.program.to(cuda, torch.float32)
    assert {p.device.type for p in one.module.parameters()} == {"cpu"}
    assert not forward(one.program, one.images, [one.program.output]).activations[one.program.output].is_cuda
