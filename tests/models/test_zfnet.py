"""The paper's network is the paper's: its sizes, its parameters, its variants; and what its deconvnet does."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import zfwidgets as zf
from tests import oracles


def parameters(net: nn.Module) -> int:
    return sum(weight.numel() for weight in net.parameters())


@pytest.mark.parametrize(
    ("settings", "count"),
    [
        ({}, 62_357_608),
        ({"hidden": (2048, 2048)}, 28_848_232),
        ({"hidden": (8192, 8192)}, 154_542_184),
        ({"maps": (96, 256, 512, 1024, 512)}, 107_627_624),
        ({"maps": (96, 256, 512, 1024, 512), "hidden": (8192, 8192)}, 237_560_936),
    ],
)
def test_it_has_as_many_parameters_as_the_papers(settings, count):
    with torch.device("meta"):
        assert parameters(zf.zfnet(**settings)) == count


@pytest.mark.slow
def test_its_maps_have_the_sizes_of_figure_3():
    net = zf.Network(zf.zfnet(hidden=(8, 8)), 224)
    sizes = {layer.name: (layer.channels, layer.height) for layer in net.layers}
    expected = {"conv1": (96, 110), "pool1": (96, 55), "conv2": (256, 26), "pool2": (256, 13), "conv3": (384, 13),
                "conv4": (384, 13), "conv5": (256, 13), "pool5": (256, 6)}  # fmt: skip
    assert {name: sizes[f"features.{name}"] for name in expected} == expected


def test_alexnet_differs_in_its_first_two_layers():
    with torch.device("meta"):
        alexnet, zfnet = zf.alexnet_zf(), zf.zfnet()
    first = [(net.features.conv1.kernel_size[0], net.features.conv1.stride[0]) for net in (alexnet, zfnet)]
    second = [(net.features.conv2.kernel_size[0], net.features.conv2.stride[0]) for net in (alexnet, zfnet)]
    assert first == [(11, 4), (7, 2)]
    assert second == [(5, 1), (5, 2)]
    image = torch.zeros(1, 3, 224, 224, device="meta")
    assert {tuple(net.features(image).shape) for net in (alexnet, zfnet)} == {(1, 256, 6, 6)}


@pytest.mark.parametrize("without", [(3, 4), (7,), (6, 7), (3, 4, 6, 7)])
def test_layers_can_be_left_out_as_in_table_3(without):
    with torch.device("meta"):
        net = zf.zfnet(without=without)
        names = {name for name, _ in net.named_modules()}
        assert tuple(net(torch.zeros(2, 3, 224, 224)).shape) == (2, 1000)
    assert {number for number in range(1, 9) if not {f"features.conv{number}", f"classifier.fc{number}"} & names} == {
        *without
    }


@pytest.mark.parametrize("settings", [{"without": (1,)}, {"without": (5,)}, {"maps": (1, 2, 3)}, {"hidden": (8,)}])
def test_other_layers_than_the_papers_are_refused(settings):
    with pytest.raises(ValueError, match=r"can be left out|five numbers"):
        zf.zfnet(**settings)


def test_first_weights_are_the_papers():
    torch.manual_seed(0)
    net = zf.zfnet(hidden=(64, 64))
    assert all(not part.bias.any() for part in net.modules() if isinstance(part, nn.Conv2d | nn.Linear))
    assert net.features.conv3.weight.std().item() == pytest.approx(0.01, rel=0.01)


@pytest.fixture(scope="module")
def small():
    """The paper's operations in the paper's order, with few maps; its contrast normalisation made strong."""
    torch.manual_seed(3)
    net = zf.zfnet(5, maps=(6, 7, 8, 8, 6), hidden=(9, 9), size=64).double().eval()
    for part in net.modules():
        if isinstance(part, nn.LocalResponseNorm):
            part.alpha = 0.9
        if isinstance(part, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(part.weight)
    return net


def test_its_deconvnet_passes_over_normalisation_and_adds_where_pools_overlap(small):
    images = torch.randn(2, 3, 64, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    net = zf.Network(small, 64)
    units = [(0, 2, 1, 1), (1, 5, 0, 1)]
    expected, _ = oracles.project_units(small, images, "features.relu5", units, "deconvnet")
    from zfwidgets.backend.run.deconvnet import project_units
    from zfwidgets.backend.run.units import Units

    chosen = Units(*(torch.tensor(column) for column in zip(*units, strict=True)))
    program = net.program.to(torch.device("cpu"), torch.float64)
    found = project_units(program, images, program.by_name["features.relu5"], chosen)
    pixels = torch.stack([found.on_image(place, 64, 64) for place in range(2)])
    assert oracles.relative_error(pixels, expected) < 1e-10
    exact, _ = oracles.project_units(small, images, "features.relu5", units, "gradient")
    assert oracles.relative_error(pixels, exact) > 0.1  # it makes a difference here


def test_overlapping_pools_add_their_signals():
    pool = nn.Sequential(nn.Conv2d(1, 1, 1), nn.MaxPool2d(3, 2, ceil_mode=True))
    with torch.no_grad():
        pool[0].weight.fill_(1), pool[0].bias.fill_(0)
    x = torch.zeros(1, 1, 5, 5)
    x[0, 0, 2, 2] = 4.0  # the maximum of all four windows
    net = zf.Network(pool, 5, channels=1, preprocess=zf.Preprocess((5, 5), mean=(0.0,), std=(1.0,)))
    from zfwidgets.backend.graph.op import DECONVNET
    from zfwidgets.backend.run.deconvnet import project
    from zfwidgets.backend.run.forward import forward

    record = forward(net.program, x, [net.program.output], DECONVNET)
    found = project(net.program, record, net.program.output, torch.ones(1, 1, 2, 2))
    assert found[0, 0, 2, 2] == 4
    assert found.sum() == 4


def test_the_small_network_takes_another_first_layer():
    first = zf.zfnet_shapes(kernel_size=11, stride=4).features[0]
    assert (first.kernel_size, first.stride, first.padding) == ((11, 11), (4, 4), (5, 5))
