"""Parameters and multiply–adds: by hand where it fits on a line, elsewhere as published with torchvision's weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import get_model, get_model_weights

from zfwidgets.backend.capture.exported import capture

from .cases import case, quick_and_slow

MODELS = ["alexnet", "squeezenet1_1", "resnet18", "vgg16", "resnet50", "googlenet", "inception_v3", "densenet121",
        "mobilenet_v2", "mobilenet_v3_small", "mnasnet0_5", "shufflenet_v2_x0_5", "efficientnet_b0", "regnet_y_400mf",
        "convnext_tiny"]  # fmt: skip


def published(model: str) -> tuple[int, float]:
    """Parameters, and billions of multiply–adds."""
    meta = next(iter(get_model_weights(model))).meta
    return meta["num_params"], meta["_ops"]


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_totals_are_the_published_ones_and_half_of_the_operations_that_torch_counts(model):
    options = {"aux_logits": False, "init_weights": False} if model in ("googlenet", "inception_v3") else {}
    module = get_model(model, weights=None, **options).eval()
    size = 299 if model == "inception_v3" else 224
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(torch.zeros(1, 3, size, size))
    steps = capture(module, (3, size, size)).steps
    macs, parameters = (sum(getattr(step, what) for step in steps) for what in ("macs", "parameters"))
    assert macs == counter.get_total_flops() / 2
    assert parameters == sum(weight.numel() for weight in module.parameters())
    stated, billions = published(model)
    if model == "inception_v3":  # published with the auxiliary head, which only training uses
        stated -= 3_326_696
    assert parameters == stated
    assert round(macs / 1e9, 3) == pytest.approx(billions, abs=1e-9)


def test_each_layer_counts_what_it_multiplies_and_what_it_learns():
    module = nn.Sequential(
        nn.Conv2d(6, 9, (3, 5), stride=(2, 1), groups=3, bias=False),
        nn.BatchNorm2d(9),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(9, 4, 2, dilation=2, padding="same"),
        nn.Flatten(),
        nn.Linear(4 * 4 * 8, 10),
    )
    layers = {layer.name: layer for layer in capture(module, (6, 17, 20)).layers}
    assert (layers["0"].height, layers["0"].width) == (8, 16)
    assert (layers["0"].parameters, layers["0"].macs) == (9 * 2 * 3 * 5, 9 * 8 * 16 * 2 * 3 * 5)
    assert (layers["1"].parameters, layers["1"].macs) == (18, 0)
    assert (layers["2"].parameters, layers["3"].parameters) == (0, 0)
    assert (layers["4"].parameters, layers["4"].macs) == (4 * 9 * 2 * 2 + 4, 4 * 4 * 8 * 9 * 2 * 2)
    assert (layers["6"].parameters, layers["6"].macs) == (128 * 10 + 10, 128 * 10)


@pytest.mark.parametrize("name", quick_and_slow())
def test_every_parameter_is_counted_once_however_it_is_used(name):
    one = case(name)
    assert sum(step.parameters for step in one.program.steps) == sum(p.numel() for p in one.module.parameters())


def test_a_convolution_called_twice_costs_twice():
    one = case("a convolution called twice")
    assert one.program.by_name["trap.a"].macs == one.program.by_name["trap.a_1"].macs == 8 * 11 * 20 * 8 * 9
