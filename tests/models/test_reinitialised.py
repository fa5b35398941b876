"""A network before any training: what it learnt is gone, and what it is stays."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import zfwidgets as zf
from zfwidgets.backend.run.forward import forward


def small():
    torch.manual_seed(3)
    net = nn.Sequential(
        nn.Conv2d(3, 64, 5, bias=True), nn.BatchNorm2d(64), nn.ReLU(), nn.AvgPool2d(4), nn.Flatten(), nn.Linear(2304, 7)
    )
    for part in net.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.normal_()
            part.running_var.uniform_(1, 3)
            nn.init.normal_(part.weight)
            nn.init.normal_(part.bias)
    return net


def weights(net):
    return [step.op.weight.float().cpu() for step in net.program.steps if getattr(step.op, "weight", None) is not None]


def test_weights_are_hes_and_the_rest_does_nothing():
    net = zf.Network(small(), 28, device="cpu").reinitialised()
    convolution, scale, linear = weights(net)
    assert float(convolution.std()) == pytest.approx(np.sqrt(2 / 75), rel=0.05)
    assert float(linear.std()) == pytest.approx(np.sqrt(2 / 2304), rel=0.05)
    assert (scale == 1).all()
    by_hand = small()
    with torch.no_grad():
        by_hand[0].weight.copy_(convolution)
        by_hand[5].weight.copy_(linear)
    for part in (by_hand[0], by_hand[5]):
        nn.init.zeros_(part.bias)
    by_hand[1].reset_parameters()
    x = torch.randn(4, 3, 28, 28)
    expected = by_hand.eval()(x).detach()
    step = net.program.output
    found = forward(net.program, x, [step]).activations[step]
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_a_seed_gives_the_same_weights_and_another_one_others():
    net = zf.load("squeezenet1_1", device="cpu")
    first, again, other = net.reinitialised(), net.reinitialised(0), net.reinitialised(1)
    assert first.fingerprint == again.fingerprint
    assert len({net.fingerprint, first.fingerprint, other.fingerprint}) == 3
    assert all((mine == theirs).all() for mine, theirs in zip(weights(first), weights(again), strict=True))
    assert first.name == "squeezenet1_1, new weights"
    assert first.source == "zf.load('squeezenet1_1').reinitialised(0)"


def test_the_network_itself_stays_as_it_was():
    net = zf.Network(small(), 28, device="cpu")
    before = [weight.clone() for weight in weights(net)]
    net.reinitialised()
    assert all((now == then).all() for now, then in zip(weights(net), before, strict=True))
