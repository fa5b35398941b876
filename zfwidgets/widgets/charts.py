"""Charts in a notebook, by bqplot."""

from __future__ import annotations

import bqplot as bq
import ipywidgets as W
import numpy as np

from zfwidgets.models import Prediction

BLUE, ORANGE = "#0072b2", "#e69f00"  # Okabe and Ito's: told apart by everybody
NAME = 24  # letters of a class name that there is room for


class BeforeAndAfter(W.VBox):
    """The probabilities of the classes as bars, the most probable on top; thin bars say what they were before."""

    def __init__(self, bars: int = 5) -> None:
        self._bars = bars
        self._names, share = bq.OrdinalScale(), bq.LinearScale(min=0, max=1)
        scales = {"x": self._names, "y": share}
        self._after = bq.Bars(x=[], y=[], orientation="horizontal", scales=scales, colors=[BLUE], padding=0.25)
        self._before = bq.Bars(x=[], y=[], orientation="horizontal", scales=scales, colors=[ORANGE], padding=0.78)
        axes = [
            bq.Axis(scale=self._names, side="left", grid_lines="none"),
            bq.Axis(scale=share, tick_values=np.linspace(0, 1, 6), grid_lines="none", tick_format=".1f"),
        ]
        figure = bq.Figure(
            marks=[self._after, self._before],
            axes=axes,
            fig_margin={"top": 4, "bottom": 28, "left": 164, "right": 12},
            layout=W.Layout(width="100%", height=f"{27 * bars + 34}px"),
            display_toolbar=False,  # it would cover the bars
        )
        figure.add_class("zf-chart")
        self._key = W.HTML(
            f"<span class='zf-key' style='background:{BLUE}'></span>now "
            f"<span class='zf-key zf-key-thin' style='background:{ORANGE}'></span>the whole image"
        )
        super().__init__([figure, self._key])
        self.add_class("zf-before-after")

    def show(self, before: Prediction, after: Prediction, target: int) -> None:
        """Draw the most probable classes of both, and the target class, of one image each."""
        then, now = before.probability[0], after.probability[0]
        ranked = np.argsort(-np.maximum(now, then), kind="stable")[: self._bars]
        if target not in ranked:
            ranked[-1] = target
        order = ranked[np.argsort(now[ranked], kind="stable")]  # the chart begins below
        names = _short([after.labels[number] for number in order])
        self._names.domain = names  # left to itself, bqplot keeps the first order of the same names
        for bars, values in ((self._after, now), (self._before, then)):
            with bars.hold_sync():
                bars.x, bars.y = names, np.round(values[order].astype(float), 4)

    @property
    def shown(self) -> list[tuple[str, float, float]]:
        """What is on show, from the top: name, now, before."""
        rows = zip(self._after.x, self._after.y, self._before.y, strict=True)
        return [(str(name), float(now), float(then)) for name, now, then in rows][::-1]


def _short(names: list[str]) -> list[str]:
    """Class names that fit in front of a bar; equal ones stay apart."""
    found: list[str] = []
    for name in names:
        short = name if len(name) <= NAME else name[: NAME - 1].rstrip() + "…"
        while short in found:
            short += " "
        found.append(short)
    return found
