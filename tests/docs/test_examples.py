"""The examples of the documentation: each does what its page says of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import zfwidgets as zf
from zfwidgets.backend.graph.op import DECONVNET
from zfwidgets.drawing import heat
from zfwidgets.task import Cancelled, Task

from .conftest import EXAMPLES

pytestmark = pytest.mark.slow


class TwoPaths(nn.Module):
    """Two convolutions of which the larger answer counts, under a third one; and classes."""

    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Conv2d(3, 6, 3), nn.Conv2d(3, 6, 3)
        self.above, self.classes = nn.Conv2d(6, 4, 3, stride=2), nn.Linear(4, 3)

    def forward(self, x):
        larger = torch.maximum(self.left(x), self.right(x))
        return self.classes(self.above(larger).relu().mean((2, 3)))


@pytest.fixture(scope="module")
def module():
    torch.manual_seed(5)
    return TwoPaths().double().eval()


@pytest.fixture(scope="module")
def images():
    random = np.random.default_rng(1)
    return {name: random.integers(0, 256, (17, 23, 3), np.uint8) for name in ("first", "second", "third")}


@pytest.fixture
def network(module):
    return zf.Network(module, size=(17, 23), labels=["ant", "bee", "cat"], device="cpu", name="two paths")


def by_autograd(module, x, feature, row, column):
    """The gradient of one unit of the layer above the maximum, multiplied by the unit's activation."""
    x = x.clone().requires_grad_()
    unit = module.above(torch.maximum(module.left(x), module.right(x)))[0, feature, row, column]
    (gradient,) = torch.autograd.grad(unit, x)
    return (gradient[0] * unit).detach().numpy()


def test_without_the_operation_of_the_example_the_exact_gradient_stands_in(network):
    assert "maximum (1)" in repr(network.report())


def test_the_operation_has_a_rule(example, module):
    example("maxout")
    net = zf.Network(module, size=(17, 23), device="cpu")
    assert "Every operation has a deconvnet rule." in repr(net.report())
    assert net.layer("maximum").kind == "merge"


@pytest.mark.parametrize("crop", [True, False])
@pytest.mark.parametrize("rule", ["deconvnet", "gradient", "guided"])  # they differ at rectifiers, and there is none
def test_the_operation_projects_as_autograd_does(example, module, images, rule, crop):
    example("maxout")
    net = zf.Network(module, size=(17, 23), device="cpu")
    x = net.prepare(images["first"])[1][None]
    for feature, unit in ((0, (0, 0)), (3, (4, 7)), (2, (6, 9))):
        found = zf.project(net, images["first"], "above", feature, unit, rule, crop=crop)
        assert found.pixels == pytest.approx(by_autograd(module, x, feature, *unit), rel=1e-5, abs=1e-6)


def test_of_equals_the_first_path_gets_the_signal(example):
    op, x = example("maxout").Maxout(), torch.tensor([[1.0, 2.0, 3.0]])
    y = torch.tensor([[1.0, 3.0, 2.0]])
    output, kept = op.record((x, y), DECONVNET)
    assert output.tolist() == [[1, 3, 3]]
    signals = op.project(torch.tensor([[4.0, 5.0, 6.0]]), kept, DECONVNET)
    assert [signal.tolist() for signal in signals] == [[[4, 0, 6]], [[0, 5, 0]]]


def test_what_the_operation_cannot_do_is_left_to_the_exact_gradient(example):
    class Broadcast(nn.Module):
        def forward(self, x):
            return torch.maximum(x, x.mean((2, 3), keepdim=True))

    example("maxout")
    assert "maximum (1)" in repr(zf.Network(Broadcast(), size=(9, 7), device="cpu").report())


def test_the_experiment_gives_the_means_of_the_modules_own_maps(example, module, network, images):
    found = example("mean_activation").mean_activation(network, images, "above")
    x = network.batch(list(images.values()))
    maps = module.above(torch.maximum(module.left(x), module.right(x)))
    assert found.values == pytest.approx(maps.mean((2, 3)).detach().numpy(), rel=1e-5)
    assert found.names == tuple(images)
    assert repr(found) == "MeanActivation(two paths, above: 4 maps, 3 images)"
    assert found.strongest(2).tolist() == np.argsort(-found.values.mean(0))[:2].tolist()


def test_the_experiment_says_what_is_wrong_and_can_be_cancelled(example, network, images):
    mean_activation = example("mean_activation").mean_activation
    with pytest.raises(ValueError, match="near it: above"):
        mean_activation(network, images, "abov")
    with pytest.raises(Cancelled):
        mean_activation(network, images, "above", Task(cancelled=lambda: True))
    said = []
    mean_activation(network, images, "above", Task(report=lambda *words: said.append(words)))
    assert said[-1] == (3, 3, "images")


def test_the_experiments_result_is_saved_loaded_and_drawn(example, network, images, tmp_path):
    room = example("mean_activation")
    found = room.mean_activation(network, images, "above")
    found.save(tmp_path / "found.safetensors")
    loaded = room.MeanActivation.load(tmp_path / "found.safetensors")
    assert (loaded.values == found.values).all()
    assert (loaded.names, loaded.layer, loaded.network) == (found.names, "above", "two paths")
    (axes,) = loaded.plot(maps=3).axes
    assert [label.get_text() for label in axes.get_xticklabels()] == list(map(str, found.strongest(3)))
    assert [bar.get_height() for bar in axes.patches] == pytest.approx(found.values.mean(0)[found.strongest(3)])


def test_the_widget_is_at_most_forty_lines_long():
    assert len((EXAMPLES / "activation_map.py").read_text(encoding="utf-8").splitlines()) <= 40


def test_the_widget_shows_the_chosen_map(example, network, images):
    panel = example("activation_map").ActivationMap(network, images, image="second", layer="above", feature=2)
    assert panel.error == ""
    expected = zf.ImageFeatures(network, images["second"]).maps("above")[2]
    assert (panel.result == expected).all()
    shown = np.frombuffer(panel.picture.pixels, np.uint8).reshape(panel.picture.height, panel.picture.width, 4)
    assert (shown[..., :3] == heat(expected)).all()
    panel.feature = 1
    assert panel.picture.caption == "feature 1"


def test_the_widget_takes_the_strongest_map_where_nobody_has_chosen_one(example, network, images):
    panel = example("activation_map").ActivationMap(network, images, layer="above")
    strengths = zf.ImageFeatures(network, images["first"]).strengths("above")
    assert panel.feature == strengths.argmax()


def test_the_widget_shares_a_feature_explorers_selection(example, network, images):
    explorer = zf.FeatureExplorer(network, images, layer="above", feature=3)
    panel = example("activation_map").ActivationMap(selection=explorer.selection)
    assert (panel.image, panel.layer, panel.feature) == ("first", "above", 3)
    explorer.image = "third"
    explorer.feature = 1
    assert (panel.result == zf.ImageFeatures(network, images["third"]).maps("above")[1]).all()
    panel.layer = "left"
    assert explorer.layer == "left"
    assert explorer.result.layer == "left"
