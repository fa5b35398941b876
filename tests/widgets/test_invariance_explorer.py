"""The invariance explorer without a browser: what is drawn is what `zf.invariance` and numpy say."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
import torch
import traitlets as T
from torch import nn

import zfwidgets as zf
from zfwidgets.experiments.invariance import BORDERS, MEASURES, TRANSFORMATIONS
from zfwidgets.widgets.charts import LINES
from zfwidgets.widgets.charts.charts import ticks

from .conftest import Small, until

pytestmark = pytest.mark.slow
TWO = ["translation", ("rotation", [0, 30, 60, 90])]


@pytest.fixture
def explorer(network, images):
    return zf.InvarianceExplorer(network, images, transforms=TWO)


@pytest.fixture(scope="module")
def other():
    torch.manual_seed(9)
    wide = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Conv2d(8, 5, 3), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 4),
    )  # fmt: skip
    return zf.Network(wide.eval(), size=(30, 40), labels=["ant", "bee", "cat", "dog"], device="cpu", name="other")


def shown(picture):
    return np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.width, 4)[..., :3]


def drawn(explorer, place=0):
    """The curves on show: a list of (images, v), the layers' and then the probability's."""
    view = explorer.board.views[place]
    charts = [chart for chart in view.charts if chart.layout.display != "none"]
    return [np.stack(list(chart.shown.values())) for chart in (*charts, view.probability)]


@pytest.mark.parametrize("measure", MEASURES)
def test_the_curves_are_those_of_zf_invariance(network, images, explorer, measure):
    explorer.measure = measure
    expected = zf.invariance(network, images, transforms="translation")
    first, last, probability = drawn(explorer)
    assert explorer.layers == expected.layers
    np.testing.assert_allclose(first, expected.curve("translation", expected.layers[0], measure), rtol=1e-5)
    np.testing.assert_allclose(last, expected.curve("translation", expected.layers[1], measure), rtol=1e-5)
    np.testing.assert_allclose(probability, expected.probability["translation"], rtol=1e-5)
    assert list(explorer.board.views[0].charts[0].shown) == list(images)


def test_layers_share_an_axis_where_they_can_be_compared(network, other, images):
    explorer = zf.InvarianceExplorer(network, images, compare=other, transforms=TWO)
    for measure in MEASURES:
        explorer.measure = measure
        ends = [chart._up.max for view in explorer.board.views for chart in view.charts[:2]]
        highest = max(curves.max() for place in (0, 1) for curves in drawn(explorer, place)[:2])
        assert (len(set(ends)) == 1) == (measure != "distance")
        assert max(ends) == pytest.approx(highest)


def test_what_stands_over_a_chart_says_what_its_lines_are_and_whose_the_number_is(network, images):
    explorer = zf.InvarianceExplorer(network, images, labels=["dog", "bee", "cat"], transforms=TWO, image="flower")
    view = explorer.board.views[0]
    (now,) = explorer.now
    head = view.probability.head.value
    assert head.startswith("<div><b>Probability</b>")
    assert head.endswith("</div>of its class, here <i>cat</i>")
    assert f"flower</span> <b>{now.probability[2]:.2f}</b>" in head
    assert LINES[2] in head
    assert all(f">flower</span> <b>{now.distances[layer]:.3g}</b>" in chart.head.value
               for chart, layer in zip(view.charts, explorer.layers, strict=False))  # fmt: skip


@pytest.mark.parametrize("transform", TRANSFORMATIONS)
def test_the_numbers_lie_on_the_curves(network, images, transform):
    explorer = zf.InvarianceExplorer(network, images, transform=transform, border="reflection", image="flower")
    values = TRANSFORMATIONS[transform].values
    (result,) = explorer.result
    for place in (0, len(values) // 3, len(values) - 1):
        explorer.value = values[place]
        (now,) = explorer.now
        for layer in explorer.layers:
            curve = result.curve(transform, layer)[2]
            assert now.distances[layer] == pytest.approx(curve[place], rel=1e-4, abs=1e-5)
            for measure in MEASURES:
                expected = result.curve(transform, layer, measure)[2, place]
                assert now.height(layer, measure, float(curve.max())) == pytest.approx(expected, rel=1e-3, abs=1e-5)
        truth = result.truth[2]
        assert now.probability[truth] == pytest.approx(result.probability[transform][2, place], abs=1e-5)
        assert now.probability.argmax() == result.label[transform][2, place]


@pytest.mark.parametrize("border", BORDERS)
def test_the_picture_is_the_transformed_image(network, images, explorer, border):
    explorer.border, explorer.image = border, "flower"
    features = zf.ImageFeatures(network, images["flower"])
    for value in (-20, 0, 7.5):
        explorer.value = value
        expected = TRANSFORMATIONS["translation"].picture(features, value, border)
        assert (shown(explorer.picture) == expected).all()
        assert explorer.result[0].border == border


def test_the_upright_lines_and_the_slider_follow_the_value_and_back(explorer):
    explorer.value = -24
    charts = (*explorer.board.views[0].charts, explorer.board.views[0].probability)
    assert [chart.marked for chart in charts] == [-24] * 4
    assert explorer.slider.slider.value == -24
    explorer.slider.slider.index = 35
    assert explorer.value == explorer.now[0].value == charts[0].marked == 10
    explorer.value = 10.7  # between two of the slider's places
    assert explorer.slider.slider.value == 10
    assert explorer.value == 10.7


def test_play_sets_the_value_and_follows_it(explorer):
    play = explorer.slider.play
    play.place = 40
    assert explorer.value == 20
    explorer.value = -60
    assert play.place == 0
    play.playing = True
    explorer.transform = "rotation"
    assert not play.playing
    assert (play.count, play.place) == (4, 1)
    play.place = 3
    assert explorer.value == 90


def test_each_transformation_has_its_values_and_keeps_its_place(explorer):
    explorer.value = 30
    explorer.transform = "rotation"
    assert [value for _, value in explorer.slider.slider.options] == [0, 30, 60, 90]
    assert explorer.value == 30  # the nearest to a fifth of the way
    explorer.value = 90
    explorer.transform = "translation"
    assert explorer.value == 30
    explorer.transform = "rotation"
    assert explorer.value == 90
    assert explorer.result[0].transforms == ("rotation",)


def test_the_controls_are_bound_to_the_choices(explorer):
    (
        explorer.control_of["transform"].value,
        explorer.control_of["border"].value,
        explorer.control_of["measure"].value,
    ) = "rotation", "grey", "cosine"
    assert (explorer.transform, explorer.border, explorer.measure) == ("rotation", "grey", "cosine")
    explorer.legend.inner.value = "second"
    assert explorer.image == explorer.control_of["image"].value == "second"
    explorer.image = "flower"
    assert explorer.legend.value == "flower"


def test_going_back_computes_nothing(explorer, monkeypatch):
    explorer.transform = "rotation"
    expected = explorer.result
    explorer.transform = "translation"
    monkeypatch.setattr(
        "zfwidgets.widgets.invariance_explorer.remembered_curves.invariance_sweep", lambda *_, **__: 1 / 0
    )
    explorer.transform = "rotation"
    assert explorer.result == expected
    explorer.layers = explorer.layers[:1]  # fewer layers are among those remembered
    assert len(drawn(explorer)) == 2
    assert explorer.error == ""


def test_layers_are_one_to_three_in_the_order_of_the_network(network, explorer):
    explorer.layers = ["relu2", "conv1", "relu1"]
    assert explorer.layers == explorer.result[0].layers == ("conv1", "relu1", "relu2")
    assert len(drawn(explorer)) == 4
    chosen = explorer.control_of["layers"]
    assert set(chosen.value) == {"conv1", "relu1", "relu2"}
    chosen.chosen = []
    assert "choose one to 3 layers" in explorer.error
    assert explorer.layers == ("conv1", "relu1", "relu2")
    chosen.chosen = ["relu2"]
    assert explorer.layers == ("relu2",)
    assert explorer.error == ""


def test_a_click_on_a_line_or_a_point_shows_its_image(explorer):
    chart = explorer.board.views[0].charts[1]
    count = len(explorer.result[0].values["translation"])
    chart._click(chart._points, {"data": {"index": 2 * count + 5}})
    assert explorer.image == "flower"
    chart._click(chart._lines, {"data": {"index": 1}})
    assert explorer.image == "second"
    assert chart._chosen.colors == [LINES[1]]
    np.testing.assert_array_equal(chart._chosen.y, chart.shown["second"])


def test_the_words_say_what_the_numbers_are(network, explorer):
    explorer.value = 12
    (now,), (result,) = explorer.now, explorer.result
    words = explorer.board.views[0].words.value
    layer = explorer.layers[0]
    assert "Moved down by 12 pixels" in words
    share = now.distances[layer] / result.curve("translation", layer)[0].max()
    assert f"{layer} is at <b>{share:.0%}</b> of its largest distance" in words
    called = network.labels[now.probability.argmax()]
    assert f"called <b>{called}</b> ({now.probability.max():.2f})" in words
    explorer.value = -4
    assert "Moved up by 4 pixels" in explorer.board.views[0].words.value
    explorer.value = 0
    assert "As it is: first is called" in explorer.board.views[0].words.value


def test_the_areas_are_those_of_the_result(explorer):
    for measure, taken in (("distance", "share"), ("cosine", "cosine"), ("relative", "relative")):
        explorer.measure = measure
        for layer in explorer.layers:
            areas = explorer.result[0].area("translation", layer, taken)
            expected = f"{layer} <b>{areas.mean():.2f}</b> ± {areas.std(ddof=1):.2f}"
            assert expected in explorer.board.views[0].areas.value


def test_two_networks_get_the_same_images_and_layers_at_the_same_depth(network, other, images):
    explorer = zf.InvarianceExplorer(network, images, compare=other, transforms=TWO)
    expected = [zf.invariance(net, images, transforms="translation") for net in (network, other)]
    for place, (result, right) in enumerate(zip(explorer.result, expected, strict=True)):
        assert result.network == right.network
        assert result.layers == right.layers
        np.testing.assert_allclose(
            drawn(explorer, place)[1], right.curve("translation", right.layers[1]), rtol=1e-5, atol=1e-6
        )
    assert [now.value for now in explorer.now] == [12, 12]


def test_true_classes_are_those_given(network, other, images):
    explorer = zf.InvarianceExplorer(network, images, compare=other, labels=["dog", 1, "cat"], transforms=TWO)
    for result in explorer.result:
        assert result.truth.tolist() == [3, 1, 2]
    with pytest.raises(ValueError, match="each of the 3 images; 1 were given"):
        zf.InvarianceExplorer(network, images, labels=["dog"])


def test_an_upload_is_a_curve_more(network, images, explorer):
    explorer.add_image("mine", images["flower"][::-1])
    assert explorer.image == "mine"
    assert explorer.result[0].names == ("first", "second", "flower", "mine")
    assert "mine" in explorer.board.views[0].charts[0].shown
    assert explorer.legend.value == "mine"
    expected = zf.invariance(network, {"mine": images["flower"][::-1]}, transforms="translation")
    np.testing.assert_allclose(drawn(explorer)[0][3], expected.curve("translation", "relu1")[0], rtol=1e-5)


def test_ones_own_transformation_has_curves_and_its_mistakes_are_told(network, images):
    def flipped(picture, value):
        if value > 2:
            raise ValueError("no such flip")
        return np.flip(picture, int(value)) if value else picture

    mine = zf.transformation("flip", flipped, [0, 1, 2, 3], identity=0)
    explorer = zf.InvarianceExplorer(network, images, transforms=mine, value=1)
    assert explorer.error == "no such flip"
    explorer.value = 2
    assert "flip 2" in explorer.board.views[0].words.value
    explorer.value = 3
    assert explorer.error == "no such flip"
    explorer.value = 1
    assert explorer.error == ""
    assert explorer.status.words == "Ready"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("image", "flowers", "near it: flower"), ("layers", "relu9", "near it: relu"), ("layers", [], "one to 3"),
        ("transform", "shear", "the transformations here are 'translation', 'rotation'"),
        ("value", 61, "go from -60 to 60; 61 was given"),
    ],
)  # fmt: skip
def test_what_does_not_exist_is_refused_in_words(explorer, name, value, message):
    with pytest.raises(ValueError, match=message):
        setattr(explorer, name, value)


def test_what_cannot_be_shown_is_refused_at_once(network, images):
    with pytest.raises(TypeError, match="did you mean 'border'"):
        zf.InvarianceExplorer(network, images, boarder="grey")
    with pytest.raises(T.TraitError):
        zf.InvarianceExplorer(network, images, border="tartan")
    with pytest.raises(ValueError, match="up to 8 images; 9 were given"):
        zf.InvarianceExplorer(network, [images["first"]] * 9)
    with pytest.raises(ValueError, match="two values or more"):
        zf.InvarianceExplorer(network, images, transforms=[("rotation", [5])])
    with pytest.raises(ValueError, match="not in one score a class"):
        zf.InvarianceExplorer(zf.Network(nn.Conv2d(3, 4, 3), size=16), images)


def test_names_cannot_run_scripts(images):
    net = zf.Network(
        Small().eval(),
        size=(35, 51),
        labels=[f"<script>{number}" for number in range(4)],
        device="cpu",
        name="<script>",
    )
    explorer = zf.InvarianceExplorer(net, {"<script>": images["flower"]}, compare=net, transforms=TWO)
    for view in explorer.board.views:
        texts = [view.words, view.areas, view.children[0], *(chart.head for chart in (*view.charts, view.probability))]
        assert "<script>" not in "".join(text.value for text in texts)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-60, 60, [-50, 0, 50]), (1, 1.8, [1, 1.2, 1.4, 1.6, 1.8]), (0, 350, [0, 100, 200, 300]),
        (0, 1, [0, 0.25, 0.5, 0.75, 1]),
    ],
)  # fmt: skip
def test_ticks_are_round_numbers(low, high, expected):
    np.testing.assert_allclose(ticks(low, high), expected, atol=1e-12)


def test_the_slider_is_answered_in_the_middle_of_the_curves(network, images, in_kernel, monkeypatch):
    go_on, begun = threading.Event(), threading.Event()
    sweep = zf.invariance_sweep

    def slow(*given, **settings):
        for result in sweep(*given, **settings):
            yield result
            begun.set()
            go_on.wait(20)

    monkeypatch.setattr("zfwidgets.widgets.invariance_explorer.remembered_curves.invariance_sweep", slow)
    explorer = zf.InvarianceExplorer(network, images, transforms=TWO)
    assert begun.wait(20)
    explorer.value = -30
    until(lambda: explorer.now and explorer.now[0].value == -30)
    assert explorer.busy
    assert len(drawn(explorer)[0][0]) < 61  # coarse curves
    go_on.set()
    until(lambda: not explorer.busy)
    assert len(drawn(explorer)[0][0]) == 61


def test_cancelled_curves_are_computed_when_they_are_chosen_anew(network, images, in_kernel, monkeypatch):
    go_on = threading.Event()
    sweep = zf.invariance_sweep

    def slow(*given, **settings):
        for result in sweep(*given, **settings):
            yield result
            go_on.wait(20)

    monkeypatch.setattr("zfwidgets.widgets.invariance_explorer.remembered_curves.invariance_sweep", slow)
    explorer = zf.InvarianceExplorer(network, images, transforms=TWO)
    until(lambda: explorer.result is not None)
    explorer.cancel()
    go_on.set()
    assert not explorer.busy
    time.sleep(0.1)
    assert len(explorer.result[0].values["translation"]) < 61
    explorer.transform = "rotation"
    until(lambda: not explorer.busy and explorer.result[0].transforms == ("rotation",))
    explorer.transform = "translation"
    until(lambda: not explorer.busy and len(explorer.result[0].values.get("translation", ())) == 61)


def test_a_burst_of_values_ends_on_the_last(network, images, in_kernel):
    explorer = zf.InvarianceExplorer(network, images, transforms=TWO)
    for value in range(-60, 41, 2):
        explorer.value = value
    until(lambda: not explorer.busy and explorer.now[0].value == 40)
    assert "Moved down by 40 pixels" in explorer.board.views[0].words.value


def test_a_ninth_image_is_shown_and_it_is_said_that_it_has_no_curve(network, images):
    picture = next(iter(images.values()))
    explorer = zf.InvarianceExplorer(network, {str(number): picture for number in range(8)})
    explorer.selection.choose(image=explorer.selection.images.add("one more", picture))
    assert explorer.image == "one more"
    assert explorer.picture.caption == "one more (no curve: there is room for 8)"
    explorer.image = "7"
    assert explorer.picture.caption == "7"


def test_chips_set_a_transformation_and_its_value_and_reset_goes_back(network, images):
    explorer = zf.InvarianceExplorer(network, images)
    first = explorer.choices()
    for settings in explorer.tries().values():
        explorer.choose(**settings)
        assert {name: getattr(explorer, name) for name in settings} == settings
        assert explorer.error == ""
    assert len(explorer.tries()) == 3
    explorer.reset()
    assert explorer.choices() == first
