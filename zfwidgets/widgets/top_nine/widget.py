"""Figure 2, live: of every feature map the nine strongest activations over a data set, as patches and projections."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import ipywidgets as W
import numpy as np
import traitlets as T

from zfwidgets.data import Collection, corpus
from zfwidgets.data import images as collected
from zfwidgets.experiments.top_activations import TopActivations, prepared_tops, top_activations
from zfwidgets.models import Network
from zfwidgets.widgets.controls import RULES, FeatureSlider, Job, LayerSlider, chooser, labelled, layer_names, row
from zfwidgets.widgets.feature_explorer import FeatureExplorer
from zfwidgets.widgets.panel import PATIENCE, Panel, Progress, Stale, at_once, described
from zfwidgets.widgets.top_nine.tiles import Page, Tiles
from zfwidgets.widgets.top_nine.view import PER_PAGE, NineView
from zfwidgets.widgets.traits import reject_unknown

ORDERS = {"strongest first": "strength", "rarest first": "sparsity", "by number": "index"}
SHOWS = {"projections": "projections", "patches": "patches", "side by side": "both"}
ORDERED = (
    "A feature map (channel): the same filter at every place of an image. Strongest first: by its strongest activation "
    "in all images. Rarest first: by how far the mean of its nine strongest stays below the strongest of all, which "
    "is far where only few images have what it looks for. Dead maps come last."
)
RHYTHM = 0.12  # seconds between two drawings of a page that fills up
STEP = 16  # images between two messages about how far the mining is


class TopNine(Panel):
    """Turn the pages of a layer's feature maps, each shown by its nine strongest activations in many images (Fig. 2).

    `TopNine(net)` shows the embedded corpus; `images` is anything that `zfwidgets.data.images` takes. `tops` is what
    `zfwidgets.top_activations` found in these images; without it, what comes with the package, or else a button that
    looks for it. `layers` are the names on the layer slider: by default all that were looked at, or those through which
    everything passes. `transport="webp"` packs pictures for slow links. Every choice is a trait, to be set, observed or
    linked; `result` is the page on show. A click on one of the nine opens its image in `explorer`, below.

    Raises ValueError for an unknown layer, feature or page, and for `tops` of another network or other images;
    TypeError for a misspelt setting.
    """

    title = "Top nine"
    lead = (
        "What does each feature map of a layer look for? Of many images, the nine places where it responded most: "
        "what its units saw, and their activation carried back down to the pixels."
    )
    inputs = ("tops", "_tiles", "layer", "feature", "order", "rule", "show")

    tops = T.Any(None, help="the top activations on show, a TopActivations; None: nothing has been mined yet")
    layer = T.Unicode(help="name of the layer")
    feature = T.Int(0, help="number of the chosen feature map; by default the first in the order")
    order = T.Enum(tuple(ORDERS.values()), "strength", help="order of the feature maps")
    rule = T.Enum(tuple(RULES.values()), "deconvnet", help="how the signal passes rectifiers on its way down")
    show = T.Enum(tuple(SHOWS.values()), "projections", help="what the wall shows of its feature maps")
    page = T.Int(0, help="page of the wall, from 0; setting it chooses a feature there")

    def __init__(
        self,
        net: Network,
        images: Any = None,
        tops: TopActivations | None = None,
        *,
        layers: Sequence[str] | None = None,
        transport: str = "raw",
        **settings: Any,
    ) -> None:
        reject_unknown(type(self), settings)
        self.net, self.images = net, corpus() if images is None else collected(images)
        self.explorer: FeatureExplorer | None = None
        self._tiles: Tiles | None = None
        self._transport = transport
        self._opened: dict[tuple[str, int], str] = {}  # images that are in the explorer, and their names there
        self._names, tops = _offered(net, self.images, tops, layers, settings.get("layer"))
        # in an order in which each can be checked: what a page is depends on the others
        start = {"layer": self._names[len(self._names) // 2], "order": "strength", "show": "projections", **settings}
        self._layer_slider = LayerSlider(self._names, net.layer(start["layer"]).name, width=370)
        self._feature_slider = FeatureSlider(ORDERS, ORDERED)
        self._rules, self._shows = chooser(RULES), chooser(SHOWS, True)
        self._back, self._on, self._page_said = _turner("left", "Page before"), _turner("right", "Next page"), W.HTML()
        self._folder, self._said_of_images = W.Text(layout=W.Layout(width="240px")), W.HTML()
        self._mining = Job("Mine these images", "images", self._mine, at_once())
        self._view, self._below = NineView(transport), W.VBox()
        self._arrange()
        self._link()
        self.order, self.tops = start["order"], tops
        self._rank()
        self._tell_of_images()
        super().__init__(self._controls(), W.VBox([self._view, self._mining_row()]), [self._below], **start)
        self.add_class("zf-top-nine")

    def compute(self, choice: SimpleNamespace, stale: Stale, progress: Progress) -> Iterator[Page | None]:
        """The page of the chosen feature as it fills up: patches first, then projections."""
        tiles = choice._tiles
        if tiles is None:
            yield None
            return
        features = tiles.around(choice.layer, choice.order, choice.feature, PER_PAGE[choice.show])
        seen = sorted(features, key=lambda each: each != choice.feature)
        projected = seen[:1] if choice.show == "patches" else seen
        started, drawn = time.perf_counter(), 0.0
        for part in tiles.fill(choice.layer, seen, projected, choice.rule, stale):
            if part < 1 and time.perf_counter() - drawn > RHYTHM:
                yield tiles.page(choice.layer, choice.feature, features, choice.rule)
                drawn = time.perf_counter()
            if time.perf_counter() - started > PATIENCE:
                progress(part, "Filling the page")
        if not stale():
            yield tiles.page(choice.layer, choice.feature, features, choice.rule)

    def draw(self, result: Page | None, choice: SimpleNamespace) -> None:
        """Show the page, as far as it is there."""
        self._view.notice.layout.display = "" if result is None else "none"
        if result is not None:
            ranks = choice._tiles.ranks(choice.layer, choice.order).tolist()
            first, ordered = ranks.index(result.features[0]) + 1, _label(ORDERS, choice.order)
            which = f"{first} to {first + len(result.features) - 1} of {len(ranks)} feature maps, {ordered}"
            self._view.show(choice._tiles, result, choice.show, f"{choice.layer} · {which}")

    def explore(self, place: int = 0) -> None:
        """Open the image of one of the chosen feature's nine, 0 the strongest, in the feature explorer below.

        Nothing happens where the feature map has fewer activations.
        """
        tiles = self._tiles
        if tiles is None or place >= len(tiles.activations(self.layer, self.feature)):
            return
        row, column = tiles.tops.units[self.layer][self.feature, place].tolist()
        try:
            explorer = self._explorer_on(tiles, int(tiles.tops.images[self.layer][self.feature, place]))
            explorer.layer, explorer.rule = self.layer, self.rule
            explorer.feature, explorer.unit = self.feature, (row, column)
        except (ValueError, TypeError, OSError) as error:
            self.error = described(error)

    def _explorer_on(self, tiles: Tiles, number: int) -> FeatureExplorer:
        """The explorer, on an image of the data set."""
        key, name = (tiles.images.fingerprint, number), tiles.images.names[number]
        if self.explorer is None:
            start = {"layer": self.layer, "feature": self.feature, "rule": self.rule}
            image = {name: self.net.item(tiles.images, number)}
            self.explorer = FeatureExplorer(self.net, image, layers=self._names, transport=self._transport, **start)
            self._below.children = [self.explorer]
        elif key not in self._opened:
            self.explorer.add_image(name, self.net.item(tiles.images, number))
        self.explorer.image = self._opened.setdefault(key, self.explorer.image)
        return self.explorer

    def _mine(self, tick: Callable[[int, int], None], stale: Stale) -> str:
        """Look for the strongest activations in the folder that was named, or else in the present images."""
        folder = self._folder.value.strip()
        images = collected(folder) if folder else self.images
        tops = top_activations(self.net, images, self._names, batch_size=STEP, progress=tick, stale=stale)
        if not stale():
            self.images, self.tops = images, tops
        return self._looked_at()

    def _looked_at(self) -> str:
        if self.tops is None:
            return ""
        broken = [self.images.names[number] for number, _ in self.tops.broken]
        names = ", ".join(broken[:3]) + (", …" if len(broken) > 3 else "")
        left_out = f" · {len(broken)} left out that cannot be read: {names}" if broken else ""
        return f"{self.tops.count:,} images were looked at{left_out}"

    def _controls(self) -> list[W.Widget]:
        way = "A rectifier passes the signal's positive part (§2), or by the chain rule."
        return [self._layer_slider, self._feature_slider, labelled("Way down", self._rules, way)]

    def _mining_row(self) -> W.Widget:
        explanation = "Mining: one pass over the images, which keeps the strongest activations of every feature map."
        mining = labelled("Look in other images", row(self._folder, self._mining), explanation)
        mining.add_class("zf-mining")
        return mining

    def _arrange(self) -> None:
        """Put into the pictures' frame the controls that belong there."""
        mine = W.Button(description="Mine these images", button_style="primary", layout=W.Layout(width="auto"))
        mine.on_click(lambda _: self._mining.start())
        far = W.HTML()
        T.dlink((self._mining.note, "value"), (far, "value"))
        T.dlink((self._mining, "running"), (mine, "disabled"))
        self._view.notice.children = [self._said_of_images, mine, far]
        self._view.head.children = [self._shows, W.HBox([self._back, self._page_said, self._on])]

    def _link(self) -> None:
        """Bind the choices to their controls. Comes before `Panel` listens, so that it hears of them together."""
        for control, name in (
            (self._layer_slider, "layer"), (self._feature_slider, "feature"), (self._rules, "rule"),
            (self._shows, "show"),
        ):  # fmt: skip
            control.add_class(f"zf-{name}")
            T.link((control, "value"), (self, name))
        T.link((self._feature_slider, "order"), (self, "order"))
        self.observe(self._new_tops, names="tops")
        self.observe(self._new_order, names=["layer", "order"])
        self.observe(self._turn, names=["feature", "show"])
        self.observe(self._turned, names="page")
        self._back.on_click(lambda _: self._leaf(-1))
        self._on.on_click(lambda _: self._leaf(1))
        self._view.wall.observe(self._chosen_on_wall, names="cell")
        for picture in (self._view.projections, self._view.patches):
            picture.observe(self._tile_clicked, names="clicked")
        self._view.opener.on_click(lambda _: self.explore(self._view.place))
        self._mining.observe(self._complain, names="error")

    def _new_tops(self, change: T.Bunch) -> None:
        self._tiles = None if self.tops is None else Tiles(self.net, self.images, self.tops)
        self._rank(None if change["old"] is None else self.feature)
        self._tell_of_images()

    def _new_order(self, change: T.Bunch) -> None:
        self._rank(self.feature if change["name"] == "order" else None)

    def _rank(self, feature: int | None = None) -> None:
        """Bring the slider into the present order; without a feature, the one at its place is chosen."""
        ranks = self._ranks
        if feature is None:
            feature = int(ranks[min(self._feature_slider.position, len(ranks) - 1)])
        scores = np.zeros(len(ranks)) if self._tiles is None else self._tiles.scores(self.layer, self.order)
        self._feature_slider.rank(scores, feature)
        self._turn()

    @property
    def _ranks(self) -> np.ndarray:
        """The maps of the layer in the present order."""
        if self._tiles is None:
            return np.arange(self.net.layer(self.layer).channels)
        return self._tiles.ranks(self.layer, self.order)

    @property
    def _place(self) -> int:
        """Where the feature stands in the order."""
        return int(np.flatnonzero(self._ranks == self.feature)[0])

    @property
    def _pages(self) -> int:
        return -(-len(self._ranks) // PER_PAGE[self.show])

    def _turn(self, _: Any = None) -> None:
        """Show the page of the feature."""
        self.page = self._place // PER_PAGE[self.show]
        self._page_said.value = f"page {self.page + 1} of {self._pages}"
        self._back.disabled, self._on.disabled = self.page == 0, self.page == self._pages - 1

    def _turned(self, _: T.Bunch) -> None:
        """Choose the feature at the same place of another page."""
        size = PER_PAGE[self.show]
        page, place = divmod(self._place, size)
        if page != self.page:
            self.feature = int(self._ranks[min(self.page * size + place, len(self._ranks) - 1)])

    def _leaf(self, step: int) -> None:
        self.page = min(max(self.page + step, 0), self._pages - 1)

    def _chosen_on_wall(self, change: T.Bunch) -> None:
        page, cell = self._view.page, change["new"]
        if page is None or cell is None or tuple(cell) == self._view.cell or page.layer != self.layer:
            return
        index = cell[0] * self._view.wall.cells[1] + cell[1]
        if index < len(page.features):
            self.feature = page.features[index]
        else:  # an empty place on the last page
            self._view.wall.cell = self._view.cell or (0, 0)

    def _tile_clicked(self, change: T.Bunch) -> None:
        if change["new"] is not None:
            self.explore(self._view.place_at(*change["new"][:2]))

    def _complain(self, change: T.Bunch) -> None:
        """Put what went wrong with the mining on the error line, until it is tried again."""
        if change["new"] or self.error == change["old"]:
            self.error = change["new"]

    def _tell_of_images(self) -> None:
        count = f"{len(self.images):,}"
        self._folder.placeholder = f"a folder; empty: these {count} images"
        self._mining.tell(self._looked_at())
        self._view.opener.disabled = self.tops is None
        self._said_of_images.value = (
            f"Nothing is known yet of these {count} images. Mining runs them through the network once, and keeps the "
            "nine strongest activations of every feature map."
        )

    @T.validate("tops")
    def _fitting_tops(self, proposal: T.Bunch) -> TopActivations | None:
        tops = proposal["value"]
        if tops is not None:
            tops.check(self.net, self.images)
            _check_layers(self._names, tops)
        return tops

    @T.validate("layer")
    def _known_layer(self, proposal: T.Bunch) -> str:
        name = self.net.layer(proposal["value"]).name
        if name not in self._names:
            raise ValueError(f"layer {name!r} was not looked at; these were: {', '.join(self._names)}")
        return name

    @T.validate("feature")
    def _known_feature(self, proposal: T.Bunch) -> int:
        return self.net.layer(self.layer).checked(proposal["value"])

    @T.validate("page")
    def _known_page(self, proposal: T.Bunch) -> int:
        if not 0 <= proposal["value"] < self._pages:
            raise ValueError(f"layer {self.layer!r} has the pages 0 to {self._pages - 1}, not {proposal['value']}")
        return proposal["value"]


def _offered(
    net: Network, images: Collection, tops: TopActivations | None, layers: Sequence[str] | None, wanted: str | None
) -> tuple[list[str], TopActivations | None]:
    """The names on the layer slider; and the top activations that are given, or come with the package for them."""
    if tops is None:
        found = prepared_tops(net, images)
        names = layer_names(net, found.layers if found and layers is None else layers, wanted)
        return names, found if found and set(names) <= set(found.layers) else None
    tops.check(net, images)
    return layer_names(net, tops.layers if layers is None else layers, wanted), tops


def _check_layers(names: Sequence[str], tops: TopActivations) -> None:
    missing = [name for name in names if name not in tops.layers]
    if missing:
        raise ValueError(f"layer {missing[0]!r} was not looked at; these were: {', '.join(tops.layers)}")


def _turner(direction: str, name: str) -> W.Button:
    return W.Button(icon=f"chevron-{direction}", tooltip=name, layout=W.Layout(width="36px"))


def _label(options: dict[str, str], value: str) -> str:
    return next(label for label, each in options.items() if each == value)
