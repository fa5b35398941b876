"""The backend keeps a device's rules, and computes there what the CPU computes: on a device that is not there."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from zfwidgets.backend.graph.op import RULES
from zfwidgets.backend.incremental.run import Incremental
from zfwidgets.backend.run.deconvnet import fitting, project_units
from zfwidgets.backend.run.forward import forward
from zfwidgets.backend.run.units import Units

from ..oracles import relative_error
from ..pretended import NAME, pretended_device
from .cases import case, quick_and_slow
from .test_incremental import boxes_in

pytestmark = pytest.mark.slow


@pytest.fixture
def device() -> Iterator[torch.device]:
    with pretended_device() as device:
        yield device


def test_its_tensors_say_that_they_are_on_it(device):
    x = torch.arange(6.0).reshape(2, 3).to(device)
    for one in (x, x + 1, x[0], x[:, [0, 2]], x.T, torch.zeros(3, device=device), x.new_ones(2), x * torch.tensor(2.0)):
        assert one.device == torch.device(NAME, 0)
    assert torch.equal((x @ x.T).cpu(), torch.tensor([[5.0, 14.0], [14.0, 50.0]]))
    assert x.sum().item() == 15
    assert x[1].tolist() == [3, 4, 5]


def test_what_is_written_in_place_is_seen_in_the_whole(device):
    x = torch.zeros(2, 3).to(device)
    x[0, 1:].fill_(7)
    x[1] = torch.ones(3)  # a copy from the host is allowed
    x.narrow(1, 0, 1).add_(5)
    assert x.tolist() == [[5, 7, 7], [6, 1, 1]]


MIXED = {
    "a sum": lambda here, host: here + host,
    "a matrix product": lambda here, host: here @ host.T,
    "torch.cat": lambda here, host: torch.cat([here, host]),
    "torch.where": lambda here, host: torch.where(host > 0, here, here),
    "a mask to fill": lambda here, host: here.masked_fill(host > 0, 0.0),
    "index_select": lambda here, host: here.index_select(0, torch.tensor([0])),
    "gather": lambda here, host: here.gather(1, torch.zeros(2, 1, dtype=torch.int64)),
    "a convolution": lambda here, host: torch.conv2d(here[None, None], host[None, None]),
    "values written by index": lambda here, host: here.index_put_((torch.tensor([0]),), host[:1]),
    "values written by mask": lambda here, host: here.__setitem__(here >= 0, host.flatten()),
    "indices for what is on the host": lambda here, host: host[here[0].long()],
    "in place on the host": lambda here, host: host.add_(here),
    "a number on the device": lambda here, host: host + here[0, 0],
    "equal": lambda here, host: torch.equal(here, host),
    "a generator": lambda here, host: torch.randn(2, device=here.device, generator=torch.Generator()),
}


@pytest.mark.parametrize("name", MIXED)
def test_it_refuses_what_is_not_on_it(name, device):
    host = torch.arange(6.0).reshape(2, 3)
    with pytest.raises(RuntimeError, match=r"same device|device type for generator"):
        MIXED[name](host.to(device), host)


ALLOWED = {
    "a number of the host": lambda here: here * torch.tensor(2.0),
    "a number of the host where a mask is": lambda here: here.masked_fill(here > 1, torch.tensor(2.0)),
    "indices of the host": lambda here: here[torch.tensor([1, 0])],
    "a mask of the host": lambda here: here[torch.tensor([True, False])],
    "writing a number by index": lambda here: here.index_put((torch.tensor([1]),), torch.tensor(3.0)),
    "moving a copy": lambda here: here.clone().copy_(torch.ones(2, 3)),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_it_allows_what_cuda_allows(name, device):
    host = torch.arange(6.0).reshape(2, 3)
    found = ALLOWED[name](host.to(device))
    assert found.device.type == NAME
    assert torch.equal(found.cpu(), ALLOWED[name](host))


def test_its_memory_is_not_numpys(device):
    x = torch.ones(3).to(device)
    for convert in (lambda: x.numpy(), lambda: np.asarray(x)):
        with pytest.raises(TypeError, match=r"can't convert pretended:0 device type tensor to numpy\. Use Tensor\.cpu"):
            convert()
    assert x.cpu().numpy().tolist() == [1, 1, 1]


def test_autograd_goes_down_on_it(device):
    x = torch.linspace(-1, 1, 5)
    pull = torch.func.vjp(torch.nn.functional.silu, x.to(device))[1]
    (found,) = pull(torch.ones(5, device=device))
    assert found.device.type == NAME
    assert torch.equal(found.cpu(), torch.func.vjp(torch.nn.functional.silu, x)[1](torch.ones(5))[0])


@pytest.mark.parametrize("wanted", [True, False])
def test_filters_lie_as_the_device_wants_them(wanted):
    with pretended_device(channels_last=wanted) as device:
        weight = case("residual").program.to(device, torch.float64).by_name["stem"].op.weight
        assert weight.is_contiguous(memory_format=torch.channels_last) is wanted
        assert weight.is_contiguous() is not wanted


@pytest.mark.parametrize("wanted", [True, False])
def test_pools_read_their_maps_as_the_device_wants_them(wanted):
    one, read = case("overlapping max pool"), []

    class Reading(TorchDispatchMode):
        def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
            if operator is torch.ops.aten.max_pool2d_with_indices.default:
                read.append(args[0].is_contiguous(memory_format=torch.channels_last))
            return operator(*args, **(kwargs or {}))

    with pretended_device(pools_channels_last=wanted, channels_last=False) as device:
        program, images = one.program.to(device, torch.float64), one.images.to(device)
        with Reading():
            found = forward(program, images, [program.output]).activations[program.output]
    assert read == [wanted]
    expected = forward(one.program, one.images, [one.program.output]).activations[one.program.output]
    assert relative_error(found.cpu(), expected) < 1e-10


def test_as_many_are_computed_at_once_as_the_device_does_best_at():
    with pretended_device(numbers_at_once=1000) as device:
        assert [fitting(device, numbers) for numbers in (1, 100, 300, 5000)] == [64, 10, 3, 1]
    assert fitting(torch.device("cpu"), 2**20) == 4
    assert fitting(torch.device("cuda"), 2**22) == 32
    assert fitting(torch.device("xpu"), 2**20) == 4  # of which nothing is known


@pytest.mark.parametrize("name", quick_and_slow())
def test_forward_on_a_device_equals_the_cpu(name, device):
    one = case(name)
    program = one.program.to(device, torch.float64)
    found = forward(program, one.images.to(device), [program.output]).activations[program.output]
    expected = forward(one.program, one.images, [one.program.output]).activations[one.program.output]
    assert found.device.type == NAME
    assert relative_error(found.cpu(), expected) < 1e-10


@pytest.mark.parametrize("name", quick_and_slow())
def test_projections_on_a_device_equal_the_cpus(name, device):
    one = case(name)
    program = one.program.to(device, torch.float64)
    units = Units(*torch.tensor([[0, 1, 0, 0], [2, 3, 0, 0], [2, 0, 0, 0]]).T)
    for crop in (True, False):
        for rule in RULES.values():
            found = project_units(program, one.images.to(device), program.output, units, rule, crop)
            expected = project_units(one.program, one.images, one.program.output, units, rule, crop)
            assert found.pixels.device.type == NAME
            assert relative_error(found.pixels.cpu(), expected.pixels) < 1e-10
            torch.testing.assert_close(found.activation.cpu(), expected.activation, rtol=1e-10, atol=1e-12)
            assert torch.equal(found.top, expected.top)
            assert torch.equal(found.left, expected.left)


@pytest.mark.parametrize("name", quick_and_slow())
def test_changes_on_a_device_equal_the_cpus(name, device):
    one = case(name)
    height, width = one.program.input.shape[1:]
    boxes = boxes_in(height, width)[:16]
    found = []
    for program, image in (
        (one.program, one.images[0]),
        (one.program.to(device, torch.float64), one.images[0].to(device)),
    ):
        wanted = [program.by_name["stem"], program.output]
        incremental = Incremental(program, image, wanted)
        found.append({})
        for some, changed in incremental.run(incremental.plan(boxes), image.flip(1)):
            for step in wanted:
                whole = changed[step].whole().cpu()
                sums = changed[step].sums().cpu()
                found[-1] |= {
                    (step.name, number): (a, b) for number, a, b in zip(some.tolist(), whole, sums, strict=True)
                }
    assert found[0].keys() == found[1].keys()
    for key, both in found[0].items():
        for expected, values in zip(both, found[1][key], strict=True):
            assert relative_error(values[None], expected[None]) < 1e-10
