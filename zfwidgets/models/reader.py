"""From an image in a collection to a network's input: all that a process needs which only reads images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zfwidgets.backend.surroundings import undisturbed
from zfwidgets.data import Collection, decode
from zfwidgets.data.collection import named
from zfwidgets.models.checks import check_input
from zfwidgets.models.preprocess import Preprocess, Transform, picture_of


@dataclass(frozen=True)
class Reader:
    """Reads images as a network gets them, without the network."""

    preprocess: Preprocess | Transform
    shape: tuple[int, ...]  # of an input: channels, height and width
    network: str  # its name, for messages

    def item(self, collection: Collection, place: int) -> Any:
        """One image of a collection: decoded, but for what a network of other than one or three channels reads as it
        is."""
        return collection[place] if self.shape[0] in (1, 3) else collection.as_given(place)

    def read_from(self, collection: Collection, place: int) -> tuple[np.ndarray, Tensor]:
        """One image of a collection, as `read` gives it.

        Raises ValueError or TypeError, with the image's name, whatever its data set or the preprocessing raised.
        """
        image = self.item(collection, place)
        with named(collection.names[place]):
            return self.read(image)

    @undisturbed()
    def read(self, image: Any) -> tuple[np.ndarray, Tensor]:
        """Any image as the network gets it: the picture (H, W, 3) uint8, and its input (C, H, W) on the CPU.

        A tensor that already has the shape of the input of a network with other than one or three channels is taken
        as preprocessed.
        """
        if self.shape[0] not in (1, 3) and isinstance(image, Tensor | np.ndarray) and tuple(image.shape) == self.shape:
            x = torch.as_tensor(image)
            pixels = picture_of(x)
        else:
            pixels, x = self.preprocess(decode(image))
        check_input(x, self.shape[0], self.network)
        return pixels, x.cpu()
