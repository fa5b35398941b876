"""The curve, the table, and what is taken for what."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Any

import ipywidgets as W
import numpy as np

from zfwidgets.data import Labelled
from zfwidgets.drawing import REST, layer_colours
from zfwidgets.experiments.transfer import Transfer, paper_beside
from zfwidgets.widgets.charts import Curves
from zfwidgets.widgets.controls import classed
from zfwidgets.widgets.transfer_lab.confused import PAIRS, ConfusedView
from zfwidgets.widgets.transfer_lab.lesson import Question
from zfwidgets.widgets.transfer_lab.table import table

HEIGHT = 244  # of the chart, pixels


class LayersView(W.Box):
    """Accuracy against images of each class, a line a layer; the layers as a table; and confusions."""

    def __init__(self, transport: str, report: Callable[[str, Any], None]) -> None:
        self.curves = Curves(HEIGHT)
        self.table = classed(W.HTML(), "zf-transfer-table")
        self.confused, self.question = ConfusedView(transport), Question(report)
        self._drawn: list[str] = []
        below = classed(W.Box([self.confused, self.question]), "zf-transfer-below")
        super().__init__([classed(W.Box([self.curves]), "zf-transfer-curves"), self.table, below])
        self.add_class("zf-transfer-layers")

    def show(
        self, found: Transfer, beside: Transfer | None, layer: str, count: int, data: Labelled, called: str
    ) -> None:
        """Draw what is known of each layer, and of one of them what is taken for what; of images that are so called."""
        self.table.value = table(found, beside, layer, count)
        self._show_curves(found, beside, layer, count, called)
        title = found.titles[found.layers.index(layer)]
        images = f"{count} image{'' if count == 1 else 's'}"
        words = f"{escape(title)}, {images} a class"
        self.confused.show(words, found.confusions(layer, count, PAIRS), data, found.complete)

    @property
    def drawn(self) -> list[str]:
        """The layers whose lines there are."""
        return self._drawn

    def _show_curves(self, found: Transfer, beside: Transfer | None, layer: str, count: int, called: str) -> None:
        estimates = {name: [found.estimate(name, n) for n in found.per_class] for name in found.layers}
        colours = dict(zip(found.layers, layer_colours(len(found.layers)), strict=True))
        self._drawn = [name for name in found.layers if not np.isnan(estimates[name][0].mean)]
        paper, values = paper_beside(found), np.array(found.per_class, float)
        last = max((*found.per_class, *(paper.per_class if paper else ())))
        of = f"{escape(called)}, {escape(found.classifier)}{_left_out(found)}"
        reading = _reading(found, beside, layer)
        self.curves.head.value = (
            f"<div><span><b>Right answers</b> · {of}</span></div><span class='zf-quiet'>{reading}</span>"
        )
        self.curves.scale(0, last, "images of each class that it learnt from", "right, %", "layer", found.per_class)
        if layer not in self._drawn:
            self.curves.clear()
            return
        means = np.array([[100 * one.mean for one in estimates[name]] for name in self._drawn])
        names = [found.titles[found.layers.index(name)] for name in self._drawn]
        shown = [colours[name] for name in self._drawn]
        self.curves.show(values, means, names, self._drawn.index(layer), 100.0, colours=shown)
        low, high = (100 * np.array([getattr(one, end) for one in estimates[layer]]) for end in ("low", "high"))
        self.curves.reach(values, np.maximum(low, 0), np.minimum(high, 100), colours[layer])
        self.curves.mark(float(count))
        self._dash(0, [found.per_class, [100 * found.chance] * len(found.per_class)], REST)
        if beside is not None and not np.isnan(beside.estimate(layer, found.per_class[0]).mean):
            other = [100 * beside.estimate(layer, n).mean for n in found.per_class]
            self._dash(1, [found.per_class, other], colours[layer])
        elif paper is not None:
            self._dash(1, [paper.per_class, paper.pretrained], REST)
        else:
            self._dash(1, [[], []], REST)

    def _dash(self, place: int, curve: list, colour: str) -> None:
        x, y = (np.array(numbers, float) for numbers in curve)
        self.curves.dash(place, x, y, colour)


def _left_out(found: Transfer) -> str:
    count = len(found.broken)
    return f"; {count} image{'' if count == 1 else 's'} could not be read" if count else ""


def _reading(found: Transfer, beside: Transfer | None, layer: str) -> str:
    title = escape(found.titles[found.layers.index(layer)])
    dashed = f"; dashed: {title} with new weights" if beside is not None else ""
    paper = "; dashed: the paper’s ZFNet" if not dashed and paper_beside(found) else ""
    return f"bold: {title}, 95% intervals; grey: chance{dashed}{paper}"
