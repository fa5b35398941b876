"""The maps of a sweep over the image (Fig. 7): point at a place to see what was hidden there."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from html import escape

import ipywidgets as W
import numpy as np
import traitlets as T

from zfwidgets.drawing import format_number, heat, label_picture
from zfwidgets.experiments.occlusion import Occlusion
from zfwidgets.models import Meaning
from zfwidgets.widgets.controls import classed, titled
from zfwidgets.widgets.geometry import SWEPT
from zfwidgets.widgets.picture import Picture, fitted

NAMES = ("hidden", "activity", "probability", "label")
NAMED = 7  # classes in the legend
INK = 0.72  # how much of a map's colour lies over the photograph


class SweepView(W.Box):
    """Panels (a), (b), (d) and (e): the hidden image, activity, probability (or score), and the most probable class."""

    place = T.Any(None, help="(row, column) of the square's place that was pointed at last; None at first")
    taken = T.Any(None, help="(row, column, count): the place clicked last; the count grows with every click")

    def __init__(self, transport: str, meaning: Meaning = Meaning.SHARES) -> None:
        quantity = meaning.quantity
        self.hidden = Picture(width=SWEPT, height=SWEPT, shown_width=SWEPT, smooth=True, transport=transport,
                              hoverable=False, description="The image with the square at the chosen place")  # fmt: skip
        self.maps = tuple(
            Picture(width=SWEPT, height=SWEPT, shown_width=SWEPT, transport=transport, description=words)
            for words in (
                "Activity of the feature map for each place of the square; arrow keys choose one, Enter takes it over",
                f"{quantity.capitalize()} of the target class for each place of the square",
                f"{meaning.first.capitalize()} for each place of the square",
            )
        )
        self.legends = tuple(classed(W.HTML(), f"zf-sweep-{name}-legend", "zf-sweep-legend") for name in NAMES)
        self.result: Occlusion | None = None
        scored = f"(d) the target's {quantity}", f"(e) {meaning.answer}"
        titles = ("(a) hidden here", "(b) the feature map's sum", *scored)
        parts = zip(titles, NAMES, (self.hidden, *self.maps), self.legends, strict=True)
        super().__init__([_quarter(*each) for each in parts])
        classed(self, "zf-sweep-maps")
        for picture in self.maps:
            picture.observe(self._pointed, names=["hover", "cell"])
            picture.observe(self._clicked, names="clicked")
        self.observe(self._show_place, names="place")

    def show(self, result: Occlusion) -> None:
        """Draw a result of the sweep; the maps lie over the part of the image in which the square's middle moves."""
        self.result = result
        limits = Meaning(result.meaning).limits(result.probability)
        colours, classes = label_picture(result.label)
        painted = heat(result.activity), heat(result.probability, *limits), colours
        for picture, each in zip(self.maps, painted, strict=True):
            _show_map(picture, result, each)
        target, whole = result.labels[result.targets[0]], float(result.unoccluded[result.targets[0]])
        _, activity, probability, label = self.legends
        write = Meaning(result.meaning).write
        activity.value = _scale(result.activity, _ends(result.activity), result.unoccluded_activity, format_number)
        probability.value = f"<p>★ {escape(target)}</p>{_scale(result.probability, limits, whole, write)}"
        label.value = _named(classes, result)
        self._show_place()

    def _pointed(self, change: T.Bunch) -> None:
        if change["new"] is not None and self._inside(change["new"]):
            self.place = tuple(change["new"])

    def _clicked(self, change: T.Bunch) -> None:
        """Also by Enter, which clicks the middle of the chosen cell."""
        if self.result is None or change["new"] is None:
            return
        row, column, count = change["new"]
        picture: Picture = change["owner"]
        place = row * picture.cells[0] // picture.height, column * picture.cells[1] // picture.width
        self.place = place
        self.taken = (*place, count if self.taken is None else self.taken[2] + 1)

    def _inside(self, place: tuple[int, int]) -> bool:
        return self.result is not None and place[0] < len(self.result.top) and place[1] < len(self.result.left)

    def _show_place(self, _: T.Bunch | None = None) -> None:
        if self.result is None:
            return
        place = self.place if self.place is not None and self._inside(self.place) else _worst(self.result)
        result, (row, column) = self.result, place
        label, target = int(result.label[place]), result.targets[0]
        write = Meaning(result.meaning).write
        lines = [f"<b>{escape(result.labels[label])}</b> {write(result.confidence[place])}"]
        if label != target:
            lines.append(f"★ {escape(result.labels[target])} {write(result.probability[place])}")
        height, width = result.picture.shape[:2]
        self.hidden.show(
            result.hidden(row, column), shown_width=fitted(height, width, SWEPT), boxes=[_box(result, row, column)]
        )
        self.legends[0].value = "".join(f"<p>{line}</p>" for line in lines)


def _worst(result: Occlusion) -> tuple[int, int]:
    """Where hiding costs the target class most."""
    row, column = np.unravel_index(int(result.probability.argmin()), result.label.shape)
    return int(row), int(column)


def _box(result: Occlusion, row: int, column: int) -> tuple[int, int, int, int]:
    top, left = int(result.top[row]), int(result.left[column])
    height, width = result.picture.shape[:2]
    return top, left, min(top + result.size[0], height), min(left + result.size[1], width)


def _show_map(picture: Picture, result: Occlusion, colours: np.ndarray) -> None:
    painted = over_photograph(result, colours)
    picture.show(painted, cells=result.label.shape, shown_width=fitted(painted.shape[0], painted.shape[1], SWEPT))


def over_photograph(result: Occlusion, colours: np.ndarray) -> np.ndarray:
    """A map in colours (rows, columns, 3) over the grey photograph, (h, w, 3) uint8: around the middle of each of the
    square's places as many pixels as it moves on by."""
    (height, width), (down, across) = result.size, result.stride
    grey = result.picture.mean(2)
    rows = np.arange(down * len(result.top)) + (height - down) // 2
    columns = np.arange(across * len(result.left)) + (width - across) // 2
    inside = np.ix_(rows.clip(0, grey.shape[0] - 1), columns.clip(0, grey.shape[1] - 1))
    blown_up = colours.repeat(down, 0).repeat(across, 1)
    return np.rint(INK * blown_up + (1 - INK) * grey[inside][..., None]).astype(np.uint8)


def _scale(values: np.ndarray, ends: tuple[float, float], whole: float, write: Callable[[float], str]) -> str:
    """What the colours mean, from the upper end to the lower one, and where between them the values lie."""
    within = "" if ends == _ends(values) else " to ".join(map(write, _ends(values)))
    bar = f"<div style='background:linear-gradient({_gradient()})'></div>"
    words = "".join(f"<div>{words}</div>" for words in (write(ends[1]), within, write(ends[0])))
    return f"<div class='zf-sweep-scale'>{bar}{words}</div><p>whole image {write(whole)}</p>"


@cache
def _gradient() -> str:
    colours = heat(np.linspace(1, 0, 9)[None], 0, 1)[0].tolist()
    return ", ".join(f"rgb({red}, {green}, {blue})" for red, green, blue in colours)


def _ends(values: np.ndarray) -> tuple[float, float]:
    return float(values.min()), float(values.max())


def _named(classes: dict[int, str], result: Occlusion) -> str:
    rows = [
        f"<p><span class='zf-key' style='background:{colour}'></span>{escape(result.labels[number])}</p>"
        for number, colour in list(classes.items())[:NAMED]
    ]
    more = f"<p>and {len(classes) - NAMED} more</p>" if len(classes) > NAMED else ""
    return "".join(rows) + more


def _quarter(title: str, name: str, picture: Picture, legend: W.HTML) -> W.VBox:
    both = classed(W.HBox([classed(picture, f"zf-sweep-{name}"), legend]), "zf-sweep-pair")
    return titled(title, both, "zf-sweep-quarter")
