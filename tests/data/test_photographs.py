"""The embedded photographs."""

import importlib
import socket

import numpy as np
import pytest
import skimage
from sklearn.datasets import load_sample_image

from zfwidgets.data import photograph, photograph_names, photographs


def test_those_that_imagenet_knows_come_first():
    assert photograph_names()[:3] == ("cat", "coffee", "motorcycle")


@pytest.mark.parametrize("name", photograph_names())
def test_every_name_is_a_photograph(name):
    image = photograph(name)
    assert image.dtype == np.uint8
    assert image.ndim == 3
    assert image.shape[2] == 3
    assert image.std() > 10


@pytest.mark.parametrize("name", ["cat", "coffee", "rocket", "astronaut", "retina"])
def test_scikit_image_shows_the_same_colors(name):
    assert np.array_equal(photograph(name), getattr(skimage.data, name)())


@pytest.mark.parametrize("name", ["camera", "coins", "brick"])
def test_scikit_image_shows_the_same_greys(name):
    assert np.array_equal(photograph(name)[:, :, 1], getattr(skimage.data, name)())


@pytest.mark.parametrize("name", ["china", "flower"])
def test_scikit_learn_shows_the_same(name):
    assert np.array_equal(photograph(name), load_sample_image(f"{name}.jpg"))


def test_the_motorcycle_is_the_left_one_of_the_pair():
    assert np.array_equal(photograph("motorcycle"), skimage.data.stereo_motorcycle()[0])


def test_no_photograph_needs_the_network(monkeypatch):
    monkeypatch.setattr(socket, "socket", None)
    assert tuple(photographs()) == photograph_names()


def test_photographs_come_in_the_order_asked_for():
    chosen = photographs(["flower", "cat"])
    assert list(chosen) == ["flower", "cat"]
    assert np.array_equal(chosen["cat"], photograph("cat"))


@pytest.mark.parametrize(
    ("name", "hint"), [("motorcicle", "perhaps 'motorcycle'?"), ("zebra", "there are cat, coffee")]
)
def test_an_unknown_name_is_answered_with_known_ones(name, hint):
    with pytest.raises(ValueError, match=hint):
        photograph(name)


def test_a_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setattr(importlib.import_module("zfwidgets.data.photographs"), "find_spec", lambda package: None)
    with pytest.raises(ValueError, match="skimage, which is not installed"):
        photograph("cat")
