"""A module that is being trained is seen as it is at the moment, and nothing in it is disturbed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

import zfwidgets as zf
from zfwidgets.models import live
from zfwidgets.models.live import LiveModule

IMAGE = np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.conv, self.norm, self.drop, self.head = (
            nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.Linear(4, 3)
        )  # fmt: skip

    def forward(self, x):
        return self.head(self.drop(torch.relu(self.norm(self.conv(x)))).mean((2, 3)))


@pytest.fixture
def captures(monkeypatch):
    made = []
    whole = live.program_for
    monkeypatch.setattr(live, "program_for", lambda *args: made.append(args) or whole(*args))
    return made


def step(module):
    """One step of a training, statistics of the batch norm included."""
    module.train()
    optimizer = torch.optim.SGD(module.parameters(), 0.5)
    module(torch.randn(8, 3, 24, 24)).square().sum().backward()
    optimizer.step()


def same(found: zf.Network, module: nn.Module) -> bool:
    expected = zf.Network(module, 24).predict([IMAGE]).probability
    return np.array_equal(found.predict([IMAGE]).probability, expected)


def test_it_is_captured_once_and_follows_the_training(captures):
    module = Net()
    seen = LiveModule(module, 24)
    before = seen.network().predict([IMAGE]).probability
    for _ in range(3):
        step(module)
        assert same(seen.network(), module)
    assert not np.array_equal(before, seen.network().predict([IMAGE]).probability)
    assert len(captures) == 1


def test_each_part_keeps_its_mode_and_every_random_number_its_turn():
    module = Net().train()
    module.norm.eval()  # frozen on purpose
    state = torch.get_rng_state()
    LiveModule(module, 24).network().predict([IMAGE])
    assert module.training
    assert not module.norm.training
    assert module.drop.training
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize(
    "change",
    [
        lambda module: setattr(module.conv, "weight", nn.Parameter(torch.randn(4, 3, 3, 3))),
        lambda module: module.load_state_dict({n: w + 1 for n, w in module.state_dict().items()}, assign=True),
        lambda module: module.to(memory_format=torch.channels_last),
        lambda module: module.double().float(),
    ],
    ids=["parameter replaced", "assigned", "laid out anew", "converted"],
)
def test_a_tensor_that_was_replaced_is_noticed(change):
    module = Net()
    seen = LiveModule(module, 24)
    seen.network()
    change(module)
    assert same(seen.network(), module)


def test_weights_that_are_made_from_others_are_made_anew():
    module = Net()
    weight_norm(module.conv)
    seen = LiveModule(module, 24)
    seen.network()
    step(module)
    assert same(seen.network(), module)


def test_what_trains_in_half_precision_is_looked_at_in_single():
    module = Net().to(torch.bfloat16)
    seen = LiveModule(module, 24)
    assert seen.network().program.steps[1].op.weight.dtype == torch.float32
    with torch.no_grad():
        module.conv.weight.mul_(2)
    assert same(seen.network(), module)


def test_what_is_wrapped_around_it_does_not_matter():
    module = Net()
    assert same(LiveModule(torch.compile(module), 24).network(), module)
