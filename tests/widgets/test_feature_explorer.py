"""The feature explorer without a browser: every choice is a trait, and what is shown is what was chosen."""

import re
import threading

import numpy as np
import pytest
import torch
import traitlets as T
from torch import nn

import zfwidgets as zf
from zfwidgets.drawing import format_number, heat, signed_picture
from zfwidgets.widgets.feature_explorer.responding import TILE
from zfwidgets.widgets.picture import fitted, framed

from .conftest import until

START = {"image": "flower", "layer": "relu1", "feature": 3}
HARM = "<script>alert(1)</script>"


@pytest.fixture
def explorer(network, images):
    return zf.FeatureExplorer(network, images, **START)


def shown(picture):
    return np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.width, 4)[..., :3]


def hides_insets(view):
    return ["zf-no-inset" in frame._dom_classes for frame in view.insets] == [True, True]


def assert_shown(explorer, expected):
    """The result, and each picture, are those of the projection that was asked for."""
    result, view = explorer.result, explorer.view
    for name in ("layer", "feature", "unit", "box", "rule"):
        assert getattr(result, name) == getattr(expected, name)
    assert (result.pixels == expected.pixels).all()
    top, left, bottom, right = expected.box
    assert (shown(view.photograph) == expected.picture).all()
    if not hides_insets(view):
        painted = signed_picture(expected.pixels[:, top:bottom, left:right], expected.robust_scale)
        assert (shown(view.patch) == expected.picture[top:bottom, left:right]).all()
        assert (shown(view.projection) == painted).all()
    assert view.map.cell == expected.unit
    assert (shown(view.whole) == signed_picture(expected.pixels, expected.robust_scale)).all()
    assert view.photograph.boxes == ([] if expected.unit is None else [expected.box])
    assert view.map.caption.startswith(f"feature {expected.feature} ·")


def test_it_opens_on_the_strongest_map_of_the_first_image(network, images):
    explorer = zf.FeatureExplorer(network, images)
    strengths = zf.ImageFeatures(network, images["first"]).strengths(explorer.layer)
    assert (explorer.image, explorer.unit, explorer.rule, explorer.busy) == ("first", "max", "deconvnet", False)
    assert explorer.feature == strengths.argmax()
    assert_shown(explorer, zf.project(network, images["first"], explorer.layer, explorer.feature))


def test_all_settings_hold_from_the_start(network, images):
    settings = {"image": "second", "layer": "relu2", "feature": 0, "unit": (4, 9), "rule": "guided", "order": "index"}
    explorer = zf.FeatureExplorer(network, images, scale="own", **settings)
    assert {name: getattr(explorer, name) for name in settings} == settings
    assert (explorer.result.feature, explorer.result.unit, explorer.result.rule) == (0, (4, 9), "guided")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("image", "second"), ("feature", 7), ("unit", (5, 11)), ("unit", "all"), ("rule", "gradient"),
        ("rule", "guided"),
    ],
)  # fmt: skip
def test_a_choice_is_shown(network, images, explorer, name, value):
    setattr(explorer, name, value)
    chosen = {"unit": "max", "rule": "deconvnet"} | START | {name: value}
    image = images[chosen.pop("image")]
    assert_shown(explorer, zf.project(network, image, **chosen))


def test_the_map_is_the_layers_and_grows_brighter_with_the_activation(network, images, explorer):
    values = zf.ImageFeatures(network, images["flower"]).maps("relu1")[3]
    assert (shown(explorer.view.map) == heat(values)).all()
    assert explorer.view.map.cells == values.shape == (16, 24)


def test_another_layer_keeps_the_sliders_place(network, images, explorer):
    explorer.feature_slider.slider.value = 2
    explorer.layer = "relu2"
    strengths = zf.ImageFeatures(network, images["flower"]).strengths("relu2")
    assert explorer.feature_slider.position == 2
    assert explorer.feature == np.argsort(-strengths, kind="stable")[2]
    assert_shown(explorer, zf.project(network, images["flower"], "relu2", explorer.feature))


def test_a_layer_with_fewer_maps_takes_the_last_place(explorer, network, images):
    explorer.feature_slider.slider.value = 15
    explorer.layer = "relu2"
    assert explorer.feature_slider.position == 5
    strengths = zf.ImageFeatures(network, images["flower"]).strengths("relu2")
    assert strengths[explorer.feature] == strengths.min()


def test_another_layer_is_computed_once(explorer):
    told = []
    explorer.observe(lambda change: told.append((change.new.layer, change.new.feature)), names="result")
    explorer.feature_slider.slider.value = 15
    explorer.layer = "fc"
    explorer.layer = "relu1"
    assert [layer for layer, _ in told] == ["relu1", "fc", "relu1"]


def test_the_slider_goes_by_strength_or_by_number(network, images, explorer):
    strengths = zf.ImageFeatures(network, images["flower"]).strengths("relu1")
    for position in (0, 5, 15):
        explorer.feature_slider.slider.value = position
        assert explorer.feature == np.argsort(-strengths, kind="stable")[position]
    explorer.order = "index"
    explorer.feature_slider.slider.value = 9
    assert explorer.feature == explorer.result.feature == 9


def test_a_feature_set_in_code_moves_the_slider_to_its_place(network, images, explorer):
    strengths = zf.ImageFeatures(network, images["flower"]).strengths("relu1")
    explorer.feature = 11
    assert explorer.feature_slider.number.value == 11
    assert explorer.feature_slider.position == list(np.argsort(-strengths, kind="stable")).index(11)


def test_a_feature_set_with_its_layer_is_that_feature(explorer):
    explorer.layer = "relu2"
    explorer.feature = 0
    assert (explorer.feature, explorer.result.feature, explorer.result.layer) == (0, 0, "relu2")


def test_another_image_keeps_the_feature_and_ranks_anew(network, images, explorer):
    explorer.image = "second"
    assert explorer.feature == 3
    strengths = zf.ImageFeatures(network, images["second"]).strengths("relu1")
    assert explorer.feature_slider.position == list(np.argsort(-strengths, kind="stable")).index(3)


def test_a_chosen_place_stays_at_its_place_of_the_image(explorer, network, images):
    explorer.unit = (8, 18)  # of 16×24
    explorer.layer = "relu2"  # 8×12
    assert explorer.unit == explorer.result.unit == (4, 9)
    explorer.layer = "fc"
    assert explorer.unit == (0, 0)


def test_a_click_on_the_map_chooses_the_unit(explorer):
    explorer.view.map.cell = (3, 20)
    assert explorer.unit == explorer.result.unit == (3, 20)
    assert explorer.control_of["places"].label == "chosen place"
    explorer.control_of["places"].value = "max"
    assert explorer.unit == "max"
    explorer.control_of["places"].value = "all"
    assert (explorer.unit, explorer.result.unit) == ("all", None)


def test_a_click_on_the_photograph_chooses_the_unit_in_the_middle_of_whose_field_it_lies(network, explorer):
    explorer.view.photograph.clicked = (20, 12, 1)
    row, column = explorer.unit
    top, left, bottom, right = network.program.receptive_field(network.step("relu1"), row, column)
    assert abs((top + bottom - 1) / 2 - 20) <= 1
    assert abs((left + right - 1) / 2 - 12) <= 1


def test_a_click_orders_the_maps_by_their_activation_there_and_the_row_shows_the_strongest(network, images, explorer):
    explorer.view.photograph.clicked = (20, 12, 1)
    there = zf.responses(network, images["flower"], "relu1", (20, 12))
    assert (explorer.place, explorer.order) == ((20, 12, 21, 13), "here")
    assert explorer.feature == 3  # as it was: only the order is another
    assert explorer.feature_slider.position == there.order.tolist().index(3)
    assert [each["number"] for each in explorer.view.responding.maps] == there.top(8)
    assert explorer.view.responding.title == "Strongest here"
    explorer.feature_slider.slider.value = 0
    assert explorer.feature == there.order[0]


def test_a_rectangle_chooses_the_maps_strongest_unit_in_it_and_so_does_a_map_of_the_row(network, images, explorer):
    explorer.view.photograph.dragged = (4, 6, 20, 30, 1)
    there = zf.responses(network, images["flower"], "relu1", (4, 6, 20, 30))
    assert explorer.place == there.box
    assert explorer.result.unit == tuple(there.unit[3])
    assert there.box in explorer.view.photograph.boxes
    chosen = there.top(8)[1]
    explorer.view.responding.chosen = (chosen, 1)
    assert (explorer.result.feature, explorer.result.unit) == (chosen, tuple(there.unit[chosen]))
    assert explorer.view.responding.feature == chosen


def test_without_a_place_the_row_shows_the_strongest_on_the_image(network, images, explorer):
    strengths = zf.ImageFeatures(network, images["flower"]).strengths("relu1")
    shown = [each["number"] for each in explorer.view.responding.maps]
    assert shown == [number for number in np.argsort(-strengths, kind="stable")[:8] if strengths[number] > 0]
    assert explorer.view.responding.title == "Strongest on this image"
    explorer.layer = "relu2"
    assert all(each["number"] < 6 for each in explorer.view.responding.maps)


def test_a_tile_shows_what_the_map_looks_for_in_the_images_that_were_mined():
    net = zf.load("squeezenet1_1")
    explorer = zf.FeatureExplorer(net, image="cat", layer="fire 4")
    tops, shown = zf.prepared_tops(net), explorer.view.responding
    first = shown.maps[0]["number"]
    image, unit = int(tops.images["features.6.cat"][first, 0]), tops.units["features.6.cat"][first, 0]
    best = zf.project(net, zf.corpus()[image], "features.6.cat", first, tuple(map(int, unit)))
    assert np.frombuffer(shown.tiles[0], np.uint8).tolist() == framed(best.patch, TILE).ravel().tolist()
    record = float(tops.values["features.6.cat"][first, 0])
    explorer.feature = first
    assert f"{explorer.result.activation / record:.0%} of the map's record" in explorer.view.whole.caption
    assert format_number(explorer.result.activation) in explorer.view.whole.hint


def test_the_map_over_the_photograph_is_brightest_where_the_map_is(network, images, explorer):
    explorer.over = True
    values = explorer.features("flower").over_image("relu1", 3)
    row, column = np.unravel_index(values.argmax(), values.shape)
    assert explorer.features("flower").unit_at("relu1", row, column) == explorer.features("flower").strongest(
        "relu1", 3
    )
    assert (shown(explorer.view.photograph) != explorer.result.picture).any()
    explorer.over = False
    assert (shown(explorer.view.photograph) == explorer.result.picture).all()


@pytest.mark.parametrize("place", [(0, 0, 400, 2), "eye", (3,)])
def test_a_place_outside_the_picture_is_refused_in_words(explorer, place):
    with pytest.raises(ValueError, match="box"):
        explorer.place = place
    assert explorer.place is None


def test_from_the_strongest_to_the_chosen_place_nothing_moves(explorer):
    before = explorer.result.unit
    explorer.control_of["places"].value = "chosen"
    assert explorer.unit == explorer.result.unit == before


def test_what_is_large_in_its_place_is_not_enlarged_and_nothing_of_it_is_sent(explorer):
    assert not hides_insets(explorer.view)
    before = shown(explorer.view.patch)
    explorer.unit = "all"
    assert hides_insets(explorer.view)
    assert (shown(explorer.view.patch) == before).all()
    explorer.unit = "max"
    assert not hides_insets(explorer.view)


@pytest.mark.parametrize("scale", ["own", "percentile", "strongest"])
def test_the_scale_says_what_full_colour_stands_for(network, images, explorer, scale):
    explorer.unit = tuple(int(n) for n in np.argwhere(explorer.features("flower").maps("relu1")[3] > 0)[0])
    explorer.scale = scale
    result = explorer.result
    top, left, bottom, right = result.box
    inside = np.abs(result.pixels[:, top:bottom, left:right])
    ends = {
        "own": inside.max(),
        "percentile": np.percentile(inside, 99),
        "strongest": zf.project(network, images["flower"], "relu1", 3).scale,
    }
    expected = signed_picture(result.pixels[:, top:bottom, left:right], float(ends[scale]))
    assert (shown(explorer.view.projection) == expected).all()


def test_the_classes_are_those_of_predict(network, images, explorer):
    for label, probability in network.predict(images["flower"]).top(4):
        assert re.search(rf">{label}</div>.*?<div>{probability:.2f}</div>", explorer.view.prediction.value)


def test_choices_can_be_linked_with_ones_own(explorer, network, images):
    other = zf.FeatureExplorer(network, images, **START | {"image": "second"})
    T.link((explorer, "feature"), (other, "feature"))
    T.link((explorer, "unit"), (other, "unit"))
    explorer.feature = 5
    assert other.result.feature == 5
    other.view.map.cell = (2, 2)
    assert explorer.result.unit == (2, 2)
    assert (explorer.result.picture != other.result.picture).any()


def test_whoever_observes_a_result_may_choose_the_next_feature(explorer):
    explorer.observe(lambda change: setattr(explorer, "feature", 2), names="result")
    explorer.feature = 9
    assert (explorer.feature, explorer.result.feature) == (2, 2)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("layer", "relu3", "no layer 'relu3'; near it: relu"),
        ("feature", 16, "'relu1' has the features 0 to 15; 16 was asked for"),
        ("feature", -1, "'relu1' has the features 0 to 15; -1 was asked for"),
        ("unit", (16, 0), "16 rows and 24 columns"),
        ("unit", "middle", "unit is"),
        ("image", "secnd", "no image 'secnd'; near it: second"),
    ],
)
def test_what_there_is_not_is_refused_and_nothing_changes(network, images, explorer, name, value, said):
    before, result = getattr(explorer, name), explorer.result
    with pytest.raises(ValueError, match=said):
        setattr(explorer, name, value)
    assert getattr(explorer, name) == before
    assert explorer.result is result
    with pytest.raises(ValueError, match=said):
        zf.FeatureExplorer(network, images, **START | {name: value})


def test_a_misspelt_setting_is_a_type_error(network):
    with pytest.raises(TypeError, match="no setting 'laier'; did you mean 'layer'"):
        zf.FeatureExplorer(network, laier="relu1")


def test_the_slider_has_the_layers_that_were_asked_for(network, images):
    def names(**options):
        return list(zf.FeatureExplorer(network, images, **options).control_of["layer"].names)

    assert names() == [layer.name for layer in network.main_layers]
    assert names(layers="all") == [layer.name for layer in network.layers]
    assert names(layers=["relu2", "conv1"]) == ["conv1", "relu2"]
    assert names(layers=["relu2"], layer="conv1") == ["conv1", "relu2"]
    with pytest.raises(ValueError, match="no layer 'relu9'"):
        names(layers=["relu9"])


def test_a_layer_may_be_asked_for_by_its_title(network, images):
    explorer = zf.FeatureExplorer(network, images, layers=["conv 1", "conv 2"], layer="conv 2")
    assert explorer.layer == explorer.result.layer == "relu2"
    explorer.layer = "conv 1"
    assert explorer.layer == explorer.result.layer == "relu1"


def test_a_damaged_image_is_explained_and_the_last_picture_stays(network, images, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    explorer = zf.FeatureExplorer(network, {"good": images["flower"], "bad": tmp_path / "broken.png"}, layer="relu1")
    before, caption = explorer.result, explorer.view.photograph.caption
    explorer.image = "bad"
    assert explorer.error.startswith("image 'bad': cannot read")
    assert (explorer.result, explorer.view.photograph.caption) == (before, caption)
    explorer.image = "good"
    assert explorer.error == ""
    assert explorer.status.words == "Ready"


def test_an_added_image_is_shown(network, explorer, images):
    explorer.add_image("mine", images["second"])
    assert explorer.image == "mine"
    assert_shown(explorer, zf.project(network, images["second"], "relu1", 3))
    with pytest.raises(ValueError, match="no pixels"):
        explorer.add_image("nothing", np.zeros((0, 5, 3), np.uint8))
    assert explorer.image == "mine"


def test_a_network_without_classes_has_no_class_bars(images):
    torch.manual_seed(0)
    network = zf.Network(nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU()), size=(21, 33), device="cpu")
    explorer = zf.FeatureExplorer(network, images)
    assert explorer.error == ""
    assert explorer.result.layer == "1"
    assert "What the network says" not in html_of(explorer)


def html_of(explorer):
    from zfwidgets.widgets.panel.still import still

    return still(explorer)


def test_a_still_says_what_colours_stand_for(explorer):
    scale = r"<div class='zf-scale'>(.*?)<div class='zf-scale-bar' data-kind='(.*?)'></div>(.*?)</div>"
    pictures = explorer.view.whole, explorer.view.map
    found = [[kind, low, high] for low, kind, high in re.findall(scale, html_of(explorer))]
    assert found == [picture.scale for picture in pictures]


def test_names_and_labels_are_text_in_a_still(images):
    module = nn.Sequential()
    module.add_module("<b>first</b>", nn.Conv2d(3, 5, 3))
    module.add_module("pool", nn.AdaptiveAvgPool2d(1))
    module.add_module("flat", nn.Flatten())
    network = zf.Network(module, size=(21, 33), labels=[HARM, "b", "c", "d", "e"], device="cpu")
    html = html_of(zf.FeatureExplorer(network, {HARM: images["first"]}, layer="<b>first</b>"))
    assert "<script>" not in html
    assert html.count("&lt;script&gt;") >= 2  # the image's name, the label
    assert "<b>first" not in html
    assert "&lt;b&gt;first&lt;/b&gt;" in html


def test_a_map_of_one_unit_is_as_bright_as_it_is_strong(images):
    net = zf.Network(nn.Sequential(nn.Conv2d(3, 5, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()), size=24, device="cpu")
    explorer = zf.FeatureExplorer(net, images, layer="1", layers="all")
    values = explorer.features(explorer.image).maps("1").ravel()
    brightness = []
    for feature in range(5):
        explorer.feature = feature
        shown = explorer.view.map
        brightness.append(sum(shown.pixels[:3]))
        said = "silent on this image" if values[feature] <= 0 else f"{format_number(values[feature])}, of the layer's"
        assert shown.caption.startswith(f"feature {feature} · {net.labels[feature]}\n{said}")
    assert np.array_equal(np.argsort(brightness), np.argsort(values))


def test_a_still_holds_every_picture_and_choice(explorer):
    html = html_of(explorer)
    assert html.count("src='data:image/png;base64,") == 5 + len(explorer.view.responding.maps)
    for words in ("flower", "relu1", "strongest unit", "deconvnet (the paper", "Projection"):
        assert words in html


@pytest.mark.parametrize(
    ("height", "width", "shown_width"),
    [(16, 24, 240), (1, 1, 240), (13, 7, 126), (224, 150, 150), (225, 450, 240), (448, 224, 120), (200, 30, 30)],
)
def test_small_maps_are_shown_at_whole_multiples_and_large_ones_fitted(height, width, shown_width):
    assert fitted(height, width) == shown_width


@pytest.fixture
def slow(network, images, in_kernel):
    """An explorer that computes in a thread; for one unit, (3, 20), it waits until its gate is opened."""

    class Slow(zf.FeatureExplorer):
        begun, gate = threading.Event(), threading.Event()

        def compute(self, choice, task):
            found = super().compute(choice, task)
            if choice.unit == (3, 20):
                self.begun.set()
                self.gate.wait(20)
            return found

    explorer = Slow(network, images, layer="relu1")
    until(lambda: explorer.result is not None and not explorer.busy)
    return explorer


def test_who_goes_back_before_a_unit_is_drawn_is_heard(slow):
    start = slow.view.map.cell
    slow.view.map.cell = (3, 20)
    assert slow.begun.wait(20)
    slow.view.map.cell = start
    slow.gate.set()
    until(lambda: not slow.busy)
    assert slow.unit == slow.result.unit == slow.view.map.cell == start


def test_records_that_come_in_late_do_not_move_the_reader_back(slow):
    slow.view.map.cell = (3, 20)
    assert slow.begun.wait(20)
    slow._draw_again()  # as the thread does that has read the records
    assert slow.view.map.cell == (3, 20)
    slow.gate.set()
    until(lambda: slow.result.unit == (3, 20) and not slow.busy)


def test_a_click_while_a_drawing_is_under_way_is_not_undone(slow, monkeypatch):
    slow.gate.set()
    show = slow.view._show_projection

    def clicked_meanwhile(*arguments):
        show(*arguments)
        monkeypatch.setattr(slow.view, "_show_projection", show)
        slow.view.map.cell = (3, 20)

    monkeypatch.setattr(slow.view, "_show_projection", clicked_meanwhile)
    slow._draw_again()
    until(lambda: slow.result.unit == (3, 20) and not slow.busy)
    assert slow.view.map.cell == (3, 20)


def test_a_key_pressed_while_a_unit_is_projected_moves_on_from_there(slow):
    slow.view.map.cell = (3, 20)
    assert slow.begun.wait(20)
    with slow.view.map.hold_trait_notifications():  # the page has moved on; the panel has not heard of it yet
        slow.view.map.cell = (4, 20)
        slow.gate.set()
        until(lambda: slow.result.unit == (3, 20) and not slow.busy)
        assert slow.view.map.cell == (4, 20)
    until(lambda: slow.result.unit == (4, 20) and not slow.busy)
