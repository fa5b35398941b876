"""Captum, which hooks modules and knows nothing of programs, projects the same units to the same pixels."""

from __future__ import annotations

from functools import cache

import pytest
import skimage.data
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import get_model

from zfwidgets.backend.capture.exported import capture
from zfwidgets.backend.graph.op import RULES
from zfwidgets.backend.graph.program import Program
from zfwidgets.backend.run.deconvnet import project_units
from zfwidgets.backend.run.forward import forward
from zfwidgets.backend.run.units import Units

from ..oracles import captum_project, for_captum, relative_error

pytestmark = pytest.mark.slow
UNTRAINED = {"googlenet": {"aux_logits": False, "init_weights": False}}

# for each network: the image's height and width, and (our step, Captum's module): a convolution, a rectifier, a pool,
# a merge where there is one, and something with a view of everything
LAYERS = {
    "squeezenet1_1": (95, 127, [
        ("features.4.expand3x3", "features.4.expand3x3"),
        ("features.6.squeeze_activation", "features.6.squeeze_activation"), ("features.5", "features.5"),
        ("features.7.cat", "features.7"), ("classifier.1", "classifier.1"),
    ]),
    "alexnet": (95, 127, [
        ("features.6", "features.6"), ("features.9", "features.9"), ("features.12", "features.12"),
        ("avgpool", "avgpool"), ("classifier.4", "classifier.4"),
    ]),
    "vgg11_bn": (95, 127, [
        ("features.8", "features.8"), ("features.13", "features.13"), ("features.14", "features.14"),
        ("features.23", "features.23"), ("classifier.1", "classifier.1"),
    ]),
    "resnet18": (95, 127, [
        ("layer2.0.conv2", "layer2.0.conv2"), ("layer1.1.relu", "layer1.1.relu"), ("maxpool", "maxpool"),
        ("layer2.1.add", "layer2.1.add"), ("layer3.0.relu_1", "layer3.0.relu_1"), ("avgpool", "avgpool"),
    ]),
    "googlenet": (95, 127, [
        ("inception3b.branch3.1.conv", "inception3b.branch3.1.conv"),
        ("inception4a.branch1.relu", "inception4a.branch1.relu"), ("inception3b.branch4.0", "inception3b.branch4.0"),
        ("inception4b.cat", "inception4b"), ("fc", "fc"),
    ]),
    "densenet121": (95, 127, [
        ("features.denseblock2.denselayer5.conv2", "features.denseblock2.denselayer5.conv2"),
        ("features.denseblock1.denselayer3.relu1", "features.denseblock1.denselayer3.relu1"),
        ("features.transition1.pool", "features.transition1.pool"),
        ("features.denseblock1.cat", "features.denseblock1"), ("features.norm5", "features.norm5"),
    ]),
}  # fmt: skip


def photograph(height: int, width: int) -> Tensor:
    """The cat, cut to size, normalised as torchvision's networks expect it; (1, 3, H, W)."""
    pixels = torch.from_numpy(skimage.data.chelsea()).permute(2, 0, 1)[None].float() / 255
    small = F.interpolate(pixels, (height, width), mode="bilinear", antialias=True)
    mean, spread = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[:, :, None, None]
    return (small - mean) / spread


@cache
def network(model: str) -> tuple[nn.Module, Program]:
    """A network with random weights and lifelike statistics; the program is of the original, not of Captum's."""
    torch.manual_seed(7)
    module = get_model(model, weights=None, **UNTRAINED.get(model, {})).eval()
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.running_mean, std=0.2)
            nn.init.uniform_(part.running_var, 0.5, 2.0)
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.normal_(part.bias, std=0.2)
    height, width, _ = LAYERS[model]
    program = capture(module, (3, height, width)).to(torch.device("cpu"), torch.float32)
    return for_captum(module), program


def named(program: Program, name: str, model: str):
    """The step of that name; of a dense block's many concatenations, the last."""
    if model == "densenet121" and name.endswith("denseblock1.cat"):
        return program.by_name["features.transition1.norm"].inputs[0]
    return program.by_name[name]


@pytest.mark.parametrize("content", ["noise", "photograph"])
@pytest.mark.parametrize("model", LAYERS)
def test_captum_finds_the_same(model, content):
    height, width, layers = LAYERS[model]
    module, program = network(model)
    image = photograph(height, width)
    if content == "noise":
        image = torch.randn(image.shape, generator=torch.Generator().manual_seed(8))
    errors = {}
    for name, part in layers:
        step = named(program, name, model)
        activation = forward(program, image, [step]).activations[step][0]
        rows, columns = activation.shape[1:] if activation.ndim == 3 else (1, 1)
        maps = activation.reshape(len(activation), rows, columns)
        row, column = (0, columns - 1) if content == "noise" else (rows // 2, columns // 3)
        feature = int(maps[:, row, column].argmax())
        units = Units(*torch.tensor([[0, feature, row, column]]).T)
        for rule in RULES if name == layers[0][0] else ("deconvnet",):
            expected = captum_project(module, image, part, (feature, row, column)[: activation.ndim], rule)
            assert float(expected.abs().max()) > 0
            for crop in (True, False):
                patches = project_units(program, image, step, units, RULES[rule], crop=crop)
                errors[name, rule, crop] = relative_error(patches.on_image(0, height, width)[None], expected)
    assert max(errors.values()) < 1e-5, {key: error for key, error in errors.items() if error >= 1e-5}


def test_what_captum_is_given_computes_what_torchvisions_network_computes():
    """Rewriting for Captum must not change the network: the oracle would be of another one."""
    for model, (height, width, _) in LAYERS.items():
        module, program = network(model)
        image = photograph(height, width)
        with torch.no_grad():
            expected = module(image)
        assert relative_error(forward(program, image, [program.output]).activations[program.output], expected) < 1e-5
