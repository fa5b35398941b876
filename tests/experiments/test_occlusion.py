"""Occlusion: the five panels of Figure 7, against Captum, numpy and networks whose answer is known."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from captum.attr import Occlusion as CaptumOcclusion
from torch import Tensor, nn

import zfwidgets as zf
from zfwidgets.backend.run.forward import forward
from zfwidgets.experiments.occlusion import make_baseline, strongest_map
from zfwidgets.experiments.occlusion.occluder import Squares
from zfwidgets.task import Cancelled, Task

from ..peak import SOURCE


@pytest.fixture(scope="module")
def net() -> zf.Network:
    return zf.load("squeezenet1_1")


class Brightness(nn.Module):
    """Two classes: the sum over the left half of the image, and over the right half; a map that passes pixels on."""

    def __init__(self) -> None:
        super().__init__()
        self.map = nn.Conv2d(3, 2, 1, bias=False)
        nn.init.constant_(self.map.weight[0], 1.0)
        nn.init.constant_(self.map.weight[1], 0.5)

    def forward(self, x: Tensor) -> Tensor:
        y = self.map(x)[:, 0]
        half = y.shape[2] // 2
        return torch.stack([y[:, :, :half].mean((1, 2)), y[:, :, half:].mean((1, 2))], 1)


PLAIN = zf.Preprocess((20, 30), mean=(0.0,) * 3, std=(1.0,) * 3)


@pytest.fixture(scope="module")
def brightness() -> zf.Network:
    return zf.Network(Brightness(), size=(20, 30), labels=["left", "right"], preprocess=PLAIN)


def halves() -> np.ndarray:
    picture = np.full((20, 30, 3), 200, np.uint8)
    picture[:, 15:] = 180
    return picture


def test_the_answer_falls_by_what_the_square_hides(brightness):
    found = zf.occlusion(brightness, halves(), "left", layer="map", size=(4, 6), stride=(5, 3), fill="black")
    assert found.probability.shape == (4, 9)
    assert found.feature == 0
    for row, top in enumerate(found.top):
        for column, left in enumerate(found.left):
            x = halves().astype(float) / 255
            x[top : top + 4, left : left + 6] = 0
            scores = 3 * np.array([x[:, :15].mean(), x[:, 15:].mean()])
            assert found.probability[row, column] == pytest.approx(1 / (1 + np.exp(scores[1] - scores[0])), abs=1e-6)
            assert found.label[row, column] == scores.argmax()
            assert found.activity[row, column] == pytest.approx(x.sum(), rel=1e-5)


def test_squares_cover_the_image_and_hang_over_its_edge():
    squares = Squares.over((20, 30), (6, 7), (5, 8))
    assert squares.top.tolist() == [0, 5, 10, 15]
    assert squares.left.tolist() == [0, 8, 16, 24]
    covered = np.zeros((20, 30), bool)
    for top, left, bottom, right in squares.boxes():
        assert bottom <= 20
        assert right <= 30
        covered[top:bottom, left:right] = True
    assert covered[:, :7].all()
    assert covered[15:, 24:].all()


@pytest.mark.slow
@pytest.mark.parametrize(("size", "stride"), [((32, 32), (24, 24)), ((50, 20), (31, 17))])
def test_captum_finds_the_same(net, size, stride):
    found = zf.occlusion(net, zf.photograph("cat"), "tabby", size=size, stride=stride, fill="blur")
    _, x = net.prepare(zf.photograph("cat"))
    baseline, target = make_baseline(net, x, "blur"), net.labels.index("tabby")

    def probability(images: Tensor) -> Tensor:
        return forward(net.program, images, [net.program.output]).activations[net.program.output].softmax(1)

    theirs = CaptumOcclusion(probability).attribute(
        x[None], (3, *size), (3, *stride), baselines=baseline[None], target=target, perturbations_per_eval=8
    )[0, 0].numpy()  # fmt: skip
    falls, covers = np.zeros(x.shape[1:]), np.zeros(x.shape[1:])
    squares = Squares.over(x.shape[1:], size, stride)
    for fall, (top, left, bottom, right) in zip(
        (found.unoccluded[target] - found.probability).ravel(), squares.boxes(), strict=True
    ):
        falls[top:bottom, left:right] += fall
        covers[top:bottom, left:right] += 1
    ours = falls / np.maximum(covers, 1)
    assert np.abs(ours).max() > 0.02
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.slow
def test_a_sweep_goes_from_coarse_to_fine_and_ends_where_occlusion_does(net, monkeypatch):
    monkeypatch.setattr("zfwidgets.experiments.occlusion.sweep.PAUSE", 0.0)
    image = zf.photograph("coffee")
    results = list(zf.occlusion_sweep(net, image, size=40, stride=16))
    assert len(results) > 3
    shares = [result.computed.mean() for result in results]
    assert shares == sorted(shares)
    assert shares[0] < 0.4
    assert shares[-1] == 1
    last, whole = results[-1], zf.occlusion(net, image, size=40, stride=16)
    for result in results:
        np.testing.assert_array_equal(result.probability[result.computed], last.probability[result.computed])
        np.testing.assert_array_equal(result.activity[result.computed], last.activity[result.computed])
        places = np.argwhere(~result.computed)
        near = np.argwhere(result.computed)
        for place in places:
            distance = np.abs(near - place).max(1)
            closest = near[distance <= distance.min() + 1]
            values = result.probability[tuple(closest.T)]
            assert result.probability[tuple(place)] in values
    np.testing.assert_array_equal(last.probability, whole.probability)
    np.testing.assert_array_equal(last.label, whole.label)
    done, least, full = whole.macs
    assert least <= done < full


def test_several_targets_are_found_in_one_pass(net):
    image = zf.photograph("cat")
    both = zf.occlusion(net, image, ["tabby", "Egyptian cat"], stride=64)
    assert both.targets == (281, 285)
    for place, target in enumerate(both.targets):
        one = zf.occlusion(net, image, target, stride=64)
        np.testing.assert_allclose(one.probability, both.probabilities[place], atol=1e-6)


def test_without_a_target_it_is_what_the_network_says(net):
    found = zf.occlusion(net, zf.photograph("coffee"), stride=64)
    assert found.labels[found.targets[0]] == "espresso"
    assert found.unoccluded[found.targets[0]] == net.predict(zf.photograph("coffee")).probability.max()


def test_the_watched_map_is_the_strongest_of_the_last_layer_that_is_not_the_classes(net):
    assert net.last_spatial_layer.name == "features.12.cat"
    features = zf.ImageFeatures(net, zf.photograph("cat"))
    maps = features.maps("features.12.cat")
    assert strongest_map(features, "features.12.cat") == maps.sum((1, 2)).argmax()


@pytest.mark.slow
def test_the_strongest_map_looks_where_its_projection_is(net):
    """The paper's point: deconvnet and occlusion agree."""
    found = zf.occlusion(net, zf.photograph("cat"), stride=16)
    energy = np.zeros(found.activity.shape)
    for row, column in np.ndindex(energy.shape):
        top, left = found.top[row], found.left[column]
        energy[row, column] = np.abs(found.projected[:, top : top + 32, left : left + 32]).sum()
    fall = found.unoccluded_activity - found.activity
    assert found.agreement == pytest.approx(np.corrcoef(fall.ravel(), energy.ravel())[0, 1], abs=1e-6)
    assert found.agreement > 0.7


def test_agreement_is_not_a_number_where_nothing_changes(brightness):
    grey = np.full((20, 30, 3), 128, np.uint8)
    assert np.isnan(zf.occlusion(brightness, grey, size=4, stride=4).agreement)


FILLS = ["grey", "mean", "blur", "noise", "red", "#00ff00", (0, 0, 255)]


@pytest.mark.parametrize("fill", FILLS)
def test_a_fill_is_meant_in_pixels(net, fill):
    picture, x = net.prepare(zf.photograph("astronaut"))
    shown = net.preprocess.picture(make_baseline(net, x, fill)).astype(float)
    expected = {"grey": (128,) * 3, "red": (255, 0, 0), "#00ff00": (0, 255, 0), (0, 0, 255): (0, 0, 255)}
    if fill in expected:
        assert (shown == expected[fill]).all()
    elif fill == "mean":
        np.testing.assert_allclose(shown[0, 0], picture.mean((0, 1)), atol=0.51)
        assert np.ptp(shown, axis=(0, 1)).max() == 0
    elif fill == "blur":
        assert np.abs(np.diff(shown, axis=0)).mean() < 0.2 * np.abs(np.diff(picture.astype(float), axis=0)).mean()
        assert np.abs(shown.mean((0, 1)) - picture.mean((0, 1))).max() < 12
    else:
        wanted = make_baseline(net, x, "noise", seed=3)
        assert torch.equal(wanted, make_baseline(net, x, "noise", seed=3))
        assert not torch.equal(wanted, make_baseline(net, x, "noise", seed=4))
        torch.testing.assert_close(wanted.std((1, 2)), x.std((1, 2)), rtol=0.03, atol=0)


def test_an_image_without_colours_can_be_grey_only():
    module = nn.Sequential(nn.Conv2d(5, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    five = zf.Network(module, size=16)
    x = torch.arange(5 * 256, dtype=torch.float32).reshape(5, 16, 16)
    assert make_baseline(five, x, "grey").unique().tolist() == [639.5]
    with pytest.raises(ValueError, match="5 channels has no colours"):
        make_baseline(five, x, "red")
    assert zf.occlusion(five, x, size=4, stride=4).probability.shape == (4, 4)


def test_the_picture_of_a_place_has_the_square_there(net):
    found = zf.occlusion(net, zf.photograph("cat"), size=(30, 50), stride=60)
    shown = found.hidden(1, 2)
    assert (shown[60:90, 120:170] == 128).all()
    changed = (shown != found.picture).any(2)
    changed[60:90, 120:170] = False
    assert not changed.any()


def test_projections_from_other_images_come_with_tops(net):
    tops = zf.prepared_tops(net)
    found = zf.occlusion(net, zf.photograph("cat"), layer="features.9.cat", stride=96, tops=tops)
    other = zf.gallery(net, None, tops, "features.9.cat", [found.feature])
    np.testing.assert_array_equal(found.others, other.pictures()[0])
    np.testing.assert_array_equal(found.others_saw, other.patches[0])


def test_it_is_saved_and_loaded(net, tmp_path):
    found = zf.occlusion(net, zf.photograph("cat"), "tabby", stride=64, fill=(1, 2, 3))
    found.save(tmp_path / "cat.safetensors")
    again = zf.Occlusion.load(tmp_path / "cat.safetensors")
    np.testing.assert_array_equal(again.probability, found.probability)
    assert again.fill == (1, 2, 3)
    assert again.agreement == found.agreement
    assert repr(again) == repr(found)


def test_the_figure_has_a_panel_for_each_question(net):
    figure = zf.occlusion(net, zf.photograph("cat"), ["tabby", "Egyptian cat"], stride=64).plot()
    titles = [axes.get_title() for axes in figure.axes]
    assert [title[:3] for title in titles if title] == ["(a)", "(b)", "(c)", "(d)", "(d)", "(e)"]
    legend = next(axes.get_legend() for axes in figure.axes if axes.get_legend())
    assert {text.get_text() for text in legend.get_texts()} <= set(zf.load("squeezenet1_1").labels)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"target": "tabbi"}, "near it: tabby"),
        ({"target": 1000}, "classes 0 to 999"),
        ({"target": []}, "empty list"),
        ({"layer": "features.99"}, "no layer"),
        ({"feature": 512}, "features 0 to 511"),
        ({"size": 0}, "size is a number of pixels"),
        ({"size": 228}, "at most the image's 227×227"),
        ({"stride": (8, 0)}, "stride is a number of pixels"),
        ({"fill": "tartan"}, "'grey', 'mean', 'blur', 'noise', or a colour"),
        ({"fill": (1, 2, 300)}, "three numbers from 0 to 255"),
    ],
)
def test_bad_settings_are_refused_in_words_before_anything_is_computed(net, settings, message):
    with pytest.raises(ValueError, match=message):
        zf.occlusion_sweep(net, zf.photograph("cat"), **settings)


def test_a_network_without_classes_is_refused():
    maps = zf.Network(nn.Conv2d(3, 4, 3), size=16)
    with pytest.raises(ValueError, match="not in one score a class"):
        zf.occlusion(maps, np.zeros((16, 16, 3), np.uint8))


def test_it_can_be_cancelled(net):
    with pytest.raises(Cancelled):
        zf.occlusion(net, zf.photograph("cat"), task=Task(lambda: True))


MEMORY = """
import numpy as np, zfwidgets as zf
from torchvision.models import vgg11
net = zf.Network(vgg11(weights=None).eval())
features = zf.ImageFeatures(net, np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8))
zf.occlusion(net, features, size=64, stride=48, memory=2**20)
for megabytes in (1, 64, 512):
    forget()
    before = peak()
    zf.occlusion(net, features, size=64, stride=48, memory=megabytes * 2**20)
    print((peak() - before) / 2**20)
"""


@pytest.mark.slow
def test_memory_stays_within_the_budget():
    freed = {"MALLOC_MMAP_THRESHOLD_": "65536"}  # what is freed goes back, so what is kept is seen
    child = [sys.executable, "-c", SOURCE + MEMORY]
    found = subprocess.run(child, capture_output=True, text=True, check=True, env={**os.environ, **freed}).stdout
    least, *others = map(float, found.split())
    for budget, taken in zip((64, 512), others, strict=True):
        assert taken - least < budget
    assert others[-1] - least > 20  # or the budget is of no effect
