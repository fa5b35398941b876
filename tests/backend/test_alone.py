"""An image's numbers are the same alone and in every batch, or the network is refused with the module and the line."""

from __future__ import annotations

import inspect

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from zfwidgets.backend.capture.exported import capture

from ..oracles import relative_error
from .networks import conv
from .small import SHAPE, around, examples, values

MIXED = {
    "batch norm without running statistics": (lambda x, a: a(x), lambda: nn.BatchNorm2d(8, track_running_stats=False)),
    "batch norm in training": (lambda x: F.batch_norm(x, None, None, training=True),),
    "scaled by the extremes": (lambda x: (x - x.min()) / (x.max() - x.min()),),
    "less the mean of all": (lambda x: x - x.mean(),),
    "less the mean of all images": (lambda x: x - x.mean((0, 2, 3), keepdim=True),),
    "divided by the norm of all": (lambda x: x / x.norm(),),
    "divided by the standard deviation": (lambda x: x / x.std(),),
    "softmax over the images": (lambda x: x.softmax(0),),
    "the images in another order": (lambda x: x + 0.1 * x.flip(0),),
    "rolled": (lambda x: x + x.roll(1, 0),),
    "rolled in all": (lambda x: x + x.roll(3),),
    "sorted over images": (lambda x: x.sort(0)[0],),
    "less the last image": (lambda x: x - x[-1:],),
    "less the first image": (lambda x: x - x[0],),
    "cumulated over images": (lambda x: x.cumsum(0),),
    "attention over the images": (lambda x: ((f := x.flatten(1)) @ f.T / 9).softmax(-1) @ f,),
    "shifted in time": (lambda x: torch.cat([x[1:], x[:1]]),),
    "every image into one": (lambda x: x + x.sum(0, keepdim=True),),
    "folded along": (lambda x: x.reshape(1, -1, *x.shape[2:]).softmax(1).reshape(x.shape),),
    "standardised in an inner part": (
        lambda x, a: a(x), lambda: nn.Sequential(nn.ReLU(), nn.BatchNorm2d(8, track_running_stats=False)),
    ),
    "by the greatest of all": (lambda x: x / x.abs().max().clamp(min=1e-6),),
    "a quantile of all": (lambda x: x - x.quantile(0.5),),
    "first dimension merged with the maps": (
        lambda x: x.transpose(0, 1).flatten(1).softmax(1).reshape(8, -1, *x.shape[2:]).transpose(0, 1),
    ),
    "flipped and flipped back": (lambda x: x.flip(0).relu().flip(0),),
    "attention over images": (lambda x, a: a(*[x.flatten(2).mT] * 3)[0][:, 0], lambda: nn.MultiheadAttention(8, 2)),
    "fused attention over images": (
        lambda x: F.scaled_dot_product_attention(*[x.flatten(2).permute(2, 0, 1)] * 3)[0],
    ),
    "distances between images": (lambda x: torch.cdist(x.flatten(1), x.flatten(1)).mean(1)[:, None, None, None] + x,),
    "hidden behind what saturates": (lambda x: (1000 * (x - x.mean(0, keepdim=True))).tanh(),),
    "hidden behind a label": (lambda x: F.one_hot((x + 0.001 * x.mean(0)).flatten(1).argmax(1), 960).to(x.dtype),),
    "recurrent over images": (lambda x, a: a(x.flatten(2).mT)[0][:, -1], lambda: nn.LSTM(8, 5)),
    "how many images there are": (lambda x: x * x.shape[0],),
    "divided by how many": (lambda x: x / len(x),),
    "the number of the image": (lambda x: x * torch.arange(x.shape[0]).view(-1, 1, 1, 1),),
}  # fmt: skip

ALONE = {
    "minimum of each": (lambda x: (x - x.amin((1, 2, 3), keepdim=True)) / x.amax((1, 2, 3), keepdim=True),),
    "mean of each": (lambda x: x - x.flatten(1).mean(1)[:, None, None, None],),
    "instance norm": (lambda x, a: a(x), lambda: nn.InstanceNorm2d(8)),
    "group norm": (lambda x, a: a(x), lambda: nn.GroupNorm(2, 8)),
    "maps as images": (
        lambda x, a: a(x.reshape(-1, 1, *x.shape[2:])).reshape(x.shape), lambda: conv(1, 1, 3, padding=1),
    ),
    "in another order of dimensions": (lambda x: x.transpose(0, 1).relu().transpose(0, 1),),
    "a token for each": (
        lambda x, p: torch.cat([p.weight[None].expand(x.shape[0], -1, -1), x.flatten(2).mT], 1)[:, :2].flatten(1),
        lambda: nn.Embedding(1, 8),
    ),
    "bmm": (lambda x: torch.bmm(x.flatten(2), x.flatten(2).mT).flatten(1),),
}  # fmt: skip


QUICK = {
    "batch norm without running statistics", "scaled by the extremes", "less the mean of all images",
    "attention over the images", "hidden behind a label", "a token for each", "maps as images",
}  # fmt: skip


def quick_and_slow(names):
    return [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in names]


@pytest.mark.parametrize("name", quick_and_slow(MIXED))
def test_images_that_influence_each_other_are_refused_with_the_module(name):
    module = around(*MIXED[name])
    with pytest.raises(ValueError, match="images") as refused:
        capture(module, SHAPE)
    text = str(refused.value)
    assert "\n" not in text
    assert "depends on the other images of the batch" in text or "one fixed number of images" in text
    assert "(in trap" in text or "fixed number" in text


@pytest.mark.parametrize("name", quick_and_slow(ALONE))
def test_what_looks_at_each_image_by_itself_is_captured(name):
    module, images = around(*ALONE[name]), examples()
    program = capture(module, SHAPE)
    together = values(program, images)
    with torch.no_grad():
        assert relative_error(together, module(images)) < 1e-12
    alone = torch.cat([values(program, image[None]) for image in images])
    assert relative_error(together, alone) < 1e-12


class Standardise(nn.Module):
    def forward(self, x):
        mean = x.mean((0, 2, 3), keepdim=True)
        return x - mean


def test_the_line_is_the_one_that_reads_the_other_images():
    _, first = inspect.getsourcelines(Standardise)
    with pytest.raises(ValueError, match="what mean computes") as refused:
        capture(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), Standardise(), nn.ReLU()), SHAPE)
    assert str(refused.value).endswith(f"(in 2, {__file__}, line {first + 2})")


@pytest.mark.slow
def test_a_first_layer_that_mixes_is_found_in_single_precision_too():
    with pytest.raises(ValueError, match="what min computes"):
        capture(around(lambda x: x - x.min()).float(), SHAPE)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_compared_in_single(dtype):
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(320, 5))
    assert len(capture(module.to(dtype), SHAPE).layers) > 3
    with pytest.raises(ValueError, match="what batch_norm computes"):
        capture(nn.Sequential(module[0], nn.BatchNorm2d(4, track_running_stats=False)).to(dtype), SHAPE)
