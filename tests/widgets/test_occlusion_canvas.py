"""The occlusion canvas without a browser: what is hidden is what the network is asked about."""

import re
import time

import numpy as np
import pytest
import traitlets as T
from torch import nn

import zfwidgets as zf
from zfwidgets.drawing import format_number, heat, label_picture, signed_picture
from zfwidgets.experiments.occlusion import make_baseline
from zfwidgets.experiments.occlusion.occluder import with_hidden
from zfwidgets.models import Meaning
from zfwidgets.widgets.occlusion_canvas.class_rows import rows_of
from zfwidgets.widgets.occlusion_canvas.sweep_view import INK, over_photograph

from .conftest import until


@pytest.fixture
def canvas(network, images):
    return zf.OcclusionCanvas(network, images, image="flower", size=8, stride=4)


def shown(picture):
    return np.frombuffer(picture.pixels, np.uint8).reshape(picture.height, picture.width, 4)[..., :3]


def a_mask(top=5, left=10, bottom=20, right=31):
    mask = np.zeros((35, 51), bool)
    mask[top:bottom, left:right] = True
    return mask


def asked_anew(network, image, mask, fill="grey"):
    """The network's answer to the image with the mask filled in by hand."""
    features = zf.ImageFeatures(network, image)
    x = features.input.clone()
    x[:, mask] = make_baseline(network, x, fill)[:, mask]
    return network.classify(x[None], ["image"]).probability[0]


def test_it_opens_with_nothing_hidden(network, images, canvas):
    assert canvas.result.mask.shape == (35, 51)
    assert not canvas.result.mask.any()
    assert "Nothing is hidden" in canvas.view.words.value
    assert not canvas.busy


@pytest.mark.parametrize("fill", ["grey", "mean", "blur", "noise", "black"])
def test_what_is_drawn_is_what_the_network_is_asked_about(network, images, canvas, fill):
    canvas.fill = fill
    canvas.canvas.put(a_mask())
    expected = asked_anew(network, images["flower"], a_mask(), fill)
    np.testing.assert_allclose(canvas.result.probability[1], expected, atol=1e-6)
    assert f"{a_mask().mean():.1%} of the image is hidden" in canvas.view.words.value
    now = {name: after for name, after, _ in canvas.view.bars.shown}
    for name, probability in zip(network.labels, expected, strict=True):
        assert now[name] == pytest.approx(probability, abs=1e-4)


def test_before_and_after_are_shown_on_one_scale(network, images, canvas):
    canvas.canvas.put(a_mask())
    before = zf.ImageFeatures(network, images["flower"])
    after = with_hidden(before, a_mask(), make_baseline(network, before.input))
    maps = [features.maps(canvas.layer)[canvas.feature] for features in (before, after)]
    low, high = min(float(maps[0].min()), 0.0), max(float(values.max()) for values in maps)
    for picture, values in zip(canvas.view.maps, maps, strict=True):
        assert (shown(picture) == heat(values, low, high)).all()
        assert f"sum {values.sum():.3g}" in picture.caption
    projections = [features.project(canvas.layer, canvas.feature, "all") for features in (before, after)]
    end = max(np.percentile(np.abs(one.pixels), 99) for one in projections)
    for picture, one in zip(canvas.view.projections, projections, strict=True):
        assert (shown(picture) == signed_picture(one.pixels, end)).all()
    heat_ends, signed_ends = (re.sub("<[^>]+>", "|", scale.value).strip("|") for scale in canvas.view.scales)
    assert heat_ends.split("||") == [format_number(low), format_number(high)]
    assert signed_ends.split("||") == [f"against −{format_number(end)}", f"for +{format_number(end)}"]


def test_chips_set_image_tool_and_fill(network, images):
    canvas = zf.OcclusionCanvas(network, {"cat": images["flower"], "motorcycle": images["second"]})
    for words, settings in canvas.tries().items():
        canvas.try_out(words)
        assert {name: getattr(canvas, name) for name in settings} == settings
        assert canvas.error == ""
    assert list(zf.OcclusionCanvas(network, images).tries()) == ["Blur what is hidden"]


def test_undo_takes_the_answer_back(canvas):
    canvas.canvas.put(a_mask())
    changed = canvas.result.probability[1]
    canvas.canvas.undo()
    assert not canvas.result.mask.any()
    assert not np.array_equal(canvas.result.probability[1], changed)


def test_the_feature_is_the_strongest_of_the_layer_until_one_is_chosen(network, images, canvas):
    for name in ("flower", "second"):
        canvas.image = name
        for layer in ("relu1", "relu2"):
            canvas.layer = layer
            sums = zf.ImageFeatures(network, images[name]).maps(layer).sum((1, 2))
            assert canvas.feature == canvas.result.feature == sums.argmax()
    canvas.feature = 1
    assert canvas.result.feature == 1
    canvas.fill = "white"
    assert canvas.result.feature == 1


def test_what_is_drawn_stays_on_another_image(canvas):
    canvas.canvas.put(a_mask())
    canvas.image = "first"
    assert (canvas.result.mask == a_mask()).all()


def test_words_name_the_change_of_the_answer(network, images, canvas):
    canvas.canvas.put(np.ones((35, 51), bool))
    before, after = canvas.result.answers
    expected = "The answer stays" if before == after else "The answer changes from"
    assert canvas.view.words.value.startswith(expected)
    assert "100.0% of the image is hidden" in canvas.view.words.value


def test_a_sweep_shows_the_maps_of_zf_occlusion(network, images, canvas):
    canvas.sweeper.job.start()
    expected = zf.occlusion(network, images["flower"], size=8, stride=4, layer=canvas.layer, feature=canvas.feature)
    np.testing.assert_array_equal(canvas.swept.probability, expected.probability)
    activity, probability, label = canvas.sweeper.maps.maps
    for picture, colours in (
        (activity, heat(expected.activity)),
        (probability, heat(expected.probability, 0, 1)),
        (label, label_picture(expected.label)[0]),
    ):
        assert (shown(picture) == over_photograph(expected, colours)).all()
        assert picture.cells == expected.label.shape
    for number in np.unique(expected.label):
        assert network.labels[number] in canvas.sweeper.maps.legends[3].value
    assert f"{expected.label.size} places" in canvas.sweeper.job.note.value


def test_a_map_lies_on_the_photograph_where_the_middle_of_the_square_is(network, images):
    found = zf.occlusion(network, images["flower"], size=(9, 11), stride=(3, 5))
    colours = np.zeros((*found.label.shape, 3), np.uint8)
    colours[2, 4] = 255
    painted = over_photograph(found, colours).astype(float)
    grey = found.picture.mean(2)
    for row, column in np.ndindex(painted.shape[:2]):
        y, x = row + (9 - 3) // 2, column + (11 - 5) // 2
        lit = 6 <= row < 9 and 20 <= column < 25
        if y < 35 and x < 51:
            assert painted[row, column] == pytest.approx(INK * 255 * lit + (1 - INK) * grey[y, x], abs=0.51)
    assert found.top[2] + 9 // 2 == 7 + (9 - 3) // 2  # the middle pixel of the lit part is that of the square


def test_pointing_at_a_map_shows_what_was_hidden_there(canvas):
    canvas.sweeper.job.start()
    canvas.sweeper.maps.maps[1].hover = (3, 5)
    assert (shown(canvas.sweeper.maps.hidden) == canvas.swept.hidden(3, 5)).all()
    label = canvas.swept.labels[canvas.swept.label[3, 5]]
    assert f"<b>{label}</b> {canvas.swept.confidence[3, 5]:.2f}" in canvas.sweeper.maps.legends[0].value
    canvas.sweeper.maps.maps[0].cell = (1, 2)
    assert (shown(canvas.sweeper.maps.hidden) == canvas.swept.hidden(1, 2)).all()


def test_a_click_on_a_map_takes_its_square_over(canvas):
    canvas.sweeper.job.start()
    canvas.sweeper.maps.maps[2].clicked = (4 * 2 + 1, 4 * 3 + 2, 1)
    expected = np.zeros((35, 51), bool)
    expected[8:16, 12:20] = True
    assert (canvas.canvas.mask == expected).all()
    place = canvas.swept.probability[2, 3]
    assert canvas.result.probability[1][canvas.result.target] == pytest.approx(place, abs=1e-5)


def test_playing_goes_over_the_places_of_the_sweep_row_by_row(canvas):
    canvas.sweep()
    rows, columns = canvas.swept.label.shape
    play, maps = canvas.sweeper.play, canvas.sweeper.maps
    assert play.count == rows * columns
    for place in (1, columns + 2, rows * columns - 1):
        play.place = place  # as it comes from the page
        assert maps.place == divmod(place, columns)
        assert (shown(maps.hidden) == canvas.swept.hidden(*divmod(place, columns))).all()


def test_a_choice_sweeps_anew_once_a_sweep_was_asked_for(canvas):
    canvas.stride = 6
    assert canvas.swept is None
    canvas.sweeper.job.start()
    assert canvas.swept.stride == (6, 6)
    for name, value in (("stride", 5), ("size", 12), ("fill", "black"), ("target", "bee"), ("image", "first")):
        before = canvas.swept
        setattr(canvas, name, value)
        assert canvas.swept is not before
    assert canvas.swept.stride == (5, 5)
    assert canvas.swept.size == (12, 12)
    assert canvas.swept.labels[canvas.swept.targets[0]] == "bee"
    canvas.layer = "relu1"
    assert (canvas.swept.layer, canvas.swept.feature) == ("relu1", canvas.feature)


def test_a_cancelled_sweep_stays_off(network, images, in_kernel, monkeypatch):
    monkeypatch.setattr("zfwidgets.experiments.occlusion.sweep.PAUSE", 0.0)
    canvas = zf.OcclusionCanvas(network, images, size=4, stride=1)
    until(lambda: not canvas.busy)
    canvas.sweeper.job.start()
    until(lambda: canvas.swept is not None)
    canvas.sweeper.job.cancel()
    assert not canvas.sweeper.job.running
    partly = canvas.swept
    assert not partly.computed.all()
    canvas.fill = "white"
    until(lambda: not canvas.busy)
    time.sleep(0.1)
    assert canvas.swept is None
    assert canvas.sweeper.maps.layout.display == "none"
    assert "zf.hide(" in canvas.code()
    canvas.sweeper.job.start()
    until(lambda: canvas.swept is not None)
    assert (canvas.swept.fill, canvas.sweeper.maps.layout.display) == ("white", "")


def test_what_is_drawn_at_once_counts(network, images, in_kernel):
    canvas = zf.OcclusionCanvas(network, images)
    canvas.canvas.put(a_mask())
    until(lambda: canvas.result is not None and not canvas.busy)
    assert (canvas.result.mask == a_mask()).all()


def test_a_gesture_is_answered_in_the_middle_of_a_sweep(network, images, in_kernel):
    canvas = zf.OcclusionCanvas(network, images, size=4, stride=1)
    until(lambda: not canvas.busy)
    canvas.sweeper.job.start()
    canvas.canvas.put(a_mask())
    until(lambda: canvas.result is not None and canvas.result.mask.any())
    assert canvas.sweeper.job.running
    canvas.sweeper.job.cancel()


def test_classes_keep_their_places_while_parts_are_hidden():
    whole = np.array([0.05, 0.3, 0.0, 0.2, 0.2, 0.1, 0.1, 0.05])
    now = np.array([0.4, 0.01, 0.3, 0.02, 0.2, 0.0, 0.004, 0.066])
    assert rows_of(whole, whole, 1, Meaning.SHARES) == [1, 3, 4, 5, 6]
    assert rows_of(whole, whole, 2, Meaning.SHARES) == [1, 3, 4, 5, 6, 2]
    assert rows_of(whole, now, 1, Meaning.SHARES) == [1, 3, 4, 5, 6, 0, 2, 7]
    assert rows_of(whole, now, 2, Meaning.SHARES) == [1, 3, 4, 5, 6, 2, 0, 7]


def test_a_class_that_is_not_seen_has_not_risen():
    whole, now = np.array([0.9, 0.05, 0.03, 0.01, 0.01, 0.0]), np.array([0.9, 0.0501, 0.03, 0.0099, 0.0, 0.001])
    assert rows_of(whole, now, 0, Meaning.SHARES) == [0, 1, 2, 3, 4]
    assert rows_of(whole, now, 0, Meaning.RAW) == [0, 1, 2, 3, 4, 5]


def test_a_target_class_is_seen_at_once(network, canvas):
    whole = canvas.result.probability[0]
    target = int(whole.argmin())
    name = network.labels[target]
    canvas.target = name
    assert f"★ {name}: {whole[target]:.2f}." in canvas.view.words.value
    canvas.canvas.put(a_mask())
    now = canvas.result.probability[1][target]
    assert f"★ {name}: {whole[target]:.2f} → {now:.2f}." in canvas.view.words.value
    (starred,) = [row for row in canvas.view.bars.html.split("zf-class-row") if "★" in row]
    assert f"{name}: whole image {whole[target]:.2f}, now {now:.2f}" in starred
    assert (name, pytest.approx(now), pytest.approx(whole[target])) in canvas.view.bars.shown


def test_the_target_is_what_the_network_says_or_a_class_by_name(network, canvas):
    assert canvas.result.target == canvas.result.probability[0].argmax()
    canvas.target = "dog"
    assert canvas.result.target == 3
    canvas.control_of["target"].value = "bea"
    assert "near it: bee" in canvas.error
    assert canvas.target == "dog"
    canvas.control_of["target"].value = ""
    assert canvas.target == ""
    assert canvas.error == ""


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("image", "flowers", "near it: flower"), ("layer", "relu9", "near it: relu2"),
        ("feature", 99, "features 0 to 5"), ("target", "elephant", "knows no class"),
    ],
)  # fmt: skip
def test_what_does_not_exist_is_refused_in_words(canvas, name, value, message):
    with pytest.raises(ValueError, match=message):
        setattr(canvas, name, value)


def test_a_layer_may_be_asked_for_by_its_title(network, images):
    canvas = zf.OcclusionCanvas(network, images, layers=["conv 1"], layer="conv 2", feature=3)
    assert (canvas.layer, canvas.result.layer, canvas.feature) == ("relu2", "relu2", 3)


def test_sizes_and_fills_are_checked(canvas):
    for name, value in (("size", 0), ("stride", 0), ("fill", "tartan")):
        with pytest.raises(T.TraitError):
            setattr(canvas, name, value)


def test_a_misspelt_setting_is_refused(network, images):
    with pytest.raises(TypeError, match="did you mean 'stride'"):
        zf.OcclusionCanvas(network, images, strde=3)


def test_a_network_without_classes_is_refused(images):
    with pytest.raises(ValueError, match="not in one score a class"):
        zf.OcclusionCanvas(zf.Network(nn.Conv2d(3, 4, 3), size=16), images)


def test_what_a_class_is_called_cannot_run_scripts(network, images):
    import copy

    named = copy.copy(network)
    named.labels = ("<script>a</script>", "<script>b</script>", "<b>c", "d")
    canvas = zf.OcclusionCanvas(named, images, size=8, stride=8)
    canvas.canvas.put(a_mask())
    canvas.sweeper.job.start()
    assert "<script>" not in canvas.view.words.value + canvas.view.bars.html + canvas.sweeper.maps.legends[3].value
