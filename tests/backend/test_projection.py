"""Projections are what autograd gives when each rectifier goes down by the rule."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from zfwidgets.backend.capture.exported import capture
from zfwidgets.backend.graph.cone import Cone
from zfwidgets.backend.graph.op import DECONVNET, GRADIENT, GUIDED, RULES
from zfwidgets.backend.run.deconvnet import project, project_units
from zfwidgets.backend.run.forward import forward
from zfwidgets.backend.run.units import Patches, Units

from .. import oracles
from ..oracles import relative_error
from .cases import Case, case, quick_and_slow
from .traps import TRAPS


def strongest_units(one: Case, site: str) -> list[oracles.Unit]:
    """The strongest feature at the middle, at two corners, at a border, and off the middle, of three images."""
    step = one.step(site)
    activations = forward(one.program, one.images, [step]).activations[step]
    height, width = activations.shape[2:] if activations.ndim == 4 else (1, 1)
    places = [(height // 2, width // 2), (0, 0), (height - 1, width - 1), (height // 3, width - 1), (0, width // 3)]
    by_place = activations.reshape(*activations.shape[:2], height, width)
    return [
        (i % 3, int(by_place[i % 3, :, row, column].argmax()), row, column) for i, (row, column) in enumerate(places)
    ]


def on_images(patches: Patches, like: Tensor) -> Tensor:
    return torch.stack([patches.on_image(i, *like.shape[2:]) for i in range(len(like))])


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", quick_and_slow(differentiable=True))
def test_units_are_projected_as_autograd_does(name, rule):
    one = case(name)
    for site in ("trap", ""):
        units = strongest_units(one, site)
        expected, values = oracles.project_units(one.module, one.images, site, units, rule)
        at, columns = one.step(site), Units(*torch.tensor(units).T)
        whole = project_units(one.program, one.images, at, columns, RULES[rule], crop=False)
        cropped = project_units(one.program, one.images, at, columns, RULES[rule], crop=True)
        assert float(expected.abs().max()) > 0
        assert relative_error(on_images(whole, expected), expected) < 1e-10
        assert relative_error(on_images(cropped, expected), on_images(whole, expected)) < 1e-12
        assert relative_error(whole.activation[:, None], values[:, None]) < 1e-12
        assert relative_error(cropped.activation[:, None], values[:, None]) < 1e-12


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", quick_and_slow(differentiable=True))
def test_whole_maps_are_projected_as_autograd_does(name, rule):
    one = case(name)
    at = one.step("")
    record = forward(one.program, one.images, [at], RULES[rule])
    seed = torch.randn(record.activations[at].shape, dtype=torch.float64)
    expected = oracles.project(one.module, one.images, "", seed, rule)
    assert relative_error(project(one.program, record, at, seed, RULES[rule]), expected) < 1e-10


@pytest.mark.parametrize("name", quick_and_slow())
def test_units_have_a_cone_wherever_they_can(name):
    one, trap = case(name), TRAPS[name]
    at = one.step("")
    assert any(field.whole for field in at.fields) == trap.whole
    assert (Cone.of(one.program, at) is None) == (trap.whole or trap.uneven)


def test_a_patch_is_no_larger_than_the_receptive_field():
    one = case("functional relu")
    units = Units(*torch.tensor([[0, 1, 5, 9], [2, 3, 0, 0]]).T)
    patches = project_units(one.program, one.images, one.step("trap"), units)
    assert patches.pixels.shape == (2, 3, 3, 4)  # the stem's 3×4 kernel, on rows two pixels apart
    assert patches.top.tolist() == [9, -1]
    assert patches.left.tolist() == [7, -2]


@pytest.mark.parametrize("crop", [True, False])
def test_the_size_of_a_chunk_changes_nothing(crop):
    one = case("everything at once")
    units = Units(*torch.tensor(strongest_units(one, "") * 2).T)
    at = one.step("")
    together, singly, by_three = (
        project_units(one.program, one.images, at, units, crop=crop, chunk=n) for n in (64, 1, 3)
    )
    assert relative_error(singly.pixels, together.pixels) < 1e-12
    assert relative_error(by_three.pixels, together.pixels) < 1e-12
    assert torch.equal(by_three.top, together.top)
    assert torch.equal(by_three.left, together.left)


def test_many_units_of_one_image_share_its_forward_pass(monkeypatch):
    one = case("overlapping max pool")
    pool, passes = torch.ops.aten.max_pool2d_with_indices, []

    def counted(x, *geometry):
        passes.append(len(x))
        return pool(x, *geometry)

    monkeypatch.setattr("zfwidgets.backend.ops.pooling.aten.max_pool2d_with_indices", counted)
    units = [(3, feature, 1, 2) for feature in range(5)] + [(1, 0, 0, 0)]
    shared = project_units(one.program, one.images, one.step(""), Units(*torch.tensor(units).T), crop=False)
    expected, _ = oracles.project_units(one.module, one.images, "", units, "deconvnet")
    assert passes == [2]
    assert relative_error(shared.pixels, expected) < 1e-10


# the rules themselves, restated by hand


def down(module: nn.Module, images: Tensor, seed: Tensor, rule) -> Tensor:
    program = capture(module.double(), tuple(images.shape[1:]))
    record = forward(program, images, [program.output], rule)
    return project(program, record, program.output, seed, rule)


@pytest.fixture
def images():
    return torch.randn(2, 3, 5, 7, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.fixture
def seed():
    return torch.randn(2, 3, 5, 7, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def test_the_deconvnet_rectifies_the_signal_and_never_asks_what_was_positive_on_the_way_up(images, seed):
    assert torch.equal(down(nn.ReLU(), images, seed, DECONVNET), seed.clamp(min=0))


def test_the_gradient_passes_where_the_input_was_positive(images, seed):
    assert torch.equal(down(nn.ReLU(), images, seed, GRADIENT), seed * (images > 0))


def test_guided_backpropagation_does_both(images, seed):
    assert torch.equal(down(nn.ReLU(), images, seed, GUIDED), seed.clamp(min=0) * (images > 0))


def test_contrast_normalisation_is_passed_over_by_the_deconvnet(images, seed):
    norm = nn.LocalResponseNorm(3, alpha=0.9, beta=0.75, k=1.5)
    assert torch.equal(down(norm, images, seed, DECONVNET), seed)


@pytest.mark.parametrize("rule", [GRADIENT, GUIDED], ids=lambda rule: rule.name)
def test_contrast_normalisation_has_its_exact_gradient_under_the_other_rules(images, seed, rule):
    norm = nn.LocalResponseNorm(3, alpha=0.9, beta=0.75, k=1.5)
    x = images.clone().requires_grad_()
    (expected,) = torch.autograd.grad(norm(x), x, seed)
    found = down(norm, images, seed, rule)
    assert relative_error(found, expected) < 1e-12
    assert not torch.allclose(found, seed)


def test_batch_norm_goes_down_by_its_scale_alone(images, seed):
    norm = nn.BatchNorm2d(3, eps=0.25).double()
    norm.running_mean.copy_(torch.tensor([5.0, -7.0, 11.0]))
    norm.running_var.copy_(torch.tensor([0.75, 3.75, 8.75]))  # with epsilon: 1, 4, 9
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([1.0, 4.0, -9.0]))
        norm.bias.fill_(100)
    expected = seed * torch.tensor([1.0, 2.0, -3.0], dtype=torch.float64)[:, None, None]
    assert relative_error(down(norm, images, seed, DECONVNET), expected) < 1e-12


def test_where_overlapping_pools_share_a_maximum_their_signals_add():
    image = torch.tensor([[[[0.0, 1, 2, 9, 3, 8, 0]]]], dtype=torch.float64)
    seed = torch.tensor([[[[1.0, 10, 100, 1000, 10000]]]], dtype=torch.float64)  # the middle three windows share 9
    found = down(nn.MaxPool2d((1, 3), stride=1), image, seed, DECONVNET)
    assert found.tolist() == [[[[0, 0, 1, 1110, 0, 10000, 0]]]]


def test_biases_play_no_part(images):
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 2))
    seed = torch.randn(2, 2, 2, 4, dtype=torch.float64)
    with_bias = down(module, images, seed, DECONVNET)
    with torch.no_grad():
        for part in (module[0], module[2]):
            part.bias.add_(50)
    assert torch.equal(down(module, images, seed, DECONVNET), with_bias)
    assert float(with_bias.abs().max()) > 0
