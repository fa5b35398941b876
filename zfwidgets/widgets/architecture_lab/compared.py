"""The networks that a lab compares, by name, and what is known of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zfwidgets.data import Shapes, photographs
from zfwidgets.data import images as as_collection
from zfwidgets.experiments.diagnosis import Diagnosis, diagnose
from zfwidgets.models import Network, load, require_network
from zfwidgets.task import Task
from zfwidgets.widgets.architecture_lab.own import YOURS

NEW = "new weights"  # the network on the left as it was before any training
EMBEDDED = "zfnet_shapes"
SHIFTS = 1  # pixels, by which images are shifted: it says most, and takes least
SHOWN = 48  # shapes, for the embedded network


class Compared:
    """Networks by name, in their order; each is looked at once, and remembered."""

    def __init__(self, nets: Any, images: Any) -> None:
        self.networks = _named(load(EMBEDDED) if nets is None else nets)
        if images is None:
            images = Shapes(SHOWN, seed=1) if nets is None else photographs()
        self.images = as_collection(images)
        self._known: dict[tuple[str, bool], Diagnosis] = {}

    @property
    def left(self) -> tuple[str, ...]:
        """Names to choose from for the left."""
        return tuple(self.networks)

    @property
    def right(self) -> tuple[str, ...]:
        """Names to choose from for the right."""
        return (*self.networks, NEW)

    def put(self, network: Network) -> None:
        """Let this be the reader's own."""
        if self.networks.get(YOURS) is network:
            return
        self.networks[YOURS] = network
        for key in [key for key in self._known if key[0] == YOURS]:
            del self._known[key]

    def network(self, name: str, left: str) -> Network:
        """The network of a name; `left` is the one of which there may be a re-initialised self."""
        return self.networks[left].reinitialised() if name == NEW else self.networks[name]

    def known(self, name: str, left: str) -> Diagnosis | None:
        """What has been found of it before."""
        return self._known.get(_key(name, left))

    def diagnosis(self, name: str, left: str, task: Task) -> Diagnosis:
        """What `zf.diagnose` says of it."""
        key = _key(name, left)
        if key not in self._known:
            self._known[key] = diagnose(self.network(name, left), self.images, shifts=SHIFTS, task=task)
        return self._known[key]


def _key(name: str, left: str) -> tuple[str, bool]:
    return (left, True) if name == NEW else (name, False)


def _named(nets: Any) -> dict[str, Network]:
    """One network, several, or several by name. Raises TypeError for anything else, ValueError for none."""
    if isinstance(nets, Network):
        return {nets.name: nets}
    given = list(nets.items()) if isinstance(nets, Mapping) else [(None, net) for net in _listed(nets)]
    if not given:
        raise ValueError("there is no network to look at")
    found: dict[str, Network] = {}
    for said, net in given:
        require_network(net)
        name = first = str(net.name if said is None else said)
        number = 2
        while name in found or name in (NEW, YOURS):
            name, number = f"{first} ({number})", number + 1
        found[name] = net
    return found


def _listed(nets: Any) -> list[Any]:
    if not isinstance(nets, list | tuple):
        require_network(nets)
    return list(nets)
