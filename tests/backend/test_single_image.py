"""A single image is computed as the module itself computes it, or the capture refuses."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from zfwidgets.backend.capture.exported import capture

from .networks import Apply, conv


def around(function):
    return nn.Sequential(conv(3, 6, 3, padding=1), nn.ReLU(), Apply(function), conv(6, 4, 3), nn.ReLU()).eval()


def test_a_number_of_the_batch_that_the_output_does_not_need_is_no_harm():
    class WithLoss(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, x):
            maps = self.conv(x).relu()
            return {"out": maps, "loss": maps.mean()}

    assert [layer.name for layer in capture(WithLoss(), (3, 8, 11)).layers] == ["conv", "relu"]


class Doubling(nn.Module):
    def forward(self, x):
        return x if x.shape[0] > 1 else 2 * x


class Squeezing(nn.Module):
    def forward(self, x):
        return x.mean((2, 3), keepdim=True).squeeze()


class Sign(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.sign()

    @staticmethod
    def backward(ctx, signal):
        return 2 * signal


def test_what_differs_by_the_number_of_images_is_refused():
    with pytest.raises(ValueError, match="for a single image it computes something else than for several"):
        capture(nn.Sequential(conv(3, 6, 3), Doubling()), (3, 8, 11))


def test_a_squeeze_that_would_take_the_images_along_is_no_harm():
    assert capture(nn.Sequential(conv(3, 6, 3), Squeezing()), (3, 8, 11)).output.shape == (6,)


def test_gradients_of_ones_own_are_named():
    program = capture(around(Sign.apply), (3, 8, 11))
    assert [note for note in program.notes if "(Sign)" in note]
