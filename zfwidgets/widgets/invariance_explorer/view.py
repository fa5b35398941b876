"""The curves of one network over the parameter of a transformation (Fig. 5)."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import ipywidgets as W
import traitlets as T

from zfwidgets.drawing import format_number
from zfwidgets.experiments.invariance import MEASURES, FeatureShift, Invariance, Transformation
from zfwidgets.models import Network
from zfwidgets.widgets.charts import Curves
from zfwidgets.widgets.controls import classed, in_columns
from zfwidgets.widgets.invariance_explorer.words import areas_html

CHARTS = 3  # layers that there are charts for
HEIGHT = 200  # of each, pixels


class CurvesView(W.VBox):
    """The curves of one network: a chart a layer and one of the probability (or score); below them, what they say."""

    clicked = T.Any(None, help="(image, count): whose line was clicked last; the count grows with every click")

    def __init__(self, net: Network, named: bool) -> None:
        self.net = net
        self.charts = [Curves(HEIGHT) for _ in range(CHARTS)]
        self.probability = Curves(HEIGHT)
        self.words, self.areas = classed(W.HTML(), "zf-verdict"), W.HTML()
        head = W.HTML(f"<b>{escape(net.name)}</b>", layout=W.Layout(display="" if named else "none"))
        grid = self._grid = W.Box([*self.charts, self.probability])
        for part, name in (
            (head, "name"), (grid, "charts"), (self.probability, "probability"), (self.words, "words"),
            (self.areas, "areas"),
        ):  # fmt: skip
            part.add_class(f"zf-invariance-{name}")
        super().__init__([head, grid, self.words, self.areas])
        self.add_class("zf-invariance-network")
        for chart in grid.children:
            chart.observe(self._clicked, names="clicked")

    def clear(self, transformation: Transformation, layers: Sequence[str], measure: str) -> None:
        """Empty charts, with the axes of a choice."""
        self._scale(transformation, layers, measure)
        for chart in (*self.charts, self.probability):
            chart.clear()
        self.areas.value = ""

    def show(
        self, result: Invariance, transformation: Transformation, layers: Sequence[str], image: str, measure: str,
        top: float | None,
    ) -> None:  # fmt: skip
        """Draw the curves of a result; those of the chosen image are bold. The layers' axes all end at `top`, or each
        at its own highest point."""
        self._scale(transformation, layers, measure)
        chosen = result.names.index(image) if image in result.names else 0
        values = result.values[transformation.name]
        for chart, layer in zip(self.charts, layers, strict=False):
            curves = result.curve(transformation.name, layer, measure)
            chart.show(values, curves, result.names, chosen, top)
        probability = result.probability[transformation.name]
        low, high = self.net.scores.meaning.limits(probability)
        self.probability.show(values, probability, result.names, chosen, high, low)
        self.areas.value = areas_html(result, layers, measure)

    def tell(
        self, now: FeatureShift, words: str, measure: str, largest: dict[str, float], truth: int, line: str
    ) -> None:
        """Say what is at the slider's value: in a sentence, and as a number over every chart. `line` is the HTML that
        names the image, and its line."""
        self.words.value = f"<span role='status'>{words}</span>"
        quantity = MEASURES[measure] + (" (own scale)" if measure == "distance" else "")
        for chart, (layer, distance) in zip(self.charts, now.distances.items(), strict=False):
            value = format_number(now.height(layer, measure, max(largest.get(layer, 0.0), distance)))
            number = f"{line} <b>{value}</b>" if measure != "share" or layer in largest else ""
            chart.head.value = _head(layer, number, quantity)
        label, meaning = escape(self.net.labels[truth]), self.net.scores.meaning
        number = f"{line} <b>{meaning.write(now.probability[truth])}</b>"
        self.probability.head.value = _head(meaning.quantity.capitalize(), number, f"of its class, here <i>{label}</i>")

    def mark(self, value: float) -> None:
        """Move the upright line of every chart."""
        for chart in (*self.charts, self.probability):
            chart.mark(value)

    def _scale(self, transformation: Transformation, layers: Sequence[str], measure: str) -> None:
        low, high = float(transformation.values[0]), float(transformation.values[-1])
        parameter = transformation.unit or transformation.name
        for place, chart in enumerate(self.charts):
            chart.layout.display = "" if place < len(layers) else "none"
            chart.scale(low, high, parameter, MEASURES[measure])
        in_columns(self._grid, min(CHARTS, len(layers)) + 1)
        self.probability.scale(low, high, parameter, self.net.scores.meaning.quantity)

    def _clicked(self, change: T.Bunch) -> None:
        self.clicked = change["new"]


def _head(title: str, number: str, quantity: str) -> str:
    """What stands over a chart, in HTML: its title, the number of one of its lines, and what the lines are."""
    return f"<div><b>{escape(title)}</b> <span>{number}</span></div>{quantity}"
