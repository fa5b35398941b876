"""What the sharing explorer shows: a map between its users and its parts, the whole matrix, or its tree."""

from __future__ import annotations

from html import escape

import ipywidgets as W
import numpy as np

from zfwidgets.models import Network
from zfwidgets.widgets.controls import classed
from zfwidgets.widgets.sharing_explorer.diagram import Diagram
from zfwidgets.widgets.sharing_explorer.diagrams import Drawn, focus, tree, verdict
from zfwidgets.widgets.sharing_explorer.examples import Examples
from zfwidgets.widgets.sharing_explorer.looking import Look
from zfwidgets.widgets.sharing_explorer.matrix import MatrixView
from zfwidgets.widgets.sharing_explorer.unit_view import UnitView


class SharingView(W.Box):
    """The diagram and beside it the strongest unit; or the matrix."""

    def __init__(self, net: Network, examples: Examples, transport: str) -> None:
        self.net, self.examples = net, examples
        self.diagram, self.matrix, self.unit = Diagram(), MatrixView(transport), UnitView(transport)
        self.middle = classed(W.Box([self.diagram, self.unit]), "zf-sharing-middle")
        self.verdict = classed(W.HTML(), "zf-verdict", "zf-sharing-verdict")
        self.head = classed(W.Box(), "zf-sharing-head")
        super().__init__([self.head, self.middle, self.matrix, self.verdict])
        self.add_class("zf-sharing-view")

    def show(self, look: Look, view: str, by: str, weight: str, part: int | None, out: tuple[int, ...]) -> None:
        """Draw a look at a map."""
        down = None if look.down is None else look.down.links(look.layer, weight)
        up = None if look.up is None else look.up.links(look.upper, weight)
        as_matrix, as_tree = view == "matrix" and down is not None, view == "tree" and look.tree is not None
        for shown, box in ((not as_matrix, self.middle), (as_matrix, self.matrix), (not as_tree, self.unit)):
            box.layout.display = "" if shown else "none"
        if as_matrix and down is not None:
            titles = self.net.layer(look.layer).title, self.net.layer(down.lower).title
            chosen = int(np.argmax(down.share[look.feature])) if part is None else part
            nine = self.examples.nine
            tiles = [nine(look.tops, look.layer, look.feature), nine(look.tops, down.lower, chosen)]
            self.matrix.show(down, by, titles, look.feature, chosen, tiles)
        elif as_tree and look.tree is not None:
            self._show_diagram(look, tree(look.tree), "right")
        else:
            self._show_diagram(look, focus(self.net, look.layer, look.feature, up, down, by, out), "down")
            image = "" if look.strongest is None else self.examples.sources.images.names[look.strongest.image]
            self.unit.show(look.strongest, image, "" if look.lower is None else self.net.layer(look.lower).title)
        self.verdict.value = (
            f"<span>{escape(verdict(self.net, look.layer, look.feature, up, down, _is_active(look)))}</span>"
        )

    def _show_diagram(self, look: Look, drawn: Drawn, flow: str) -> None:
        groups, links = drawn
        nodes = [node for group in groups for node in group.nodes]
        small = iter(self.examples.best(look.tops, [(node.layer, node.feature) for node in nodes if not node.large]))
        nine = self.examples.nine
        tiles = [nine(look.tops, node.layer, node.feature) if node.large else next(small) for node in nodes]
        self.diagram.show(groups, links, tiles, flow)


def _is_active(look: Look) -> bool:
    """Whether any image makes the map positive, as far as is known."""
    return look.layer not in look.tops.layers or bool((look.tops.values[look.layer][look.feature] > 0).any())
