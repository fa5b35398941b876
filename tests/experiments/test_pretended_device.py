"""Every experiment keeps a device's rules, and finds there what it finds on the CPU: on a device that is not there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

import zfwidgets as zf
from zfwidgets.backend.device import DEVICES
from zfwidgets.backend.run.forward import forward
from zfwidgets.experiments import loading, one_pass
from zfwidgets.experiments.invariance import TRANSFORMATIONS
from zfwidgets.experiments.invariance.shift import feature_shift
from zfwidgets.experiments.projection import ImageFeatures
from zfwidgets.models.checks import best_device

from ..pretended import NAME, at_most, pretended_device

pytestmark = pytest.mark.slow

SIZE = (20, 26)
WIDEST = 40  # maps of the layer in the middle
LARGEST = WIDEST * 9 * 12  # numbers in them: more than in the image


@pytest.fixture(scope="module")
def net() -> zf.Network:
    """In double precision, so that rounding decides nothing."""
    torch.manual_seed(4)
    module = nn.Sequential(
        nn.Conv2d(3, 5, (3, 4), stride=2), nn.BatchNorm2d(5), nn.ReLU(), nn.Conv2d(5, WIDEST, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Conv2d(WIDEST, 7, 2), nn.SiLU(), nn.Flatten(), nn.Linear(7 * 3 * 5, 3),
    )  # fmt: skip
    return zf.Network(module.double(), size=SIZE, device="cpu")


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    cat = zf.photograph("cat")
    places = np.random.default_rng(5).integers(0, (cat.shape[0] - 60, cat.shape[1] - 70), (21, 2))
    return [cat[row : row + 60, column : column + 70] for row, column in places]


@pytest.fixture
def there(net) -> Iterator[zf.Network]:
    """The same network on the device."""
    with pretended_device() as device:
        yield net.on(device)


def assert_equal(found: Any, expected: Any) -> None:
    """Two results, number by number."""
    for field in fields(expected):
        a, b = getattr(found, field.name), getattr(expected, field.name)
        for one, other in zip(a.values(), b.values(), strict=True) if isinstance(b, dict) else [(a, b)]:
            if isinstance(other, np.ndarray | float):
                np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6, err_msg=field.name)
            else:
                assert one == other, field.name


def test_a_network_is_on_the_device(there, net, pictures):
    assert there.device.type == NAME
    assert there.batch(pictures[:2]).device.type == NAME
    assert there.fingerprint == net.fingerprint
    assert_equal(there.predict(pictures), net.predict(pictures))


def test_auto_is_the_best_device_that_there_is(monkeypatch):
    for kind in ("cpu", "mps", "cuda"):  # each better than those before it
        for worse in ("mps", "cuda"):
            monkeypatch.setitem(DEVICES, worse, replace(DEVICES[worse], available=lambda worse=worse: worse == kind))  # noqa: B023
        assert best_device("auto").type == kind
    with pretended_device() as device:
        assert best_device(str(device)) == device


@pytest.mark.parametrize("rule", ["deconvnet", "gradient", "guided"])
def test_projections(rule, there, net, pictures):
    for layer in ("0", "5", "7", "9"):
        for crop in (True, False):
            for unit in ("max", "all"):
                found, expected = (
                    zf.project(one, pictures[0], layer, 2, unit, rule, crop=crop) for one in (there, net)
                )
                assert_equal(found, expected)


@pytest.mark.parametrize("per_image", [1, 2])
def test_top_activations_and_their_gallery(per_image, there, net, pictures):
    some = [*pictures[:13], np.zeros((0, 3)), *pictures[13:]]  # one cannot be read
    tops = [zf.top_activations(one, some, "all", 3, per_image=per_image, progress=False) for one in (there, net)]
    assert_equal(*tops)
    for layer in ("7", "9"):
        assert_equal(
            *(zf.gallery(one, some, found, layer, [0, 2]) for one, found in zip((there, net), tops, strict=True))
        )


@pytest.mark.parametrize(("small", "expected"), [(True, [8, 8, 8]), (False, [21])])
def test_data_sets_go_through_in_batches_as_the_device_wants_them(small, expected, net, pictures, monkeypatch):
    sizes = []

    def counting(program, x, *args, **options):
        sizes.append(len(x))
        return forward(program, x, *args, **options)

    monkeypatch.setattr(one_pass, "forward", counting)
    with pretended_device(small_batches=small) as device:
        zf.top_activations(net.on(device), pictures, progress=False)
    assert sizes == expected


@pytest.mark.parametrize("pinned", [True, False])
def test_images_are_read_into_pinned_memory_where_the_device_makes_use_of_it(pinned, net, pictures, monkeypatch):
    asked = []

    def loader(*args, pin_memory, **options):
        asked.append(pin_memory)
        return DataLoader(*args, **options)  # there is no such device to pin memory for

    monkeypatch.setattr(loading, "DataLoader", loader)
    with pretended_device(pinned=pinned) as device:
        list(loading.load_batches(net.on(device), zf.images(pictures), [[0, 1]]))
    assert asked == [pinned]


@pytest.mark.parametrize("fill", ["grey", "mean", "blur", "noise", "red"])
def test_occlusion(fill, there, net, pictures):
    assert_equal(*(zf.occlusion(one, pictures[0], [0, 1], "5", 6, 4, fill) for one in (there, net)))
    assert_equal(*(zf.hide(one, pictures[0], (2, 3, 9, 11), fill) for one in (there, net)))


@pytest.mark.parametrize("border", ["edge", "grey", "reflection"])
def test_invariance(border, there, net, pictures):
    transforms = [(name, one.values[::12]) for name, one in TRANSFORMATIONS.items()]
    halved = zf.transformation("halved", lambda picture, value: picture // 2, [0, 1], identity=0)
    found = [
        zf.invariance(one, pictures[:2], None, "all", [*transforms, halved], border=border) for one in (there, net)
    ]
    assert_equal(*found)


def test_one_value_of_a_transformation(there, net, pictures):
    one = TRANSFORMATIONS["rotation"]
    for value in (0.0, 30.0):
        assert_equal(*(feature_shift(ImageFeatures(x, pictures[0]), one, value, "grey", ["5"]) for x in (there, net)))


def test_images_that_are_on_the_device_already(there, net, pictures):
    tensors = [torch.from_numpy(picture).permute(2, 0, 1) for picture in pictures]
    assert_equal(there.predict([x.to(there.device) for x in tensors]), net.predict(tensors))


def test_images_of_seven_channels_that_are_on_the_device_already(there):
    net = zf.Network(nn.Sequential(nn.Conv2d(7, 4, 3), nn.Flatten(), nn.Linear(4 * 8 * 6, 2)), (10, 8), device="cpu")
    images = [*torch.randn(9, 7, 10, 8, generator=torch.Generator().manual_seed(0)), torch.zeros(2, 3)]  # one is none
    tops = [
        zf.top_activations(one, [x.to(one.device) for x in images], progress=False)
        for one in (net.on(there.device), net)
    ]
    assert_equal(*tops)
    assert tops[0].broken[0][0] == 9


def test_preprocessing_that_happens_on_the_device(there, net, pictures):
    class OnTheDevice:
        """As many do: a function with a normalisation whose numbers are on the device, too."""

        def __init__(self, device: torch.device) -> None:
            self.mean, self.std = torch.tensor([0.5, 0.4, 0.3]).to(device), torch.tensor([0.2]).to(device)

        def __call__(self, image):
            x = torch.from_numpy(np.array(image.resize(SIZE[::-1]))).to(self.mean.device).permute(2, 0, 1) / 255
            return (x - self.mean[:, None, None]) / self.std

    both = [zf.Network(one.program, preprocess=OnTheDevice(one.device), device=one.device) for one in (there, net)]
    some = [pictures[0], np.zeros((0, 3)), *pictures[1:9]]  # one cannot be read
    tops = [zf.top_activations(one, some, "7", 3, progress=False) for one in both]
    assert_equal(replace(tops[0], network=""), replace(tops[1], network=""))
    assert_equal(*(zf.project(one, pictures[0], "7", 1) for one in both))
    assert_equal(*(zf.occlusion(one, pictures[0], size=6, stride=5) for one in both))


def test_correspondence(there, net, pictures):
    parts = {"middle": [(5, 6, 12, 15)] * 3, "corner": [(0, 0, 6, 6)] * 3}
    assert_equal(*(zf.correspondence(one, pictures[:3], parts, draws=3) for one in (there, net)))


PARTS = {"middle": [(5, 6, 12, 15)] * 3, "corner": [(0, 0, 6, 6)] * 3}
CALLS = {
    "predict": lambda net, pictures: net.predict(pictures),
    "top activations": lambda net, pictures: zf.top_activations(net, pictures, "all", 3, per_image=2, progress=False),
    "a projection": lambda net, pictures: zf.project(net, pictures[0], "7", 1, rule="guided"),
    "a projection of all units": lambda net, pictures: zf.project(net, pictures[0], "7", 1, "all"),
    "occlusion": lambda net, pictures: zf.occlusion(net, pictures[0], 0, size=6, stride=2),
    "invariance": lambda net, pictures: zf.invariance(net, pictures[:2], layers="all", transforms="rotation"),
    "one value of a transformation": lambda net, pictures: feature_shift(
        ImageFeatures(net, pictures[0]), TRANSFORMATIONS["rotation"], 30.0, "edge", ["5"]
    ),
    "correspondence": lambda net, pictures: zf.correspondence(net, pictures[:3], PARTS, draws=2),
    "sharing": lambda net, pictures: zf.sharing(net, pictures, upper="7", lower="4", progress=False),
    "a knock-out": lambda net, pictures: zf.knock_out(net, pictures[0], "4", [1, 3]),
}


@pytest.mark.parametrize("name", CALLS)
def test_with_little_memory_the_results_are_the_same(name, there, net, pictures):
    with at_most(2 * LARGEST):
        found = CALLS[name](there, pictures)
    assert_equal(found, CALLS[name](net, pictures))


def test_a_gallery_with_little_memory_is_the_same(there, net, pictures):
    tops = zf.top_activations(net, pictures, "7", 3, progress=False)
    with at_most(2 * LARGEST):
        found = zf.gallery(there, pictures, tops, "7", [0, 1, 2, 3])
    assert_equal(found, zf.gallery(net, pictures, tops, "7", [0, 1, 2, 3]))


@pytest.mark.parametrize("name", CALLS)
def test_where_not_even_one_image_fits_a_sentence_says_so(name, there, pictures):
    with at_most(LARGEST // 2), pytest.raises(MemoryError, match=r"^not even one image at a time fits"):
        CALLS[name](there, pictures)


@pytest.mark.parametrize("batch_size", [1, 8, 64])
def test_a_layer_that_had_its_images_when_memory_ended_does_not_get_them_twice(batch_size, there, net, pictures):
    layers = ["0", "4"]  # the second is the one that is too large
    whole = zf.top_activations(net, pictures, layers, 5, batch_size=batch_size, progress=False)
    with at_most(5 * LARGEST - 1):
        found = zf.top_activations(there, pictures, layers, 5, batch_size=batch_size, progress=False)
    assert_equal(found, whole)
    assert all(len(set(row)) == len(row) for row in found.images["0"].tolist())


def test_what_maps_are_made_of_is_the_same_there(there, net, pictures):
    layers = [layer.name for layer in net.feature_layers]
    expected, found = (
        zf.sharing(
            each, pictures, zf.top_activations(each, pictures, layers, progress=False), layers[-1], layers[-2::-1],
            progress=False,
        )
        for each in (net, there)
    )  # fmt: skip
    assert_equal(found, expected)
    assert_equal(found.check(there, pictures, 3), expected.check(net, pictures, 3))


@pytest.mark.parametrize("fill", ["zero", "mean"])
def test_taking_maps_out_is_the_same_there(there, net, pictures, fill):
    layer = net.feature_layers[0].name
    assert_equal(
        zf.knock_out(there, pictures[0], layer, [1, 3], fill=fill),
        zf.knock_out(net, pictures[0], layer, [1, 3], fill=fill),
    )
