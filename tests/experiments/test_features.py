"""Projections against autograd: one unit, a whole map, on the image and on a crop of it, by each of the three rules."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import zfwidgets as zf
from zfwidgets.task import Cancelled, Task

SIZE = (37, 53)
LAYERS = {"relu1": (6, 18, 26), "pool": (6, 9, 13), "relu2": (9, 9, 13), "fc": (4, 1, 1)}
UNITS = [(0, 0), (8, 12), (3, 7)]


class Small(nn.Module):
    """The kinds of step that the paper's network has."""

    def __init__(self):
        super().__init__()
        self.conv1, self.relu1 = nn.Conv2d(3, 6, (5, 4), stride=2, padding=1), nn.ReLU()
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        self.conv2, self.relu2 = nn.Conv2d(6, 9, 3, padding=1), nn.ReLU()
        self.fc = nn.Linear(9 * 9 * 13, 4)

    def forward(self, x):
        x = self.relu2(self.conv2(self.pool(self.relu1(self.conv1(x)))))
        return self.fc(x.flatten(1))


class Rectifier(torch.autograd.Function):
    """ReLU whose way down is the rule's."""

    @staticmethod
    def forward(ctx, x, rule):
        ctx.save_for_backward(x)
        ctx.rule = rule
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, signal):
        (x,) = ctx.saved_tensors
        if ctx.rule in ("deconvnet", "guided"):
            signal = signal.clamp(min=0)
        if ctx.rule in ("gradient", "guided"):
            signal = signal * (x > 0)
        return signal, None


def by_autograd(module, x, layer, feature, unit, rule):
    """The same in plain torch: the activations of some units, times themselves, down to the pixels."""
    x = x[None].clone().requires_grad_()
    maps = {}
    maps["relu1"] = Rectifier.apply(F.conv2d(x, module.conv1.weight, module.conv1.bias, 2, 1), rule)
    maps["pool"] = F.max_pool2d(maps["relu1"], 2, ceil_mode=True)
    maps["relu2"] = Rectifier.apply(F.conv2d(maps["pool"], module.conv2.weight, module.conv2.bias, 1, 1), rule)
    maps["fc"] = module.fc(maps["relu2"].flatten(1))[..., None, None]
    chosen = maps[layer][0, feature]
    chosen = chosen if unit is None else chosen[unit]
    (down,) = torch.autograd.grad(chosen, x, chosen.detach())
    return down[0].numpy(), float(chosen.detach().sum())


@pytest.fixture(scope="module")
def module():
    torch.manual_seed(11)
    return Small().eval()


@pytest.fixture(scope="module")
def network(module):
    return zf.Network(module, size=SIZE, device="cpu")


@pytest.fixture(scope="module")
def image():
    return zf.photograph("coffee")[100:300, 150:400]


@pytest.fixture(scope="module")
def x(network, image):
    return network.prepare(image)[1]


def assert_same(found, expected, share=1e-5):
    assert found.shape == expected.shape
    assert expected.any(), "nothing came down: this says nothing"
    assert np.abs(found - expected).max() <= share * np.abs(expected).max()


def strongest(module, x, layer, feature):
    """The place of the largest activation."""
    with torch.no_grad():
        maps = {"relu1": module.relu1(module.conv1(x[None]))}
        maps["pool"] = module.pool(maps["relu1"])
        maps["relu2"] = module.relu2(module.conv2(maps["pool"]))
    chosen = maps[layer][0, feature].numpy()
    return tuple(int(place) for place in np.unravel_index(chosen.argmax(), chosen.shape))


@pytest.mark.parametrize("rule", ["deconvnet", "gradient", "guided"])
@pytest.mark.parametrize("layer", LAYERS)
def test_a_whole_map_is_what_autograd_carries_down(module, network, image, x, layer, rule):
    found = zf.project(network, image, layer, 2, unit="all", rule=rule)
    pixels, activation = by_autograd(module, x, layer, 2, None, rule)
    assert_same(found.pixels, pixels)
    assert found.activation == pytest.approx(activation, rel=1e-4)
    assert (found.unit, found.box, found.rule) == (None, (0, 0, *SIZE), rule)


@pytest.mark.parametrize("rule", ["deconvnet", "gradient", "guided"])
@pytest.mark.parametrize("layer", ["relu1", "pool", "relu2"])
def test_the_strongest_unit_is_what_autograd_carries_down(module, network, image, x, layer, rule):
    found = zf.project(network, image, layer, 4, rule=rule)
    assert found.unit == strongest(module, x, layer, 4)
    pixels, activation = by_autograd(module, x, layer, 4, found.unit, rule)
    assert_same(found.pixels, pixels)
    assert found.activation == pytest.approx(activation, rel=1e-5)


@pytest.mark.parametrize("unit", [*UNITS, "max", "all"])
@pytest.mark.parametrize("layer", ["pool", "relu2"])
def test_a_crop_gives_the_numbers_of_the_whole_image(network, image, layer, unit):
    features = range(6)  # at a given place some are silent
    whole = [zf.project(network, image, layer, feature, unit, crop=False) for feature in features]
    cropped = [zf.project(network, image, layer, feature, unit) for feature in features]
    assert_same(np.stack([p.pixels for p in cropped]), np.stack([p.pixels for p in whole]))
    assert [p.box for p in cropped] == [p.box for p in whole]
    assert [p.activation for p in cropped] == pytest.approx([p.activation for p in whole], abs=1e-5)


@pytest.mark.parametrize("unit", UNITS)
def test_all_that_comes_down_lies_in_the_receptive_field(network, image, unit):
    found = zf.project(network, image, "relu2", int(np.argmax(unit_values(network, image, unit))), unit)
    assert found.box == network.program.receptive_field(network.step("relu2"), *unit)
    top, left, bottom, right = found.box
    inside = np.zeros(SIZE, bool)
    inside[top:bottom, left:right] = True
    assert not found.pixels[:, ~inside].any()
    assert found.pixels[:, inside].any()
    assert (found.patch == found.picture[top:bottom, left:right]).all()


def unit_values(network, image, unit):
    return zf.ImageFeatures(network, image).maps("relu2")[:, unit[0], unit[1]]


def test_the_box_is_where_a_changed_pixel_changes_the_unit(module, network, image, x):
    found = zf.project(network, image, "relu2", 0, (4, 6))
    probe = x.clone().double().requires_grad_()
    signal = copy_linear(module)(probe[None])[0, :, 4, 6].sum()
    (gradient,) = torch.autograd.grad(signal, probe)
    touched = (gradient != 0).any(0)
    rows, columns = touched.any(1).nonzero().flatten(), touched.any(0).nonzero().flatten()
    assert found.box == (int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def copy_linear(module):
    """The same windows with averages in place of maxima and no rectifier, so that every pixel counts."""
    return nn.Sequential(
        nn.Conv2d(3, 6, (5, 4), stride=2, padding=1), nn.AvgPool2d(2, ceil_mode=True), nn.Conv2d(6, 9, 3, padding=1)
    ).double()


def test_a_silent_unit_projects_to_nothing(network, image):
    silent = np.argwhere(zf.ImageFeatures(network, image).maps("relu2")[3] == 0)[0]
    found = zf.project(network, image, "relu2", 3, tuple(silent))
    assert (found.activation, found.scale, found.robust_scale) == (0, 0, 0)
    assert not found.pixels.any()


@pytest.mark.parametrize("feature", [9, -1, 1.5, "3", None])
def test_a_feature_that_is_not_there_names_the_range(network, image, feature):
    with pytest.raises(ValueError, match=f"'relu2' has the features 0 to 8; {re.escape(repr(feature))} was asked for"):
        zf.project(network, image, "relu2", feature)


@pytest.mark.parametrize("unit", [(9, 0), (0, 13), (-1, 0)])
def test_a_unit_outside_the_map_names_its_rows_and_columns(network, image, unit):
    with pytest.raises(ValueError, match=r"maps of 9 rows and 13 columns; the unit .* lies outside"):
        zf.project(network, image, "relu2", 0, unit)


@pytest.mark.parametrize("unit", ["min", (1,), (1, 2, 3), 4, None, ("a", "b"), (1.5, 2)])
def test_a_unit_that_is_none_says_what_a_unit_is(network, image, unit):
    with pytest.raises(ValueError, match=r'unit is "max", "all", or a \(row, column\)'):
        zf.project(network, image, "relu2", 0, unit)


def test_an_unknown_rule_lists_the_rules(network, image):
    with pytest.raises(ValueError, match="'deconvnet', 'gradient', 'guided'; 'lrp' was given"):
        zf.project(network, image, "relu2", 0, rule="lrp")


def test_an_unknown_layer_gives_the_nearest(network, image):
    with pytest.raises(ValueError, match=r"no layer 'relu3'; near it: relu"):
        zf.project(network, image, "relu3", 0)


@pytest.fixture
def features(network, image):
    return zf.ImageFeatures(network, image)


def test_maps_and_strengths_are_the_modules_activations(module, x, features):
    with torch.no_grad():
        maps = module.pool(module.relu1(module.conv1(x[None])))[0].numpy()
        scores = module(x[None])[0].numpy()
    assert features.maps("pool") == pytest.approx(maps, abs=1e-5)
    assert features.strengths("pool") == pytest.approx(maps.max(axis=(1, 2)), abs=1e-5)
    assert features.maps("fc").shape == (4, 1, 1)
    assert features.maps("fc")[:, 0, 0] == pytest.approx(scores, abs=1e-5)
    assert features.prediction.probability[0] == pytest.approx(np.exp(scores) / np.exp(scores).sum(), abs=1e-6)


def test_looking_again_computes_nothing(features, monkeypatch):
    first = features.project("relu2", 3, (2, 5))

    def refuse(*_, **__):
        raise AssertionError("computed anew")

    monkeypatch.setattr("zfwidgets.experiments.projection.image_features.project_units", refuse)
    monkeypatch.setattr("zfwidgets.experiments.projection.image_features.forward", refuse)
    assert features.project("relu2", 3, (2, 5)) is first


@pytest.mark.parametrize("unit", [(3, 7), "all"])
def test_what_is_no_longer_wanted_is_given_up(features, unit):
    with pytest.raises(Cancelled):
        features.project("relu2", 3, unit, task=Task(lambda: True))
    assert features.project("relu2", 3, unit).layer == "relu2"


@pytest.mark.parametrize("unit", UNITS)
def test_the_middle_of_a_units_field_leads_back_to_the_unit(network, features, unit):
    rows, columns = network.step("relu2").fields
    row, column = (
        field.first + field.stride * place + (field.size - 1) / 2
        for field, place in zip((rows, columns), unit, strict=True)
    )
    assert features.unit_at("relu2", row, column) == unit
    assert features.field("relu2", unit) == network.program.receptive_field(network.step("relu2"), *unit)


def test_pixels_beyond_the_last_field_belong_to_the_last_unit(features):
    assert features.unit_at("relu2", 0, 0) == (0, 0)
    assert features.unit_at("relu2", 36, 52) == (8, 12)


def test_numpys_numbers_will_do(network, image, tmp_path):
    found = zf.project(network, image, "relu2", np.int64(4), np.array([3, 7]))
    assert (found.feature, found.unit) == (4, (3, 7))
    found.save(tmp_path / "projection.zf")
    assert zf.Projection.load(tmp_path / "projection.zf").feature == 4


def test_a_projection_says_what_it_is_and_is_drawn(network, image):
    found = zf.project(network, image, "relu2", 4, (3, 7))
    assert repr(found).startswith("Projection(relu2, feature 4, unit (3, 7), activation ")
    assert "whole map" in repr(zf.project(network, image, "relu2", 4, "all"))
    for projection in (found, zf.project(network, image, "fc", 1)):
        assert projection.plot()._repr_png_().startswith(b"\x89PNG\r\n")
