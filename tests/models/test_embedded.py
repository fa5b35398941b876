"""The small network that the package ships knows shapes, and its recorded evolution is its own."""

from __future__ import annotations

import numpy as np
import pytest

import zfwidgets as zf
from zfwidgets.models.embedded import EPOCHS, SHAPES_WEIGHTS

NEW = zf.Shapes(600, seed=77)  # none of those that it was trained with


def accuracy(net: zf.Network) -> float:
    return float((net.predict(NEW).probability.argmax(1) == NEW.targets).mean())


@pytest.mark.slow
def test_it_knows_shapes_that_it_has_not_seen():
    assert accuracy(zf.load("zfnet_shapes")) >= 0.98


@pytest.mark.slow
def test_it_is_here_as_it_was_after_each_epoch():
    first, tenth = (accuracy(zf.load("zfnet_shapes", epoch=epoch)) for epoch in (1, 10))
    assert 1 / 12 < first < 0.3 < tenth < 0.95


def test_its_classes_are_the_forms():
    net = zf.load("zfnet_shapes")
    assert net.labels == NEW.classes
    assert net.source == "zf.load('zfnet_shapes')"
    assert zf.load("zfnet_shapes", epoch=2).source == "zf.load('zfnet_shapes', epoch=2)"


@pytest.mark.parametrize(
    ("name", "epoch", "words"),
    [("zfnet_shapes", 3, "1, 2, 5, 10, 20, 30, 40, 64"), ("squeezenet1_1", 1, 'only "zfnet_shapes"')],
)
def test_other_epochs_are_refused(name, epoch, words):
    with pytest.raises(ValueError, match=words):
        zf.load(name, epoch=epoch)


def test_weights_and_evolution_are_small_enough_to_ship():
    from zfwidgets.experiments.evolution.prepared import PLACE

    assert sum(path.stat().st_size for folder in (SHAPES_WEIGHTS, PLACE) for path in folder.iterdir()) <= 15_000_000


@pytest.mark.slow
@pytest.mark.parametrize("epoch", [1, 64])
def test_its_evolution_is_of_these_weights(epoch):
    evolution, net = zf.prepared_evolution(), zf.load("zfnet_shapes", epoch=epoch, device="cpu")
    assert evolution.epochs == EPOCHS
    assert evolution.damaged == ()
    snapshot = evolution.snapshot(epoch)
    for layer in evolution.layers:
        for row, place in ((0, 1), (1, 4)):
            image = evolution.pictures[int(snapshot.images[layer][row, place])]
            unit = tuple(snapshot.units[layer][row, place].tolist())
            expected = zf.project(net, image, layer, int(snapshot.features[layer][place]), unit)
            top, left, bottom, right = expected.box
            found = snapshot.projection(layer, place, row)
            assert np.abs(found - expected.pixels[:, top:bottom, left:right]).max() <= 2e-3 * expected.scale


def test_in_its_evolution_the_first_layer_settles_before_the_last():
    change = zf.prepared_evolution().change()
    assert change.shape == (5, 8)
    assert (change[0] < change[4]).all()  # at every snapshot it has moved less since the one before
