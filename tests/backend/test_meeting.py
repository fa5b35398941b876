"""What a unit is made of is what autograd finds between two layers, whichever way the backend takes."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import squeezenet1_1

import zfwidgets as zf
from zfwidgets.backend.capture.exported import capture
from zfwidgets.backend.graph.op import RULES
from zfwidgets.backend.ops.muted import Muted
from zfwidgets.backend.run.deconvnet import project_units
from zfwidgets.backend.run.forward import forward
from zfwidgets.backend.run.meeting import KINDS, meet
from zfwidgets.backend.run.units import Units

from .. import oracles
from ..oracles import relative_error


class Residual(nn.Module):
    """A block with a way round it, and a fully connected end."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.inner, self.last = nn.Conv2d(3, 6, 3, 2), nn.Conv2d(6, 7, 3, padding=1), nn.Conv2d(7, 6, 1)
        self.first, self.second, self.block = nn.ReLU(), nn.ReLU(), nn.ReLU()
        self.end, self.out = nn.ReLU(), nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(self.stem(x))
        x = self.block(x + self.last(self.second(self.inner(x))))
        return self.out(self.end(F.max_pool2d(x, 3, 2, 1)).flatten(1)[:, ::16][:, :6])


def fires() -> nn.Module:
    torch.manual_seed(0)
    return squeezenet1_1(weights=None, num_classes=5).double().eval()


def residual() -> nn.Module:
    torch.manual_seed(1)
    return Residual().double().eval()


def small() -> nn.Module:
    torch.manual_seed(2)
    return zf.alexnet_zf(5, maps=(6, 8, 9, 9, 7), hidden=(10, 8), size=96).double().eval()


PAIRS = [
    (fires, 65, "features.7", "features.6"),
    (fires, 65, "features.9", "features.3"),
    (fires, 65, "features.7", "features.6.expand3x3_activation"),  # one branch
    (residual, 20, "block", "first"),
    (residual, 20, "block", "second"),  # with a way round it
    (residual, 20, "out", "block"),
    (small, 96, "features.relu2", "features.relu1"),  # contrast normalisation, and pools that overlap
    (small, 96, "features.relu5", "features.relu1"),
    (small, 96, "classifier.relu7", "features.relu5"),
    (small, 96, "classifier.relu7", "classifier.relu6"),
]


def step_of(program, site):
    return program.by_name.get(site) or program.by_name[f"{site}.cat"]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("build", "size", "upper", "lower"), PAIRS)
def test_sums_between_two_layers_are_autograds(build, size, upper, lower, rule):
    module = build()
    images = torch.randn(3, 3, size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    program = capture(module, tuple(images.shape[1:]))
    at, below = step_of(program, upper), step_of(program, lower)
    height, width = at.map_size or (1, 1)
    picked = [(n % 3, n % at.shape[0], (5 * n) % height, (3 * n) % width) for n in range(11)]
    expected = []
    for unit in picked:
        _, found = oracles.activations(module, images[[unit[0]]], [upper, lower], rule)
        (signal,) = torch.autograd.grad(found[upper][(0, *unit[1 : found[upper].ndim])], found[lower])
        met = found[lower].detach()
        kinds = torch.stack([(signal * met).clamp(min=0), signal.clamp(min=0), signal * met])
        expected.append(kinds.flatten(3).sum(3)[:, 0] if kinds.ndim > 3 else kinds[:, 0])
    gate = program.gate(below, [at])
    part, maps = program.above(gate, [at]), forward(program, images, [gate]).activations[gate]
    found = meet(
        part, maps, part.by_name[at.name], Units(*torch.tensor(picked).T), part.by_name[below.name], RULES[rule]
    )
    assert found.shape == (11, len(KINDS), below.shape[0])
    assert relative_error(found, torch.stack(expected)) < 1e-10
    whole = meet(program, images, at, Units(*torch.tensor(picked).T), below, RULES[rule])
    assert relative_error(whole, torch.stack(expected)) < 1e-10


def test_the_product_and_the_bias_are_the_activation_before_the_rectifier():
    net = nn.Sequential(nn.Conv2d(3, 6, 5, 2, 2), nn.ReLU(), nn.Conv2d(6, 9, 3, padding=1), nn.ReLU()).double()
    images = torch.randn(2, 3, 21, 21, dtype=torch.float64)
    program = capture(net, (3, 21, 21))
    lower, before, at = (program.by_name[name] for name in "123")
    values = forward(program, images, [before]).activations[before]
    places = [(n % 2, n % 9, n % 11, (2 * n) % 11) for n in range(30)]
    for upper in (before, at):
        products = meet(program, images, upper, Units(*torch.tensor(places).T), lower)[:, 2].sum(1)
        biases = net[2].bias.detach()[[place[1] for place in places]]
        expected = torch.stack([values[place] for place in places])
        assert (products + biases - expected).abs().max() < 1e-10


def test_a_gate_is_where_everything_passes():
    program = capture(residual(), (3, 20, 20))
    named = program.by_name
    assert program.gate(named["second"], [named["block"]]) is named["first"]
    assert program.gate(named["first"], [named["block"]]) is named["first"]
    assert program.gate(named["second"], [named["second"]]) is named["second"]
    assert program.gate(named["inner"], [named["second"], named["stem"]]) is named["stem"]


# ── maps taken out ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("to_mean", [False, True])
@pytest.mark.parametrize(
    ("build", "size", "site"), [(fires, 65, "features.6"), (residual, 20, "second"), (residual, 20, "first")]
)
def test_without_some_maps_all_is_as_with_a_hook_that_takes_them_out(build, size, site, to_mean):
    module = build()
    images = torch.randn(3, 3, size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    program = capture(module, tuple(images.shape[1:]))
    step = step_of(program, site)
    out = torch.zeros(step.shape[0], dtype=torch.bool)
    out[[1, 4]] = True
    muted = program.with_op(step, Muted(step.op, out, to_mean))

    def take_out(_, __, output):
        output = output.clone()
        output[:, out] = output[:, out].mean((2, 3), keepdim=True).detach() if to_mean else 0
        return output

    handle = dict(module.named_modules())[site].register_forward_hook(take_out)
    try:
        expected, (signals, _) = module(images), oracles.project_units(module, images, "", [(1, 2, 0, 0)], "deconvnet")
    finally:
        handle.remove()
    found = forward(muted, images, [muted.output]).activations[muted.output]
    assert relative_error(found, expected.detach()) < 1e-12
    assert relative_error(found, module(images).detach()) > 1e-3
    units = Units(*torch.tensor([(1, 2, 0, 0)]).T)
    down = project_units(muted, images, muted.output, units).on_image(0, size, size)
    assert relative_error(down[None], signals) < 1e-10
    assert program.by_name[step.name].op is step.op


def test_units_in_their_cones_are_those_of_whole_images_without_some_maps():
    program = capture(fires(), (3, 65, 65))
    images = torch.randn(2, 3, 65, 65, dtype=torch.float64)
    step = program.by_name["features.4.cat"]
    muted = program.with_op(step, Muted(step.op, torch.arange(128) % 3 == 0))
    at = muted.by_name["features.4.cat"]
    alive = forward(muted, images, [at]).activations[at][0].amax((1, 2)).argmax()
    units = Units(*torch.tensor([(0, int(alive), 3, 4), (1, 100, 0, 0), (1, 9, 3, 3)]).T)
    cropped = project_units(muted, images, at, units)
    whole = project_units(muted, images, at, units, crop=False)
    for index in range(3):
        assert relative_error(cropped.on_image(index, 65, 65), whole.on_image(index, 65, 65)) < 1e-12
    assert float(whole.activation[2]) == float(whole.pixels[2].abs().max()) == 0  # map 9 is out
    assert float(whole.pixels[:2].abs().max()) > 0
