"""A layer is found by its name or its title, and what was meant is guessed when it is not."""

from __future__ import annotations

import pytest
import torch
import torchvision

import zfwidgets as zf
from zfwidgets.models.lookup import find_layer, nearest_layers


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(1)
    return zf.Network(torchvision.models.resnet18(weights=None), size=64, device="cpu")


def test_names_and_titles_find_the_same_layer(net):
    for layer in net.layers:
        assert net.layer(layer.title) is layer
        assert net.layer(layer.name) is layer
        assert net.step(layer.title) is net.step(layer.name)


@pytest.mark.parametrize("typed", ["stage 3 · block 2", "stage 3 block 2", "Stage 3, Block 2", "stage3/block2"])
def test_a_title_may_be_typed_as_is_easiest(net, typed):
    assert net.layer(typed).name == "layer3.1.relu_1"


def test_names_and_titles_may_be_mixed_and_come_back_as_names(net):
    assert net.layer_names(["stage 2 · block 1", "relu"], ()) == ("relu", "layer2.0.relu_1")
    assert net.layer_names("conv 1", ()) == ("relu",)


def test_a_name_comes_before_a_title_that_is_typed_alike(net):
    assert net.layer("conv1").title == "conv 1 · before norm"
    assert net.layer("Conv1").title == "conv 1"


def test_what_fits_several_titles_is_none(net):
    alike = [layer for layer in net.layers if layer.title in ("conv 1", "pool 1")]
    assert find_layer(alike, "pool1") is alike[1]
    assert find_layer([*alike, alike[1]], "POOL 1") is None


@pytest.mark.parametrize("typed", ["", "·", "stage 9 · block 1", "conv", None, 3])
def test_what_there_is_not_is_not_found(net, typed):
    assert find_layer(net.layers, typed) is None


def test_an_unknown_layer_gives_the_nearest_names_and_titles(net):
    assert "stage 3 · block 2" in nearest_layers(net.layers, "stage 3 · block 3")
    assert "layer3.1.conv1" in nearest_layers(net.layers, "layer3.1.conv9")
    assert nearest_layers(net.layers, "@@@") == ["conv1", "bn1", "relu"]
    with pytest.raises(ValueError, match=r"ResNet has no layer 'stage 3 · block 3'; near it: stage 3 · block"):
        net.layer("stage 3 · block 3")


def test_experiments_take_titles_and_their_results_keep_the_name(net):
    image = torch.rand(3, 64, 64)
    by_title = zf.project(net, image, "stage 2 · block 1", 3)
    by_name = zf.project(net, image, "layer2.0.relu_1", 3)
    assert by_title.layer == by_name.layer == "layer2.0.relu_1"
    assert (by_title.pixels == by_name.pixels).all()
    tops = zf.top_activations(net, [image], layers=["stage 2 · block 1"], k=1, per_image=1)
    assert tops.layers == ("layer2.0.relu_1",)
    assert zf.gallery(net, [image], tops, "stage 2 · block 1", [3]).layer == "layer2.0.relu_1"
