"""How many channels images have is what the module takes: three, else what its first convolution reads, else one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import zfwidgets as zf


class Apart(nn.Module):
    """Its convolutions are not registered in the order in which they are used."""

    def __init__(self, first=5):
        super().__init__()
        self.head, self.stem = nn.Conv2d(first, 4, 1), nn.Conv2d(3, first, 3)

    def forward(self, x):
        return self.head(self.stem(x).relu())


class Folded(nn.Module):
    """Space into depth first, as TResNet does."""

    def __init__(self, side=4, channels=3):
        super().__init__()
        self.side, self.conv = side, nn.Conv2d(channels * side**2, 6, 3, padding=1)

    def forward(self, x):
        n, c, h, w = x.shape
        s = self.side
        x = x.view(n, c, h // s, s, w // s, s).permute(0, 3, 5, 1, 2, 4).reshape(n, c * s * s, h // s, w // s)
        return self.conv(x).relu()


class Grey(nn.Module):
    """Makes colour images grey by itself."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)

    def forward(self, x):
        return self.conv((x * torch.tensor([0.3, 0.6, 0.1]).view(3, 1, 1)).sum(1, keepdim=True)).relu()


class Repeated(nn.Module):
    """Reads grey images with filters for colours."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x):
        return self.conv(x.repeat(1, 3, 1, 1) if x.shape[1] == 1 else x).relu()


class Sliced(nn.Module):
    """A branch for each channel."""

    def __init__(self):
        super().__init__()
        self.branches = nn.ModuleList(nn.Conv2d(1, 2, 3) for _ in range(3))

    def forward(self, x):
        return torch.cat([branch(x[:, i : i + 1]) for i, branch in enumerate(self.branches)], 1).relu()


class Functional(nn.Module):
    """No convolution is registered at all."""

    def __init__(self, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, channels, 3, 3))

    def forward(self, x):
        return F.conv2d(x, self.weight).relu()


TAKEN = {
    "colour": (lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()), 3),
    "grey": (lambda: nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU()), 1),
    "space to depth": (Folded, 3),
    "space to depth, of torch": (lambda: nn.Sequential(nn.PixelUnshuffle(4), nn.Conv2d(48, 4, 3)), 3),
    "space to depth of grey": (lambda: nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4, 4, 3)), 1),
    "registered in another order": (Apart, 3),
    "a first registered one of one channel": (lambda: Apart(1), 3),
    "made grey": (Grey, 3),
    "grey made colour": (Repeated, 3),
    "a branch for each channel": (Sliced, 3),
    "functional": (lambda: Functional(3), 3),
    "functional, grey": (lambda: Functional(1), 1),
    "depthwise": (lambda: nn.Sequential(nn.Conv2d(3, 6, 3, groups=3), nn.ReLU()), 3),
    "normalised first": (lambda: nn.Sequential(nn.BatchNorm2d(1), nn.Conv2d(1, 4, 3), nn.ReLU()), 1),
}


@pytest.mark.parametrize("name", TAKEN)
def test_images_have_as_many_channels_as_the_module_takes(name):
    build, channels = TAKEN[name]
    network = zf.Network(build().eval(), size=32, device="cpu")
    assert network.program.input.shape == (channels, 32, 32)
    picture = np.random.default_rng(0).integers(0, 256, (40, 36, 3), np.uint8)
    assert network.prepare(picture)[1].shape == (channels, 32, 32)


def test_channels_that_are_said_are_taken():
    assert zf.Network(Repeated(), size=32, channels=1, device="cpu").program.input.shape == (1, 32, 32)


def test_a_network_for_five_channels_says_so_when_it_gets_a_photograph():
    network = zf.Network(nn.Sequential(nn.Conv2d(5, 4, 3), nn.ReLU()), size=32, device="cpu")
    assert network.program.input.shape == (5, 32, 32)
    with pytest.raises(ValueError, match="reads images of 5 channels; after preprocessing there are 3") as refused:
        network.prepare(np.zeros((40, 36, 3), np.uint8))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("module", [Functional(5), Folded(2, 5)], ids=["functional", "folded"])
def test_where_no_number_of_channels_fits_the_message_names_what_was_tried_and_channels(module):
    with pytest.raises(ValueError, match=r"tried with 3, (20, )?1 channels, channels= says how many there are"):
        zf.Network(module, size=32, device="cpu")


@pytest.mark.parametrize(
    "module", [nn.Conv2d(5, 4, 3), Functional(5), Folded(2, 5)], ids=["plain", "functional", "folded"]
)
def test_more_channels_need_a_function_that_makes_such_images(module):
    def bands(image):
        return (
            torch.from_numpy(np.array(image.resize((32, 32)), np.float32)[..., [0, 1, 2, 0, 1]]).permute(2, 0, 1) / 255
        )

    network = zf.Network(module, size=32, channels=5, preprocess=bands, device="cpu")
    assert network.program.input.shape == (5, 32, 32)


def test_the_wrong_number_that_is_said_is_refused_without_others_being_tried():
    with pytest.raises(ValueError, match="images of 1 channels, 32×32 pixels") as refused:
        zf.Network(Apart(), size=32, channels=1, device="cpu")
    assert "tried" not in str(refused.value)


@pytest.mark.slow
def test_timms_space_to_depth_is_captured():
    import timm

    module = timm.create_model("tresnet_m", pretrained=False).eval()
    network = zf.Network(module, size=64, device="cpu")
    assert network.program.input.shape == (3, 64, 64)
    convolutions = {name for name, part in module.named_modules() if isinstance(part, nn.Conv2d)}
    assert convolutions <= {layer.name for layer in network.layers}
