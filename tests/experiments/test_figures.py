"""The colours that figures and widgets share, and how a number is said."""

from __future__ import annotations

import numpy as np
import pytest

from zfwidgets.drawing import format_number, heat, new_figure, signed_picture
from zfwidgets.experiments.projection import Projection


def signed(channels=3, rows=4, columns=6):
    return np.random.default_rng(0).normal(size=(channels, rows, columns)).astype(np.float32)


def test_zero_is_mid_grey():
    pixels = signed()
    pixels[:, 1, 2] = 0
    assert signed_picture(pixels).shape == (4, 6, 3)
    assert signed_picture(pixels)[1, 2].tolist() == [128, 128, 128]


def test_the_largest_magnitude_has_full_colour_and_its_opposite_the_other_end():
    pixels = np.zeros((3, 4, 6), np.float32)
    pixels[0, 0, 5], pixels[1, 3, 0], pixels[2, 2, 2] = 7, -7, 3.5
    picture = signed_picture(pixels)
    assert picture[0, 5].tolist() == [255, 128, 128]
    assert picture[3, 0].tolist() == [128, 0, 128]
    assert picture[2, 2].tolist() == [128, 128, 191]


def test_opposite_signs_lie_equally_far_from_grey():
    there, back = (signed_picture(sign * signed()).astype(int) for sign in (1, -1))
    assert np.abs(there + back - 255).max() <= 1
    assert np.abs(there - 127.5).max() > 100


def test_beyond_the_scale_colours_saturate():
    pixels = np.full((3, 4, 6), 5, np.float32)
    pixels[:, :2] *= -1
    picture = signed_picture(pixels, scale=2)
    assert set(picture[:2].ravel()) == {0}
    assert set(picture[2:].ravel()) == {255}


@pytest.mark.parametrize("scale", [None, 0, 3])
def test_nothing_is_grey(scale):
    assert set(signed_picture(np.zeros((3, 4, 6), np.float32), scale).ravel()) == {128}


@pytest.mark.parametrize("channels", [1, 2, 5])
def test_other_channels_are_shown_as_their_mean(channels):
    pixels = signed(channels)
    mean = pixels.mean(axis=0)
    picture = signed_picture(pixels)
    assert picture.shape == (4, 6, 3)
    assert (picture == picture[..., :1]).all()
    assert np.abs(picture[..., 0] - (127.5 + 127.5 * mean / np.abs(mean).max())).max() <= 0.501


def brightness(picture):
    return picture.astype(float) @ [0.2126, 0.7152, 0.0722]


def test_heat_grows_brighter_with_the_value():
    picture = heat(np.arange(24.0).reshape(4, 6))
    assert picture.shape == (4, 6, 3)
    assert picture.dtype == np.uint8
    assert (np.diff(brightness(picture).ravel()) > 0).all()
    assert brightness(picture)[0, 0] < 2
    assert brightness(picture)[-1, -1] > 240


def test_heat_of_given_ends_saturates():
    picture = heat(np.array([[-5.0, 0.0, 1.0], [1.0, 2.0, 9.0]]), 0, 1)
    assert (picture[0, 0] == picture[0, 1]).all()
    assert (picture[0, 2] == picture[1, 2]).all()
    assert (picture[0, 0] != picture[0, 2]).any()


@pytest.mark.parametrize(("value", "as_bright_as"), [(3.7, 0.5), (0, 0), (-1, 0)])
def test_a_constant_map_is_half_bright_or_dark_where_it_is_silent(value, as_bright_as):
    assert (heat(np.full((4, 6), value)) == heat(np.array([[as_bright_as]]), 0, 1)).all()


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "0"), (0.5, "0.5"), (-2.345, "-2.35"), (99.96, "100"), (999.4, "999"), (999.6, "1,000"), (-999.9, "-1,000"),
        (1234.5, "1,234"), (1234567, "1,234,567"), (2.5e8, "2.5e+08"), (0.000012345, "1.23e-05"),
    ],
)  # fmt: skip
def test_a_number_is_said_in_three_digits_without_an_exponent_where_that_is_readable(number, words):
    assert format_number(number) == words


def projection(pixels, box=(0, 2, 4, 6), unit=(1, 2)):
    picture = np.full((*pixels.shape[1:], 3), 90, np.uint8)
    return Projection(pixels, picture, 1.25, "conv3", 7, unit, box, "deconvnet")


@pytest.mark.parametrize("pixels", [signed(), np.zeros((3, 4, 6), np.float32), signed(1)])
def test_a_projection_is_drawn_as_a_png_with_its_scale_in_words(pixels):
    figure = projection(pixels).plot()
    assert figure._repr_png_().startswith(b"\x89PNG\r\n")
    assert figure.get_suptitle() == "conv3 · feature 7 · unit (1, 2) · activation 1.25"
    left, right = figure.axes
    assert left.get_title().startswith("projection, zero grey, ends ±")
    assert left.images[0].get_array().shape == right.images[0].get_array().shape == (4, 4, 3)


def test_a_figure_leaves_pyplot_alone():
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    new_figure(3, 2)
    assert pyplot.get_fignums() == before
