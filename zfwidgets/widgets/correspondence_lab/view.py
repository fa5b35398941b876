"""What the correspondence lab says: a sentence, Table 1, and bars against chance."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Collection, Sequence
from html import escape

import ipywidgets as W
import numpy as np

from zfwidgets.experiments.correspondence import PAPER, RANDOM, Correspondence
from zfwidgets.widgets.charts import Bars
from zfwidgets.widgets.controls import classed, in_columns

LOW = 0.05  # a p-value up to this is told as lower than chance


class CorrespondenceView(W.VBox):
    """Words, one chart a layer, and the table."""

    def __init__(self, most: int) -> None:
        self.words, self.table = classed(W.HTML(), "zf-verdict"), W.HTML()
        self._charts = [Bars() for _ in range(most)]
        self._row = W.Box(list(self._charts))
        for part, name in ((self.words, "words"), (self._row, "charts"), (self.table, "table")):
            part.add_class(f"zf-correspondence-{name}")
        super().__init__([self.words, self._row, self.table])
        self.add_class("zf-correspondence-view")
        for chart in self._charts:
            chart.layout.display = "none"

    def show(self, result: Correspondence | None, missing: str, pictures: int) -> None:
        """Show a result, or nothing but what is still missing for one; `pictures` is how many there are to mark."""
        self.words.value = "<br>".join(
            [*([] if result is None else summary_html(result)), *([missing] if missing else [])]
        )
        self.table.value = "" if result is None else table(result, pictures)
        layers = () if result is None else result.layers
        for place, chart in enumerate(self._charts):
            chart.layout.display = "" if place < len(layers) else "none"
        in_columns(self._row, len(layers))
        if result is not None:
            self._draw(result)

    def _draw(self, result: Correspondence) -> None:
        """One chart a layer, all on the same axis."""
        names = (*result.parts, RANDOM)
        heights, spreads = (
            np.array([[ask(name, layer) for name in names] for layer in result.layers])
            for ask in (result.delta, result.spread)
        )
        top = float((heights + np.nan_to_num(spreads)).max())
        for chart, layer, height, spread in zip(self._charts, result.layers, heights, spreads, strict=False):
            head = f"<b>{escape(layer)}</b><br>signs that differ, and spread over pairs"
            chart.show(head, names, height, spread, top)


def summary_html(result: Correspondence) -> list[str]:
    """For each layer one sentence, as HTML: which parts change features more alike than the same masks elsewhere."""
    sentences = []
    for layer in result.layers:
        low = [part for part in result.parts if result.p_value(part, layer) <= LOW]
        rest = [part for part in result.parts if part not in low]
        says = f"hiding {_listed(low)} changes the features of all images more alike than chance" if low else (
            "no part changes the features of all images more alike than the same masks at random places")  # fmt: skip
        says += f"; {_listed(rest)} not" if low and rest else ""
        sentences.append(f"<b>{escape(layer)}</b>: {says}.")
    return sentences


def coverage_html(part: str, marked: Collection[str], images: Sequence[str]) -> str:
    """On how many pictures a part rests, and where it is not marked, as HTML; nothing where it is marked in all."""
    missing = escape(", ".join(name for name in images if name not in marked))
    if not missing:
        return ""
    if len(marked) < 2:
        return f"<i>{escape(part)}</i> is not marked in {missing}. It takes two pictures to compare."
    return f"<i>{escape(part)}</i> rests on {len(marked)} of {len(images)} pictures: it is not marked in {missing}."


def table(result: Correspondence, pictures: int) -> str:
    """Table 1 as HTML: how many of the pictures have each part, and for each layer Δ, its spread and p; beside them the
    paper's, where it has that part."""
    papers = any(part in PAPER for part in result.parts)
    heads = "".join(f"<th>{escape(layer)}</th><th>p</th>" for layer in result.layers)
    heads += "<th>paper, layer 5</th><th>paper, layer 7</th>" if papers else ""
    rows = []
    for part in (*result.parts, RANDOM):
        count = len(result.images_with(part))
        cells = [f"{count} of {pictures}" if part != RANDOM else ""]
        for layer in result.layers:
            p = "" if part == RANDOM else f"{result.p_value(part, layer):.2g}"
            cells += [_with_spread(result.delta(part, layer), result.spread(part, layer)), p]
        if papers:
            cells += [_with_spread(*both) for both in PAPER[part]] if part in PAPER else ["", ""]
        rows.append(f"<tr><th>{escape(part)}</th>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    return f"<table><thead><tr><th></th><th>pictures</th>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def link_to(text: str) -> str:
    """A link that saves the text as a file, in HTML."""
    data = b64encode(text.encode()).decode()
    title, data = "Save the marks of all parts as a JSON file", f"data:application/json;base64,{data}"
    return f"<a class='zf-save' title='{title}' download='parts.json' href='{data}'>Save marks</a>"


def _with_spread(value: float, spread: float) -> str:
    return f"{value:.3f}" + ("" if np.isnan(spread) else f" ± {spread:.3f}")


def _listed(names: list[str]) -> str:
    marked = [f"<i>{escape(name)}</i>" for name in names]
    return marked[0] if len(marked) == 1 else f"{', '.join(marked[:-1])} and {marked[-1]}"
