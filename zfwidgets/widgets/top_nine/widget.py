"""Figure 2, live: of every feature map the nine strongest activations over a data set, as patches and projections."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets as W
import numpy as np
import traitlets as T

from zfwidgets.data import Corpus, corpus
from zfwidgets.data import images as as_collection
from zfwidgets.experiments.gallery import Gallery
from zfwidgets.experiments.top_activations import TopActivations, prepared_tops, top_activations
from zfwidgets.models import Network
from zfwidgets.task import Task
from zfwidgets.widgets.controls import bind, classed, control, rare
from zfwidgets.widgets.feature_explorer import FeatureExplorer
from zfwidgets.widgets.panel import call, feature_order
from zfwidgets.widgets.top_nine.filter import HeldImage, ImageFilter
from zfwidgets.widgets.top_nine.mining_row import MiningRow, summary
from zfwidgets.widgets.top_nine.opened import OpenedImages
from zfwidgets.widgets.top_nine.paging import PagedFeatures
from zfwidgets.widgets.top_nine.tiles import Page, Tiles
from zfwidgets.widgets.top_nine.traits import ORDERED, ORDERS, SHOWS, MinedLayer, MinedTops
from zfwidgets.widgets.top_nine.view import PER_PAGE, NineView
from zfwidgets.widgets.traits import RULES, Option

REDRAW_INTERVAL = 0.12  # seconds between two drawings of a page that fills up
STEP = 16  # images between two messages about how far the mining is


@dataclass(frozen=True)
class PageChoice:
    """What the page on show depends on."""

    tiles: Tiles | None
    layer: str
    feature: int  # where nobody has chosen one, the panel finds it first
    order: str
    rule: str
    show: str
    held: str
    pointed: int | None


class TopNine(PagedFeatures):
    """Turn the pages of a layer's feature maps, each shown by its nine strongest activations in many images (Fig. 2).

    `TopNine(net)` shows the embedded corpus; `images` is anything that `zfwidgets.images` takes. `tops` is what
    `zfwidgets.top_activations` found in these images; without it, what comes with the package, or else a button that
    looks for it. `layers` are the names on the strip: by default all that were looked at, or those through which
    everything passes. `transport="webp"` packs pictures for slow links. Every choice is a trait, to be set, observed or
    linked; `result` is the page on show. A click on one of the nine opens its image in `explorer`, below.

    Raises ValueError for an unknown layer, feature or page, and for `tops` of another network or other images;
    TypeError for a misspelt setting.
    """

    title = "Top nine"
    lead = "What does each feature map look for? Of many images, the nine places where it responded most."
    Choice = PageChoice

    tops = MinedTops(help="the top activations on show, a TopActivations; None: nothing has been mined yet")
    tiles = T.Any(None, help="their pictures; follows `tops`")
    layer = MinedLayer(help="name of the layer")
    order = feature_order(ORDERS, ORDERED)
    rule = Option(RULES, "deconvnet", "Method", "how the signal passes rectifiers on its way down",
                  "A rectifier passes the signal's positive part (§2), or by the chain rule.")  # fmt: skip
    held = HeldImage(help="name of an image: only maps whose strongest activations hold it; empty: all maps")
    pointed = T.Int(None, allow_none=True, help="number of the map whose projections stand in place of its patches")
    show = Option(SHOWS, "patches", "Show", "what the wall shows of its feature maps", buttons=True)

    def __init__(
        self, net: Network | None = None, images: Any = None, tops: TopActivations | None = None, **settings: Any
    ) -> None:
        self.images = corpus() if images is None else as_collection(images)
        self._given = tops
        super().__init__(net, **settings)
        self.add_class("zf-top-nine")

    def offered_layers(self, layers: str | Sequence[str] | None, wanted: str | None) -> tuple[str, ...]:
        """All layers that were looked at; and the top activations that come with the package, if they hold them."""
        if self._given is not None:
            self._given.check(self.net, self.images)
            return super().offered_layers(self._given.layers if layers is None else layers, wanted)
        found = prepared_tops(self.net, self.images)
        names = super().offered_layers(found.layers if found and layers is None else layers, wanted)
        self._given = found if found and set(names) <= set(found.layers) else None
        return names

    def first_choice(self) -> dict[str, Any]:
        layer = self.layer_names[len(self.layer_names) // 2]
        return {"layer": layer, "order": "strength", "show": "patches"}  # before a page, which depends on them

    def tries(self) -> dict[str, dict[str, Any]]:
        strongest: dict[str, Any] = {"feature": None, "order": "strength", "held": "", "show": "patches"}
        return {
            "Edges, in the first layer": {"layer": self.layer_names[0]} | strongest,
            "A class, in the last": {"layer": self.layer_names[-1]} | strongest,
            "Projections beside their patches": {"show": "both"},
        }

    def build(self) -> W.Widget:
        self.view, self.opened = NineView(self.transport), OpenedImages(self)
        self.mining = MiningRow(self.job, self._mine, self.report)
        self.view.notice.children = self.mining.notice()
        self.tops = self._given
        self._make_tiles()
        self.held = self.held  # now that there is something to check it against
        self.observe(self._new_tops, names="tops")
        self.observe(self._keep_filter, names=["layer", "feature", "held"])
        self.filter = ImageFilter()
        bind(self.filter, self, "held")
        self.view.head.children = [control(self, "show").children[1], self.filter, self.build_pager()]
        self.view.wall.observe(self._chosen_on_wall, names="cell")
        self.view.wall.observe(lambda change: self._point_at(change["new"]), names="hover")
        self.view.observe(lambda change: self.explore(change["new"][0]), names="opened")
        self.view.patches.observe(lambda _: self.report("open", None), names="cell")  # another tile
        return self.view

    def controls(self) -> list[W.Widget]:
        mining = classed(W.Box([self.mining]), "zf-wide")
        return [*(control(self, name) for name in ("layer", "feature")), *rare(control(self, "rule"), mining)]

    def below(self) -> list[W.Widget]:
        return [self.opened]

    @property
    def explorer(self) -> FeatureExplorer | None:
        """The feature explorer below, once an image has been opened in it."""
        return self.opened.explorer

    def explore(self, place: int = 0) -> None:
        """Open the image of one of the chosen feature's nine, 0 the strongest, in the feature explorer below.

        Nothing happens where the feature map has fewer activations.
        """
        shown = self._shown or self
        layer, feature = shown.layer, shown.feature  # of what is on show, while another choice is under way
        if self.tiles is None or feature is None or place >= len(self.tiles.activations(layer, feature)):
            return
        self.report("open", None)
        try:
            self.opened.show(self.tiles, layer, feature, place)
        except (ValueError, TypeError, OSError) as error:
            self.report("open", error)

    def scores(self, choice: Any) -> np.ndarray:
        if choice.tiles is None:
            return np.zeros(self.net.layer(choice.layer).channels)
        return choice.tiles.scores(choice.layer, choice.order)

    def first_feature(self, choice: Any) -> int:
        """The map at the slider's place; with a filter, the first that it leaves."""
        if choice.tiles is None or not choice.held:
            return super().first_feature(choice)
        return int(choice.tiles.ranks(choice.layer, choice.order, choice.held)[0])

    def compute(self, choice: PageChoice, task: Task) -> Iterator[Page | None]:
        """The page of the chosen feature as it fills up: patches first, then projections."""
        tiles, feature = choice.tiles, choice.feature
        if tiles is None:
            yield None
            return
        features = tiles.around(choice.layer, choice.order, feature, PER_PAGE[choice.show], choice.held)
        seen = sorted(features, key=lambda each: each != feature)
        pointed = [choice.pointed] if choice.pointed in seen[1:] else []
        projected = [*pointed, *seen[:1]] if choice.show == "patches" else seen
        drawn = 0.0
        for left in tiles.fill(choice.layer, seen, projected, choice.rule, task):
            if left and time.perf_counter() - drawn > REDRAW_INTERVAL:
                yield tiles.page(choice.layer, feature, features, choice.rule)
                drawn = time.perf_counter()
        if not task.stopped:
            yield tiles.page(choice.layer, feature, features, choice.rule)

    def draw(self, result: Page | None, choice: PageChoice) -> None:
        """Show the page, as far as it is there."""
        self.view.notice.layout.display = "" if result is None else "none"
        if result is not None and choice.tiles is not None:
            self.view.show(
                choice.tiles, result, choice.show, self.page_words(result, choice), self.feature, choice.pointed
            )

    def settle(self, choice: PageChoice) -> None:
        self.feature_slider.rank(self.scores(choice), choice.order, choice.feature)
        if choice.tiles is not None:
            self.filter.offer(choice.tiles.shown_in(choice.layer, choice.feature))

    @property
    def answer(self) -> Gallery:
        """The numbers behind the page on show."""
        page: Page = super().answer
        return self.tiles.gallery(page.layer, list(page.features), page.rule)

    def code_lines(self) -> Sequence[str]:
        page: Page = super().answer
        images = "images = None  # the embedded corpus" if isinstance(self.images, Corpus) else "images = ...  # yours"
        tops = call("zf.top_activations", "net", "images", layers=[page.layer], k=self.tops.k)
        shown = call("zf.gallery", "net", "images", "tops", repr(page.layer), repr(list(page.features)), rule=page.rule)
        return [images, f"tops = {tops}", shown]

    def _mine(self, folder: str, task: Task) -> str:
        """Look for the strongest activations in the folder that was named, or else in the present images."""
        images = as_collection(folder) if folder else self.images
        tops = top_activations(self.net, images, self.layer_names, batch_size=STEP, task=task)
        if not task.stopped:
            self.images, self.tops = images, tops
        return summary(self.images.names, self.tops)

    def _new_tops(self, change: T.Bunch) -> None:
        self.held = ""
        with self.hold_trait_notifications():
            self._make_tiles()
            if change["old"] is None:
                self.feature = None  # it was chosen without the order that the slider has now

    def _make_tiles(self) -> None:
        self.tiles = None if self.tops is None else Tiles(self.net, self.images, self.tops)
        self.mining.tell(self.images.names, self.tops)
        self.view.opener.disabled = self.tops is None

    def _chosen_on_wall(self, change: T.Bunch) -> None:
        page, cell = self.view.page, change["new"]
        if page is None or cell is None or not self.view.wall.by_reader or page.layer != self.layer:
            return
        feature = self.view.feature_at(cell)
        if feature is None:  # an empty place on the last page
            self.view.wall.cell = self.view.cell or (0, 0)
            return
        if self.view.wall.hover is None:  # by the keyboard
            self._point_at(cell)
        self.feature = feature

    def _point_at(self, cell: tuple[int, int] | None) -> None:
        """Let a map of a wall of patches show its projections, or none."""
        self.pointed = None if cell is None or self.show != "patches" else self.view.feature_at(cell)

    def _keep_filter(self, change: T.Bunch) -> None:
        """The filter goes with its layer, and when a map is chosen that it leaves out; a new one chooses a map."""
        if change["name"] == "layer":
            self.held = ""
        elif self.held and self.feature is not None and self.feature not in self._ranks:
            if change["name"] == "held":
                self.feature = int(self._ranks[0])
            else:
                self.held = ""
