"""Invariance: transformations against independent ones, and curves whose truth is known (Fig. 5)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage
from torch import nn

import zfwidgets as zf
from zfwidgets.backend.run.forward import forward
from zfwidgets.experiments.invariance import BORDERS, TRANSFORMATIONS
from zfwidgets.task import Cancelled, Task

MODES = {"edge": "nearest", "grey": "grid-constant", "reflection": "reflect"}  # scipy's names


class Passing(nn.Module):
    """Feature maps that are the pixels themselves, and two classes."""

    def __init__(self) -> None:
        super().__init__()
        self.map = nn.Conv2d(3, 3, 1, bias=False)
        self.map.weight.data = torch.eye(3)[..., None, None]

    def forward(self, x):
        y = self.map(x)
        return torch.stack([y.mean((1, 2, 3)), y[..., :10].mean((1, 2, 3))], 1)


@pytest.fixture(scope="module")
def passing() -> zf.Network:
    preprocess = zf.Preprocess((41, 53), mean=(0.5,) * 3, std=(0.5,) * 3)
    return zf.Network(Passing(), size=(41, 53), labels=["all", "left"], preprocess=preprocess, name="passing")


@pytest.fixture(scope="module")
def net() -> zf.Network:
    return zf.load("squeezenet1_1")


def smooth(height: int = 41, width: int = 53) -> np.ndarray:
    """A picture without sharp edges, so that interpolations agree."""
    noise = np.random.default_rng(0).random((height, width, 3))
    blurred = ndimage.gaussian_filter(noise, (4, 4, 0))
    return np.uint8(255 * (blurred - blurred.min()) / np.ptp(blurred))


def sampled(x: np.ndarray, matrix: np.ndarray, shift: tuple[float, float], border: str, fill: float) -> np.ndarray:
    """scipy's own resampling about the middle: output position o reads matrix · (o - middle) + middle + shift."""
    middle = (np.array(x.shape[1:]) - 1) / 2
    offset = middle - matrix @ middle + np.array(shift)
    mode = MODES[border]
    return np.stack([ndimage.affine_transform(c, matrix, offset, order=1, mode=mode, cval=fill) for c in x])


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("translation", 7), ("translation", -11.3), ("horizontal translation", 5), ("horizontal translation", 2.5),
        ("scale", 1.3), ("scale", 1.8), ("rotation", 30), ("rotation", 90), ("rotation", 205),
    ],
)  # fmt: skip
def test_scipy_transforms_in_the_same_way(passing, name, value, border):
    image = zf.ImageFeatures(passing, smooth())
    ours = TRANSFORMATIONS[name].apply(image, value, border).numpy()
    angle = np.radians(value)
    rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])  # of (row, column)
    matrix, shift = {
        "translation": (np.eye(2), (-value, 0)),
        "horizontal translation": (np.eye(2), (0, -value)),
        "scale": (np.eye(2) / value, (0, 0)),
        "rotation": (rotation, (0, 0)),
    }[name]
    grey = 2 * 128 / 255 - 1
    theirs = sampled(image.input.numpy(), matrix, shift, border, grey)
    np.testing.assert_allclose(ours, theirs, atol=2e-3)
    assert np.abs(ours - image.input.numpy()).max() > 0.05


def test_a_quarter_turn_goes_against_the_clock(passing):
    square = zf.Network(Passing(), size=40, preprocess=zf.Preprocess((40, 40), mean=(0.5,) * 3, std=(0.5,) * 3))
    image = zf.ImageFeatures(square, smooth(40, 40))
    turned = TRANSFORMATIONS["rotation"].apply(image, 90).numpy()
    np.testing.assert_allclose(turned, np.rot90(image.input.numpy(), 1, (1, 2)), atol=1e-4)


@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_the_identity_changes_nothing(passing, name):
    image, one = zf.ImageFeatures(passing, smooth()), TRANSFORMATIONS[name]
    assert one.apply(image, one.identity) is image.input
    assert (one.picture(image, one.identity) == image.picture).all()
    near = one.apply(image, one.identity + 1e-4)
    assert float((near - image.input).abs().max()) < 2e-3


def test_a_full_turn_is_none(passing):
    image, turn = zf.ImageFeatures(passing, smooth()), TRANSFORMATIONS["rotation"]
    assert turn.apply(image, 360) is image.input
    found = zf.invariance(passing, [smooth()], layers="map", transforms=[("rotation", [0, 45, 360])])
    assert found.distances["rotation/map"][0, [0, 2]].tolist() == [0, 0]


@pytest.mark.parametrize(("name", "axis"), [("translation", 1), ("horizontal translation", 2)])
def test_whole_pixels_are_moved_exactly(passing, name, axis):
    image = zf.ImageFeatures(passing, smooth())
    moved = TRANSFORMATIONS[name].apply(image, 6)
    size = image.input.shape[axis]
    assert torch.equal(moved.narrow(axis, 6, size - 6), image.input.narrow(axis, 0, size - 6))
    assert torch.equal(moved.narrow(axis, 0, 1), image.input.narrow(axis, 0, 1))


def test_light_is_changed_in_pixels(passing):
    image = zf.ImageFeatures(passing, smooth())
    pixels = image.picture / 255
    brighter = TRANSFORMATIONS["brightness"].apply(image, 1.5).numpy()
    np.testing.assert_allclose((brighter + 1) / 2, np.minimum(1.5 * pixels, 1).transpose(2, 0, 1), atol=1e-5)
    flat = TRANSFORMATIONS["contrast"].apply(image, 0).numpy()
    np.testing.assert_allclose((flat + 1) / 2, 128 / 255, atol=1e-5)
    blurred = TRANSFORMATIONS["blur"].apply(image, 2).numpy()
    expected = ndimage.gaussian_filter(image.input.numpy(), (0, 2, 2), mode="mirror", truncate=4.5)
    np.testing.assert_allclose(blurred, expected, atol=2e-3)


@pytest.mark.slow
def test_distances_are_euclidean_between_feature_vectors(net):
    found = zf.invariance(net, None, layers=["features.4.cat", "features.12.cat"], transforms=[("translation", [0, 9])])
    assert found.names == ("cat", "coffee", "motorcycle", "camera", "china")
    for index, name in enumerate(found.names):
        image = zf.ImageFeatures(net, zf.photograph(name))
        moved = zf.ImageFeatures.of_input(net, image.picture, TRANSFORMATIONS["translation"].apply(image, 9))
        for layer in found.layers:
            a, b = (one.maps(layer).ravel().astype(np.float64) for one in (image, moved))
            distance = np.linalg.norm(a - b)
            assert found.curve("translation", layer)[index, 1] == pytest.approx(distance, rel=1e-4)
            assert found.curve("translation", layer, "relative")[index, 1] == pytest.approx(
                distance / np.linalg.norm(a), rel=1e-4
            )
            cosine = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
            assert found.curve("translation", layer, "cosine")[index, 1] == pytest.approx(1 - cosine, abs=1e-4)
        assert found.probability["translation"][index, 0] == image.prediction.probability.max()
        truth = image.prediction.probability[0].argmax()
        assert found.probability["translation"][index, 1] == pytest.approx(
            moved.prediction.probability[0, truth], abs=1e-5
        )
        assert found.label["translation"][index, 1] == moved.prediction.probability[0].argmax()
        assert (found.distances["translation/features.4.cat"][:, 0] == 0).all()


@pytest.mark.slow
def test_layer_one_changes_sooner_than_the_last_as_in_the_paper(net):
    found = zf.invariance(net, transforms=[("translation", np.arange(-60, 61, 10)), ("scale", np.linspace(1, 1.8, 9))])
    for transform in found.transforms:
        first, last = (found.area(transform, layer) for layer in found.layers)
        assert (first > last).all()


def test_a_disc_does_not_mind_rotation_and_a_bar_does():
    """On a network that passes pixels on: the truth is the picture's own symmetry."""
    preprocess = zf.Preprocess((64, 64), mean=(0.5,) * 3, std=(0.5,) * 3)
    passing = zf.Network(Passing(), size=64, labels=["all", "left"], preprocess=preprocess)
    rows, columns = np.indices((64, 64)) - 31.5
    disc = np.hypot(rows, columns) < 20
    bar = (np.abs(rows) < 4) & (np.abs(columns) < 24)
    pictures = {name: np.uint8(255 * ndimage.gaussian_filter(shape.astype(float), 1))[..., None].repeat(3, 2)
                for name, shape in (("disc", disc), ("bar", bar))}  # fmt: skip
    found = zf.invariance(passing, pictures, layers="map", transforms=[("rotation", [0, 45, 90, 180])])
    relative = found.curve("rotation", "map", "relative")
    assert relative[0].max() < 0.05
    assert relative[1, [1, 2]].min() > 0.2
    assert relative[1, 3] < 0.01  # half a turn


@pytest.mark.slow
def test_a_sweep_goes_from_coarse_to_fine(net):
    results = list(zf.invariance_sweep(net, [zf.photograph("cat")], transforms="translation"))
    lengths = [len(result.values["translation"]) for result in results]
    assert lengths == [10, 17, 31, 61]
    whole = results[-1]
    for result in results:
        places = np.searchsorted(whole.values["translation"], result.values["translation"])
        for key, values in result.distances.items():
            np.testing.assert_array_equal(values, whole.distances[key][:, places])
    assert results[0].values["translation"][[0, -1]].tolist() == [-60, 60]


@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_the_first_curves_go_down_to_nothing_where_nothing_is_changed(passing, name):
    first = next(zf.invariance_sweep(passing, [smooth()], layers="map", transforms=name))
    at = first.values[name].tolist().index(TRANSFORMATIONS[name].identity)
    assert first.curve(name, "map")[0, at] == 0
    assert len(first.values[name]) <= 11  # a few values, of which the curve is readable


def test_a_transformation_that_always_changes_something_has_curves_too(passing):
    mine = zf.transformation("roll", lambda picture, value: np.roll(picture, int(value), 0), range(1, 30))
    lengths = [
        len(one.values["roll"]) for one in zf.invariance_sweep(passing, [smooth()], layers="map", transforms=mine)
    ]
    assert lengths == [8, 15, 29]


def test_labels_may_be_given_by_name_or_number(net):
    pictures = [zf.photograph("cat"), zf.photograph("coffee")]
    found = zf.invariance(net, pictures, ["tabby", 967], transforms=[("scale", [1])])
    assert found.truth.tolist() == [281, 967]
    assert found.probability["scale"][0, 0] == pytest.approx(net.predict(pictures[0]).probability[0, 281])


def test_one_pair_of_a_name_and_values_is_one_transformation(passing):
    found = zf.invariance(passing, [smooth()], layers="map", transforms=("rotation", [5, 10]))
    assert found.values["rotation"].tolist() == [5, 10]


def test_a_function_of_ones_own_is_a_transformation(passing):
    flipped = zf.transformation("flip", lambda picture, value: picture[:, ::-1] if value else picture, [0, 1])
    found = zf.invariance(passing, [smooth()], layers="map", transforms=["translation", flipped])
    x = zf.ImageFeatures(passing, smooth()).input.numpy()
    assert found.distances["flip/map"][0, 0] == 0
    assert found.distances["flip/map"][0, 1] == pytest.approx(np.linalg.norm(x[:, :, ::-1] - x), rel=1e-5)


def test_the_area_is_the_mean_height_of_a_curve(passing):
    found = zf.invariance(passing, [smooth(), smooth()[::-1]], layers="map", transforms=[("translation", [0, 1, 4])])
    curve = found.curve("translation", "map", "relative")
    expected = (0.5 * (curve[:, 0] + curve[:, 1]) * 1 + 0.5 * (curve[:, 1] + curve[:, 2]) * 3) / 4
    np.testing.assert_allclose(found.area("translation", "map", "relative"), expected, rtol=1e-5)
    summary = found.summary("relative")
    assert summary.loc[0, "area"] == pytest.approx(expected.mean())
    assert summary.loc[0, "spread"] == pytest.approx(expected.std(ddof=1), rel=1e-2)


def test_it_is_a_table_a_figure_and_a_file(passing, tmp_path):
    found = zf.invariance(
        passing, {"a": smooth(), "b": smooth()[::-1]}, ["all", "left"], transforms=[("scale", [1, 2])]
    )
    table = found.to_pandas()
    assert len(table) == 4
    assert table.loc[3, ["image", "transformation", "value", "true label"]].tolist() == ["b", "scale", 2.0, "left"]
    titles = [axes.get_title() for axes in found.plot().axes]
    assert titles == ["scale", "map", "probability of the true class"]
    assert found.plot("share").axes[1].get_ylabel() == "share of the largest distance"
    found.save(tmp_path / "found.safetensors")
    again = zf.Invariance.load(tmp_path / "found.safetensors")
    np.testing.assert_array_equal(again.curve("scale", "map"), found.curve("scale", "map"))
    assert again.names == found.names


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"layers": "mapp"}, "near it: map"), ({"transforms": "shear"}, "transformations are 'translation'"),
        ({"transforms": []}, "one or more"), ({"transforms": [("scale", [])]}, "one or more numbers"),
        ({"transforms": ["scale", "scale"]}, "each named once"), ({"border": "wrap"}, "'edge', 'grey', 'reflection'"),
        ({"labels": ["all", "left"]}, "each of the 1 images; 2 were given"), ({"labels": ["al"]}, "near it: all"),
    ],
)  # fmt: skip
def test_bad_settings_are_refused_in_words(passing, settings, message):
    with pytest.raises(ValueError, match=message):
        zf.invariance_sweep(passing, [smooth()], **settings)


def test_it_can_be_cancelled(passing):
    with pytest.raises(Cancelled):
        zf.invariance(passing, [smooth()], task=Task(lambda: True))


def test_the_features_are_those_of_a_plain_forward_pass(net):
    found = zf.invariance(net, [zf.photograph("cat")], layers="features.1", transforms=[("blur", [0, 3])])
    x = zf.ImageFeatures(net, zf.photograph("cat")).input[None]
    features = forward(net.program, x, [net.step("features.1")]).activations[net.step("features.1")]
    assert found.norms["features.1"][0] == pytest.approx(float(features.norm()), rel=1e-5)
