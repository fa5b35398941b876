"""What is known of the layers' sharing: given, prepared, or found when it is asked for."""

from __future__ import annotations

from itertools import pairwise

from zfwidgets.data import Collection
from zfwidgets.experiments.sharing import Sharing, prepared_sharing, sharing, sharing_layers
from zfwidgets.experiments.top_activations import TopActivations, prepared_tops, top_activations
from zfwidgets.models import Network
from zfwidgets.task import Task


class Known:
    """The strongest activations of a network in some images, and which of its layers' maps are made of which."""

    def __init__(self, net: Network, images: Collection, tops: TopActivations | None, found: Sharing | None) -> None:
        self.net, self.images, self._given = net, images, tops or prepared_tops(net, images)
        if self._given is not None:
            self._given.check(net, images)
        if found is not None and (found.network != net.fingerprint or not images.fits(found.data)):
            raise ValueError("this sharing was found in another network, or in other images")
        prepared = prepared_sharing(net, images)
        self._found = [each for each in (found, prepared) if each is not None]
        self.layers = tuple(reversed(found.layers if found is not None else sharing_layers(net, self._given)))

    def tops(self, task: Task) -> TopActivations:
        """The strongest activations, which are looked for the first time that they are needed."""
        if self._given is None:
            self._given = top_activations(self.net, self.images, list(self.layers), task=task)
        return self._given

    def below(self, layer: str) -> str | None:
        """The nearest of the layers that a layer depends on."""
        reached = self.net.program.needed_for([self.net.step(layer)])
        lower = [name for name in self.layers if name != layer and self.net.step(name) in reached]
        return lower[-1] if lower else None

    def above(self, layer: str) -> str | None:
        """The nearest of the layers that depend on a layer."""
        step = self.net.step(layer)
        upper = [
            name for name in self.layers if name != layer and step in self.net.program.needed_for([self.net.step(name)])
        ]
        return upper[0] if upper else None

    def found(self, upper: str, lower: str) -> Sharing | None:
        """What the maps of one layer are made of, where that is known."""
        return next((known for known in self._found if (upper, lower) in pairwise(known.layers)), None)

    def between(self, upper: str, lower: str, task: Task) -> Sharing:
        """The same; found now, where it is not known."""
        known = self.found(upper, lower)
        if known is None:
            known = sharing(self.net, self.images, self.tops(task), upper, lower, task=task)
            self._found.append(known)
        return known

    def chain(self, layer: str, task: Task) -> Sharing:
        """The same for a layer, the next one below, and so on down to the first."""
        for known in self._found:
            if layer in known.layers[:-1] and known.layers[-1] == self.layers[0]:
                return known
        below, names = self.below(layer), []
        while below is not None:
            names.append(below)
            below = self.below(below)
        self._found.append(sharing(self.net, self.images, self.tops(task), layer, names, task=task))
        return self._found[-1]
