"""The rule "gradient" is autograd, whatever stands between: what is no number to derive by stops it, and only that."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torchvision.ops import DeformConv2d

from zfwidgets.backend.graph.op import RULES
from zfwidgets.backend.run.deconvnet import project
from zfwidgets.backend.run.forward import forward

from ..oracles import relative_error
from .networks import conv
from .small import around, assert_as_torch_has_it, captured, examples, gradient


def mix():
    return conv(8, 8, 3, padding=1)


class Deformed(nn.Module):
    def __init__(self, masked=False):
        super().__init__()
        self.offset, self.mask = conv(8, 18, 3, padding=1), conv(8, 9, 3, padding=1) if masked else None
        self.conv = DeformConv2d(8, 6, 3, padding=1)

    def forward(self, x):
        return self.conv(x, self.offset(x), self.mask(x).sigmoid() if self.mask else None)


class Rounded(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, signal):
        return signal


def straight_through_no_grad(x):
    with torch.no_grad():
        rest = (x * 3).round() / 3 - x
    return x + rest


def gated(x):
    gate = x.mean((2, 3), keepdim=True)
    hard = (gate > 0).to(x.dtype)
    soft = gate.sigmoid()
    return x * (hard - soft.detach() + soft)


SMOOTH = {
    # yes or no, whole numbers
    "times a comparison": (lambda x: x * (x > 0.1),),
    "times not a comparison": (lambda x: x * ~(x > 0.1),),
    "comparisons joined": (lambda x: x * ((x > 0.1) & ~(x > 0.6) | (x < -0.3)),),
    "a comparison of two paths": (lambda x, a: x * (x > a(x)), mix),
    "a mask as numbers": (lambda x: x * (x > 0.1).float(),),
    "where": (lambda x: torch.where(x > 0.1, x, 0.2 * x.square()),),
    "where with whole numbers": (lambda x: torch.where(x > 0.1, x, 0),),
    "masked fill": (lambda x: x.masked_fill(x < 0.1, -1),),
    "masked fill in place": (lambda x: (y := x.clone()).masked_fill_(y < 0.1, 0),),
    "one-hot of the strongest": (lambda x: x * F.one_hot(x.argmax(1), 8).permute(0, 3, 1, 2),),
    "whole numbers and back": (lambda x: (x * 10).long().double() / 10 + x,),
    "counted": (lambda x: x * (x > 0).sum(1, keepdim=True),),
    "any": (lambda x: x * (x > 0.3).any(1, keepdim=True),),
    "sign": (lambda x: x * x.sign() + x,),
    "isnan": (lambda x: torch.where(x.isnan(), torch.zeros_like(x), x.tanh()),),
    "gathered": (lambda x: x + x.gather(1, x.argsort(1)),),
    "gathered by the strongest": (lambda x: x.gather(1, x.argmax(1, keepdim=True)) + x,),
    "remainder": (lambda x: x * torch.remainder(x, 0.25),),
    # complex numbers
    "Fourier": (lambda x: torch.fft.ifft2(torch.fft.fft2(x) * 0.5).real,),
    "real Fourier": (lambda x: torch.fft.irfft2(torch.fft.rfft2(x), s=x.shape[-2:]),),
    "filtered by frequency": (
        lambda x: torch.fft.irfft2(torch.fft.rfft2(x) * torch.linspace(0, 1, 6), s=x.shape[-2:]),
    ),
    "amplitude and phase": (lambda x: (z := torch.fft.fft2(x)).abs() * 0.1 + z.angle() * 0.01,),
    "real and imaginary as maps": (
        lambda x: torch.view_as_real(torch.fft.rfft2(x)).permute(0, 1, 4, 2, 3).flatten(1, 2),
    ),
    "made complex": (lambda x: torch.complex(x, 2 * x).abs(),),
    # recurrent, deformable
    "LSTM": (lambda x, a: a(x.flatten(2).mT)[0][:, -1], lambda: nn.LSTM(8, 5, batch_first=True)),
    "LSTM both ways": (
        lambda x, a: a(x.mean(2).mT)[0].mean(1), lambda: nn.LSTM(8, 5, 2, batch_first=True, bidirectional=True),
    ),
    "GRU": (lambda x, a: a(x.flatten(2).mT)[1][0], lambda: nn.GRU(8, 5, batch_first=True)),
    "plain recurrence": (lambda x, a: a(x.mean(2).mT)[0][:, -1], lambda: nn.RNN(8, 5, batch_first=True)),
    "deformable": (lambda x, a: a(x), Deformed),
    "deformable, modulated": (lambda x, a: a(x), lambda: Deformed(masked=True)),
    # several results, other operations
    "topk": (lambda x: x - x.topk(2, 1)[0].mean(1, keepdim=True),),
    "topk, both results": (lambda x: (t := x.topk(2, 1))[0] * t[1],),
    "sort": (lambda x: x.sort(1)[0],),
    "sort by values": (lambda x: torch.sort(x, dim=1, descending=True).values * torch.arange(8.0)[:, None, None],),
    "greatest with its place": (lambda x: x.max(1, keepdim=True).values + 0 * x.max(1, keepdim=True).indices,),
    "cumulated": (lambda x: x.cumsum(1),),
    "cumulated maximum": (lambda x: x.cummax(2)[0],),
    "variance and mean": (lambda x: torch.cat(torch.var_mean(x, 1, keepdim=True), 1),),
    "extremes": (lambda x: torch.cat(torch.aminmax(x, dim=1, keepdim=True), 1),),
    "median": (lambda x: x.median(1, keepdim=True).values + x,),
    "einsum": (lambda x: torch.einsum("nchw,cd->ndhw", x, torch.ones(8, 6, dtype=x.dtype).tril()),),
    "bilinear pooling": (lambda x: torch.einsum("nchw,ndhw->ncd", x, x).flatten(1),),
    "interpolated": (lambda x: F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False),),
    "sampled": (
        lambda x: F.grid_sample(
            x, F.affine_grid(torch.eye(2, 3, dtype=x.dtype).expand(x.shape[0], -1, -1) * 0.7, x.shape, False),
            align_corners=False,
        ),
    ),
    "transformed where it says itself": (
        lambda x, a: F.grid_sample(
            x, F.affine_grid(a(x.mean((2, 3))).tanh().view(-1, 2, 3), x.shape, False), align_corners=False
        ),
        lambda: nn.Linear(8, 6),
    ),
    "unfolded and folded": (lambda x: F.fold(F.unfold(x, 3, padding=1), x.shape[-2:], 3, padding=1),),
    "attention of torch": (
        lambda x, a: a(*[x.flatten(2).mT] * 3, need_weights=False)[0].mT.reshape(x.shape),
        lambda: nn.MultiheadAttention(8, 2, batch_first=True),
    ),
    "transformer layer": (
        lambda x, a: a(x.flatten(2).mT).mT.reshape(x.shape),
        lambda: nn.TransformerEncoderLayer(8, 2, 12, batch_first=True),
    ),
    "norm of the maps": (lambda x: F.normalize(x, dim=1),),
    "generalised mean": (lambda x: x.clamp(min=1e-3).pow(3).mean((2, 3)).pow(1 / 3),),
    "logsumexp": (lambda x: x.logsumexp((2, 3)),),
    # straight-through estimators
    "sign, straight through": (lambda x: x + (x.sign() - x).detach(),),
    "rounded": (lambda x: (x.round() - x).detach() + x,),
    "the other way round": (lambda x: x.round().detach() - x.detach() + x,),
    "without gradients": (straight_through_no_grad,),
    "half detached": (lambda x: 0.7 * x.tanh() + 0.3 * x.detach(),),
    "a detached gate": (lambda x, a: x * a(x).sigmoid().detach(), mix),
    "a gate, straight through": (gated,),
    "a detached statistic": (lambda x: (x - x.mean(1, keepdim=True).detach()) / x.std(1, keepdim=True).detach(),),
    "a function of autograd's own": (lambda x: torch.where(x > 0, x.tanh(), x.detach()),),
}  # fmt: skip
QUICK = {
    "times a comparison", "times not a comparison", "where", "one-hot of the strongest", "Fourier", "deformable",
    "topk", "sign, straight through", "without gradients", "interpolated",
}  # fmt: skip


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in SMOOTH]
)
def test_the_gradient_is_autograds(name):
    assert_as_torch_has_it(around(*SMOOTH[name]))


def test_floor_division_is_flat():
    flat = assert_as_torch_has_it(around(lambda x: x * torch.div(x, 0.25, rounding_mode="floor")))
    images = examples()
    _, expected = gradient(flat, images)
    _, found = gradient(captured(lambda x: x * (x // 0.25)), images)
    assert relative_error(found, expected) < 1e-12


def without_gradients(x, a):
    with torch.no_grad():
        return a(x).relu()


def without_inference(x, a):
    with torch.inference_mode():
        return a(x).relu()


def two_backbones(x, a, b):
    return torch.cat([a(x).relu().detach(), without_gradients(x, b)], 1)


def frozen_and_estimated(x, a):
    y = a(x).relu().detach()
    return y + (y.sign() - y).detach()


LOOKED_THROUGH = {
    "detached": (lambda x, a: a(x).relu().detach(), lambda x, a: a(x).relu(), mix),
    "without gradients": (without_gradients, lambda x, a: a(x).relu(), mix),
    "in inference mode": (without_inference, lambda x, a: a(x).relu(), mix),
    "two backbones": (two_backbones, lambda x, a, b: torch.cat([a(x).relu(), b(x).relu()], 1), mix, mix),
    "an estimator behind it": (frozen_and_estimated, lambda x, a: (y := a(x).relu()) + (y.sign() - y).detach(), mix),
    "twice": (lambda x, a: a(x.detach()).detach().relu(), lambda x, a: a(x).relu(), mix),
}


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", LOOKED_THROUGH)
def test_a_detach_through_which_everything_passes_is_looked_through(name, rule):
    stopped, open_, *parts = LOOKED_THROUGH[name]
    images = examples(2)
    found = []
    for function in (stopped, open_):
        program = captured(function, *parts)
        record = forward(program, images, [program.output], RULES[rule])
        found.append(project(program, record, program.output, record.activations[program.output], RULES[rule]))
    assert float(found[1].abs().max()) > 0
    assert relative_error(*found) < 1e-12


BLIND = {
    "which is the strongest": lambda x: F.one_hot(x.argmax(1), 8).permute(0, 3, 1, 2).to(x.dtype),
    "how many are positive": lambda x: (x > 0).sum(1, keepdim=True).to(x.dtype),
    "signs": lambda x: x.sign(),
    "zeros": lambda x: x.new_zeros(x.shape),
    "shape alone": lambda x: torch.ones_like(x) * 3,
    "steps": lambda x: x // 0.5,
}


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", BLIND)
def test_a_layer_from_which_nothing_reaches_the_image_projects_to_zeros(name, rule):
    program = captured(lambda x: torch.cat([x, BLIND[name](x).relu()], 1))
    images = examples(2)
    for layer in program.layers:
        step = program.by_name[layer.name]
        record = forward(program, images, [step], RULES[rule])
        down = project(program, record, step, torch.ones_like(record.activations[step]), RULES[rule])
        assert down.shape == images.shape
        assert bool(down.isfinite().all())
        if layer.name == "trap.relu":
            assert float(down.abs().max()) == 0


def test_whole_numbers_complex_numbers_and_truth_values_are_no_layers():
    def several(x):
        spectrum = torch.fft.fft2(x)
        mask = (x > 0.1) & ~(x > 0.9)
        place = x.argmax(1, keepdim=True)
        return torch.where(mask, spectrum.abs(), x) + place + (10 * x).int() / 10

    program = captured(several)
    kinds = {layer.name: layer for layer in program.layers}
    numbers = forward(program, examples(), program.steps).activations
    assert all(numbers[program.by_name[name]].is_floating_point() for name in kinds)
    assert any(not x.is_floating_point() for x in numbers.values())
