"""Galleries: every tile is what one projection gives, cut out where the unit looks."""

from __future__ import annotations

import numpy as np
import pytest

import zfwidgets as zf
from zfwidgets.experiments.gallery import GREY
from zfwidgets.experiments.top_activations import prepared_tops
from zfwidgets.experiments.top_activations.deduplicate import deduplicate
from zfwidgets.task import Cancelled, Task


@pytest.fixture(scope="module")
def net() -> zf.Network:
    return zf.load("squeezenet1_1", device="cpu")


@pytest.fixture(scope="module")
def tops(net) -> zf.TopActivations:
    found = prepared_tops(net, zf.corpus())
    assert found is not None
    return found


def expected_tile(net, layer: str, feature: int, unit, number: int):
    """From the whole image: the projection and the picture, cut out row by row."""
    projection = zf.project(net, zf.corpus()[number], layer, feature, unit, crop=False)
    (tall, wide), (down, across) = net.layer(layer).receptive_field, net.layer(layer).stride
    height, width = min(tall, 227), min(wide, 227)
    fields = net.step(layer).fields
    top = 0 if tall >= 227 else int(fields[0].first + down * unit[0])
    left = 0 if wide >= 227 else int(fields[1].first + across * unit[1])
    pixels = np.zeros((3, height, width), np.float32)
    patch = np.full((height, width, 3), GREY, np.uint8)
    for row in range(height):
        for column in range(width):
            y, x = top + row, left + column
            if 0 <= y < 227 and 0 <= x < 227:
                pixels[:, row, column], patch[row, column] = projection.pixels[:, y, x], projection.picture[y, x]
    return pixels, patch, projection.activation


@pytest.mark.parametrize("layer", ["features.1", "features.4.cat", "features.8", "features.12.cat"])
def test_every_tile_is_what_one_projection_of_the_whole_image_gives(net, tops, layer):
    features = [5, 0, 40]
    gallery = zf.gallery(net, None, tops, layer, features)
    assert gallery.features.tolist() == features
    height, width = gallery.patches.shape[2:4]
    assert gallery.projections.shape == (3, 9, 3, height, width)
    for block, place in [(0, 0), (0, 8), (1, 3), (2, 7)]:
        unit, number = gallery.units[block, place].tolist(), int(gallery.images[block, place])
        pixels, patch, activation = expected_tile(net, layer, features[block], tuple(unit), number)
        assert np.array_equal(gallery.patches[block, place], patch)
        scale = max(float(np.abs(pixels).max()), 1e-6)
        assert np.abs(gallery.projections[block, place] - pixels).max() / scale < 1e-4
        assert gallery.values[block, place] == pytest.approx(activation, rel=1e-4)


@pytest.mark.slow
def test_what_ships_is_what_a_pass_finds_today(net, tops):
    layers = ["features.1", "features.7.cat", "classifier.2"]
    found = zf.top_activations(net, zf.corpus(), layers, progress=False)
    for layer in layers:
        alive = ~tops.dead(layer)
        assert np.allclose(found.values[layer][alive], tops.values[layer][alive], rtol=1e-3)
        assert (found.images[layer] == tops.images[layer])[alive].mean() > 0.99  # near ties may fall otherwise


def test_in_the_corpus_no_two_activations_of_a_map_come_from_the_same_place(net, tops):
    """Said again without numpy's broadcasting: one pair at a time, with the boxes that the backend gives."""
    corpus = zf.corpus()
    for layer in ("features.4.cat", "features.12.cat"):
        for feature in (0, 17, 100):
            seen = []
            for number, unit in zip(tops.images[layer][feature], tops.units[layer][feature].tolist(), strict=True):
                if number < 0:
                    continue
                origin = corpus.items.origins[number]
                top, left, bottom, right = net.program.receptive_field(net.step(layer), *unit)
                scale = origin.side / 227
                box = [origin.top + top * scale, origin.left + left * scale]
                box += [origin.top + bottom * scale, origin.left + right * scale]
                for source, other in seen:
                    assert source != origin.source or not (holds(box, other) or holds(other, box)), (
                        feature,
                        box,
                        other,
                    )
                seen.append((origin.source, box))
            assert len(seen) == 9


def holds(box, other) -> bool:
    row, column = (other[0] + other[2]) / 2, (other[1] + other[3]) / 2
    slack = 1.5  # pixels: the backend's boxes end at borders inside the network, too
    return box[0] + slack < row < box[2] - slack and box[1] + slack < column < box[3] - slack


def test_repeats_are_left_out_and_the_strongest_kept(net, tops):
    fewer = deduplicate(tops, net, zf.corpus(), 4)
    for layer in tops.layers:
        assert np.array_equal(fewer.values[layer], tops.values[layer][:, :4])


def test_a_random_choice_is_of_live_maps_and_the_same_for_the_same_seed(net, tops):
    one, again, other = (zf.gallery(net, None, tops, "features.3.cat", 5, seed=seed).features for seed in (1, 1, 2))
    assert one.tolist() == again.tolist() == sorted(one)
    assert one.tolist() != other.tolist()
    assert not tops.dead("features.3.cat")[one].any()


def test_a_map_with_fewer_activations_has_empty_tiles(net):
    tops = zf.top_activations(net, [zf.photograph("cat")], ["features.5"], progress=False)
    gallery = zf.gallery(net, [zf.photograph("cat")], tops, "features.5", [3])
    assert (gallery.patches[0, 1:] == GREY).all()
    assert (gallery.projections[0, 1:] == 0).all()
    assert (gallery.patches[0, 0] != GREY).any()


def test_a_gallery_is_saved_and_drawn(net, tops, tmp_path):
    gallery = zf.gallery(net, None, tops, "features.6.cat", [2, 9])
    gallery.save(tmp_path / "gallery.safetensors")
    again = zf.Gallery.load(tmp_path / "gallery.safetensors")
    assert np.array_equal(again.projections, gallery.projections)
    assert again.pictures().shape == (2, 9, *gallery.patches.shape[2:])
    assert len(again.plot()._repr_png_()) > 10_000


def test_a_gallery_that_nobody_wants_stops(net, tops):
    with pytest.raises(Cancelled):
        zf.gallery(net, None, tops, "features.6.cat", [2, 9], task=Task(lambda: True))


@pytest.mark.parametrize(
    ("layer", "features", "message"),
    [
        ("features.77", 4, "has no layer 'features.77'; near it: features\\."),
        ("features.7.squeeze", 4, "layer 'features.7.squeeze' was not looked at; these were: features.1, "),
        ("features.1", [64], r"features of 'features.1' are numbers from 0 to 63; \[64\] was given"),
        ("features.1", [], "features of 'features.1' are numbers from 0 to 63"),
    ],
)
def test_what_is_not_there_cannot_be_hung(net, tops, layer, features, message):
    with pytest.raises(ValueError, match=message):
        zf.gallery(net, None, tops, layer, features)


def test_an_unknown_rule_is_refused(net, tops):
    with pytest.raises(ValueError, match="the rules are 'deconvnet', 'gradient', 'guided'; 'saliency' was given"):
        zf.gallery(net, None, tops, "features.1", 1, rule="saliency")


def test_tops_of_other_images_are_refused(net, tops):
    with pytest.raises(ValueError, match="found in other images"):
        zf.gallery(net, zf.photographs(), tops, "features.1")
