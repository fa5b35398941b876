"""What responds at a place of an image, against maps that plain torch computes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import zfwidgets as zf

SIZE = (24, 36)


@pytest.fixture(scope="module")
def module():
    torch.manual_seed(3)
    convolutions = nn.Conv2d(3, 7, 3, padding=1), nn.ReLU(), nn.Conv2d(7, 9, 3, stride=2, padding=1), nn.ReLU()
    return nn.Sequential(*convolutions, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(9, 4)).eval()


@pytest.fixture(scope="module")
def net(module):
    return zf.Network(module, size=SIZE, labels=["ant", "bee", "cat", "dog"], device="cpu")


@pytest.fixture(scope="module")
def image():
    return zf.photograph("cat")


def maps_of(module, net, image, count):
    with torch.no_grad():
        return module[:count](net.prepare(image)[1][None])[0].numpy()


def as_it_is(picture):
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1) / 255


@pytest.mark.parametrize("box", [(4, 6, 9, 12), (0, 0, 24, 36), (23, 35, 24, 36), (10, 0, 11, 36)])
def test_each_map_answers_by_its_strongest_unit_in_the_box(module, net, image, box):
    maps = maps_of(module, net, image, 2)
    found = zf.responses(net, image, "1", box)
    top, left, bottom, right = box
    there = maps[:, top:bottom, left:right]
    np.testing.assert_allclose(found.activation, there.max((1, 2)), atol=1e-5)
    np.testing.assert_allclose(found.strongest, maps.max((1, 2)), atol=1e-5)
    np.testing.assert_allclose(maps[np.arange(7), found.unit[:, 0], found.unit[:, 1]], found.activation, atol=1e-5)
    assert found.order[0] == there.max((1, 2)).argmax()
    assert found.box == box


def test_where_units_lie_two_pixels_apart_the_nearest_ones_count(module, net, image):
    maps = maps_of(module, net, image, 4)
    found = zf.responses(net, image, "3", (4, 6, 9, 11))
    np.testing.assert_allclose(found.activation, maps[:, 2:5, 3:6].max((1, 2)), atol=1e-5)
    row, column = found.unit[0]
    assert found.field[0].tolist() == list(zf.ImageFeatures(net, image).field("3", (int(row), int(column))))


def test_one_pixel_is_a_place_and_no_box_is_the_whole_image(net, image):
    one, box = (zf.responses(net, image, "1", where) for where in ((5, 7), (5, 7, 6, 8)))
    assert one.box == box.box
    np.testing.assert_array_equal(one.activation, box.activation)
    whole = zf.responses(net, image, "1")
    np.testing.assert_array_equal(whole.activation, whole.strongest)


def test_a_map_that_looks_for_a_planted_pattern_comes_first():
    filters = np.zeros((5, 3, 3, 3), np.float32)
    filters[:, :, 1, 1] = np.random.default_rng(0).normal(size=(5, 3)) * 0.01
    filters[3] = 1.0  # the brightness of three by three pixels
    module = nn.Sequential(nn.Conv2d(3, 5, 3, padding=1, bias=False), nn.ReLU())
    module[0].weight.data = torch.from_numpy(filters)
    image = np.zeros((*SIZE, 3), np.uint8)
    image[8:11, 20:23] = 255
    net = zf.Network(module, size=SIZE, preprocess=as_it_is, device="cpu")
    there = zf.responses(net, image, "1", (6, 18, 13, 25))
    assert there.top(1) == [3]
    assert there.unit[3].tolist() == [9, 21]
    assert zf.responses(net, image, "1", (0, 0, 4, 4)).top() == []


def test_the_maps_of_the_last_layer_are_called_by_their_classes(net, image):
    found = zf.responses(net, image, "6", (3, 3))
    assert found.labels == ("ant", "bee", "cat", "dog")
    assert found.name_of(2) == "cat"
    assert zf.responses(net, image, "3", (3, 3)).name_of(2) == "feature 2"


@pytest.mark.parametrize(
    ("box", "words"),
    [((0, 0, 25, 3), "24 rows and 36 columns"), ((3, 3, 3, 9), "does not lie"), ((1, 2, 3), "was given"),
     ("eye", "was given"), (7, "was given"), ((-1, 4), "does not lie"), ((1.5, 2.5), "was given")],
)  # fmt: skip
def test_what_is_no_place_of_the_picture_is_refused_in_words(net, image, box, words):
    with pytest.raises(ValueError, match=words):
        zf.responses(net, image, "1", box)


def test_saved_tabled_and_drawn(net, image, tmp_path):
    found = zf.responses(net, zf.ImageFeatures(net, image), "3", (4, 6, 9, 11))
    found.save(tmp_path / "here.safetensors")
    again = zf.Responses.load(tmp_path / "here.safetensors")
    np.testing.assert_array_equal(again.unit, found.unit)
    assert again.box == found.box
    table = found.to_pandas()
    assert table.feature.tolist() == found.order.tolist()
    assert (np.diff(table.activation) <= 0).all()
    shown = found.top(5)
    axes = found.plot(count=5).axes
    assert len(axes) == 1 + len(shown)
    assert [one.get_title().split("\n")[0] for one in axes[1:]] == [f"feature {number}" for number in shown]
