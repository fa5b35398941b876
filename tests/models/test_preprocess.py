"""Preprocessing is torchvision's, to the pixel; a user's own is taken as it is, and its mistakes are explained."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torchvision import transforms
from torchvision.transforms._presets import ImageClassification
from torchvision.transforms.functional import InterpolationMode as Mode
from torchvision.transforms.functional import center_crop, resize

import zfwidgets as zf
from zfwidgets.models.preprocess import IMAGENET_MEAN, IMAGENET_STD, as_preprocess

from ..peak import SOURCE

CAT = zf.photograph("cat")  # 300×451
IMAGES = {
    "landscape": CAT,
    "portrait": zf.photograph("rocket")[:, 150:400].copy(),
    "square": zf.photograph("coffee")[:333, 40:373].copy(),
    "tiny": CAT[100:107, 200:211].copy(),
    "one pixel": CAT[100:101, 200:201].copy(),
    "strip": CAT[150:153, :].copy(),
    "fits already": CAT[:232, :301].copy(),
}


def assert_equal(x, expected):
    assert x.shape == expected.shape
    assert np.abs(x.numpy() - expected).max() < 1e-6


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize(
    ("crop", "side", "mode"), [(112, 116, Mode.BILINEAR), (63, 64, Mode.BICUBIC), (48, 75, Mode.BILINEAR)]
)
def test_the_default_preprocessing_of_a_torchvision_network_is_torchvisions(name, crop, side, mode):
    preset = ImageClassification(crop_size=crop, resize_size=side, interpolation=mode)
    picture = Image.fromarray(IMAGES[name])
    pixels, x = as_preprocess(preset, (9, 9), 3)(IMAGES[name])
    assert (pixels == np.asarray(center_crop(resize(picture, [side], mode), [crop]))).all()
    assert_equal(x, preset(picture).numpy())


@pytest.mark.parametrize("name", IMAGES)
def test_without_a_preset_the_largest_crop_of_the_right_proportions_is_taken(name):
    image = IMAGES[name]
    pixels, x = zf.Preprocess((30, 48))(image)
    assert pixels.shape == (30, 48, 3)
    factor = max(30 / image.shape[0], 48 / image.shape[1])
    height, width = max(30, int(factor * image.shape[0])), max(48, int(factor * image.shape[1]))
    whole = Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC)
    assert (pixels == np.asarray(center_crop(whole, [30, 48]))).all()
    mean, std = (np.array(numbers)[:, None, None] for numbers in (IMAGENET_MEAN, IMAGENET_STD))
    assert_equal(x, (pixels.transpose(2, 0, 1) / 255 - mean) / std)


PEAK = """
import numpy
from zfwidgets.models.preprocess import Preprocess
forget()
before = peak()
for shape in [(4, 20_000, 3), (20_000, 4, 3), (1, 1_000_000, 3)]:
    for preprocess in (Preprocess((224, 224)), Preprocess((224, 224), 256), Preprocess((32, 500), 48)):
        assert preprocess.fit(numpy.full(shape, 77, numpy.uint8)).shape == (*preprocess.size, 3)
print((peak() - before) / 2**20)
"""


@pytest.mark.slow
def test_a_long_strip_takes_little_memory():
    done = subprocess.run([sys.executable, "-c", SOURCE + PEAK], check=True, capture_output=True, text=True)
    assert float(done.stdout) < 64  # MiB; the longest, scaled whole, has 50 thousand million pixels


@pytest.mark.slow
@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("preprocess", [zf.Preprocess((100, 95)), zf.Preprocess((80, 120), 95)])
@pytest.mark.parametrize("mode", [Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS])
def test_a_strip_that_is_cropped_first_is_the_same_but_for_rounding(turned, preprocess, mode):
    strip = np.random.default_rng(0).integers(0, 256, (4, 8000, 3), dtype=np.uint8)
    strip[:, ::50] = 255
    preprocess = replace(preprocess, resampling=mode)
    image = strip.transpose(1, 0, 2).copy() if turned else strip
    side = preprocess.resize or preprocess.size[turned]
    whole = resize(Image.fromarray(image), [side], Mode[mode.name])
    assert whole.width * whole.height > 16_000_000
    expected = np.asarray(center_crop(whole, list(preprocess.size)))
    assert np.abs(preprocess.fit(image).astype(int) - expected).max() <= 1


def network(preprocess, size=(30, 48)):
    torch.manual_seed(0)
    return zf.Network(nn.Conv2d(3, 4, 3), size=size, preprocess=preprocess, device="cpu")


def test_ones_own_transforms_are_taken_and_the_picture_is_what_they_made():
    geometry = transforms.Compose([transforms.Resize((30, 48)), transforms.RandomHorizontalFlip(1)])
    normalise = transforms.Normalize((0.1, 0.5, 0.9), (0.3, 0.2, 0.1))
    compose = transforms.Compose([geometry, transforms.ToTensor(), normalise])
    pixels, x = network(compose).prepare(CAT)
    expected = geometry(Image.fromarray(CAT))
    assert (pixels == np.asarray(expected)).all()
    assert torch.equal(x, normalise(transforms.ToTensor()(expected)))


def test_without_normalize_the_picture_is_the_numbers():
    compose = transforms.Compose([transforms.Resize((30, 48)), transforms.ToTensor()])
    pixels, x = network(compose).prepare(CAT)
    assert (pixels == np.asarray(Image.fromarray(CAT).resize((48, 30), Image.Resampling.BILINEAR))).all()
    assert torch.equal(x, transforms.ToTensor()(pixels))


def test_numbers_of_another_range_are_stretched_for_the_picture_only():
    def centred(image):
        return transforms.ToTensor()(image.resize((48, 30))) * 4 - 7

    pixels, x = network(centred).prepare(CAT)
    assert (pixels.min(), pixels.max()) == (0, 255)
    assert torch.equal(x, centred(Image.fromarray(CAT)))


def test_a_wrong_size_says_what_size_to_give():
    with pytest.raises(ValueError, match=r"returns images of 40×48 pixels.*for 30×48: give size=\(40, 48\)"):
        network(transforms.Compose([transforms.Resize((40, 48)), transforms.ToTensor()])).prepare(CAT)


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (np.zeros((3, 30, 48)), r"ndarray of shape \(3, 30, 48\)"),
        (torch.zeros(1, 3, 30, 48), r"Tensor of shape \(1, 3, 30, 48\)"),
        (None, "NoneType"),
    ],
)
def test_a_wrong_return_says_what_it_is(returned, said):
    with pytest.raises(TypeError, match=f"must turn a PIL image into a tensor.*returned {said}"):
        network(lambda _: returned).prepare(CAT)


def test_what_is_no_function_is_refused_at_once():
    with pytest.raises(TypeError, match=r"function from a PIL image.*this is list"):
        network([0.5, 0.5])


def test_a_preprocess_has_the_last_word_on_the_size():
    assert network(zf.Preprocess((31, 27)), size=224).program.input.shape == (3, 31, 27)


def test_grey_is_the_photograph_turned_to_grey():
    _, x = zf.Preprocess((30, 48), mean=(0.25,), std=(2.0,))(CAT)
    pixels = zf.Preprocess((30, 48)).fit(CAT)
    assert_equal(x, (np.asarray(Image.fromarray(pixels).convert("L"))[None] / 255 - 0.25) / 2)


def test_all_that_an_image_can_be_gives_the_same_numbers(tmp_path):
    png = io.BytesIO()
    Image.fromarray(CAT).save(png, "PNG")
    (tmp_path / "cat.png").write_bytes(png.getvalue())
    tensor = torch.from_numpy(CAT).permute(2, 0, 1)
    ways = [tmp_path / "cat.png", str(tmp_path / "cat.png"), png.getvalue(), Image.fromarray(CAT), CAT, CAT / 255]
    ways += [(CAT / 255).astype(np.float32), tensor, tensor / 255, np.dstack([CAT, np.full(CAT.shape[:2], 255)])]
    ways[-1] = ways[-1].astype(np.uint8)
    prepared = network(None)
    expected_pixels, expected = prepared.prepare(CAT)
    for way in ways:
        pixels, x = prepared.prepare(way)
        assert (pixels == expected_pixels).all()
        assert torch.equal(x, expected)
