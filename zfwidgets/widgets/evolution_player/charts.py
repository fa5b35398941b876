"""How much each layer still changes, and how well the network has learnt, over the epochs."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import ipywidgets as W
import numpy as np

from zfwidgets.drawing import format_number, line_colour
from zfwidgets.experiments.evolution import Evolution
from zfwidgets.widgets.charts import Curves

HEIGHT = 124  # of a chart, pixels
KINDS = {"accuracy": ("acc",), "loss": ("loss", "error")}  # of curves, by what their names have in them


class EvolutionCharts(W.Box):
    """Two charts with an upright line at the epoch that is on show."""

    def __init__(self) -> None:
        self.change, self.learnt = Curves(HEIGHT), Curves(HEIGHT)
        super().__init__([self.change, self.learnt])
        self.add_class("zf-evolution-charts")

    def show(self, evolution: Evolution, layer: str, of: str, kind: str) -> None:
        """Draw both; the chosen layer's line is bold."""
        found = evolution.change(of)
        known = np.isfinite(found).all(0)
        epochs = np.array(evolution.epochs, float)
        self._draw(
            self.change, epochs[known], found[:, known], evolution.outline.titles, evolution.layers.index(layer),
            "Change", "1 − correlation" if of == "activations" else "‖ΔW‖ / ‖W‖",
        )  # fmt: skip
        curves = curves_of(evolution, kind)
        common = sorted(set.intersection(*map(set, curves.values()))) if curves else []
        values = np.array([[curve[epoch] for epoch in common] for curve in curves.values()])
        names = [name.replace("_", " ").replace(kind, "").strip() or name for name in curves]
        self._draw(self.learnt, np.array(common, float), values, names, len(names) - 1, kind.capitalize(), kind)

    def mark(self, epoch: int) -> None:
        """Put the upright lines there."""
        for chart in (self.change, self.learnt):
            chart.mark(float(epoch))

    def _draw(
        self, chart: Curves, epochs: np.ndarray, values: np.ndarray, names: Sequence[str], chosen: int,
        title: str, quantity: str,
    ) -> None:  # fmt: skip
        if len(epochs) < 2:
            chart.head.value = f"<div><b>{title}</b></div>from the second epoch on"
            chart.clear()
            return
        chart.head.value = f"<div><b>{title}</b><span>{quantity}</span></div>{keys_html(names)}"
        chart.scale(float(epochs[0]), float(epochs[-1]), "epoch", quantity)
        chart.show(epochs, values, names, chosen, None)


def keys_html(names: Sequence[str]) -> str:
    """The colour of each line and its name, in HTML; a word that all begin with stands once, in front."""
    first = {name.partition(" ")[0] for name in names}
    shared = f"{first.pop()} " if len(first) == 1 and all(" " in name for name in names) else ""
    keys = "".join(
        f"<span class='zf-key zf-key-thin' style='background:{line_colour(line)}'></span>{escape(name[len(shared) :])}"
        for line, name in enumerate(names)
    )
    return f"<span class='zf-evolution-keys'>{escape(shared)}{keys}</span>"


def curves_of(evolution: Evolution, kind: str) -> dict[str, dict[int, float]]:
    """The curves of a kind by name: those whose names say so."""
    return {name: dict(curve) for name, curve in evolution.curves.items() if any(part in name for part in KINDS[kind])}


def verdict(evolution: Evolution) -> str:
    """Which layers still change, in a sentence."""
    change = evolution.change()
    if len(evolution.epochs) < 2 or not np.isfinite(change[:, -1]).all():
        return "How much each layer changes is known from the second snapshot on."
    titles, last = evolution.outline.titles, change[:, -1]
    order = np.argsort(last)
    least, most = titles[order[0]], titles[order[-1]]
    since = f"Since epoch {evolution.epochs[-2]}, {least} has changed least ({format_number(last[order[0]])})"
    whole = f"{since} and {most} most ({format_number(last[order[-1]])})"
    if order[0] == 0 and len(titles) > 1:
        return f"{whole}: the first layer has settled before the others."
    return f"{whole}: here it is not the first layer that settles first."
