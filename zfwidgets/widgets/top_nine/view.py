"""The pictures of the top nine: a wall of feature maps, and one of them large."""

from __future__ import annotations

from html import escape
from math import ceil, sqrt
from typing import Any

import ipywidgets as W
import numpy as np
import traitlets as T

from zfwidgets.drawing import format_number
from zfwidgets.widgets.geometry import BLOCK, COLUMNS, GAP, ROWS, WALL_HEIGHT, WALL_WIDTH
from zfwidgets.widgets.picture import Picture, signed_scale
from zfwidgets.widgets.top_nine.squares import LARGE, crossed, square, tile_grid
from zfwidgets.widgets.top_nine.tiles import Page, Tiles

FAINT = 56  # opacity, of 255, of a patch that keeps the place of a projection

PER_PAGE = {"projections": 8, "patches": 8, "both": 4}  # feature maps on the wall, by what is shown of them
READING = {
    "projections": "{rule}: each projection on its own scale; zero is grey, its ends the 99th percentile.",
    "patches": "The patch that each unit saw, {sees}. Point at a map to see its projections.",
    "both": "Left: {rule} (zero is grey, the ends its 99th percentile). Right: the patches.",
}


class NineView(W.Box):
    """The wall of a page, and beside it the chosen feature map, large."""

    opened = T.Any(None, help="(place, count): the tile whose image is to be opened; the count grows each time")

    def __init__(self, transport: str) -> None:
        size = {"width": WALL_WIDTH, "height": WALL_HEIGHT, "shown_width": WALL_WIDTH}
        self.wall = Picture(**size, transport=transport)
        self.wall.description = (
            "Feature maps, each by its strongest activations; arrow keys choose one and show its projections"
        )
        self.projections, self.patches = _large("Projections", transport), _large("Patches", transport)
        self.numbers, self.chosen, self.tile_words = W.HTML(), W.HTML(), W.HTML()
        self.opener = W.Button(description="Open its image below", layout=W.Layout(width="fit-content"))
        self.notice = W.VBox(layout=W.Layout(display="none"))
        self.head = W.HBox()
        self.page: Page | None = None  # on show
        self.cell: tuple[int, int] | None = None  # drawn as chosen on the wall
        super().__init__([self._left(), self._right()])
        self.add_class("zf-nine")
        T.link((self.projections, "cell"), (self.patches, "cell"))
        self.patches.observe(self._tell, names="cell")
        for picture in (self.projections, self.patches):
            picture.observe(self._tell, names="hover")
            picture.observe(self._clicked, names="clicked")
        self.opener.on_click(lambda _: self._open(self.place))

    def _clicked(self, change: T.Bunch) -> None:
        if change["new"] is not None:
            self._open(self.place_at(*change["new"][:2]))

    def _open(self, place: int) -> None:
        self.opened = place, (self.opened or (0, 0))[1] + 1

    def _left(self) -> W.VBox:
        numbers, notice = _named(self.numbers, "numbers"), _named(self.notice, "notice")
        hanging = _named(W.Box([_named(self.wall, "wall"), numbers, notice]), "hanging")
        return _named(W.VBox([_named(self.head, "head"), hanging]), "left")

    def _right(self) -> W.VBox:
        halves = [
            W.VBox([_named(W.HTML(title), "title"), _named(picture, name)])
            for title, picture, name in (
                ("Projections", self.projections, "projections"),
                ("Patches", self.patches, "patches"),
            )
        ]
        foot = W.VBox([_named(self.tile_words, "tile-words"), _named(self.opener, "opener")])
        return _named(W.VBox([_named(self.chosen, "chosen"), _named(W.Box(halves), "halves"), foot]), "right")

    @property
    def place(self) -> int:
        """The chosen tile of the chosen feature map, 0 the strongest."""
        row, column = self.patches.cell or (0, 0)
        return row * self.patches.cells[1] + column

    def place_at(self, row: int, column: int) -> int:
        """The tile that holds a pixel of the large pictures."""
        down, across = self.patches.cells
        return row * down // self.patches.height * across + column * across // self.patches.width

    def feature_at(self, cell: tuple[int, int]) -> int | None:
        """The map whose square is at a place of the wall; None where there is none."""
        index = cell[0] * self.wall.cells[1] + cell[1]
        return self.page.features[index] if self.page is not None and index < len(self.page.features) else None

    def show(
        self, tiles: Tiles, page: Page, kind: str, words: str, latest: int | None, pointed: int | None = None
    ) -> None:
        """Draw a page; `kind` is what the wall shows of its maps, `words` say which ones they are. `latest` is the map
        that was chosen last, perhaps after this page was asked for: its square is the one that stays outlined. On a
        wall of patches, the projections of the map that is `pointed` at stand in their place as soon as they are there.

        What changes most goes out first: the wall of another page, but on the same page the large pictures.
        """
        former, self._tiles, self.page = self.page, tiles, page
        same = former is not None and (former.layer, former.features) == (page.layer, page.features)
        if same:
            self._show_large(page)
        self._show_wall(page, kind, words, latest, pointed)
        if not same:
            self._show_large(page)

    def _show_wall(self, page: Page, kind: str, words: str, latest: int | None, pointed: int | None) -> None:
        kinds = ("projections", "patches") if kind == "both" else (kind,)
        columns = COLUMNS // len(kinds)
        self.cell = divmod(page.features.index(latest if latest in page.features else page.feature), columns)
        turned = {pointed} & page.projections.keys() if kind == "patches" else ()
        blocks = [
            self._block(page, feature, "projections" if feature in turned else each, BLOCK)
            for feature in page.features
            for each in kinds
        ]
        reading = READING[kind].format(rule=page.rule, sees=self._tiles.net.seen_from(page.layer))
        caption = f"{words}\n{reading}"
        self.wall.show(tile_grid(blocks, len(kinds) == 2), cells=(ROWS, columns), cell=self.cell, caption=caption)
        numbers = "".join(self._number(page.layer, feature) for feature in page.features)
        self.numbers.value = f"<div class='zf-nine-{kind}'>{numbers}</div>"

    def _show_large(self, page: Page) -> None:
        inner = ceil(sqrt(self._tiles.tops.k))
        for picture, kind in ((self.projections, "projections"), (self.patches, "patches")):
            block = self._block(page, page.feature, kind, LARGE)
            block = np.zeros((LARGE, LARGE, 4), np.uint8) if block is None else block
            framed = np.pad(block, ((GAP, GAP), (GAP, GAP), (0, 0)))
            scale = signed_scale() if kind == "projections" else []
            picture.show(framed, cells=(inner, inner), cell=picture.cell or (0, 0), scale=scale)
        values = self._tiles.activations(page.layer, page.feature)
        found = (
            f"activations {format_number(values[0])} to {format_number(values[-1])}" if len(values) else "no activation"
        )
        dead = self._tiles.tops.dead(page.layer)[page.feature]
        named = self._tiles.net.class_of(page.layer, page.feature)
        title = f"<b>Feature {page.feature}</b>{named and f' · {escape(named)}'}"
        self.chosen.value = f"{title} · {'dead: no image made it positive' if dead else found}"
        self._tell()

    def _block(self, page: Page, feature: int, kind: str, size: int) -> np.ndarray | None:
        """The square of a feature map; until its projections are there, its patches faintly keep their place."""
        count = len(self._tiles.activations(page.layer, feature))
        if self._tiles.tops.dead(page.layer)[feature]:
            return crossed(size)
        if kind == "projections" and feature in page.projections:
            return square(page.projections[feature], count, size, signed=True)
        if feature in page.patches:
            return square(page.patches[feature], count, size, opacity=FAINT if kind == "projections" else 255)
        return None

    def _number(self, layer: str, feature: int) -> str:
        dead = self._tiles.tops.dead(layer)[feature]
        strongest = "dead" if dead else format_number(self._tiles.activations(layer, feature)[0])
        return f"<div><b>{feature}</b><span>{strongest}</span></div>"

    def _tell(self, _: Any = None) -> None:
        """Say what is known of the tile that is pointed at, or else of the chosen one."""
        if self.page is None:
            return
        tops, layer, feature = self._tiles.tops, self.page.layer, self.page.feature
        hover = self.projections.hover or self.patches.hover
        place = hover[0] * self.patches.cells[1] + hover[1] if hover else self.place
        values = self._tiles.activations(layer, feature)
        if place >= len(values):
            self.tile_words.value = f"This map has only {len(values)} activations in these images."
            return
        row, column = tops.units[layer][feature, place]
        name = self._tiles.images.names[tops.images[layer][feature, place]]
        found = f"{ordinal(place + 1)} of {len(values)} · activation {format_number(values[place])}"
        self.tile_words.value = f"{found}<div title='{escape(name)}'>{escape(name)}</div>unit {row}, {column}"


def ordinal(number: int) -> str:
    """A place in an order, in English: 1st, 2nd, 3rd, 4th."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _large(kind: str, transport: str) -> Picture:
    side = LARGE + 2 * GAP
    description = f"{kind} of the chosen feature map; arrow keys choose one, a click or Enter opens its image"
    return Picture(width=side, height=side, shown_width=side, transport=transport, description=description)


def _named(part: W.DOMWidget, name: str) -> W.DOMWidget:
    part.add_class(f"zf-nine-{name}")
    return part
