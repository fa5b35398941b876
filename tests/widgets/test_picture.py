"""What a picture promises without a browser: what it takes, what it refuses, and what it sends."""

import io

import numpy as np
import pytest
import traitlets
from PIL import Image

from zfwidgets.widgets.picture import Picture, rgba
from zfwidgets.widgets.picture.packing import webp

GREY = np.arange(6, dtype=np.uint8).reshape(2, 3)


@pytest.fixture
def sent(monkeypatch):
    """The states that pictures send to the browser, one a message."""
    messages = []

    def keep(picture, key=None):
        keys = picture.keys if key is None else {key} if isinstance(key, str) else key
        messages.append(picture.get_state(keys))

    monkeypatch.setattr(Picture, "send_state", keep)
    return messages


def test_grey_becomes_opaque_grey_pixels():
    pixels = rgba(GREY)
    assert pixels.shape == (2, 3, 4)
    assert (pixels[..., :3] == GREY[..., np.newaxis]).all()
    assert (pixels[..., 3] == 255).all()


def test_rgb_keeps_its_channels_in_order():
    colours = np.stack([GREY, GREY + 10, GREY + 20], axis=-1)
    assert (rgba(colours)[..., :3] == colours).all()


def test_rgba_keeps_its_opacity():
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    assert (rgba(pixels) == pixels).all()


def test_a_view_with_strides_is_sent_row_by_row():
    picture = Picture()
    picture.show(GREY.T)
    assert picture.pixels[::4] == GREY.T.tobytes()
    assert (picture.height, picture.width) == (3, 2)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (GREY.astype(float), "uint8 .* float64"),
        (np.zeros((2, 3, 2), np.uint8), r"shape .* \(2, 3, 2\)"),
        (np.zeros((1, 2, 3, 4), np.uint8), "shape"),
        (np.zeros((0, 3), np.uint8), "none of them 0"),
        (np.zeros(3, np.uint8), "shape"),
    ],
)
def test_what_is_no_picture_is_refused_in_words(array, words):
    with pytest.raises(ValueError, match=words):
        Picture().show(array)


def test_one_message_carries_pixels_size_and_caption(sent):
    picture = Picture()
    sent.clear()
    picture.show(GREY, caption="unit (1, 2)", boxes=[(0, 0, 1, 2)])
    assert len(sent) == 1
    assert sent[0].keys() == {"pixels", "width", "height", "caption", "boxes"}
    assert sent[0]["pixels"] == {"transport": "raw", "data": rgba(GREY).tobytes()}


FRAMED = [(2, 3, 6, 8), (0, 0, 4, 5), (9, 4, 10, 12)]  # inside, in a corner, in another one


@pytest.mark.parametrize("transport", ["raw", "webp"])
@pytest.mark.parametrize("box", FRAMED)
def test_what_has_one_colour_around_it_is_sent_without_that(sent, box, transport):
    top, left, bottom, right = box
    array = np.full((10, 12, 3), 128, np.uint8)
    array[top:bottom, left:right] = np.random.default_rng(0).integers(0, 100, (bottom - top, right - left, 3))
    picture = Picture(transport=transport)
    sent.clear()
    picture.show(array)
    message = sent[0]["pixels"]
    part = rgba(array[top:bottom, left:right])
    assert (message["box"], message["around"]) == (box, [128, 128, 128, 255])
    assert message["data"] == (part.tobytes() if transport == "raw" else webp(part))
    assert picture.pixels == rgba(array).tobytes()


def test_of_a_picture_of_one_colour_one_pixel_is_sent(sent):
    picture = Picture()
    sent.clear()
    picture.show(np.full((5, 7), 128, np.uint8))
    assert sent[0]["pixels"]["data"] == bytes([128, 128, 128, 255])
    assert (sent[0]["width"], sent[0]["height"]) == (7, 5)


def test_webp_unpacks_to_the_same_pixels():
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 4), np.uint8)
    unpacked = Image.open(io.BytesIO(webp(pixels)))
    assert (np.asarray(unpacked.convert("RGBA")) == pixels).all()


def test_webp_pictures_are_sent_packed_and_kept_raw(sent):
    picture = Picture(transport="webp")
    sent.clear()
    picture.show(GREY)
    assert sent[0]["pixels"]["transport"] == "webp"
    assert sent[0]["pixels"]["data"][8:12] == b"WEBP"
    assert picture.pixels == rgba(GREY).tobytes()


def test_a_misspelt_setting_is_refused_with_the_right_name():
    with pytest.raises(TypeError, match="Picture has no setting 'captoin'; did you mean 'caption'"):
        Picture(captoin="layer 3")
    with pytest.raises(TypeError, match="did you mean 'boxes'"):
        Picture().show(GREY, boxs=[])


def test_a_setting_like_no_other_is_refused_without_a_guess():
    with pytest.raises(TypeError, match=r"no setting 'zzz'$"):
        Picture(zzz=1)


def test_a_refused_picture_leaves_the_old_one():
    picture = Picture()
    picture.show(GREY)
    with pytest.raises(ValueError, match="uint8"):
        picture.show(GREY / 255, caption="new")
    assert picture.pixels == rgba(GREY).tobytes()
    assert picture.caption == ""


@pytest.mark.parametrize("cells", [(3, 0), (0, 3), (-1, 2)])
def test_half_a_grid_is_refused(cells):
    with pytest.raises(traitlets.TraitError):
        Picture(cells=cells)


def test_numpy_numbers_serve_as_places():
    row, column = np.unravel_index(5, (2, 3))
    picture = Picture(cells=(2, 3), cell=(row, column), boxes=[tuple(np.array([0, 1, 2, 3]))])
    assert picture.cell == (1, 2)
    assert picture.boxes == [(0.0, 1.0, 2.0, 3.0)]


def test_every_setting_is_explained():
    own = set(Picture.class_trait_names()) - set(Picture.__mro__[1].class_trait_names())
    unexplained = [name for name in own if not name.startswith("_") and not Picture.class_traits()[name].help]
    assert unexplained == []
