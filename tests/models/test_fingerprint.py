"""A network's fingerprint: the same for the same, whoever makes it, and for nothing else."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torchvision.transforms import v2

import zfwidgets as zf

FACTOR = 2.0


def made(preprocess, seed=0) -> str:
    torch.manual_seed(seed)
    return zf.Network(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()), size=16, preprocess=preprocess).fingerprint


def composed(mean):
    steps = [
        v2.Resize((16, 16)),
        v2.ToImage(),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize([mean] * 3, [1] * 3),
    ]
    return v2.Compose(steps)


def scaled(picture, factor=1.0):
    return torch.tensor(np.asarray(picture.resize((16, 16))) / 255, dtype=torch.float32).permute(2, 0, 1) * factor


def by_global(picture):
    return scaled(picture) * FACTOR


class Scaled:
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, picture):
        return scaled(picture, self.factor)

    def method(self, picture):
        return scaled(picture, self.factor)


def closed_over(factor):
    return lambda picture: scaled(picture, factor)


@pytest.mark.parametrize(
    "kind",
    [composed, Scaled, closed_over, lambda factor: partial(scaled, factor=factor), lambda factor: Scaled(factor).method,
     lambda factor: v2.Lambda(closed_over(factor)), lambda factor: Scaled(np.full(1, factor, np.float32)),
     lambda factor: Scaled(torch.full((1,), factor))],
    ids=["Compose", "object", "closure", "partial", "method", "Lambda", "array", "tensor"],
)  # fmt: skip
def test_two_preprocessings_of_one_name_are_told_apart(kind):
    assert made(kind(0.25)) == made(kind(0.25))
    assert made(kind(0.25)) != made(kind(0.5))


def test_other_code_or_another_global_is_told(monkeypatch):
    first = made(lambda picture: scaled(picture))
    assert first != made(lambda picture: scaled(picture).flip(2))
    before = made(by_global)
    monkeypatch.setitem(globals(), "FACTOR", 3.0)
    assert made(by_global) != before


def test_objects_that_hold_each_other_end():
    one, other = Scaled(1.0), Scaled(1.0)
    one.other, other.other = other, one
    assert made(one) == made(one)


def test_weights_are_told():
    assert made(None, seed=0) != made(None, seed=1)


def test_another_process_finds_the_same():
    code = (
        "import torch, zfwidgets as zf\nfrom torch import nn\nfrom torchvision.transforms import v2\n"
        "torch.manual_seed(0)\n"
        "steps = [v2.Resize((16, 16)), v2.ToImage(), v2.ToDtype(torch.float32, scale=True),"
        " v2.Normalize([0.25] * 3, [1] * 3)]\n"
        "module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())\n"
        "print(zf.Network(module, size=16, preprocess=v2.Compose(steps)).fingerprint)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == made(composed(0.25))
