"""What stands on the right: the curves of one network or two, and what they say at the slider's value."""

from __future__ import annotations

import threading
from html import escape
from typing import Any

import ipywidgets as W
import traitlets as T

from zfwidgets.drawing import line_colour
from zfwidgets.experiments.invariance import FeatureShift, Invariance
from zfwidgets.widgets.invariance_explorer.live import Moment
from zfwidgets.widgets.invariance_explorer.remembered_curves import CurvesChoice, RememberedCurves
from zfwidgets.widgets.invariance_explorer.view import CurvesView
from zfwidgets.widgets.invariance_explorer.words import describe_prediction, describe_transform, summary_html


class Board(W.VBox):
    """The curves of every network, drawn by the worker that computes them and by the reader's choices."""

    image = T.Unicode(help="whose curves are bold")
    measure = T.Unicode("distance", help="how the curves measure distance")
    clicked = T.Any(None, help="(image, count): whose line was clicked last; the count grows with every click")

    def __init__(self, curves: RememberedCurves, drawing: threading.RLock) -> None:
        self.curves, self._drawing = curves, drawing
        self.views = [CurvesView(network, len(curves.networks) > 1) for network in curves.networks]
        self.drawn: CurvesChoice | None = None  # the choice whose curves are drawn
        self._on_show: tuple[Invariance, ...] = ()  # one a network
        self._moment: Moment | None = None  # where the slider stands,
        self._shifts: tuple[FeatureShift, ...] = ()  # and what the networks say there
        super().__init__(self.views)
        self.add_class("zf-invariance-right")
        self.observe(self.redraw, names=["image", "measure"])
        for view in self.views:
            view.observe(lambda change: setattr(self, "clicked", change["new"]), names="clicked")

    def show(self, results: tuple[Invariance, ...], choice: CurvesChoice) -> None:
        """Draw curves, and say anew what they say at the slider's value."""
        self._on_show, self.drawn = results, choice
        self.redraw()

    def show_now(self, moment: Moment, shifts: tuple[FeatureShift, ...]) -> None:
        """Say what is at the slider's value."""
        with self._drawing:
            self._moment, self._shifts = moment, shifts
            self._tell()

    def mark(self, value: float) -> None:
        """Move the upright lines."""
        for view in self.views:
            view.mark(value)

    def clear(self, choice: CurvesChoice) -> None:
        """Empty charts, with the axes of a choice."""
        self._on_show, self.drawn = (), choice
        for place, view in enumerate(self.views):
            transformation = self.curves.transformations[choice.transform]
            view.clear(transformation, self.curves.layers_of(place, choice.layers), self.measure)

    def redraw(self, _: Any = None) -> None:
        """Draw the same curves anew."""
        with self._drawing:
            for place, (view, result) in enumerate(zip(self.views, self._on_show, strict=False)):
                assert self.drawn is not None
                layers = self.curves.layers_of(place, self.drawn.layers)
                transformation = self.curves.transformations[self.drawn.transform]
                view.show(result, transformation, layers, self.image, self.measure, self._top())
            self._tell()

    def _top(self) -> float | None:
        """Where the axes of all layers end; None for distances, of which those of two layers can't be compared."""
        if self.measure == "distance":
            return None
        if self.measure == "share":
            return 1.0
        assert self.drawn is not None
        tops = [
            result.curve(self.drawn.transform, layer, self.measure).max()
            for place, result in enumerate(self._on_show)
            for layer in self.curves.layers_of(place, self.drawn.layers)
        ]
        return float(max(tops))

    def _tell(self) -> None:
        """Say in words and numbers what is at the slider's value."""
        moment = self._moment
        if moment is None:
            return
        what = describe_transform(self.curves.transformations[moment.transform], moment.value)
        for place, (view, shift) in enumerate(zip(self.views, self._shifts, strict=True)):
            truth = self.curves.truth(place, moment.image)
            before = self.curves.probability(place, moment.image)
            answer = describe_prediction(view.net, moment.image, shift.probability, before, truth)
            largest = self._largest(place, moment, shift)
            words = summary_html(what, shift, largest, answer)
            view.tell(shift, words, self.measure, largest, truth, self._line(moment.image))

    def _line(self, image: str) -> str:
        """The name of an image behind a piece of its line, if it has one, in HTML."""
        name = f"<span class='zf-curves-image'>{escape(image)}</span>"
        if self.drawn is None or image not in self.drawn.names:
            return name
        colour = line_colour(self.drawn.names.index(image))
        return f"<span class='zf-key' style='background:{colour}'></span>{name}"

    def _largest(self, place: int, moment: Moment, shift: FeatureShift) -> dict[str, float]:
        """The largest distance of the image in each layer, as far as there are curves of this choice."""
        result = self._on_show[place] if self._on_show else None
        of = None if result is None else (*result.transforms, result.border)
        if result is None or of != (moment.transform, moment.border) or moment.image not in result.names:
            return {}
        index = result.names.index(moment.image)
        curves = {x: result.curve(moment.transform, x)[index] for x in shift.distances if x in result.layers}
        return {layer: max(float(curve.max()), shift.distances[layer]) for layer, curve in curves.items()}
