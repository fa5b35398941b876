"""Ask every feature map of a layer what it finds at a place of an image."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np

from zfwidgets.backend.surroundings import undisturbed
from zfwidgets.experiments.projection import ImageFeatures
from zfwidgets.experiments.responses.result import Box, Responses
from zfwidgets.models import Network, require_network


@undisturbed()
def responses(net: Network, image: Any, layer: str, box: tuple[int, ...] | None = None) -> Responses:
    """Order the feature maps of a layer by how strongly they respond at a place of an image.

    To find the map for the eye, mark the eye. What counts is the strongest of a map's units whose receptive field has
    its middle in the box; in a layer of one unit, all places are the same.

    Args:
        net: the network.
        image: any image: a path, bytes, PIL image, array or tensor; or its `ImageFeatures` in this network.
        layer: a name from `net.layers`.
        box: the place, in pixels of the picture as the network gets it: (top, left, bottom, right), the last two
            excluded; or one pixel, (row, column). By default the whole image.

    Raises:
        ValueError: there is no such layer, or the box holds no pixel of the picture.
        TypeError: `net` is no network.
    """
    require_network(net)
    return respond(image if isinstance(image, ImageFeatures) else ImageFeatures(net, image), layer, box)


def respond(features: ImageFeatures, layer: str, box: tuple[int, ...] | None = None) -> Responses:
    """As `responses`, of an image whose maps may be known already."""
    net, picture = features.net, features.picture
    found, place = net.layer(layer), checked_box(box, picture.shape[0], picture.shape[1])
    maps = features.maps(found.name)
    top, left = features.unit_at(found.name, place[0], place[1])
    bottom, right = features.unit_at(found.name, place[2] - 1, place[3] - 1)
    there = maps[:, top : bottom + 1, left : right + 1]
    strongest = there.reshape(len(maps), -1).argmax(axis=1)
    row, column = np.unravel_index(strongest, there.shape[1:])
    unit = np.stack([row + top, column + left], axis=1)
    known = {(row, column): features.field(found.name, (row, column)) for row, column in {*map(tuple, unit.tolist())}}
    return Responses(
        activation=there.reshape(len(maps), -1).max(axis=1),
        unit=unit,
        field=np.array([known[row, column] for row, column in unit.tolist()]),
        strongest=maps.max(axis=(1, 2)),
        picture=picture,
        box=place,
        layer=found.name,
        labels=tuple(net.class_of(found.name, number) for number in range(len(maps)))
        if net.class_of(found.name, 0)
        else (),
    )


def checked_box(box: tuple[int, ...] | None, height: int, width: int) -> Box:
    """A box of a picture's pixels, from (top, left, bottom, right), (row, column) or None. Raises ValueError for
    another, in words."""
    if box is None:
        return 0, 0, height, width
    try:
        place = tuple(map(index, box))
    except TypeError:
        place = ()
    if len(place) == 2:
        place = *place, place[0] + 1, place[1] + 1
    if len(place) != 4:
        raise ValueError(f"box is (top, left, bottom, right), or one pixel's (row, column); {box!r} was given")
    top, left, bottom, right = place
    if not (0 <= top < bottom <= height and 0 <= left < right <= width):
        raise ValueError(f"the box {place} does not lie in the picture of {height} rows and {width} columns")
    return top, left, bottom, right
