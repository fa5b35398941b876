"""The embedded corpus: pieces of photographs that lie where they say, and things drawn."""

from __future__ import annotations

import numpy as np
import pytest

from zfwidgets.data import corpus, photograph
from zfwidgets.data.textures import TEXTURES, texture


def test_it_holds_hundreds_of_images_with_names_of_their_own():
    images = corpus()
    assert 600 < len(images) < 1200
    assert len(set(images.names)) == len(images)


def test_pieces_are_squares_of_their_photograph():
    images = corpus()
    for number in range(0, 500, 37):
        origin = images.items.origins[number]
        whole = photograph(origin.source.removeprefix("photograph "))
        piece = whole[origin.top :, origin.left :][: origin.side, : origin.side]
        assert piece.shape == (origin.side, origin.side, 3)
        assert np.array_equal(images[number], piece)


def test_a_place_in_a_piece_is_the_same_place_of_the_photograph():
    images = corpus()
    numbers = [n for n, origin in enumerate(images.items.origins) if origin.source == "photograph coffee"]
    sources, boxes = images.boxes(np.array([numbers[0], numbers[-1]]), np.array([[0, 0, 1, 1], [0.5, 0, 1, 0.25]]))
    first, last = images.items.origins[numbers[0]], images.items.origins[numbers[-1]]
    assert sources[0] == sources[1]
    assert boxes[0].tolist() == [first.top, first.left, first.top + first.side, first.left + first.side]
    middle = last.top + last.side / 2
    assert boxes[1].tolist() == [middle, last.left, last.top + last.side, last.left + last.side / 4]


@pytest.mark.slow
def test_every_image_can_be_drawn_and_none_is_plain():
    for image in corpus():
        assert image.dtype == np.uint8
        assert image.shape[0] == image.shape[1]
        assert image.std() > 2


@pytest.mark.parametrize("name", TEXTURES)
def test_a_texture_is_the_same_each_time_and_another_in_each_variant(name):
    one, again, other = texture(name, 3, 50), texture(name, 3, 50), texture(name, 4, 50)
    assert one.shape == (50, 50, 3)
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_an_unknown_texture_is_refused():
    with pytest.raises(ValueError, match=r"the textures are stripes, .*; 'tartan' was given"):
        texture("tartan", 0, 50)
