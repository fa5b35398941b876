"""What is being looked at: a network, images, and one image, layer, feature, unit and class of them.

Panels that share a selection show the same: it is the only place where the choice is kept, and changes in one step.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import fields, replace
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

import numpy as np
import traitlets as T

from zfwidgets.data import Collection, decode
from zfwidgets.data import images as as_collection
from zfwidgets.experiments.projection import ImageFeatures
from zfwidgets.models import Network, require_network
from zfwidgets.widgets.belongings import Shared, at_the_end
from zfwidgets.widgets.traits import ClassLabel, FeatureNumber, ImageName, LayerName, Selected, UnitPlace

NAMES = tuple(field.name for field in fields(Selected) if field.name != "found_on")  # a layer is taken over first
REMEMBERED = 8  # images whose features are kept


class Images(Shared):
    """Images by their names: those of a collection, and those that were added."""

    names = T.Tuple(help="the names, in order; grows with every image that is added")

    def __init__(self, collection: Collection) -> None:
        self.collection = collection
        self._added: dict[str, np.ndarray] = {}
        super().__init__(names=collection.names)

    def __getitem__(self, name: str) -> np.ndarray:
        """The image of that name, (H, W, 3) uint8."""
        if name in self._added:
            return self._added[name]
        return self.collection[self.collection.names.index(name)]

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def known(self, name: str) -> str:
        """The name, if there is such an image. Raises ValueError with the nearest names if not."""
        if name not in self.names:
            near = get_close_matches(str(name), self.names, n=3) or self.names[:3]
            raise ValueError(f"there is no image {name!r}; near it: {', '.join(near)}")
        return name

    def add(self, name: str, image: Any) -> str:
        """Put one more image on the list. Returns the name that it has there; raises ValueError if it is no image."""
        pixels = decode(image)
        while name in self.names:
            name += " (again)"
        self._added[name] = pixels
        self.names = (*self.names, name)
        return name


class Selection(Shared):
    """A network, images, and what of them is being looked at; to be shared by panels.

    `FeatureExplorer(selection=other.selection)` shows what `other` shows, and follows it. Each of `image`, `layer`,
    `feature`, `unit` and `target` can be set, observed and linked; `choose` sets several in one step.

    Args:
        network: the network.
        images: whatever `zfwidgets.images` takes; by default the embedded photographs.
        choice: what is selected at first: `image=…, layer=…, feature=…, unit=…, target=…`.

    Raises ValueError for an image, layer, feature, unit or class that there is not, TypeError for what is no network.
    """

    image = ImageName(help="name of the image")
    layer = LayerName(help="name of the layer; another one forgets the feature, and keeps a unit about where it is")
    feature = FeatureNumber(help="number of the feature map; None: nobody has chosen one, and the panels find one")
    unit = UnitPlace(help='"max": the strongest unit of the map; (row, column): that unit; "all": the whole map')
    target = ClassLabel(help="label of a class; empty: what the network says of the image")

    def __init__(self, network: Network, images: Any = None, **choice: Any) -> None:
        require_network(network)
        self.network, self.images = network, images if isinstance(images, Images) else Images(as_collection(images))
        self.features = lru_cache(maxsize=REMEMBERED)(self._prepared)
        self._lock = threading.Lock()
        self._followers = 0
        main = network.main_layers
        self.state = Selected(self.images.names[0], main[len(main) // 3].name)
        super().__init__()
        self.choose(**choice)

    @property
    def selection(self) -> Selection:
        """Itself: what its traits live in."""
        return self

    def join(self) -> None:
        """One more panel looks at this. When the last one is closed, the features of images are forgotten."""
        with self._lock:
            self._followers += 1
        at_the_end(self._leave)

    def choose(self, **values: Any) -> None:
        """Choose several things in one step: `choose(layer="conv2", feature=3)`."""
        unknown = set(values) - set(NAMES)
        if unknown:
            raise TypeError(f"a selection has {', '.join(NAMES)}; not {', '.join(sorted(unknown))}")
        with self._lock:
            before = state = self.state
            for name in NAMES:
                if name in values:
                    state = getattr(type(self), name).taken_over(self, state, values[name])
            self.state = state
        self._tell(before, state)

    def settle(self, at: Selected, **found: Any) -> None:
        """Take over what a panel has found because nobody had chosen it, unless the choice has changed since."""
        with self._lock:
            if self.state != at:
                return
            self.state = state = replace(at, **found, found_on=at.image)
        self._tell(at, state)

    def _tell(self, before: Selected, now: Selected) -> None:
        for name in NAMES:
            old, new = getattr(before, name), getattr(now, name)
            if old != new:
                self.notify_change(T.Bunch(name=name, old=old, new=new, owner=self, type="change"))

    def _leave(self) -> None:
        with self._lock:
            self._followers -= 1
            if not self._followers:
                self.features.cache_clear()

    def _prepared(self, image: str) -> ImageFeatures:
        """The features of an image in the network; the last ones are remembered, for all panels."""
        return ImageFeatures(self.network, self.images[image])
