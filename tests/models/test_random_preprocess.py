"""A preprocessing that draws random numbers gives every image one draw, and leaves the user's own draws alone."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from torch import nn
from torchvision import transforms
from torchvision.transforms import v2

import zfwidgets as zf

SIZE = (20, 28)
IMAGE = np.random.default_rng(1).integers(0, 256, (40, 50, 3), np.uint8)
TENSOR = transforms.ToTensor()


def noisy(image):
    return TENSOR(image.resize(SIZE[::-1])) + torch.from_numpy(np.random.randn(3, *SIZE)).float()  # noqa: NPY002


def moved(image):
    left = random.randint(0, image.width - SIZE[1])
    return TENSOR(image.crop((left, 0, left + SIZE[1], SIZE[0])))


RANDOM = {
    "RandomCrop": transforms.Compose([transforms.RandomCrop(SIZE), TENSOR]),
    "v2": v2.Compose([v2.ToImage(), v2.RandomResizedCrop(SIZE), v2.ToDtype(torch.float32, scale=True)]),
    "seldom": transforms.Compose([transforms.Resize(SIZE), transforms.RandomHorizontalFlip(0.01), TENSOR]),
    "numpy": noisy,
    "random": moved,
}
FIXED = {
    "default": None,
    "own": transforms.Compose([transforms.Resize(SIZE), TENSOR]),
    "v2": v2.Compose([v2.ToImage(), v2.Resize(SIZE), v2.ToDtype(torch.float32, scale=True)]),
}
torch.manual_seed(0)
MODULE = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3))


def network(preprocess):
    return zf.Network(MODULE, size=SIZE, preprocess=preprocess, device="cpu")


def draws():
    return torch.rand(2).tolist(), np.random.rand(2).tolist(), random.random()  # noqa: NPY002


def seeded():
    torch.manual_seed(7)
    np.random.seed(7)  # noqa: NPY002
    random.seed(7)


@pytest.mark.parametrize("preprocess", RANDOM.values(), ids=RANDOM)
def test_every_image_gets_the_same_draw_and_the_report_says_so(preprocess):
    net = network(preprocess)
    first = net.prepare(IMAGE)[1]
    draws()
    assert torch.equal(net.prepare(IMAGE)[1], first)
    assert torch.equal(network(preprocess).prepare(IMAGE)[1], first)
    assert torch.equal(net.batch([IMAGE[::-1], IMAGE])[1], first)
    assert "draws random numbers" in repr(net.report())
    features = zf.ImageFeatures(net, IMAGE)
    assert (features.maps("0") == zf.ImageFeatures(net, IMAGE).maps("0")).all()


@pytest.mark.parametrize("preprocess", (RANDOM | FIXED).values())
def test_the_users_own_draws_go_on_as_before(preprocess):
    seeded()
    expected = draws()
    seeded()
    net = network(preprocess)
    net.predict([IMAGE, IMAGE])
    assert draws() == expected


@pytest.mark.parametrize("preprocess", FIXED.values(), ids=FIXED)
def test_one_without_chance_is_taken_as_it_is(preprocess):
    net = network(preprocess)
    assert "random" not in repr(net.report())
    assert type(net.preprocess) in (zf.Preprocess, type(network(FIXED["own"]).preprocess))


def test_chance_that_cannot_be_seeded_is_refused():
    generator = np.random.default_rng()

    def own(image):
        return TENSOR(image.resize(SIZE[::-1])) * float(generator.random())

    with pytest.raises(ValueError, match="another tensor for the same picture each time"):
        network(own)
