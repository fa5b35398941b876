"""Every family of convolutional networks, from torchvision and from timm, is captured and computes the same."""

from __future__ import annotations

import pytest
import timm
import torch
from torch import nn
from torchvision.models import get_model

from zfwidgets.backend.capture.exported import capture
from zfwidgets.backend.graph.layer import FeatureLayer
from zfwidgets.backend.graph.op import RULES
from zfwidgets.backend.graph.program import Program
from zfwidgets.backend.run.deconvnet import project_units
from zfwidgets.backend.run.forward import forward
from zfwidgets.backend.run.units import Units

from .. import oracles
from ..oracles import relative_error

pytestmark = pytest.mark.slow
SMALL = (64, 96)
TORCHVISION = {
    "alexnet": SMALL, "vgg11": SMALL, "vgg11_bn": SMALL, "squeezenet1_0": SMALL, "resnet18": SMALL,
    "resnext50_32x4d": SMALL, "googlenet": SMALL, "inception_v3": (79, 107), "densenet121": SMALL,
    "mobilenet_v2": SMALL, "mobilenet_v3_small": SMALL, "efficientnet_b0": SMALL, "shufflenet_v2_x0_5": SMALL,
    "mnasnet0_5": SMALL, "regnet_y_400mf": SMALL, "convnext_tiny": SMALL,
}  # fmt: skip
TIMM = ["resnet26d", "tf_efficientnet_lite0", "convnext_atto", "repvgg_a0", "dla34"]
UNTRAINED = {name: {"aux_logits": False, "init_weights": False} for name in ("googlenet", "inception_v3")}


def built(model: str) -> tuple[nn.Module, tuple[int, int]]:
    torch.manual_seed(3)
    if model in TIMM:
        return timm.create_model(model, pretrained=False).eval(), SMALL
    return get_model(model, weights=None, **UNTRAINED.get(model, {})).eval(), TORCHVISION[model]


def middle_layer(program: Program) -> FeatureLayer:
    """Of the layers that can be cropped, the one in the middle."""
    pixels = program.input.shape[1:]
    local = [
        layer
        for layer in program.layers
        if not layer.whole and all(size < side - 16 for size, side in zip(layer.receptive_field, pixels, strict=True))
    ]
    return local[len(local) // 2]


@pytest.mark.parametrize("model", [*TORCHVISION, *TIMM])
def test_a_family_is_captured_and_computes_the_same(model):
    module, (height, width) = built(model)
    program = capture(module, (3, height, width))
    images = torch.randn(3, 3, height, width)
    with torch.no_grad():
        expected = module(images)
    assert relative_error(forward(program, images, [program.output]).activations[program.output], expected) < 1e-5

    step = program.by_name[middle_layer(program).name]
    rows, columns = step.map_size
    maps = forward(program, images, [step]).activations[step]
    places = [(0, rows // 2, columns // 2), (1, 0, columns - 1), (2, rows - 1, columns // 3)]
    units = torch.tensor([(i, int(maps[i, :, row, column].argmax()), row, column) for i, row, column in places])
    whole = project_units(program, images, step, Units(*units.T), crop=False)
    cropped = project_units(program, images, step, Units(*units.T), crop=True)
    assert cropped.pixels.shape[2] < height or cropped.pixels.shape[3] < width
    assert float(whole.pixels.abs().flatten(1).amax(1).min()) > 0
    on_images = torch.stack([cropped.on_image(i, height, width) for i in range(len(units))])
    assert relative_error(on_images, whole.pixels) < 1e-5
    for i, (_, _, row, column) in enumerate(units.tolist()):
        top, left, bottom, right = program.receptive_field(step, row, column)
        touched = whole.pixels[i].abs().sum(0)
        touched[top:bottom, left:right] = 0
        assert float(touched.max()) == 0


@pytest.mark.parametrize("model", ["resnet18", "mobilenet_v3_small", "shufflenet_v2_x0_5"])
def test_the_answer_of_a_family_is_projected_as_autograd_does(model):
    """In float64, from the last layer down through everything, by the three rules."""
    module, (height, width) = built(model)
    module = module.double()
    program = capture(module, (3, height, width))
    images = torch.randn(2, 3, height, width, dtype=torch.float64)
    units = [(0, 5), (1, 7)]
    columns = Units(torch.tensor([0, 1]), torch.tensor([5, 7]), torch.zeros(2).long(), torch.zeros(2).long())
    for rule in RULES.values():
        expected, _ = oracles.project_units(module, images, "", units, rule.name)
        found = project_units(program, images, program.output, columns, rule)
        assert relative_error(found.pixels, expected) < 1e-10, rule.name
