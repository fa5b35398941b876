"""Names are those of torchvision's feature extraction; the trunk is what nothing goes round."""

from __future__ import annotations

import warnings
from functools import cache

import pytest
import torch
from torch import nn
from torchvision.models import get_model
from torchvision.models.feature_extraction import get_graph_node_names

from zfwidgets.backend.capture.exported import capture
from zfwidgets.backend.graph.program import Program
from zfwidgets.backend.graph.step import Step

from .cases import case
from .traps import TRAPS

UNTRAINED = {"googlenet": {"aux_logits": False, "init_weights": False}}
MODELS = ["squeezenet1_1", "resnet18", *(pytest.param(m, marks=pytest.mark.slow) for m in ("vgg11_bn", "googlenet"))]


@cache
def captured(model: str) -> tuple[nn.Module, Program]:
    with torch.device("meta"):
        module = get_model(model, weights=None, **UNTRAINED.get(model, {})).eval()
    return module, capture(module, (3, 64, 96))


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_names_are_those_that_torchvision_gives(model):
    module, program = captured(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, theirs = get_graph_node_names(module)
    kinds = {name: type(part).__name__ for name, part in module.named_modules()}
    theirs = [name for name in theirs[1:] if "Dropout" not in kinds.get(name, "")]
    assert [step.name for step in program.steps[1:]] == theirs


def test_a_module_used_again_is_numbered():
    _, program = captured("resnet18")
    block = [step.name for step in program.steps if step.name.startswith("layer2.0.")]
    assert block == [
        "layer2.0.conv1", "layer2.0.bn1", "layer2.0.relu", "layer2.0.conv2", "layer2.0.bn2",
        "layer2.0.downsample.0", "layer2.0.downsample.1", "layer2.0.add", "layer2.0.relu_1",
    ]  # fmt: skip


def test_no_name_is_given_twice_where_modules_are_called_like_second_calls():
    class Trap(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.conv_1, self.input = (nn.Conv2d(3, 3, 1) for _ in range(3))

        def forward(self, x):
            return self.input(self.conv_1(self.conv(self.conv(x))))

    names = [step.name for step in capture(Trap(), (3, 6, 8)).steps]
    assert names == ["input", "conv", "conv_1", "conv_1_1", "input_1"]


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAPS)
def test_every_name_is_given_once(name):
    program = case(name).program
    names = [step.name for step in program.steps]
    assert len(set(names)) == len(names)
    assert set(program.by_name) == set(names)


def reaches_output_without(program: Program, removed: Step) -> bool:
    """Whether the image still gets to the output when one step is cut out."""
    reached = {program.input}
    for step in program.steps[1:]:
        if step is not removed and reached & set(step.inputs):
            reached.add(step)
    return program.output in reached


@pytest.mark.parametrize("model", ["resnet18", pytest.param("mobilenet_v3_small", marks=pytest.mark.slow)])
def test_the_trunk_is_what_cuts_the_network_in_two(model):
    _, program = captured(model)
    for layer in program.layers:
        step = program.by_name[layer.name]
        assert layer.dominates_output != reaches_output_without(program, step), layer.name


def test_the_trunk_of_a_resnet_goes_round_its_branches():
    _, program = captured("resnet18")
    trunk = {layer.name for layer in program.layers if layer.dominates_output}
    assert {"conv1", "maxpool", "layer1.0.add", "layer1.0.relu_1", "layer4.1.relu_1", "fc"} <= trunk
    assert not {"layer1.0.conv1", "layer1.0.bn2", "layer2.0.downsample.0"} & trunk
    assert len(trunk) == 4 + 2 * 8 + 3  # stem, two a block, head


def test_what_the_first_output_does_not_need_is_no_trunk():
    class Branching(nn.Module):
        def __init__(self):
            super().__init__()
            self.main, self.side = nn.Conv2d(3, 2, 3), nn.Conv2d(3, 2, 1)

        def forward(self, x):
            return self.main(x), self.side(x)

    trunk = {layer.name: layer.dominates_output for layer in capture(Branching(), (3, 6, 8)).layers}
    assert trunk == {"main": True, "side": False}
