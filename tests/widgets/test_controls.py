"""The controls that panels share."""

import io
import threading
import time

import ipywidgets as W
import numpy as np
import pytest
import traitlets as T
from PIL import Image

from zfwidgets.data import images as as_collection
from zfwidgets.task import Foreground
from zfwidgets.widgets.belongings import all_within
from zfwidgets.widgets.controls import FeatureSlider, bind, labelled, probability_bars
from zfwidgets.widgets.controls.image_picker import ImagePicker
from zfwidgets.widgets.controls.network_strip import LayersStrip, LayerStrip, drawn, played
from zfwidgets.widgets.holding import holding
from zfwidgets.widgets.panel import feature_order
from zfwidgets.widgets.selection import Images

from .conftest import until

STRENGTHS = np.array([0.5, 3.0, 0.0, 3.0, 9.0])


def heard(control, name="value"):
    """What is heard of a trait from now on."""
    told = []
    control.observe(lambda change: told.append(change.new), names=name)
    return told


def test_while_one_thread_fills_a_control_others_wait():
    widget, order = W.IntSlider(), []

    def other():
        with holding(widget):
            order.append("other")

    with holding(widget):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(0.05)
        with holding(widget):  # the same thread may go in again
            order.append("first")
    thread.join()
    assert order == ["first", "other"]


def test_a_label_and_its_explanation_are_text():
    head = labelled("a <b>", W.Label(), "x' onclick='harm()").children[0].value
    assert head == "<abbr title='x&#x27; onclick=&#x27;harm()'>a &lt;b&gt;</abbr>"
    assert labelled("a <b>", W.Label()).children[0].value == "a &lt;b&gt;"


def test_bars_are_as_long_as_they_are_probable_and_names_are_text():
    html = probability_bars([("<script>", 0.75), ("b", 0.004)])
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "width:75.0%" in html
    assert "width:0.4%" in html
    assert html.count("<div>0.") == 2


def test_the_strip_and_its_value_follow_each_other(network):
    strip = LayerStrip(network, ["conv1", "relu1", "relu2"])
    strip.value = "relu2"
    assert strip.chosen == ["relu2"]
    strip.chosen = ["conv1"]  # as it comes from the page
    assert strip.value == "conv1"


def test_a_layer_that_is_chosen_elsewhere_joins_the_strip_in_its_order(network):
    strip = LayerStrip(network, ["conv1", "relu2"])
    told = heard(strip)
    strip.value = "relu1"
    assert strip.names == ("conv1", "relu1", "relu2")
    assert [layer["name"] for layer in strip.layers] == ["conv1", "relu1", "relu2"]
    assert (strip.chosen, told) == (["relu1"], ["relu1"])


def test_playing_goes_through_the_layers_and_follows_a_choice(network):
    strip = LayerStrip(network, ["conv1", "relu1", "relu2"])
    play = played(strip)
    assert (play.place, play.count) == (0, 3)
    play.place = 2  # as it comes from the page
    assert strip.value == "relu2"
    strip.value = "relu1"
    assert play.place == 1
    strip.value = "fc"
    assert (play.place, play.count) == (3, 4)


def test_the_strip_says_how_many_maps_of_what_size_there_are_and_what_a_unit_sees(network):
    shown = {layer["name"]: layer for layer in drawn(network, ["conv1", "relu2", "fc"])}
    for name in ("conv1", "relu2"):
        layer = network.layer(name)
        assert shown[name]["about"].startswith(f"{layer.channels} maps of {layer.height}×{layer.width} · a unit sees ")
        assert network.seen_from(name) in shown[name]["about"]
    assert shown["fc"]["about"].startswith(f"{network.layer('fc').channels} classes")
    assert 1 == shown["conv1"]["tall"] > shown["relu2"]["tall"] > shown["fc"]["tall"] > 0


def test_several_layers_come_in_the_order_of_the_network_and_a_choice_that_does_not_fit_is_taken_back(network):
    mistakes = {}
    strip = LayersStrip(
        network, ["conv1", "relu1", "relu2", "fc"], 2, lambda source, error: mistakes.update({source: error})
    )
    strip.chosen = ["relu2", "conv1"]
    assert (strip.value, mistakes) == (("conv1", "relu2"), {"layers": None})
    for wrong in (["relu2", "conv1", "relu1"], []):
        strip.chosen = wrong
        assert (strip.value, strip.chosen) == (("conv1", "relu2"), ["conv1", "relu2"])
        assert mistakes["layers"] == f"choose one to 2 layers; {len(wrong)} are chosen"


class Owner(T.HasTraits):
    """As a panel: with a trait, and a place for mistakes."""

    number = T.Int(3, allow_none=True)

    def __init__(self):
        self.mistakes = {}
        super().__init__()

    @T.validate("number")
    def _small(self, proposal):
        if proposal["value"] is not None and proposal["value"] > 8:
            raise ValueError("too large")
        return proposal["value"]

    def report(self, source, error):
        self.mistakes[source] = error and str(error)


def test_a_control_and_its_trait_follow_each_other():
    owner, control = Owner(), W.IntSlider(0, 0, 10)
    bind(control, owner, "number")
    assert control.value == 3
    owner.number = 5
    assert control.value == 5
    control.value = 7
    assert owner.number == 7


def test_a_trait_that_nobody_has_chosen_leaves_the_control_as_it_is():
    owner, control = Owner(), W.IntSlider(0, 0, 10)
    bind(control, owner, "number")
    owner.number = None
    assert control.value == 3


def test_a_control_that_cannot_show_the_value_does_not_change_the_trait():
    owner, control = Owner(), W.IntSlider(0, 0, 6)
    bind(control, owner, "number")
    owner.number = 8
    assert (owner.number, control.value) == (8, 6)


def test_a_choice_that_does_not_fit_is_reported_until_one_does():
    owner, control = Owner(), W.IntSlider(0, 0, 10)
    bind(control, owner, "number")
    control.value = 9
    assert (owner.number, owner.mistakes) == (3, {"number": "too large"})
    control.value = 4
    assert (owner.number, owner.mistakes) == (4, {"number": None})


@pytest.fixture
def slider():
    control = FeatureSlider(feature_order())
    control.rank(STRENGTHS, "strength", 1)
    return control


def test_the_feature_slider_goes_from_the_strongest_to_the_weakest(slider):
    order = []
    for position in range(5):
        slider.slider.value = position
        order.append(slider.value)
    assert order == [4, 1, 3, 0, 2]
    assert slider.number.value == 2


def test_a_number_that_is_typed_moves_the_slider(slider):
    slider.number.value = 0
    assert (slider.value, slider.position) == (0, 3)
    slider.value = 3
    assert (slider.number.value, slider.position) == (3, 2)


def test_the_buttons_go_one_map_on_or_back_in_the_order_and_stop_at_its_ends(slider):
    before, after = (part for part in all_within(slider) if isinstance(part, W.Button))
    seen = []
    for button in (before, before, after, after, after, after, after, before):
        button.click()
        seen.append((slider.value, slider.place.value))
    places = [(4, "1 of 5"), (4, "1 of 5"), (1, "2 of 5"), (3, "3 of 5"), (0, "4 of 5"), (2, "5 of 5"), (2, "5 of 5")]
    assert seen == [*places, (0, "4 of 5")]


def test_by_number_the_slider_is_the_number(slider):
    slider.rank(STRENGTHS, "index", 3)
    assert slider.position == 3
    slider.slider.value = 2
    assert slider.value == 2


def test_fewer_maps_are_taken_over_without_a_choice_that_nobody_made():
    slider = FeatureSlider(feature_order())
    slider.rank(np.arange(1000.0), "strength", 0)
    assert slider.position == 999
    told = heard(slider)
    slider.rank(STRENGTHS, "strength", 4)
    assert told == [4]
    assert (slider.position, slider.slider.max, slider.number.max) == (0, 4, 4)


def test_more_maps_are_taken_over_without_a_choice_that_nobody_made(slider):
    told = heard(slider)
    slider.rank(np.arange(1000.0), "strength", 700)
    assert told == [700]
    assert (slider.position, slider.number.value, slider.slider.max) == (299, 700, 999)


def png(height=7, width=11):
    data = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(noise).save(data, "PNG")
    return data.getvalue()


def upload(picker, name, content):
    """As it comes from the browser."""
    picker._handle_custom_msg({"name": name}, [memoryview(content)])


@pytest.fixture
def shelf():
    return Images(as_collection({"a": np.zeros((3, 5, 3), np.uint8), "b": np.full((4, 6, 3), 9, np.uint8)}))


@pytest.fixture
def mistakes():
    """All that was reported."""
    return []


@pytest.fixture
def picker(shelf, mistakes):
    return ImagePicker(shelf, lambda source, error: mistakes.append(error))


def sizes(picker):
    return [Image.open(io.BytesIO(data)).size for data in picker.pictures]


def test_each_image_has_a_thumbnail_of_its_own_proportions():
    images = {"wide": np.zeros((200, 600, 3), np.uint8), "tall": np.full((600, 200, 3), 200, np.uint8)}
    picker = ImagePicker(Images(as_collection(images)), lambda *_: None)
    assert picker.shown == picker.names == ["wide", "tall"]
    assert sizes(picker) == [(176, 59), (29, 88)]
    means = [np.asarray(Image.open(io.BytesIO(data))).mean() for data in picker.pictures]
    assert means == pytest.approx([0, 200], abs=2)


def test_thumbnails_wait_for_what_is_in_the_foreground(shelf):
    foreground = Foreground()
    with foreground.occupied():
        picker = ImagePicker(shelf, lambda *_: None, behind=foreground, direct=False)
        time.sleep(0.2)  # in which they would be made
        assert picker.pictures == []
    until(lambda: len(picker.pictures) == 2)


def test_on_each_thumbnail_is_outlined_what_the_network_sees(network):
    height, width = network.program.input.shape[1:]
    images = {"wide": np.zeros((height, 4 * width, 3), np.uint8), "as it is": np.zeros((height, width, 3), np.uint8)}
    picker = ImagePicker(Images(as_collection(images)), lambda *_: None, network)
    assert picker.crops == [pytest.approx([0, 0.375, 1, 0.625], abs=0.01), [0, 0, 1, 1]]


def test_of_many_images_those_around_the_chosen_one_have_thumbnails():
    many = Images(as_collection([np.full((4, 4, 3), number, np.uint8) for number in range(100)]))
    picker = ImagePicker(many, lambda *_: None)
    assert picker.shown == list(many.names[:24])
    picker.value = many.names[60]
    assert picker.shown == list(many.names[48:72])
    assert len(picker.pictures) == 24
    picker.value = many.names[99]
    assert picker.shown == list(many.names[76:])
    assert picker.names == list(many.names)


def test_an_image_that_cannot_be_read_has_no_thumbnail_and_the_others_have(tmp_path):
    Image.fromarray(np.zeros((5, 5, 3), np.uint8)).save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_bytes(b"nothing")
    picker = ImagePicker(Images(as_collection(tmp_path)), lambda *_: None)
    assert [bool(data) for data in picker.pictures] == [name.startswith("good") for name in picker.shown]


def test_a_file_that_the_page_could_not_send_is_reported(picker, mistakes):
    picker._handle_custom_msg({"name": "vast.tif", "refused": "it is larger than 8 MB"}, [])
    assert mistakes == ["vast.tif: it is larger than 8 MB"]


def test_an_uploaded_image_is_on_the_list_and_chosen_and_nothing_else_was(picker, shelf):
    picker.value = "b"
    told = heard(picker)
    upload(picker, "mine.png", png())
    assert told == ["mine.png"]
    assert shelf.names == tuple(picker.names) == tuple(picker.shown) == ("a", "b", "mine.png")
    assert shelf["mine.png"].shape == (7, 11, 3)
    assert len(picker.pictures) == 3


def test_the_same_name_twice_is_two_images(picker, shelf):
    upload(picker, "a", png())
    upload(picker, "a", png(13, 8))
    assert shelf.names == ("a", "b", "a (again)", "a (again) (again)")
    assert picker.value == "a (again) (again)"
    assert [shelf[name].shape[:2] for name in shelf] == [(3, 5), (4, 6), (7, 11), (13, 8)]


def test_two_pickers_of_the_same_images_both_list_an_upload(picker, shelf):
    other = ImagePicker(shelf, lambda *_: None)
    upload(picker, "mine.png", png())
    assert other.names == ["a", "b", "mine.png"]
    assert (picker.value, other.value) == ("mine.png", "a")


def test_the_same_broken_file_twice_is_reported_twice(picker, shelf, mistakes):
    for _ in range(2):
        upload(picker, "broken.png", png()[:100])
    assert mistakes[0] is mistakes[2] is None
    assert mistakes[1] == mistakes[3]
    assert mistakes[1].startswith("broken.png: the image is damaged or cut short")
    assert (picker.value, shelf.names) == ("a", ("a", "b"))
    upload(picker, "good.png", png())
    assert mistakes[4:] == [None]


def test_what_is_no_image_at_all_is_reported(picker, mistakes):
    upload(picker, "notes.txt", b"hello")
    assert mistakes[-1].startswith("notes.txt: it is not an image of a known kind")
    upload(picker, "empty.png", b"")
    assert mistakes[-1] == "empty.png: it is empty: 0 bytes"
