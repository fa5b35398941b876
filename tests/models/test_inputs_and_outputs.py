"""How many channels the images have, which result is the output, and what is said where there is nothing to look at."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import zfwidgets as zf

from ..backend.networks import Apply, conv


class GreyFirst(nn.Module):
    """What is registered first is not what is called first."""

    def __init__(self):
        super().__init__()
        self.edges, self.stem = conv(1, 2, 3, padding=1), conv(3, 4, 3, padding=1)

    def forward(self, x):
        return self.stem(x).relu() + self.edges(x.mean(1, keepdim=True)).mean(1, keepdim=True)


class Stages(nn.Module):
    def __init__(self):
        super().__init__()
        self.low, self.high = conv(3, 6, 3), conv(6, 7, 3, 2)

    def forward(self, x):
        low = self.low(x).relu()
        return [low, self.high(low).relu()]


CHANNELS = {
    "space folded into depth": (lambda: nn.Sequential(nn.PixelUnshuffle(4), conv(48, 6, 3)), 3),
    "grey registered first": (GreyFirst, 3),
    "colour made grey inside": (lambda: nn.Sequential(Apply(lambda x: x.mean(1, keepdim=True)), conv(1, 4, 3)), 3),
    "grey": (lambda: nn.Sequential(conv(1, 4, 3), nn.ReLU()), 1),
    "grey without a convolution": (lambda: nn.Sequential(nn.Flatten(), nn.Linear(32 * 32, 5)), 1),
    "five": (lambda: nn.Sequential(conv(5, 4, 3), nn.ReLU()), 5),
}


@pytest.mark.parametrize("name", CHANNELS)
def test_images_have_as_many_channels_as_the_module_takes(name):
    build, channels = CHANNELS[name]
    assert zf.Network(build(), size=32).program.input.shape == (channels, 32, 32)


def test_where_none_fits_the_message_names_the_channels_that_were_tried():
    module = nn.Sequential(nn.PixelUnshuffle(4), conv(32, 6, 3))
    with pytest.raises(ValueError, match="tried with 3, 32, 1 channels, channels= says how many there are"):
        zf.Network(module, size=32)
    assert zf.Network(module, size=32, channels=2).program.input.shape == (2, 32, 32)


def test_the_main_layers_of_a_backbone_reach_its_last_stage():
    net = zf.Network(Stages(), size=32)
    assert [layer.name for layer in net.main_layers] == ["relu", "relu_1"]
    assert [layer.name for layer in zf.Network(Stages(), size=32, output=0).main_layers] == ["relu"]
    assert "output= chooses another one" in repr(net.report())


def test_a_network_without_a_layer_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="has no layer to look at"):
        zf.Network(Apply(lambda x: x[..., None].mean((1, 2))), size=32)


def test_weights_without_a_shape_are_refused_in_a_sentence():
    module = nn.Sequential(nn.Flatten(), nn.LazyLinear(3))
    with pytest.raises(ValueError, match=r"'1\.weight' have no shape yet; call the module once"):
        zf.Network(module, size=8)
    module(torch.zeros(1, 3, 8, 8))
    assert zf.Network(module, size=8).layers[-1].channels == 3
