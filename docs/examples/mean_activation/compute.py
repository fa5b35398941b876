"""The computation."""

from typing import Any

import numpy as np

import zfwidgets as zf
from mean_activation.result import MeanActivation
from zfwidgets.task import UNWATCHED, Task


def mean_activation(net: zf.Network, images: Any, layer: str, task: Task = UNWATCHED) -> MeanActivation:
    """How strongly each map of a layer responds to some images, on average over its units.

    Args:
        net: the network.
        images: whatever `zfwidgets.images` takes.
        layer: a name from `net.layers`.
        task: watches and cancels it.

    Raises:
        ValueError: no such layer; the message names the nearest ones.
    """
    collection, layer = zf.images(images), net.layer(layer).name
    means = []
    for place in range(len(collection)):
        task.check()
        maps = zf.ImageFeatures(net, net.reader.item(collection, place)).maps(layer)
        means.append(maps.mean(axis=(1, 2)))
        task.progress(place + 1, len(collection), "images")
    return MeanActivation(np.stack(means), collection.names, layer, net.name)
