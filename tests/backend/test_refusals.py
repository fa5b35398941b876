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


class TwoInputs(nn.Module):
    def forward(self, x, y):
        return x + y


class Several(nn.Module):
    def forward(self, *images):
        return images[0].relu() + images[1]


class WithOptions(nn.Module):
    def forward(self, x, **options):
        return x.relu() * options.get("scale", 2)


class NeedsOption(nn.Module):
    def forward(self, **inputs):
        return inputs["image"].relu()


class Named(nn.Module):
    def forward(self, *, image):
        return image.relu()


class KeywordOnly(nn.Module):
    def forward(self, x, *, mask):
        return x * mask


class Dictionary(nn.Module):
    def forward(self, batch):
        return batch["image"].relu()


class ListOfImages(nn.Module):
    def forward(self, images):
        return torch.stack([image.relu() for image in images])


class OneImage(nn.Module):
    def forward(self, x):
        return x.reshape(1, 3, -1).reshape(1, 3, 6, 9)


class SqueezedImage(nn.Module):
    def forward(self, x):
        return x.squeeze(0).relu()[None]


class Pixels(nn.Module):
    def forward(self, x):
        return x.permute(0, 2, 3, 1).reshape(-1, 3).relu()


class Asserted(nn.Module):
    def forward(self, x):
        assert x.shape[0] == 1, "one image at a time"
        return x.relu()


class Data(nn.Module):
    def forward(self, x):
        return x.data * 2


class Numpy(nn.Module):
    def forward(self, x):
        return x * torch.tensor(x.numpy().mean())


class DetachedNumpy(nn.Module):
    def forward(self, x):
        return torch.from_numpy(x.detach().cpu().numpy()).relu()


class AsFloat(nn.Module):
    def forward(self, x):
        return x * float(x.mean())


class AsList(nn.Module):
    def forward(self, x):
        return x * torch.tensor(x.mean((0, 2, 3)).tolist())[:, None, None]


class Nonzero(nn.Module):
    def forward(self, x):
        return x.flatten(1)[:, torch.nonzero(x[0, 0])[:, 0]]


class Unique(nn.Module):
    def forward(self, x):
        return x * len(x.unique())


class Range(nn.Module):
    def forward(self, x):
        for _ in range(int(x.sum())):
            x = x.relu()
        return x


class Raises(nn.Module):
    def forward(self, x):
        raise KeyError("never mind")


class Misspelt(nn.Module):
    def forward(self, x):
        return self.nowhere(x)


class NotImplementedHere(nn.Module):
    pass


class Unfit(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(7, 3)

    def forward(self, x):
        return self.linear(x.flatten(1))


class Views(nn.Module):
    def forward(self, x):
        return x.view(-1, 3 * 8 * 8).relu()


REFUSED = {
    TwoInputs: r"TwoInputs takes several inputs \(x, y\)",
    Several: "it takes several inputs",
    NeedsOption: r"NeedsOption takes its inputs by name \(\*\*inputs\)",
    Named: r"Named takes its inputs by name \(\*, image\)|takes its inputs by name \(image\)",
    KeywordOnly: r"KeywordOnly takes several inputs \(x, mask\)",
    Dictionary: "Dictionary",
    ListOfImages: "number of images",
    FixedBatch: "one fixed number of images",
    OneImage: "number of images",
    Asserted: "Asserted cannot be captured",
    Data: r"write `.detach\(\)` for `.data`",
    Numpy: r"`.numpy\(\)`",
    DetachedNumpy: r"`.numpy\(\)`",
    Item: "^Item cannot be captured for images of 3 channels, 6×9 pixels: what it computes depends on the values",
    AsFloat: "depends on the values in the image",
    AsList: "depends on the values in the image",
    Nonzero: "depends on the values in the image",
    Unique: "depends on the values in the image",
    Range: "depends on the values in the image",
    Raises: "never mind",
    Misspelt: "nowhere",
    NotImplementedHere: "forward",
    Unfit: "Unfit cannot be captured for images of 3 channels, 6×9 pixels",
    Views: "reshape|number of images",
    SqueezedImage: r"its output has no entry for each image, \(N, …\), in front",
    Pixels: r"its output has no entry for each image, \(N, …\), in front",
}


ADVICE = ("pytree", "TS2EP", "torch.export", "torch._", "dynamo", "fake", "Please", "TORCH_LOGS", "unbacked", "aten")


QUICK = (TwoInputs, Several, FixedBatch, OneImage, Data, Item)


@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=() if kind in QUICK else pytest.mark.slow, id=kind.__name__) for kind in REFUSED],
)
def test_a_refusal_is_one_line_without_symbols_torchs_files_or_its_advice(kind, capfd):
    with pytest.raises(ValueError, match=REFUSED[kind]) as refused:
        capture(kind(), (3, 6, 9))
    text = str(refused.value)
    assert "\n" not in text
    assert not re.search(r"\b[su]\d+\b", text)
    assert "/torch/" not in text
    assert "<eval_with_key>" not in text
    assert len(text) < 450
    for advice in ADVICE:
        assert advice not in text, text
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "forward",
    [
        lambda x: x.relu(), lambda *x: x[0].relu(), lambda x, **options: x.relu(), lambda x, scale=2: x.relu() * scale,
        lambda x, *more: x.relu(), lambda x, mask=None: x.relu() if mask is None else x * mask,
    ],
)  # fmt: skip
def test_inputs_that_need_not_be_given_are_left_out(forward):
    module = nn.Conv2d(3, 4, 3)
    module.forward = forward
    assert capture(module, (3, 6, 9)).layers[0].name.startswith("relu")
