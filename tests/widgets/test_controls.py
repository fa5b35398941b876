"""The controls that panels share."""

import datetime
import io

import ipywidgets as W
import numpy as np
import pytest
from PIL import Image

from zfwidgets.data import images as as_collection
from zfwidgets.widgets.controls import FeatureSlider, ImagePicker, LayerSlider, bars, labelled

STRENGTHS = np.array([0.5, 3.0, 0.0, 3.0, 9.0])


def heard(control, name="value"):
    """What is heard of a trait from now on."""
    told = []
    control.observe(lambda change: told.append(change.new), names=name)
    return told


def test_a_label_and_its_explanation_are_text():
    head = labelled("a <b>", W.Label(), "x' onclick='harm()").children[0].value
    assert head == "<abbr title='x&#x27; onclick=&#x27;harm()'>a &lt;b&gt;</abbr>"
    assert labelled("a <b>", W.Label()).children[0].value == "a &lt;b&gt;"


def test_bars_are_as_long_as_they_are_probable_and_names_are_text():
    html = bars([("<script>", 0.75), ("b", 0.004)])
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "width:75.0%" in html
    assert "width:0.4%" in html
    assert html.count("<div>0.") == 2


def test_the_layer_slider_and_its_value_follow_each_other():
    slider = LayerSlider(["one", "two", "three"], "two")
    assert slider.value == slider._slider.value == "two"
    slider.value = "three"
    assert slider._slider.index == 2
    slider._slider.index = 0
    assert slider.value == "one"


@pytest.fixture
def slider():
    control = FeatureSlider()
    control.rank(STRENGTHS, 1)
    return control


def test_the_feature_slider_goes_from_the_strongest_to_the_weakest(slider):
    order = []
    for position in range(5):
        slider._slider.value = position
        order.append(slider.value)
    assert order == [4, 1, 3, 0, 2]
    assert slider._number.value == 2


def test_a_number_that_is_typed_moves_the_slider(slider):
    slider._number.value = 0
    assert (slider.value, slider.position) == (0, 3)
    slider.value = 3
    assert (slider._number.value, slider.position) == (3, 2)


def test_by_number_the_slider_is_the_number(slider):
    slider._order.value = "index"
    assert slider.order == "index"
    slider.rank(STRENGTHS, 3)
    assert slider.position == 3
    slider._slider.value = 2
    assert slider.value == 2


def test_fewer_maps_are_taken_over_without_a_choice_that_nobody_made():
    slider = FeatureSlider()
    slider.rank(np.arange(1000.0), 0)
    assert slider.position == 999
    told = heard(slider)
    slider.rank(STRENGTHS, 4)
    assert told == [4]
    assert (slider.position, slider._slider.max, slider._number.max) == (0, 4, 4)


def test_more_maps_are_taken_over_without_a_choice_that_nobody_made(slider):
    told = heard(slider)
    slider.rank(np.arange(1000.0), 700)
    assert told == [700]
    assert (slider.position, slider._number.value, slider._slider.max) == (299, 700, 999)


def png(height=7, width=11):
    data = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(noise).save(data, "PNG")
    return data.getvalue()


def upload(picker, name, content):
    """As it comes from the browser."""
    now = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
    file = {"name": name, "type": "image/png", "size": len(content), "content": memoryview(content)}
    picker._upload.value = (file | {"last_modified": now},)


@pytest.fixture
def picker():
    return ImagePicker(as_collection({"a": np.zeros((3, 5, 3), np.uint8), "b": np.full((4, 6, 3), 9, np.uint8)}))


def test_the_list_and_its_value_follow_each_other(picker):
    assert picker.value == "a"
    picker._list.value = "b"
    assert picker.value == "b"
    picker.value = "a"
    assert picker._list.value == "a"
    assert picker["b"].shape == (4, 6, 3)


def test_an_uploaded_image_is_on_the_list_and_chosen_and_nothing_else_was(picker):
    picker.value = "b"
    told = heard(picker)
    upload(picker, "mine.png", png())
    assert told == ["mine.png"]
    assert picker._list.value == "mine.png"
    assert picker.names == picker._list.options == ("a", "b", "mine.png")
    assert picker["mine.png"].shape == (7, 11, 3)
    picker._list.value = "a"
    assert picker.value == "a"


def test_the_same_name_twice_is_two_images(picker):
    upload(picker, "a", png())
    upload(picker, "a", png(13, 8))
    assert picker.names == ("a", "b", "a (again)", "a (again) (again)")
    assert picker.value == "a (again) (again)"
    assert [picker[name].shape[:2] for name in picker.names] == [(3, 5), (4, 6), (7, 11), (13, 8)]


def test_the_same_broken_file_twice_is_complained_of_twice(picker):
    told = heard(picker, "complaint")
    for _ in range(2):
        upload(picker, "broken.png", png()[:100])
    complaints = [complaint for complaint in told if complaint]
    assert len(complaints) == 2
    assert all(complaint.startswith("broken.png: the image is damaged or cut short") for complaint in complaints)
    assert (picker.value, picker.names) == ("a", ("a", "b"))
    upload(picker, "good.png", png())
    assert picker.complaint == ""


def test_what_is_no_image_at_all_is_complained_of(picker):
    upload(picker, "notes.txt", b"hello")
    assert picker.complaint.startswith("notes.txt: it is not an image of a known kind")
    upload(picker, "empty.png", b"")
    assert picker.complaint == "empty.png: it is empty: 0 bytes"
