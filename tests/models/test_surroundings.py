"""Contexts and defaults around a call change no number: neither where a network is made, nor where it is used."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pytest
import torch
from torch import nn
from torchvision import transforms

import zfwidgets as zf

pytestmark = pytest.mark.slow

SIZE = (20, 28)
IMAGE = np.random.default_rng(0).integers(0, 256, (31, 44, 3), np.uint8)


@contextmanager
def default_dtype(kind):
    before = torch.get_default_dtype()
    torch.set_default_dtype(kind)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def default_device(device):
    torch.set_default_device(device)
    try:
        yield
    finally:
        torch.set_default_device(None)


SURROUNDINGS = {
    "inference_mode": torch.inference_mode,
    "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
    "default_device": lambda: default_device("meta"),
    "double": lambda: default_dtype(torch.float64),
    "half": lambda: default_dtype(torch.bfloat16),
}


class Small(nn.Module):
    """With constants made as it runs, a buffer, a norm, and a step without a rule of its own."""

    def __init__(self):
        super().__init__()
        self.conv1, self.norm, self.relu = nn.Conv2d(3, 6, 5, stride=2), nn.BatchNorm2d(6), nn.ReLU()
        self.pool, self.conv2, self.head = nn.MaxPool2d(2), nn.Conv2d(6, 8, 3, padding=1), nn.Linear(8, 4)

    def forward(self, x):
        x = self.pool(self.relu(self.norm(self.conv1(x - torch.tensor(0.25)))))
        return self.head(torch.sin(torch.relu(self.conv2(x))).mean((2, 3)))


def module():
    torch.manual_seed(3)
    made = Small().eval()
    made.norm.running_mean.uniform_(-1, 1)
    return made


MODULE = module()
OWN = transforms.Compose([transforms.Resize(SIZE), transforms.ToTensor(), transforms.Normalize([0.4] * 3, [0.3] * 3)])
PREPROCESSES = {"default": None, "own": OWN}


def made(preprocess):
    return zf.Network(MODULE, size=SIZE, preprocess=preprocess, device="cpu")


def numbers(net):
    """Everything that is computed in the network for one image."""
    occluded = zf.occlusion(net, IMAGE, size=8, stride=6)
    tops = zf.top_activations(net, [IMAGE, IMAGE[::-1]], layers="all", k=2, progress=False, workers=0)
    curves = zf.invariance(net, [IMAGE], transforms=[("rotation", [0, 10]), ("blur", [0, 2])])
    return {
        "prediction": net.predict([IMAGE, IMAGE[::-1]]).probability,
        "gradient": zf.project(net, IMAGE, "conv2", 3, rule="gradient").pixels,
        "deconvnet": zf.project(net, IMAGE, "norm", 2, (1, 3)).pixels,
        "whole map": zf.project(net, IMAGE, "norm", 2, "all", crop=False).pixels,
        "occlusion": occluded.probabilities,
        "activity": occluded.activity,
        "noise": zf.hide(net, IMAGE, (2, 2, 9, 12), fill="noise").probability,
        "tops": tops.values["conv2"],
        "gallery": zf.gallery(net, [IMAGE, IMAGE[::-1]], tops, "conv2", [0, 1]).projections,
        "invariance": np.stack(list(curves.distances.values())),
        "correspondence": zf.correspondence(
            net, [IMAGE, IMAGE[::-1]], {"nose": [(2, 2, 9, 12)] * 2}, draws=2
        ).to_pandas().to_csv(),
        "fingerprint": np.array(net.fingerprint),
    }  # fmt: skip


@pytest.fixture(scope="module", params=PREPROCESSES)
def expected(request):
    net = made(PREPROCESSES[request.param])
    return PREPROCESSES[request.param], net, numbers(net)


def assert_same(found, expected):
    for name, one in found.items():
        assert np.array_equal(one, expected[name]), name


@pytest.mark.parametrize("surroundings", SURROUNDINGS.values(), ids=SURROUNDINGS)
def test_a_network_made_inside_computes_the_same_outside(surroundings, expected):
    preprocess, _, found = expected
    with surroundings():
        net = made(preprocess)
    assert_same(numbers(net), found)


@pytest.mark.parametrize("surroundings", SURROUNDINGS.values(), ids=SURROUNDINGS)
def test_a_network_made_outside_computes_the_same_inside(surroundings, expected):
    preprocess, net, found = expected
    if preprocess is OWN and surroundings in (SURROUNDINGS["double"], SURROUNDINGS["half"]):
        pytest.skip("ToTensor itself gives numbers of the default type")
    with surroundings():
        again = numbers(net)
    assert_same(again, found)


@pytest.mark.parametrize("surroundings", SURROUNDINGS.values(), ids=SURROUNDINGS)
def test_the_embedded_network_is_the_same_made_inside(surroundings):
    expected = zf.load("squeezenet1_1", device="cpu").fingerprint
    with surroundings():
        assert zf.load("squeezenet1_1", device="cpu").fingerprint == expected


def test_the_users_own_surroundings_are_as_before(expected):
    _, net, _ = expected
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16), default_device("meta"):
        for _ in zf.occlusion_sweep(net, IMAGE, size=8, stride=6):  # also between the steps of a sweep
            assert torch.is_inference_mode_enabled()
            assert torch.is_autocast_enabled("cpu")
            assert torch.zeros(1).device.type == "meta"
    assert not torch.is_inference_mode_enabled()
