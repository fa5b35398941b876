"""A card that looks into a network: what is looked at is a selection, which it may share with others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zfwidgets.experiments.projection import ImageFeatures
from zfwidgets.models import Network, require_network
from zfwidgets.widgets.panel.card import Card
from zfwidgets.widgets.panel.code import network_line, program
from zfwidgets.widgets.selection import Selection
from zfwidgets.widgets.traits import reject_unknown


class Panel(Card):
    """A card that looks into a network, with controls and pictures.

    See `Card` for how a subclass says what its result depends on, how to compute it and how to draw it.

    Args:
        net: the network; may be left out where a selection is given.
        images: whatever `zfwidgets.images` takes; by default the embedded photographs.
        selection: what to share with other panels, which brings its network and images.
        layers: the names of layers to choose from; by default those through which everything passes, "all" for all.
        type_size: "hall" for letters, lines and handles that are seen from the last row of a lecture hall.
        transport: "raw", or "webp" to pack pictures for slow links.
        settings: values of the panel's traits.

    Raises ValueError for a value that does not fit, TypeError for a misspelt setting.
    """

    selection: Selection

    def __init__(
        self, net: Network | None = None, images: Any = None, *, selection: Selection | None = None,
        layers: str | Sequence[str] | None = None, transport: str = "raw", **settings: Any,
    ) -> None:  # fmt: skip
        reject_unknown(type(self), settings)
        if layers is not None and self.has_trait("layers"):
            settings, layers = {**settings, "layers": layers}, None
        self.selection = _selection(net, images, selection)
        self.layer_names = self.offered_layers(layers, settings.get("layer"))
        first = self.first_choice()
        shared = () if selection is None else self._selected_names
        first = {name: value for name, value in first.items() if name not in shared}
        super().__init__(transport=transport, **(first | settings))

    @property
    def net(self) -> Network:
        """The network that is looked into."""
        return self.selection.network

    def features(self, image: str) -> ImageFeatures:
        """An image in the network; what has been computed of it is remembered, for all panels of the selection."""
        return self.selection.features(image)

    def add_image(self, name: str, image: Any) -> None:
        """Put one more image on the list and show it. Raises ValueError when it is not an image."""
        self.selection.choose(image=self.selection.images.add(name, image))

    def offered_layers(self, layers: str | Sequence[str] | None, wanted: str | None) -> tuple[str, ...]:
        """The names of the layers to choose from, in the order of the network; the wanted one is among them."""
        chosen = self.net.layer_names(layers, self.net.main_layers)
        return chosen if wanted is None else self.net.layer_names([*chosen, wanted], ())

    def first_choice(self) -> dict[str, Any]:
        """What is chosen at first, where neither a setting nor a shared selection says it."""
        return {}

    def choices(self) -> dict[str, Any]:
        """All that can be chosen, as it is now: a setting for each, as `choose` takes them."""
        return {name: getattr(self, name) for name in self._selected_names} | super().choices()

    def code(self) -> str:
        """What is shown, as a program that computes it: `code_lines` after the line that makes the network."""
        self.check_open()
        return program(network_line(self.net), *self.code_lines())

    def _take(self, settings: dict[str, Any]) -> None:
        """What is selected is taken over in one step, the rest one by one."""
        selected = {name: settings.pop(name) for name in self._selected_names if name in settings}
        self.selection.choose(**selected)
        super()._take(settings)


def _selection(net: Network | None, images: Any, shared: Selection | None) -> Selection:
    """The shared selection, or a new one."""
    if shared is None:
        return Selection(net, images)  # type: ignore[arg-type]  # it says what is wrong
    if not isinstance(shared, Selection):
        raise TypeError(
            f"selection is a zfwidgets.Selection, another panel's `.selection`; not {type(shared).__name__}"
        )
    if net is not None:
        require_network(net)
    if images is not None or net not in (None, shared.network):
        raise ValueError("a shared selection brings its network and images; leave them out, or the selection")
    return shared
