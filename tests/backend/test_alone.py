"""Every image gets the numbers that it would have alone, or the capture refuses and names the module and the line."""

from __future__ import annotations

import inspect

import pytest
import torch
from torch import nn

from zfwidgets.backend.capture.exported import capture
from zfwidgets.backend.run.forward import forward

from .networks import Apply, conv


def around(function, *parts):
    return nn.Sequential(conv(3, 6, 3, padding=1), nn.ReLU(), Apply(function, *parts), conv(6, 4, 3), nn.ReLU()).eval()


def smallest(x):
    return x - x.min()


def stretched(x):
    return (x - x.min()) / (x.max() - x.min())


def mean_of_a_map(x):
    return x - x.mean((0, 2, 3), keepdim=True)


def weighed(x):
    return x * x.softmax(0)


def turned_round(x):
    return x + 0.1 * x.flip(0)


def first(x):
    return x - x[:1]


def last(x):
    return x - x[-1:]


def sorted_batch(x):
    return x + x.sort(0)[0]


def normed(x):
    return x / x.norm()


MIXED = (smallest, stretched, mean_of_a_map, weighed, turned_round, first, last, sorted_batch, normed)


@pytest.mark.parametrize("function", MIXED, ids=lambda function: function.__name__)
def test_images_that_influence_each_other_are_refused_with_module_and_line(function):
    with pytest.raises(ValueError, match="depends on the other images of the batch") as refused:
        capture(around(function), (3, 8, 11))
    lines, start = inspect.getsourcelines(Apply)
    line = start + next(place for place, text in enumerate(lines) if "self.function(x" in text)
    assert str(refused.value).endswith(f"(in 2, {inspect.getsourcefile(Apply)}, line {line})")


@pytest.mark.parametrize("double", [False, True])
def test_a_batch_norm_with_the_statistics_of_the_batch_is_refused_with_its_name(double):
    module = nn.Sequential(conv(3, 6, 3), nn.Sequential(nn.BatchNorm2d(6, track_running_stats=False), nn.ReLU()))
    with pytest.raises(ValueError, match=r"what batch_norm computes .* \(in 1\.0\)"):
        capture(module.double() if double else module, (3, 8, 11))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: (x - x.amin((1, 2, 3), keepdim=True)) / x.amax((1, 2, 3), keepdim=True),
        lambda x: x.reshape(-1, *x.shape[2:]).flip(1).reshape(x.shape),  # maps and images counted together, unmixed
        lambda x: torch.stack([x, x]).mean(0),
        lambda x: nn.functional.instance_norm(x),
        lambda x: x + 0 * x.mean((1, 2, 3), keepdim=True),
    ],
)
def test_what_leaves_each_image_by_itself_is_captured(function):
    program = capture(around(function), (3, 8, 11))
    images = torch.randn(3, 3, 8, 11)
    together = forward(program, images, [program.output]).activations[program.output]
    for place in range(3):
        alone = forward(program, images[place : place + 1], [program.output]).activations[program.output]
        torch.testing.assert_close(alone[0], together[place])


def test_a_number_of_the_batch_that_the_output_does_not_need_is_no_harm():
    class WithLoss(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, x):
            maps = self.conv(x).relu()
            return {"out": maps, "loss": maps.mean()}

    assert [layer.name for layer in capture(WithLoss(), (3, 8, 11)).layers] == ["conv", "relu"]


def test_steps_by_rounding_are_decided_in_double_precision():
    """A threshold among many numbers: in single precision one image of two may fall on its other side."""
    module = around(lambda x: torch.round(50 * x) / 50 + (x.sign() - x))
    assert capture(module, (3, 40, 50)).output.shape == (4, 38, 48)


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
