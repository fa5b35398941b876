"""What cannot be captured is refused in words that help: why, which module, which line."""

from __future__ import annotations

import inspect
import re

import pytest
import torch
from torch import nn
from torchvision.models import get_model

from zfwidgets.backend.capture.exported import capture


class Gate(nn.Module):
    def forward(self, x):
        if x.mean() > 0:
            return x * 2
        return x


class Item(nn.Module):
    def forward(self, x):
        return x * x.max().item()


class Mask(nn.Module):
    def forward(self, x):
        positive = x[x > 0]
        return x - positive.mean()


class Loop(nn.Module):
    def forward(self, x):
        while x.sum() > 1:
            x = x / 2
        return x


class FixedBatch(nn.Module):
    def forward(self, x):
        return x.reshape(2, 3, -1).mean(2)


class Network(nn.Module):
    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 3, 3)
        self.blocks = nn.Sequential(nn.ReLU(), nn.Sequential(nn.ReLU(), part))

    def forward(self, x):
        return self.blocks(self.stem(x))


def line_of(kind: type, code: str) -> int:
    lines, first = inspect.getsourcelines(kind)
    return first + next(i for i, line in enumerate(lines) if code in line)


@pytest.mark.parametrize(("kind", "code"), [(Gate, "if x.mean"), (Item, ".item()"), (Mask, "[x > 0]"), (Loop, "while")])
def test_control_flow_by_the_images_values_is_refused_with_module_and_line(kind, code):
    with pytest.raises(ValueError, match="depends on the values in the image") as refused:
        capture(Network(kind()), (3, 8, 11))
    assert f"(in blocks.1.1, {__file__}, line {line_of(kind, code)})" in str(refused.value)
    assert str(refused.value).startswith("Network cannot be captured for images of 3 channels, 8×11 pixels")


def test_a_module_that_refuses_itself_is_called_the_module_itself():
    with pytest.raises(ValueError, match=re.escape("(in the module itself, ")):
        capture(Gate(), (3, 8, 11))


def test_a_fixed_number_of_images_is_refused():
    with pytest.raises(ValueError, match="one fixed number of images"):
        capture(Network(FixedBatch()), (3, 8, 11))


def test_the_wrong_number_of_channels_is_said_with_both_numbers():
    with pytest.raises(ValueError, match=r"images of 5 channels, 64×96 pixels.*3 channels.*5 channels") as refused:
        capture(get_model("squeezenet1_1", weights=None), (5, 64, 96))
    assert "\n" not in str(refused.value)


def test_an_image_too_small_is_refused():
    with pytest.raises(ValueError, match="AlexNet cannot be captured for images of 3 channels, 20×30 pixels"):
        capture(get_model("alexnet", weights=None), (3, 20, 30))


def test_an_answer_without_the_image_is_refused():
    class Constant(nn.Module):
        def __init__(self):
            super().__init__()
            self.answer = nn.Parameter(torch.zeros(4))

        def forward(self, x):
            return self.answer * 2

    with pytest.raises(ValueError, match="does not depend on the image"):
        capture(Constant(), (3, 8, 11))


def test_a_size_computed_from_the_number_of_images_is_refused():
    class Paired(nn.Module):
        def forward(self, x):
            return x[1:] - x[:-1]

    with pytest.raises(ValueError, match="number of images"):
        capture(Paired(), (3, 8, 11))


def test_torchs_own_error_stays_attached():
    with pytest.raises(ValueError, match="AlexNet") as refused:
        capture(get_model("alexnet", weights=None), (3, 20, 30))
    assert refused.value.__cause__ is not None


class Pair(nn.Module):
    def forward(self, left, right):
        return left + right


class Named(nn.Module):
    def forward(self, x, *, scale):
        return x * scale


class Optional(nn.Module):
    def forward(self, x, mask=None, *more, **options):
        return x * 2


class Many(nn.Module):
    def forward(self, *images):
        return images[0] * 2


@pytest.mark.parametrize(("module", "inputs"), [(Pair(), "left, right"), (Named(), "x, scale")])
def test_several_inputs_are_refused_by_name(module, inputs):
    with pytest.raises(ValueError, match=rf"takes several inputs \({inputs}\)"):
        capture(module, (3, 8, 11))


@pytest.mark.parametrize("module", [Optional(), Many()])
def test_inputs_that_may_be_left_out_are(module):
    assert capture(module, (3, 8, 11)).output.shape == (3, 8, 11)


def stem():
    return nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(324, 4)).eval()


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (lambda: torch.jit.script(stem()), "torch.jit.script or torch.jit.trace was called with"),
        (
            lambda: torch.jit.trace(stem(), torch.zeros(1, 3, 8, 11)),
            "torch.jit.script or torch.jit.trace was called with",
        ),
        (lambda: nn.Sequential(torch.jit.script(stem()), nn.ReLU()), "its part '0'"),
        (lambda: torch.ao.quantization.quantize_dynamic(stem(), {nn.Linear}), "floating-point module"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*deprecated")
def test_what_is_no_floating_point_module_is_refused_with_what_to_give(module, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        capture(module(), (3, 8, 11))


class OneImage(nn.Module):
    def forward(self, x):
        return x.view(1, 3, -1).view(1, 3, 8, 11)


class Data(nn.Module):
    def forward(self, x):
        return x.data * 2


class Numpy(nn.Module):
    def forward(self, x):
        return x * float(x.numpy().mean())


class Channels(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(7, 2, 3)

    def forward(self, x):
        return self.conv(x)


@pytest.mark.parametrize("kind", [Gate, Item, Mask, Loop, FixedBatch, OneImage, Data, Numpy, Channels])
def test_no_refusal_has_torchs_own_words_or_more_than_a_line(kind):
    with pytest.raises(ValueError, match="cannot be captured") as refused:
        capture(Network(kind()) if kind in (Gate, Item, Mask, Loop, FixedBatch) else kind(), (3, 8, 11))
    said = str(refused.value)
    assert not re.search(r"\n|\b[su]\d+\b|torch/|torch\._|TS2EP|pytorch\.org|github", said), said
