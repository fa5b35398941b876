"""The nine strongest activations as pictures: a wall of feature maps, one of them large, and the tiles of both."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from math import ceil, sqrt
from typing import Any

import ipywidgets as W
import numpy as np
import traitlets as T

from zfwidgets.data import Collection
from zfwidgets.experiments.features import bulk
from zfwidgets.experiments.gallery import GREY, Sources, _corner, _window, hang
from zfwidgets.experiments.top_activations import NONE, TopActivations
from zfwidgets.figures import fit_tile, mosaic, said, signed_picture
from zfwidgets.models import Network
from zfwidgets.widgets.picture import Picture

BLOCK = 139  # pixels of a feature map's square on the wall: three tiles of 45
LARGE = 274  # pixels of the chosen one's: three tiles of 90
GAP = 2  # pixels between tiles
STRIP, EDGE = 16, 5  # pixels above a block on the wall, for its number, and on its other sides
ROWS, COLUMNS = 4, 4  # blocks on the wall
PULL = 3  # pixels that the blocks of a pair are moved toward each other
FILLED = 0.8  # part of its place that a whole multiple of a tile's own pixels must fill
FAINT = 56  # opacity, of 255, of a patch that keeps the place of a projection
REMEMBERED = 512  # squares of tiles
TOGETHER = 4  # feature maps that are computed at once

PER_PAGE = {"projections": 16, "patches": 16, "both": 8}  # feature maps on the wall, by what is shown of them
READING = {
    "projections": "{rule}: each projection on its own scale; zero is grey, its ends the 99th percentile.",
    "patches": "What each unit saw, {sees}; grey lies beyond the edge of the image.",
    "both": "Left: {rule} (zero is grey, the ends its 99th percentile). Right: what each unit saw.",
}


@dataclass(frozen=True, eq=False)
class Page:
    """A page of feature maps, as far as it is there: their strongest activations as pictures.

    Tiles are (k, h, w, 3) uint8, the strongest first; large ones made smaller, those beyond the map's activations grey.
    For the numbers behind them, see `zfwidgets.gallery`.
    """

    layer: str
    feature: int  # the chosen one
    features: tuple[int, ...]  # all on the page, in their order
    rule: str
    patches: dict[int, np.ndarray]  # by feature: what its units saw
    projections: dict[int, np.ndarray]  # by feature: what comes back down; zero is mid-grey, each on its own scale


class Tiles:
    """What the strongest units of every map saw, and their projections: computed when asked for, then remembered."""

    def __init__(self, net: Network, images: Collection, tops: TopActivations) -> None:
        self.net, self.images, self.tops = net, images, tops
        self._sources = Sources(net, images, remembered=160)  # more than a page can need
        self._largest = _side(LARGE, tops.k)
        self._kept: OrderedDict[tuple, np.ndarray] = OrderedDict()
        self.scores = lru_cache(maxsize=64)(self._scores)
        self.ranks = lru_cache(maxsize=64)(self._ranks)

    def _scores(self, layer: str, order: str) -> np.ndarray:
        """What the maps of a layer are sorted by, falling, (C,). Dead ones come last, unless they go by number."""
        values = self.tops.values[layer]
        if order == "index":
            return -np.arange(len(values), dtype=float)
        found = np.where(np.isfinite(values), values, 0)
        dead = self.tops.dead(layer)
        strongest = np.where(dead, 1, found[:, 0])
        return np.where(dead, -np.inf, strongest if order == "strength" else -found.mean(1) / strongest)

    def _ranks(self, layer: str, order: str) -> np.ndarray:
        return np.argsort(-self.scores(layer, order), kind="stable")

    def around(self, layer: str, order: str, feature: int, size: int) -> list[int]:
        """The maps on a feature's page, in their order."""
        ranks = self.ranks(layer, order)
        place = int(np.flatnonzero(ranks == feature)[0])
        return ranks[place // size * size :][:size].tolist()

    def activations(self, layer: str, feature: int) -> np.ndarray:
        """The strongest activations of a map, falling; fewer than k where there are no more."""
        values = self.tops.values[layer][feature]
        return values[np.isfinite(values)]

    def page(self, layer: str, feature: int, features: Sequence[int], rule: str) -> Page:
        """As much of a page as there is by now."""
        patches, projections = (
            {each: tiles for each in features if (tiles := self._recall((layer, each, kind))) is not None}
            for kind in ("", rule)
        )
        return Page(layer, feature, tuple(features), rule, patches, projections)

    def fill(
        self, layer: str, seen: Sequence[int], projected: Sequence[int], rule: str, stale: Callable[[], bool]
    ) -> Iterator[float]:
        """Compute what is missing: the patches of the maps `seen`, then the projections of those `projected`.

        The first of them comes first. Yields which part of the work is done.
        """
        dead = self.tops.dead(layer)
        work = [
            (kind, some)
            for kind, features in (("", seen), (rule, projected))
            for some in _parts([each for each in features if not dead[each] and (layer, each, kind) not in self._kept])
        ]
        whole, done = sum(map(_effort, work)), 0.0
        for kind, some in work:
            if stale():
                return
            found = self._projections(layer, some, kind, stale) if kind else self._patches(layer, some)
            self._keep([(layer, each, kind) for each in some], found, signed=bool(kind))
            done += _effort((kind, some))
            yield done / whole

    def _projections(self, layer: str, features: list[int], rule: str, stale: Callable[[], bool]) -> np.ndarray:
        return hang(self.net, self._sources, self.tops, layer, features, rule, stale).pictures()

    def _patches(self, layer: str, features: list[int]) -> np.ndarray:
        """What the units saw, (n, k, h, w, 3) uint8, without asking the network."""
        images, units = self.tops.images[layer][features], self.tops.units[layer][features]
        found = np.full((*images.shape, *_window(self.net, layer), 3), GREY, np.uint8)
        numbers = np.unique(images[images != NONE]).tolist()
        pictures = {number: picture for number, (picture, _) in zip(numbers, self._sources.read(numbers), strict=True)}
        for place in map(tuple, np.argwhere(images != NONE)):
            row, column = units[place].tolist()
            _lay(found[place], pictures[int(images[place])], *_corner(self.net, self.net.step(layer), row, column))
        return found

    def _keep(self, keys: Sequence[tuple], found: np.ndarray, signed: bool) -> None:
        for key, tiles in zip(keys, found, strict=True):
            small = max(tiles.shape[1:3]) <= self._largest
            self._kept[key] = tiles.copy() if small else _shrunk(tiles, self._largest, signed)
        while len(self._kept) > REMEMBERED:
            self._kept.popitem(last=False)

    def _recall(self, key: tuple) -> np.ndarray | None:
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)


class NineView(W.Box):
    """The wall of a page, and beside it the chosen feature map, large."""

    def __init__(self, transport: str) -> None:
        height, width = ROWS * (STRIP + BLOCK + EDGE), COLUMNS * (BLOCK + 2 * EDGE)
        self.wall = Picture(width=width, height=height, shown_width=width, transport=transport, hoverable=False)
        self.wall.description = "Feature maps, each by its strongest activations; arrow keys choose one"
        self.projections, self.patches = _large("Projections", transport), _large("Patches", transport)
        self.numbers, self.chosen, self.told = W.HTML(), W.HTML(), W.HTML()
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

    def _left(self) -> W.VBox:
        numbers, notice = _named(self.numbers, "numbers"), _named(self.notice, "notice")
        hanging = _named(W.Box([_named(self.wall, "wall"), numbers, notice]), "hanging")
        return _named(W.VBox([_named(self.head, "head"), hanging]), "left")

    def _right(self) -> W.VBox:
        halves = [
            W.VBox([_named(W.HTML(title), "title"), _named(picture, name)])
            for title, picture, name in (
                ("What comes back down", self.projections, "projections"),
                ("What the units saw", self.patches, "patches"),
            )
        ]
        foot = W.VBox([_named(self.told, "told"), _named(self.opener, "opener")])
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

    def show(self, tiles: Tiles, page: Page, kind: str, words: str) -> None:
        """Draw a page; `kind` is what the wall shows of its maps, `words` say which ones they are."""
        self._tiles, self.page = tiles, page
        self._show_large(page)
        self._show_wall(page, kind, words)

    def _show_wall(self, page: Page, kind: str, words: str) -> None:
        kinds = ("projections", "patches") if kind == "both" else (kind,)
        columns = COLUMNS // len(kinds)
        self.cell = divmod(page.features.index(page.feature), columns)
        blocks = [self._block(page, feature, each, BLOCK) for feature in page.features for each in kinds]
        layer = self._tiles.net.layer(page.layer)
        sees = "the whole image" if layer.whole else "{}×{} pixels".format(*layer.receptive_field)
        reading = READING[kind].format(rule=page.rule, sees=sees)
        caption = f"{words}\n{reading}\nAbove each square: the number of the map, and its strongest activation."
        self.wall.show(_hung(blocks, len(kinds) == 2), cells=(ROWS, columns), cell=self.cell, caption=caption)
        numbers = "".join(self._number(page.layer, feature) for feature in page.features)
        self.numbers.value = f"<div class='zf-nine-{kind}'>{numbers}</div>"

    def _show_large(self, page: Page) -> None:
        inner = ceil(sqrt(self._tiles.tops.k))
        for picture, kind in ((self.projections, "projections"), (self.patches, "patches")):
            block = self._block(page, page.feature, kind, LARGE)
            block = np.zeros((LARGE, LARGE, 4), np.uint8) if block is None else block
            framed = np.pad(block, ((GAP, GAP), (GAP, GAP), (0, 0)))
            picture.show(framed, cells=(inner, inner), cell=picture.cell or (0, 0))
        values = self._tiles.activations(page.layer, page.feature)
        found = f"activations {said(values[0])} to {said(values[-1])}" if len(values) else "no activation"
        dead = self._tiles.tops.dead(page.layer)[page.feature]
        self.chosen.value = f"<b>Feature {page.feature}</b> · {'dead: no image made it positive' if dead else found}"
        self._tell()

    def _block(self, page: Page, feature: int, kind: str, size: int) -> np.ndarray | None:
        """The square of a feature map; until its projections are there, its patches faintly keep their place."""
        count = len(self._tiles.activations(page.layer, feature))
        if self._tiles.tops.dead(page.layer)[feature]:
            return _crossed(size)
        if kind == "projections" and feature in page.projections:
            return _square(page.projections[feature], count, size, signed=True)
        if feature in page.patches:
            return _square(page.patches[feature], count, size, opacity=FAINT if kind == "projections" else 255)
        return None

    def _number(self, layer: str, feature: int) -> str:
        dead = self._tiles.tops.dead(layer)[feature]
        strongest = "dead" if dead else said(self._tiles.activations(layer, feature)[0])
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
            self.told.value = f"This map has only {len(values)} activations in these images."
            return
        row, column = tops.units[layer][feature, place]
        name = self._tiles.images.names[tops.images[layer][feature, place]]
        rank = "strongest" if place == 0 else f"number {place + 1}"
        found = f"{rank} of {len(values)} · activation {said(values[place])} · unit {row}, {column}"
        self.told.value = f"{found}<div title='{escape(name)}'>{escape(name)}</div>"


def _large(kind: str, transport: str) -> Picture:
    side = LARGE + 2 * GAP
    description = f"{kind} of the chosen feature map; arrow keys choose one, a click opens its image"
    return Picture(width=side, height=side, shown_width=side, transport=transport, description=description)


def _named(part: W.DOMWidget, name: str) -> W.DOMWidget:
    part.add_class(f"zf-nine-{name}")
    return part


def _effort(work: tuple[str, list[int]]) -> float:
    """About how long some work takes, in projections of a map: patches need only be cut out."""
    kind, features = work
    return len(features) if kind else len(features) / 8


def _parts(features: list[int]) -> list[list[int]]:
    """The first one alone, so that it is soon there, and the others some at a time."""
    others = [features[start : start + TOGETHER] for start in range(1, len(features), TOGETHER)]
    return [features[:1], *others] if features else []


def _lay(tile: np.ndarray, picture: np.ndarray, top: int, left: int) -> None:
    """Put on a tile the part of a picture whose upper left corner is at (top, left), as far as there is a picture."""
    height, width = tile.shape[:2]
    inside = picture[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)]
    down, across = max(-top, 0), max(-left, 0)
    tile[down : down + inside.shape[0], across : across + inside.shape[1]] = inside


def _side(size: int, k: int) -> int:
    """The side of a tile, pixels, where k of them make a square."""
    inner = ceil(sqrt(k))
    return (size - GAP * (inner - 1)) // inner


def _shrunk(tiles: np.ndarray, side: int, signed: bool) -> np.ndarray:
    """Tiles (k, h, w, 3) made smaller. Strokes finer than a pixel grow pale then: a projection gets its scale anew."""
    small = np.stack([fit_tile(tile, side) for tile in tiles])
    return np.stack([_rescaled(tile) for tile in small]) if signed else small


def _rescaled(tile: np.ndarray) -> np.ndarray:
    """A projection as it is shown, uint8, on the scale of its own pixels: the ends are their 99th percentile."""
    values = tile.astype(np.float32).transpose(2, 0, 1) - 127.5
    return signed_picture(values, max(bulk(values), 1))


def _fitted(tiles: np.ndarray, side: int, signed: bool) -> np.ndarray:
    """Tiles at a whole multiple of their own pixels where that fills most of a square of `side`, or else blended."""
    longest = max(tiles.shape[1:3])
    if longest > side:
        return _shrunk(tiles, side, signed)
    times = side // longest
    times += times * longest < FILLED * side
    return np.stack([fit_tile(tile, side) for tile in tiles.repeat(times, 1).repeat(times, 2)])


def _square(tiles: np.ndarray, count: int, size: int, signed: bool = False, opacity: int = 255) -> np.ndarray:
    """The first `count` of the tiles (k, h, w, 3) as a square (size, size, 4) with see-through joints."""
    side, inner = _side(size, len(tiles)), ceil(sqrt(len(tiles)))
    joined = mosaic(_fitted(tiles, side, signed)[np.newaxis], side, 1, GAP, beyond=0)
    for place in range(count, len(tiles)):
        row, column = (part * (side + GAP) for part in divmod(place, inner))
        joined[row : row + side, column : column + side] = 0
    joined[..., 3] = joined[..., 3] // 255 * opacity
    rest = size - joined.shape[0]
    return np.pad(joined, ((rest // 2, rest - rest // 2), (rest // 2, rest - rest // 2), (0, 0)))


def _crossed(size: int) -> np.ndarray:
    """What stands for a dead feature map: an empty square, crossed out, readable on light and on dark."""
    square = np.full((size, size, 4), (GREY, GREY, GREY, 80), np.uint8)
    rows, columns = np.indices((size, size))
    square[(np.abs(rows - columns) < 2) | (np.abs(rows + columns - size + 1) < 2), 3] = 255
    return square


def _hung(blocks: Sequence[np.ndarray | None], in_pairs: bool) -> np.ndarray:
    """Squares side by side on the wall, (H, W, 4) uint8; those of a pair closer together."""
    tall, wide = STRIP + BLOCK + EDGE, BLOCK + 2 * EDGE
    wall = np.zeros((ROWS * tall, COLUMNS * wide, 4), np.uint8)
    for place, block in enumerate(blocks):
        row, column = divmod(place, COLUMNS)
        top, left = row * tall + STRIP, column * wide + EDGE
        if in_pairs:
            left += PULL if column % 2 == 0 else -PULL
        if block is not None:
            wall[top : top + BLOCK, left : left + BLOCK] = block
    return wall
