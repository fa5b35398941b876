"""Feature maps by the page: which page a map stands on, and which map a page brings."""

from __future__ import annotations

from typing import Any

import ipywidgets as W
import numpy as np
import traitlets as T

from zfwidgets.widgets.panel import FeaturePanel
from zfwidgets.widgets.top_nine.pager import Pager
from zfwidgets.widgets.top_nine.tiles import Page, Tiles
from zfwidgets.widgets.top_nine.traits import PageNumber
from zfwidgets.widgets.top_nine.view import PER_PAGE


class PagedFeatures(FeaturePanel):
    """A panel whose feature maps stand on pages; `page` and `feature` follow each other."""

    page = PageNumber(help="page of the wall, from 0; setting it chooses a feature there")
    tiles: Tiles | None
    show: str
    held: str

    def build_pager(self) -> W.HBox:
        """The buttons that turn pages; from now on page and feature go together."""
        self.pager = Pager()
        self.observe(self._sync_page, names=["feature", "show", "order", "held"])
        self.observe(self._turn_to_page, names="page")
        self.pager.observe(self._step_page, names="turned")
        self._turn_to_page() if self.page else self._sync_page()
        return self.pager

    @property
    def pages(self) -> int:
        """Pages of the wall."""
        return -(-len(self._ranks) // PER_PAGE[self.show])

    @property
    def _ranks(self) -> np.ndarray:
        """The maps to turn pages through, in the present order."""
        if self.tiles is None:
            return np.arange(self.net.layer(self.layer).channels)
        return self.tiles.ranks(self.layer, self.order, self.held)

    @property
    def _place(self) -> int:
        """Where the feature stands in the order, or will stand once it is found."""
        if self.feature is None:
            return min(self.feature_slider.position, len(self._ranks) - 1)
        return int(np.flatnonzero(self._ranks == self.feature)[0])

    def _sync_page(self, _: Any = None) -> None:
        """Show the page of the feature."""
        if self.feature is not None:
            self.page = self._place // PER_PAGE[self.show]
            self.pager.show(self.page, self.pages)

    def _turn_to_page(self, _: Any = None) -> None:
        """Choose the feature at the same place of another page."""
        size = PER_PAGE[self.show]
        page, place = divmod(self._place, size)
        if page != self.page:
            self.feature = int(self._ranks[min(self.page * size + place, len(self._ranks) - 1)])

    def _step_page(self, change: T.Bunch) -> None:
        self.page = min(max(self.page + change["new"][0], 0), self.pages - 1)

    def page_words(self, page: Page, choice: Any) -> str:
        """Which maps are on the page."""
        ranks = choice.tiles.ranks(choice.layer, choice.order, choice.held).tolist()
        first = ranks.index(page.features[0]) + 1
        holding = f" whose strongest hold {choice.held}" if choice.held else ""
        ordered = self.traits()["order"].label_of(choice.order)
        which = f"{first} to {first + len(page.features) - 1} of {len(ranks)} feature maps{holding}, {ordered}"
        return f"{choice.layer} · {which}"
