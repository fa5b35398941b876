"""What is a feature made of, and who else uses it? Live, from map to map, down to the first layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import ipywidgets as W
import numpy as np
import traitlets as T

from zfwidgets.data import Corpus, corpus
from zfwidgets.data import images as as_collection
from zfwidgets.experiments.sharing import Sharing
from zfwidgets.experiments.top_activations import TopActivations
from zfwidgets.models import Network, require_network
from zfwidgets.task import Task
from zfwidgets.widgets.controls import control, rare
from zfwidgets.widgets.panel import FeaturePanel, call
from zfwidgets.widgets.selection import Selection
from zfwidgets.widgets.sharing_explorer.examples import Examples
from zfwidgets.widgets.sharing_explorer.history import History
from zfwidgets.widgets.sharing_explorer.known import Known
from zfwidgets.widgets.sharing_explorer.looking import Look, strongest
from zfwidgets.widgets.sharing_explorer.view import SharingView
from zfwidgets.widgets.traits import Option

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CHECKED = 16  # upper maps, when shares are checked by taking maps out


@dataclass(frozen=True)
class LookChoice:
    """What is on show depends on this."""

    layer: str
    feature: int  # where nobody has chosen one, the panel finds it first
    order: str
    view: str
    by: str
    weight: str
    part: int | None
    out: tuple[int, ...]


class SharingExplorer(FeaturePanel):
    """See which lower feature maps an upper one is made of, and which upper ones use it; walk from map to map.

    `SharingExplorer(net)` looks into the embedded corpus; `images` is anything that `zfwidgets.images` takes, `tops`
    what `zfwidgets.top_activations` found in them, and `sharing` what `zfwidgets.sharing` did. What is not given is
    found when it is needed, with progress and Cancel. `layers` are the names on the strip: by default
    `zf.sharing_layers`. Every choice is a trait, to be set, observed or linked; `out` are the maps below that are taken
    out of the network.

    Raises ValueError for an unknown layer or feature, and for `tops` or a `sharing` of another network or other images;
    TypeError for a misspelt setting.
    """

    title = "Feature sharing"
    lead = "What is a feature map made of, and which others use the same?"
    help = (
        ("A line", "How much of an upper map a lower one is: the deconvnet's signal where it meets the lower map's "
         "activation, over the strongest units. Eight lines are never all: the bar says what is left."),
        ("Share and lift", "Some maps are loud and have a share in everything. Lift divides by the mean share."),
        ("Grey", "The two halves of a map's images disagree about what it is made of."),
        ("Taking out", "✕, or X, sets a map below to zero, and the network goes on without it."),
    )  # fmt: skip
    Choice = LookChoice

    view = Option(("focus", "matrix", "tree"), "focus", "Show", "one map, all of a layer, or one down to layer 1",
                  "One map between its users and its parts; all maps of both layers; or one map down to layer 1",
                  buttons=True)  # fmt: skip
    by = Option(("share", "lift"), "share", "By", "share; or lift: share over the lower map's mean share",
                "Lift divides a share by the lower map's mean share: loud maps have a share in everything",
                buttons=True)  # fmt: skip
    weight = Option(("contribution", "signal"), "contribution", "Weight", "what shares are made from",
                    "contribution: the signal times the activation that it meets; signal: without the activation",
                    buttons=True)  # fmt: skip
    part = T.Int(None, allow_none=True, help="the lower map under the matrix's crosshair; None: the largest part")
    out = T.Tuple(default_value=(), help="numbers of the maps below that are taken out of the network")

    def __init__(
        self, net: Network | None = None, images: Any = None, tops: TopActivations | None = None, *,
        sharing: Sharing | None = None, selection: Selection | None = None, **settings: Any,
    ) -> None:  # fmt: skip
        network = selection.network if net is None and isinstance(selection, Selection) else net
        require_network(network)
        self.images = corpus() if images is None else as_collection(images)
        self.known = Known(network, self.images, tops, sharing)  # type: ignore[arg-type]  # it is a network
        super().__init__(net, selection=selection, **settings)
        self.add_class("zf-sharing")

    def offered_layers(self, layers: str | Sequence[str] | None, wanted: str | None) -> tuple[str, ...]:
        """Those between which it is worth asking; where others are named, these."""
        if layers is not None:
            self.known.layers = self.net.layer_names(layers, ())
        return super().offered_layers(self.known.layers, wanted)

    def first_choice(self) -> dict[str, Any]:
        return {"layer": self.layer_names[len(self.layer_names) // 2]}

    def tries(self) -> dict[str, dict[str, Any]]:
        last, second = self.layer_names[-1], self.layer_names[min(1, len(self.layer_names) - 1)]
        return {
            "Edges, and who uses them": {"layer": second, "feature": None, "view": "focus"},
            "Without the loud maps": {"by": "lift", "view": "focus"},
            "All maps at once": {"view": "matrix"},
            "From the last layer to the first": {"layer": last, "feature": None, "view": "tree"},
        }

    def build(self) -> W.Widget:
        self.examples = Examples(self.net, self.images)
        self.picture = SharingView(self.net, self.examples, self.transport)
        self.history = History()
        ways = [control(self, name).children[1] for name in ("view", "by")]
        self.picture.head.children = [self.history, *ways]
        self.picture.diagram.observe(self._walk, names="chosen")
        self.picture.diagram.observe(self._take_out, names="taken")
        self.picture.matrix.observe(self._crossed, names="chosen")
        self.history.observe(self._return, names="wanted")
        self.observe(self._elsewhere, names=["layer", "feature"])
        self._checked = self.job("Check by taking maps out", "maps", self._check)
        self.observe(lambda _: self._checked.tell(""), names=["layer", "weight"])  # what was checked was another
        return self.picture

    def controls(self) -> list[W.Widget]:
        return [*(control(self, name) for name in ("layer", "feature")), *rare(control(self, "weight"), self._checked)]

    def choices(self) -> dict[str, Any]:
        return super().choices() | {"part": self.part, "out": self.out}

    def scores(self, choice: LookChoice) -> np.ndarray:
        """The maps in the order of their strongest activations."""
        tops = self.known.tops(Task())
        if choice.layer not in tops.layers:
            return np.zeros(self.net.layer(choice.layer).channels)
        return np.nan_to_num(tops.values[choice.layer][:, 0], neginf=-1.0)

    def resolve(self, choice: LookChoice, task: Task) -> LookChoice:
        self.known.tops(task)
        found: LookChoice = super().resolve(choice, task)
        return found

    def compute(self, choice: LookChoice, task: Task) -> Iterator[Look]:
        """The map with its parts, and then with its users."""
        tops, layer, feature = self.known.tops(task), choice.layer, choice.feature
        lower, upper = self.known.below(layer), self.known.above(layer)
        lower = lower if layer in tops.layers else None
        upper = upper if upper is None or upper in tops.layers else None
        if lower is None and upper is None:
            raise ValueError(
                f"the strongest activations of {layer!r} are not known, so nothing is of what it is made of"
            )
        if choice.view == "tree" and lower is not None:
            chain = replace(self.known.chain(layer, task), weight=choice.weight)
            tree = chain.chain(feature, layer=layer, by=choice.by)
            yield Look(layer, feature, tops, lower, self.known.between(layer, lower, task), None, None, None, tree)
            return
        down = None if lower is None else self.known.between(layer, lower, task)
        unit = None
        if choice.view != "matrix" or lower is None:
            unit = strongest(self.net, self.examples, tops, layer, feature, lower, choice.out)
        task.check()
        if upper is None or self.known.found(upper, layer) is None:
            yield Look(layer, feature, tops, lower, down, None, None, unit, None)
        if upper is not None:
            up = self.known.between(upper, layer, task)
            yield Look(layer, feature, tops, lower, down, upper, up, unit, None)

    def draw(self, result: Look, choice: LookChoice) -> None:
        self.picture.show(result, choice.view, choice.by, choice.weight, choice.part, choice.out)

    def settle(self, choice: LookChoice) -> None:
        super().settle(choice)
        self.history.visit((choice.layer, choice.feature))

    def ranked_by(self, choice: LookChoice) -> tuple[Any, ...]:
        return choice.layer, choice.order

    @property
    def answer(self) -> Sharing:
        """What `zfwidgets.sharing` says of this layer."""
        look: Look = super().answer
        found = look.down or look.up
        assert found is not None
        return found if found.weight == self.weight else replace(found, weight=self.weight)

    def figure(self, **options: Any) -> Figure:
        look: Look = super().answer
        if self.view == "tree" and look.tree is not None:
            chain = replace(self.known.chain(look.layer, Task()), weight=self.weight)
            return chain.plot(look.feature, look.layer, self.by, **options)
        return self.answer.plot(None, look.layer if look.down is not None else look.upper, self.by, **options)

    def code_lines(self) -> Sequence[str]:
        look: Look = super().answer
        images = "images = None  # the embedded corpus" if isinstance(self.images, Corpus) else "images = ...  # yours"
        layers = (look.layer, look.lower) if look.lower is not None else (look.upper, look.layer)
        tops = "zf.prepared_tops(net, images) or zf.top_activations(net, images)"
        found = call("zf.sharing", "net", "images", "tops", *map(repr, layers), weight=self.weight)
        shown = f"{'made_of' if look.lower is not None else 'users'}({look.feature}, by={self.by!r})"
        return [images, f"tops = {tops}", f"found = {found}", f"found.{shown}"]

    def _check(self, task: Task) -> str:
        """Whether maps fall as their shares say, when lower maps are taken out."""
        layer, weight = self.layer, self.weight
        lower = self.known.below(layer)
        if lower is None:
            return "There is nothing below this layer."
        found = self.known.between(layer, lower, task).check(self.net, self.images, CHECKED, layer=layer, task=task)
        (mean, low, high), guess = found.correlation(weight), found.correlation("average")[0]
        return (
            f"{self.net.layer(layer).title}, share by {weight} and fall, rank correlation: {mean:.2f} "
            f"(95 %: {low:.2f} to {high:.2f}); mean share alone: {guess:.2f}"
        )

    def _walk(self, change: T.Bunch) -> None:
        node = self.picture.diagram.node(change["new"])
        if node is not None:
            self.selection.choose(layer=node.layer, feature=node.feature, unit="max")

    def _take_out(self, change: T.Bunch) -> None:
        node = self.picture.diagram.node(change["new"])
        if node is not None and node.out is not None:
            self.out = tuple(sorted({*self.out} ^ {node.feature}))

    def _crossed(self, change: T.Bunch) -> None:
        feature, part, _ = change["new"]
        with self.hold_trait_notifications():
            self.part = part
            self.feature = feature

    def _return(self, change: T.Bunch) -> None:
        (layer, feature), _ = change["new"]
        self.selection.choose(layer=layer, feature=feature, unit="max")

    def _elsewhere(self, change: T.Bunch) -> None:
        """What was taken out belongs to the map that was looked at then."""
        if change["old"] is not None:
            self.out = ()
            if change["name"] == "layer":
                self.part = None
