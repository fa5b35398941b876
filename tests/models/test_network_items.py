"""A network for other than one or three channels reads the items of data sets as they are."""

from __future__ import annotations

import numpy as np
import pandas
import pytest
import torch
from torch import nn
from torch.utils.data import Subset, TensorDataset

import zfwidgets as zf

SIZE = (20, 28)


def network(channels):
    torch.manual_seed(3)
    module = nn.Sequential(nn.Conv2d(channels, 6, 5), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3))
    return zf.Network(module, size=SIZE, device="cpu", channels=channels)


@pytest.fixture(params=[2, 5])
def net(request):
    return network(request.param)


@pytest.fixture
def x(net):
    return torch.randn(3, net.program.input.shape[0], *SIZE, generator=torch.Generator().manual_seed(1))


def shapes(x):
    frame = pandas.DataFrame({"pixel_values": list(x.numpy()), "labels": [0, 1, 2]}, index=[7, 3, 5])
    return {
        "a batch": x,
        "tuples of one": TensorDataset(x),
        "pairs": TensorDataset(x, torch.arange(3)),
        "three": TensorDataset(x, torch.arange(3), torch.arange(3)),
        "a subset": Subset(TensorDataset(x, torch.arange(3)), [0, 1, 2]),
        "dictionaries": [{"image": image, "label": 0} for image in x],
        "images within": [({"image": image, "label": 0}, 17) for image in x],
        "a data frame": frame,
        "a column": frame["pixel_values"],
        "rows": frame.to_dict("records"),
    }


def test_items_of_every_shape_are_read_as_they_are(net, x):
    expected = net.predict(list(x)).probability
    for name, given in shapes(x).items():
        assert np.array_equal(net.predict(given).probability, expected), name


def test_an_experiment_reads_them_too(net, x):
    expected = zf.top_activations(net, list(x), k=2)
    found = zf.top_activations(net, [{"image": image, "label": 0} for image in x], k=2)
    for layer, values in expected.values.items():
        assert np.array_equal(found.values[layer], values)


def test_an_item_without_an_image_is_named(net, x):
    with pytest.raises(ValueError, match=r"image 'image 0'.*under one of image, img.*this one has 'scan'"):
        net.predict([{"scan": x[0]}])


def test_labels_of_dictionaries_are_the_true_classes():
    photographs = [{"image": zf.photograph(name), "label": place} for name, place in (("cat", 2), ("coffee", 1))]
    found = zf.invariance(network(3), photographs, transforms={"rotation": [0, 90]})
    assert found.truth.tolist() == [2, 1]
