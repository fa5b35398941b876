"""A unit's box holds exactly the pixels that reach it: found with NaN, and with the gradient."""

from __future__ import annotations

import pytest
import torch
from torchvision.models import get_model

from zfwidgets.backend.capture.exported import capture

from .. import oracles
from .cases import case, quick_and_slow
from .traps import TRAPS


def contains(box, other):
    """Both (top, left, bottom, right); an empty one is in all."""
    empty = other[0] >= other[2]
    return empty or (box[0] <= other[0] and box[1] <= other[1] and box[2] >= other[2] and box[3] >= other[3])


@pytest.mark.parametrize("name", quick_and_slow())
def test_every_units_box_is_what_nan_finds(name):
    one, trap = case(name), TRAPS[name]
    seen = oracles.seen_by_nan(one.module, one.images[0], ["trap", ""])
    for site in seen:
        step = one.step(site)
        height, width = seen[site][0].shape[1:]
        for row in range(height):
            for column in range(width):
                found, expected = (
                    one.program.receptive_field(step, row, column),
                    oracles.box_of(seen[site], row, column),
                )
                if trap.loose:
                    assert contains(found, expected), (site, row, column)
                else:
                    assert found == expected, (site, row, column)


@pytest.mark.parametrize("name", quick_and_slow(differentiable=True))
def test_the_gradient_never_leaves_the_box_and_fills_it_where_nothing_is_chosen(name):
    one, trap = case(name), TRAPS[name]
    for site in ("trap", ""):
        step = one.step(site)
        height, width = step.map_size or (1, 1)
        for row, column in {
            (height // 2, width // 2),
            (0, 0),
            (height - 1, width - 1),
            (0, width - 1),
            (height - 1, 0),
        }:
            expected = oracles.box_of_gradient(one.module, one.images[1], site, row, column)
            found = one.program.receptive_field(step, row, column)
            assert contains(found, expected), (site, row, column)
            assert found == expected or not trap.smooth or trap.loose, (site, row, column)


def test_a_fully_connected_layer_sees_everything():
    one = case("flatten and linear")
    assert one.program.receptive_field(one.step(""), 0, 0) == (0, 0, 22, 19)
    assert one.program.layers[-1].whole


PUBLISHED = {  # kernel and stride in pixels: Araujo et al., Distill 2019; for torchvision's ResNet, see below
    "alexnet": {"features.0": (11, 4), "features.2": (19, 8), "features.3": (51, 8), "features.10": (163, 16),
                "features.12": (195, 32)},
    "vgg16": {"features.0": (3, 1), "features.14": (40, 4), "features.28": (196, 16), "features.30": (212, 32)},
    # the published 483 is of the first version, which strides at the end of a stage; torchvision strides at its
    # beginning, in the 3×3 filter: 11 + 3·8 + 8 + 3·16 + 16 + 5·32 + 32 + 2·64 = 427
    "resnet50": {"conv1": (7, 2), "maxpool": (11, 4), "layer1.2.relu_2": (35, 4), "layer2.3.relu_2": (91, 8),
                 "layer3.5.relu_2": (267, 16), "layer4.2.relu_2": (427, 32)},
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("model", PUBLISHED)
def test_receptive_fields_and_strides_of_known_networks_are_the_published_ones(model):
    with torch.device("meta"):
        program = capture(get_model(model, weights=None), (3, 224, 288))
    layers = {layer.name: layer for layer in program.layers}
    for name, (size, stride) in PUBLISHED[model].items():
        assert layers[name].receptive_field == (size, size), name
        assert layers[name].stride == (stride, stride), name


@pytest.mark.slow
@pytest.mark.parametrize(("model", "height"), [("alexnet", 480), ("vgg16", 448), ("resnet50", 704)])
def test_receptive_fields_of_known_networks_are_what_nan_finds(model, height):
    """A tall, narrow image: one unit of the top layer, and the pixel rows inside and outside of both its ends."""
    torch.manual_seed(0)
    module = get_model(model, weights=None).eval()
    program = capture(module, (3, height, 64))
    step = program.by_name[list(PUBLISHED[model])[-1]]
    row = step.map_size[0] // 2
    top, _, bottom, _ = program.receptive_field(step, row, 0)
    assert bottom - top == list(PUBLISHED[model].values())[-1][0]
    images = torch.randn(1, 3, height, 64).repeat(4, 1, 1, 1)
    for image, poisoned in zip(images, (top - 1, top, bottom - 1, bottom), strict=True):
        image[:, poisoned] = torch.nan
    with torch.no_grad():
        _, found = oracles.activations(module, images, [step.name])
    assert found[step.name].isnan()[:, :, row].flatten(1).any(1).tolist() == [False, True, True, False]
