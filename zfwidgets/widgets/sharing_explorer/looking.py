"""What is computed for the sharing explorer: a map between its users and its parts, its tree, and it without parts."""

from __future__ import annotations

from dataclasses import dataclass

from zfwidgets.experiments.projection import ImageFeatures, Projection
from zfwidgets.experiments.sharing import KnockOut, Sharing, SharingBranch, knock_out
from zfwidgets.experiments.top_activations import NONE, TopActivations
from zfwidgets.models import Network
from zfwidgets.widgets.sharing_explorer.examples import Examples


@dataclass(frozen=True, eq=False)
class Strongest:
    """The strongest unit of a map: projected as it is, and without the maps that are taken out."""

    image: int
    before: Projection
    after: Projection | None
    without: KnockOut | None  # what else falls


@dataclass(frozen=True, eq=False)
class Look:
    """All that is drawn of one map."""

    layer: str
    feature: int
    tops: TopActivations
    lower: str | None  # the layer that its parts are in
    down: Sharing | None  # between its layer and that one
    upper: str | None  # the layer that its users are in
    up: Sharing | None
    strongest: Strongest | None
    tree: SharingBranch | None


def strongest(
    net: Network, examples: Examples, tops: TopActivations, layer: str, feature: int, lower: str | None,
    out: tuple[int, ...],
) -> Strongest | None:  # fmt: skip
    """The strongest unit of a map in the data set, with and without some maps of a lower layer; None where a map has
    none."""
    if layer not in tops.layers or tops.images[layer][feature, 0] == NONE:
        return None
    image, (row, column) = int(tops.images[layer][feature, 0]), tops.units[layer][feature, 0].tolist()
    picture, x = examples.sources.read([image])[0]
    x = x.to(net.device, net.dtype)
    features = ImageFeatures.of_input(net, picture, x)
    before = features.project(layer, feature, (row, column))
    if not out or lower is None:
        return Strongest(image, before, None, None)
    changed = ImageFeatures.of_input(net.without(lower, out), picture, x)
    after = changed.project(layer, feature, (row, column))
    return Strongest(image, before, after, knock_out(net, features, lower, out, layers=[layer]))
