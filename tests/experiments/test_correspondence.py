"""Correspondence: the formula in ten lines of numpy, masks that stay inside, and p-values that keep their word."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.draw import polygon2mask
from torch import nn

import zfwidgets as zf
from zfwidgets.backend.run.forward import forward
from zfwidgets.experiments.occlusion import mask_of
from zfwidgets.experiments.occlusion.masks import random_placement
from zfwidgets.task import Cancelled, Task

from ..tiny import Standardised

SHAPE = (24, 31)


@pytest.fixture(scope="module")
def small() -> zf.Network:
    torch.manual_seed(2)
    module = nn.Sequential(
        nn.Conv2d(3, 6, 5), nn.ReLU(), nn.Conv2d(6, 8, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(8, 3),
    )  # fmt: skip
    return zf.Network(module.eval(), size=SHAPE, labels=["a", "b", "c"], name="small")


def pictures(count: int, seed: int = 0) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [random.integers(0, 256, (*SHAPE, 3), dtype=np.uint8) for _ in range(count)]


def by_the_formula(net: zf.Network, images: list, boxes: list, layer: str) -> float:
    """The mean over ordered pairs i ≠ j of H(sign ε_i, sign ε_j) / length, in float64."""
    program = net.program.to(torch.device("cpu"), torch.float64)
    signs = []
    for image, (top, left, bottom, right) in zip(images, boxes, strict=True):
        x = net.prepare(image)[1].double()
        grey = net.prepare(np.full((*SHAPE, 3), 128, np.uint8))[1].double()
        hidden = x.clone()
        hidden[:, top:bottom, left:right] = grey[:, top:bottom, left:right]
        step = program.by_name[layer]
        a, b = forward(program, torch.stack([x, hidden]), [step]).activations[step].flatten(1).numpy()
        signs.append(np.sign(np.where(np.abs(a - b) < 1e-9, 0, a - b)))
    pairs = [np.mean(signs[i] != signs[j]) for i in range(len(signs)) for j in range(len(signs)) if i != j]
    return float(np.mean(pairs))


@pytest.mark.parametrize("count", [2, 5])
def test_delta_is_what_the_formula_says(small, count):
    images = pictures(count)
    boxes = [(2 + i, 3, 11 + i, 14 + 2 * i) for i in range(count)]
    layers = ["1", "3", "6"]
    found = zf.correspondence(small, images, {"part": boxes}, layers, draws=1)
    for layer in layers:
        assert found.delta("part", layer) == pytest.approx(by_the_formula(small, images, boxes, layer), abs=2e-3)
    assert len(found.differences["part/1"]) == count * (count - 1) // 2


def test_rectangles_polygons_and_arrays_mark_the_same(small):
    images, box = pictures(2), (4, 6, 12, 20)
    mask = np.zeros(SHAPE, bool)
    mask[4:12, 6:20] = True
    corners = [(4, 6), (4, 20), (12, 20), (12, 6)]
    parts = {"box": [box, box], "polygon": [corners, corners], "array": [mask, mask]}
    found = zf.correspondence(small, images, parts, "3", draws=1)
    for part in parts:
        assert (found.masks[part] == mask).all()
        assert found.delta(part, "3") == found.delta("box", "3")


def test_a_triangle_covers_half_its_box():
    mask = mask_of([(0, 0), (0, 20), (20, 0)], SHAPE, "it")
    assert mask.sum() == pytest.approx(200, abs=12)
    assert mask[1, 1]
    assert not mask[19, 19]


@pytest.mark.parametrize("steps", [1, 2, 4, 1000])  # a pixel: corners and edges on pixels' middles, on their edges, …
def test_polygons_are_filled_as_scikit_image_fills_them(steps):
    random = np.random.default_rng(steps)
    for _ in range(100):
        shape = tuple(random.integers(5, 20, 2).tolist())
        corners = random.integers(0, np.array(shape) * steps + 1, (random.integers(3, 9), 2)) / steps
        expected = np.asarray(polygon2mask(shape, corners - 0.5))
        if expected.any():
            assert (mask_of(corners, shape, "it") == expected).all()


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf, 1e300, 2**63, 10**40])
def test_marks_of_impossible_numbers_are_refused(number):
    for mark in ([2, 3, number, 9], [[2, 3, 4, 5], [number, 3, 4, 9]], [(0, 0), (0, 20), (number, 0)]):
        with pytest.raises(ValueError, match=r"it(,| has| is)"):
            mask_of(mark, SHAPE, "it")


def test_equal_features_agree_entirely(small):
    """Two equal images with equal masks; and masks that change nothing, because what they hide is grey already."""
    image = pictures(1)[0]
    assert zf.correspondence(small, [image, image], {"part": [(2, 2, 9, 9)] * 2}, "3", draws=1).delta("part", "3") == 0
    grey = [np.full((*SHAPE, 3), 128, np.uint8)] * 2
    assert (
        zf.correspondence(small, grey, {"part": [(2, 2, 9, 9), (3, 4, 20, 20)]}, "3", draws=1).delta("part", "3") == 0
    )


def test_where_only_one_changes_the_signs_differ(small):
    """On the first layer: one image is grey already, the other changes wherever the mask reaches a live unit."""
    images = [np.full((*SHAPE, 3), 128, np.uint8), pictures(1)[0]]
    box = (6, 6, 14, 16)
    found = zf.correspondence(small, images, {"part": [box, box]}, "0", draws=1)
    reached = (14 - 6 + 4) * (16 - 6 + 4) / ((SHAPE[0] - 4) * (SHAPE[1] - 4))
    assert found.delta("part", "0") == pytest.approx(reached, rel=0.02)


def test_images_without_a_part_do_not_take_part(small, tmp_path):
    """The same as without them, while another part is compared between all."""
    images, marks, all_of_them = pictures(4), [BOX, None, (5, 6, 14, 20), None], [BOX] * 4
    found = zf.correspondence(small, images, {"some": marks, "all": all_of_them}, "3", draws=5)
    alone = zf.correspondence(small, images[::2], {"some": [BOX, (5, 6, 14, 20)]}, "3", draws=5)
    every = zf.correspondence(small, images, {"all": all_of_them}, "3", draws=5)
    for key, expected in ({**alone.chance, **every.chance}).items():
        np.testing.assert_allclose(found.chance[key], expected, atol=1e-6)
    np.testing.assert_allclose(found.differences["some/3"], alone.differences["some/3"], atol=1e-6)
    assert found.images_with("some") == (found.names[0], found.names[2])
    assert found.to_pandas()["images"].tolist() == [2, 4, 4]
    assert (found.hidden("some")[1] == found.pictures[1]).all()
    found.save(tmp_path / "found.safetensors")
    assert zf.Correspondence.load(tmp_path / "found.safetensors").images_with("some") == found.images_with("some")


def test_results_of_different_images_are_joined_by_the_images_names(small):
    a, b, c = pictures(3)
    nose = zf.correspondence(small, {"a": a, "c": c}, {"nose": [BOX, BOX]}, "3", draws=5)
    ear = zf.correspondence(small, {"a": a, "b": b, "c": c}, {"ear": [BOX] * 3}, "3", draws=5)
    both = zf.correspondence(
        small, {"a": a, "b": b, "c": c}, {"nose": [BOX, None, BOX], "ear": [BOX] * 3}, "3", draws=5
    )
    joined = zf.Correspondence.joined([nose, ear])
    joined.verify()
    for part in ("nose", "ear"):
        assert set(joined.images_with(part)) == set(both.images_with(part))
        assert joined.delta(part, "3") == pytest.approx(both.delta(part, "3"), abs=1e-6)
        assert joined.p_value(part, "3") == both.p_value(part, "3")
    assert (joined.pictures[joined.names.index("b")] == both.pictures[1]).all()


def test_random_masks_stay_inside_and_go_everywhere():
    random = np.random.default_rng(3)
    mask = np.zeros(SHAPE, bool)
    mask[4:9, 5:7] = mask[7:9, 5:12] = True
    seen = np.zeros(SHAPE, int)
    for _ in range(600):
        moved = random_placement(mask, random)
        assert moved.sum() == mask.sum()
        seen += moved
    assert (seen > 0).mean() > 0.97
    assert (random_placement(np.ones(SHAPE, bool), random)).all()


def test_the_same_seed_gives_the_same_chance(small):
    images, parts = pictures(3), {"part": [(2, 2, 9, 9)] * 3}
    first, again, other = (zf.correspondence(small, images, parts, "3", draws=4, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.chance["part/3"], again.chance["part/3"])
    assert not np.array_equal(first.chance["part/3"], other.chance["part/3"])


def test_the_p_value_counts_draws_as_low_or_lower(small):
    found = zf.correspondence(small, pictures(3), {"part": [(2, 2, 9, 9)] * 3}, "3", draws=20)
    lower = sum(draw.mean() <= found.delta("part", "3") for draw in found.chance["part/3"])
    assert found.p_value("part", "3") == (1 + lower) / 21
    assert found.delta("random", "3") == pytest.approx(found.chance["part/3"].mean())


@pytest.mark.slow
def test_p_values_are_uniform_where_parts_are_random(small):
    """A part put anywhere is no part: its p-value is any number, and below 0.2 one time in five."""
    random, values = np.random.default_rng(0), []
    mask = mask_of((0, 0, 8, 10), SHAPE, "it")
    for seed in range(150):
        marks = [random_placement(mask, random) for _ in range(3)]
        found = zf.correspondence(small, pictures(3, seed), {"part": marks}, "3", draws=19, seed=seed)
        values.append(found.p_value("part", "3"))
    shares = [np.mean(np.array(values) <= level) for level in (0.2, 0.5, 0.8)]
    np.testing.assert_allclose(shares, [0.2, 0.5, 0.8], atol=0.11)  # three standard deviations of 150 draws


def test_a_part_that_matters_alike_is_found():
    """Equal objects at different places on different noise: hiding the object is more alike than hiding noise."""
    torch.manual_seed(1)
    wide = nn.Sequential(nn.Conv2d(3, 32, 5), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    net = zf.Network(wide.eval(), size=SHAPE, name="wide")
    images, marks = [], []
    for index, picture in enumerate(pictures(4)):
        top, left = 3 + 2 * index, 4 + 4 * index
        noise = 120 + picture // 16
        noise[top : top + 8, left : left + 8] = (250, 20, 20)
        images.append(noise)
        marks.append((top, left, top + 8, left + 8))
    found = zf.correspondence(net, images, {"object": marks}, "2", draws=60)
    assert found.delta("object", "2") < 0.5 * found.delta("random", "2")
    assert found.p_value("object", "2") < 0.05


def test_it_is_a_table_a_figure_and_a_file(small, tmp_path):
    parts = {"nose": [(2, 2, 9, 9)] * 2, "tail": [(12, 12, 20, 22)] * 2}
    found = zf.correspondence(small, {"x": pictures(2)[0], "y": pictures(2)[1]}, parts, ["3", "6"], draws=9)
    table = found.to_pandas()
    assert table.index.tolist() == ["nose", "tail", "random"]
    assert table.loc["nose", "3"] == found.delta("nose", "3")
    assert table.loc["nose", "paper, layer 5"] == 0.079
    assert table.loc["random", "paper, layer 7 spread"] == 0.014
    assert np.isnan(table.loc["tail", "paper, layer 5"])
    assert np.isnan(table.loc["nose", "3 spread"])  # one pair
    titles = [axes.get_title() for axes in found.plot().axes if axes.get_title()]
    assert titles == ["3: share of signs that differ", "6: share of signs that differ"]
    hidden = found.hidden("nose")
    assert (hidden[:, 2:9, 2:9] == 128).all()
    found.save(tmp_path / "found.safetensors")
    again = zf.Correspondence.load(tmp_path / "found.safetensors")
    assert again.p_value("tail", "6") == found.p_value("tail", "6")


def test_the_layers_are_by_default_the_last_with_maps_and_the_output():
    net = zf.load("squeezenet1_1")
    pictures = [zf.photograph(name) for name in ("cat", "coffee")]
    found = zf.correspondence(net, pictures, {"part": [(50, 50, 90, 90)] * 2}, draws=1)
    assert found.layers == ("features.12.cat", "flatten")
    assert 0 < found.delta("part", "features.12.cat") < 1


BOX = (2, 2, 9, 9)


@pytest.mark.parametrize(
    ("images", "parts", "message"),
    [
        (1, {"nose": [BOX]}, "two or more are needed"), (2, {"nose": [BOX]}, "each of the 2 images; 1 were given"),
        (2, {}, "parts are named"), (2, {"nose": [BOX, (2, 2, 99, 9)]}, "'nose' of image 1.*24×31 pixels"),
        (3, {"nose": [BOX, None, None]}, "'nose' is marked in fewer than two"),
        (2, {"nose": [BOX, (5, 5, 5, 9)]}, "does not lie in"), (2, {"nose": [BOX, "left"]}, "is a rectangle"),
        (2, {"nose": [BOX, np.zeros(SHAPE, bool)]}, "covers no pixel"),
        (2, {"nose": [BOX, [(0, 0), (0, 9), (40, 3)]]}, "corner outside"),
        (2, {"nose": [BOX, np.ones((3, 3), bool)]}, "bool array"),
    ],
)  # fmt: skip
def test_bad_marks_are_refused_in_words(small, images, parts, message):
    with pytest.raises(ValueError, match=message):
        zf.correspondence(small, pictures(images), parts)


def test_it_tells_how_far_it_is_and_can_be_cancelled(small):
    told = []
    parts = {"part": [BOX] * 2}
    zf.correspondence(small, pictures(2), parts, draws=4, task=zf.Task(report=lambda *said: told.append(said[:2])))
    assert told == [(2, 10), (4, 10), (6, 10), (8, 10), (10, 10)]
    with pytest.raises(Cancelled):
        zf.correspondence(small, pictures(2), parts, task=Task(lambda: True))


def test_features_that_are_no_numbers_are_refused():
    net = zf.Network(Standardised(), size=24, device="cpu")
    images = [*pictures(2), np.zeros_like(pictures(1)[0])]
    with pytest.raises(ValueError, match=r"image 2 in .* no finite numbers"):
        zf.correspondence(net, images, {"nose": [(2, 2, 6, 6)] * 3}, draws=2)
