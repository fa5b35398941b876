"""A module is captured once a session, as long as nothing in it has changed; and never found with wrong weights."""

from __future__ import annotations

import copy
import gc

import numpy as np
import pytest
import timm
import torch
import torchvision
from torch import nn

import zfwidgets as zf
from zfwidgets.models import captured, remembered

pytestmark = pytest.mark.slow

IMAGE = np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8)
SLOPE = 0.1


def rectified(x):
    return torch.relu(x)


class Net(nn.Module):
    offset = 0.5

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.conv, self.norm, self.head = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 3)
        self.factor, self._hidden, self.sizes = 2.0, torch.ones(1), [1, 2]

    def forward(self, x):
        x = rectified(self.norm(self.conv(x))) * self.factor + self._hidden + self.offset * SLOPE
        return self.head(x.mean((2, 3)))


@pytest.fixture
def calls(monkeypatch):
    made = []
    whole = captured.capture
    monkeypatch.setattr(captured, "capture", lambda *args: made.append(args) or whole(*args))
    return made


def network(module, **settings):
    return zf.Network(module, **({"size": 24, "device": "cpu"} | settings))


def test_the_same_module_is_captured_once(calls):
    module = Net().eval()
    first = network(module, labels=["a", "b", "c"])
    second = network(module, scores="sigmoid")
    third = network(copy.deepcopy(module))
    assert len(calls) == 1
    assert first.program is second.program is third.program
    assert first.labels != second.labels


@pytest.mark.parametrize(
    "settings", [{"size": 25}, {"channels": 3}, {"output": None, "preprocess": zf.Preprocess((20, 24))}]
)
def test_another_size_or_channels_are_captured_anew(calls, settings):
    module = Net().eval()
    kept = [network(module), network(module, **settings)]
    assert len(calls) == len(kept) == 2


def in_place(module):
    with torch.no_grad():
        module.conv.weight[1, 2, 0, 0] += 1


def change_class(module):
    class Net(nn.Module):
        forward = globals()["Net"].forward
        offset = 0.5

    module.__class__ = Net


CHANGES = {
    "in place": in_place,
    "data": lambda module: module.conv.weight.data.mul_(1.001),
    "numpy": lambda module: module.head.bias.detach().numpy().__setitem__(0, 5),
    "loaded": lambda module: module.load_state_dict({k: v + 1 for k, v in module.state_dict().items()}),
    "buffer": lambda module: module.norm.running_mean.add_(1),
    "attribute": lambda module: setattr(module, "factor", 3.0),
    "private tensor": lambda module: module._hidden.add_(1),
    "list": lambda module: module.sizes.append(3),
    "of a layer": lambda module: setattr(module.conv, "stride", (2, 2)),
    "a layer": lambda module: setattr(module, "norm", nn.Identity()),
    "type": lambda module: module.double(),
    "class": change_class,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whatever_is_changed_is_captured_anew_and_computes_what_the_module_does(calls, change):
    module = Net().eval()
    before = network(module)
    change(module)
    after = network(module)
    assert len(calls) == 2
    assert before.program is not after.program
    with torch.no_grad():
        expected = module(after.batch([IMAGE])).softmax(1).numpy()
    assert after.predict(IMAGE).probability == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("place", "name", "value"),
    [
        (Net, "offset", 0.75),
        (Net, "forward", lambda self, x: self.head(self.conv(x).mean((2, 3)))),
        (None, "SLOPE", 0.9),
        (None, "rectified", lambda x: torch.relu(x) + 1),
    ],
    ids=["class attribute", "method", "setting of the notebook", "helper of the notebook"],
)
def test_code_that_is_defined_anew_is_captured_anew(calls, monkeypatch, place, name, value):
    module = Net().eval()
    before = network(module)
    monkeypatch.setitem(globals(), name, value) if place is None else monkeypatch.setattr(place, name, value)
    after = network(module)
    assert (len(calls), before.program is after.program) == (2, False)


@pytest.mark.parametrize(
    "change",
    [
        lambda module: module.conv.register_forward_hook(lambda *_: None),
        lambda module: module.register_forward_pre_hook(lambda *_: None),
        lambda module: setattr(module, "act", lambda x: x),
        lambda module: setattr(module, "config", object()),
    ],
    ids=["hook", "pre-hook", "lambda", "object"],
)
def test_what_cannot_be_compared_is_not_remembered(calls, change):
    module = Net().eval()
    change(module)
    kept = [network(module), network(module)]
    assert len(calls) == len(kept) == 2
    assert remembered.content_of(module) is None


def test_no_memory_is_kept():
    module = Net().eval()
    before = len(remembered._programs)
    net = network(module)
    assert len(remembered._programs) == before + 1
    del net
    gc.collect()
    assert len(remembered._programs) <= before


@pytest.mark.parametrize(
    "make",
    [
        lambda: torchvision.models.resnet18(weights=None),
        lambda: torchvision.models.mobilenet_v3_small(weights=None),
        lambda: torchvision.models.googlenet(weights=None, init_weights=False),
        lambda: timm.create_model("resnet10t"),
        lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()),
    ],
)
def test_usual_networks_can_be_compared(make):
    module = make()
    assert remembered.content_of(module) == remembered.content_of(copy.deepcopy(module)) is not None
