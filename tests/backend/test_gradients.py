"""What has no rule of its own goes down by its exact gradient, whatever it is: as autograd does, zeros included."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torchvision.ops import DeformConv2d

from zfwidgets.backend.capture.exported import capture
from zfwidgets.backend.graph.op import RULES
from zfwidgets.backend.run.deconvnet import project_units
from zfwidgets.backend.run.forward import forward
from zfwidgets.backend.run.units import Units

from .. import oracles
from ..oracles import relative_error
from .networks import Apply, conv

pytestmark = pytest.mark.slow


class Recurrent(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.cells = kind(6, 5, batch_first=True)

    def forward(self, x):
        return self.cells(x.flatten(2).transpose(1, 2))[0][:, -1]


class Deformed(nn.Module):
    def __init__(self):
        super().__init__()
        self.offsets, self.conv = nn.Conv2d(6, 18, 3, padding=1), DeformConv2d(6, 6, 3, padding=1)

    def forward(self, x):
        return self.conv(x, self.offsets(x))


class StraightThrough(nn.Module):
    def forward(self, x):
        return x + (x.sign() - x).detach()


FUNCTIONS = {
    "times a mask": lambda x: x * (x > 0.1),
    "times no mask": lambda x: x * ~(x > 0.1),
    "a mask as numbers": lambda x: x * (x > 0.1).to(x.dtype),
    "where": lambda x: torch.where(x > 0.1, x * x, 0),
    "masked_fill": lambda x: x.masked_fill(x < 0.1, -1),
    "the largest map": lambda x: x * F.one_hot(x.argmax(1), 6).permute(0, 3, 1, 2),
    "whole numbers": lambda x: (x * 10).long().to(x.dtype) + x,
    "fft": lambda x: torch.fft.ifft2(torch.fft.fft2(x) * 0.5).real,
    "rfft": lambda x: torch.fft.irfft2(torch.fft.rfft2(x), s=x.shape[2:]),
    "absolute of complex": lambda x: torch.fft.fft2(x).abs(),
    "topk": lambda x: x - x.topk(2, 1)[0].mean(1, keepdim=True),
    "sort": lambda x: x.sort(1)[0],
    "cumsum": lambda x: x.cumsum(3),
    "two results": lambda x: sum(torch.var_mean(x, 1, keepdim=True)) * x,
    "grid_sample": lambda x: F.grid_sample(
        x, F.affine_grid(torch.eye(2, 3, dtype=x.dtype).expand(x.shape[0], 2, 3) * 0.7, x.shape, align_corners=False),
        align_corners=False,
    ),
    "interpolated": lambda x: F.interpolate(x, scale_factor=1.5, mode="bilinear"),
    "rounded": lambda x: x + (x.round() - x).detach(),
    "a gate that stops": lambda x: x * x.sigmoid().detach(),
}  # fmt: skip
PARTS = {"LSTM": lambda: Recurrent(nn.LSTM), "GRU": lambda: Recurrent(nn.GRU), "deformed": Deformed,
         "straight through": StraightThrough}  # fmt: skip


def network(name):
    torch.manual_seed(2)
    trap = PARTS[name]() if name in PARTS else Apply(FUNCTIONS[name])
    head = nn.Linear(5, 4) if name in ("LSTM", "GRU") else conv(6, 4, 3)
    return nn.Sequential(conv(3, 6, 3, padding=1), nn.Tanh(), trap, head).double().eval()


@pytest.mark.parametrize("name", [*FUNCTIONS, *PARTS])
def test_the_gradient_is_autograds(name):
    module = network(name)
    program, images = capture(module, (3, 9, 8)), torch.randn(2, 3, 9, 8, dtype=torch.float64)
    maps = forward(program, images, [program.output]).activations[program.output]
    assert relative_error(maps, module(images).detach()) < 1e-10
    place = (2, 3) if maps.ndim == 4 else ()
    expected, _ = oracles.project_units(module, images, "", [(0, 1, *place), (1, 2, *place)], "gradient")
    units = Units(torch.tensor([0, 1]), torch.tensor([1, 2]), *(torch.tensor([each] * 2) for each in (place or (0, 0))))
    for crop in (True, False):
        found = project_units(program, images, program.output, units, RULES["gradient"], crop)
        assert relative_error(torch.stack([found.on_image(index, 9, 8) for index in range(2)]), expected) < 1e-10


@pytest.mark.parametrize("name", [*FUNCTIONS, *PARTS])
def test_every_layer_is_of_real_numbers_and_is_projected(name):
    module = network(name).float()
    program, images = capture(module, (3, 9, 8)), torch.randn(2, 3, 9, 8)
    for layer in program.layers:
        step = program.by_name[layer.name]
        assert forward(program, images, [step]).activations[step].is_floating_point()
        for rule in RULES.values():
            units = Units(*torch.tensor([[1, 0, 0, 0]]).T)
            assert torch.isfinite(project_units(program, images, step, units, rule).pixels).all()


def test_what_nothing_reaches_is_projected_to_zeros():
    module = nn.Sequential(conv(3, 6, 3), Apply(lambda x: (x > 0).to(x.dtype) * 2), conv(6, 4, 3)).eval()
    program = capture(module, (3, 9, 8))
    for crop in (True, False):
        found = project_units(
            program, torch.randn(1, 3, 9, 8), program.output, Units(*torch.zeros(4, 1).long()), crop=crop
        )
        assert not found.on_image(0, 9, 8).any()


def test_a_detach_through_which_everything_passes_is_looked_through():
    kept, cut = (
        capture(nn.Sequential(conv(3, 6, 3), Apply(function), conv(6, 4, 3)).eval(), (3, 9, 8))
        for function in (lambda x: x.detach(), lambda x: x + 0 * x.detach())
    )
    assert "1.detach" not in kept.by_name
    assert "1.detach" in cut.by_name
    units = Units(*torch.zeros(4, 1).long())
    assert project_units(kept, torch.randn(1, 3, 9, 8), kept.output, units, RULES["gradient"]).pixels.any()
