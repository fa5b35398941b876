"""Feature maps in rows, or in columns, and lines between them as wide as their shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import traitlets as T

from zfwidgets.widgets.holding import holding
from zfwidgets.widgets.picture import framed, tile_source

SMALL, LARGE = 52, 160  # pixels of a tile's side


@dataclass(frozen=True)
class Node:
    """A feature map in the diagram."""

    layer: str
    feature: int
    name: str  # what stands below its tile
    words: str  # the same and more, for a tooltip and for those who hear it
    stable: bool = True  # else it is greyed
    out: bool | None = None  # taken out of the network; None: it cannot be
    large: bool = False


@dataclass(frozen=True)
class Group:
    """Feature maps of one layer, side by side."""

    title: str
    nodes: tuple[Node, ...]
    note: str = ""  # what is not shown
    shown: float = 1.0  # the part that is


@dataclass(frozen=True)
class Link:
    """A line from a node of a group to one of the next group."""

    group: int
    first: int
    second: int
    share: float
    stable: bool = True


class Diagram(anywidget.AnyWidget):
    """Groups of feature maps, and links between one group and the next.

    A click, or Enter, chooses a map: `chosen` is (group, node, count). The cross at a map that can be taken out of the
    network, or the key X, is told in `taken`. Arrow keys go from map to map.
    """

    _esm = (Path(__file__).parent / "diagram.js").read_text(encoding="utf-8")  # a path would hold every one made

    flow = T.Enum(("down", "right"), "down", help="groups as rows, or as columns").tag(sync=True)
    groups: T.List[Any] = T.List(help="title, note, shown and nodes of each group").tag(sync=True)
    links: T.List[Any] = T.List(help="group, first, second, share and stable of each").tag(sync=True)
    tiles: T.List[Any] = T.List(help="RGBA squares, one a node, group by group").tag(sync=True)
    chosen = T.Tuple(default_value=(), help="(group, node, count) of the latest choice").tag(sync=True)
    taken = T.Tuple(default_value=(), help="(group, node, count) of what was taken out, or put back, last").tag(
        sync=True
    )

    def show(self, groups: Sequence[Group], links: Sequence[Link], tiles: Sequence[np.ndarray], flow: str) -> None:
        """Put these maps there; their tiles are patches (h, w, 3) uint8, or squares (h, h, 4), group by group."""
        nodes = [node for group in groups for node in group.nodes]
        with holding(self):
            self.shown = tuple(groups)
            self.flow, self.groups = flow, [asdict(group) for group in groups]
            self.links = [asdict(link) for link in links]
            self.tiles = [
                framed(tile, LARGE if node.large else SMALL).tobytes() for node, tile in zip(nodes, tiles, strict=True)
            ]

    shown: tuple[Group, ...] = ()

    def node(self, place: Sequence[int]) -> Node | None:
        """The node at (group, node, …), as it is on show; None where there is none any more."""
        group, node = place[:2]
        if group < len(self.shown) and node < len(self.shown[group].nodes):
            return self.shown[group].nodes[node]
        return None

    def as_html(self) -> str:
        """The same without lines and without a page's script, for a still."""
        tiles, groups = iter(self.tiles), []
        for group in self.shown:
            nodes = "".join(_node_html(node, next(tiles)) for node in group.nodes)
            head = f"<span class='zf-links-title'>{escape(group.title)}</span> {escape(group.note)}"
            groups.append(
                f"<div class='zf-links-group'><div class='zf-links-head'>{head}</div>"
                f"<div class='zf-links-nodes'>{nodes}</div></div>"
            )
        flow = "zf-links-right" if self.flow == "right" else ""
        return f"<div class='zf-links {flow}'><div class='zf-links-groups'>{''.join(groups)}</div></div>"


def _node_html(node: Node, pixels: bytes) -> str:
    words = escape(node.words, quote=True)
    picture = f"<img class='zf-link-tile' alt='{words}' src='{tile_source(pixels)}'>"
    size = "zf-link-large" if node.large else ""
    return f"<div class='zf-link-node {size}' title='{words}'>{picture}<div>{escape(node.name)}</div></div>"
