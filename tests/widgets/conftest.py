"""A small network, and a way to let panels work in their thread as they do in a kernel."""

import gc
import time
from functools import lru_cache

import numpy as np
import pytest
import torch
from torch import nn

import zfwidgets as zf


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.relu1 = nn.Conv2d(3, 16, 5, stride=2), nn.ReLU()
        self.conv2, self.relu2 = nn.Conv2d(16, 6, 3, stride=2, padding=1), nn.ReLU()
        self.pool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(6, 4)

    def forward(self, x):
        return self.fc(self.pool(self.relu2(self.conv2(self.relu1(self.conv1(x))))).flatten(1))


@pytest.fixture(autouse=True, scope="module")
def only_what_a_module_makes_is_searched():
    """Each panel that is closed has Python search all that there is: what other modules' tests keep is left out."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


@lru_cache
def tiny_network():
    """For panels that ask no network."""
    return zf.Network(nn.Sequential(nn.Conv2d(3, 2, 3), nn.ReLU()), size=(9, 12), device="cpu")


@pytest.fixture(scope="session")
def network():
    torch.manual_seed(4)
    return zf.Network(Small().eval(), size=(35, 51), labels=["ant", "bee", "cat", "dog"], device="cpu", name="small")


@pytest.fixture(scope="session")
def images():
    random = np.random.default_rng(0)
    noise = {name: random.integers(0, 256, (40, 60, 3), np.uint8) for name in ("first", "second")}
    return noise | {"flower": zf.photograph("flower")[100:200, 200:340]}


@pytest.fixture
def in_kernel(monkeypatch):
    """Panels made from now on compute in a thread."""
    monkeypatch.setattr("zfwidgets.widgets.panel.where.in_kernel", lambda: True)


def until(true, seconds=20):
    for _ in range(int(seconds / 0.005)):
        if true():
            return
        time.sleep(0.005)
    raise AssertionError("it never happened")
