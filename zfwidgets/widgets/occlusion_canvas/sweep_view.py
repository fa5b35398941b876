"""The maps of a sweep over the image (Fig. 7): point at a place to see what was hidden there."""

from __future__ import annotations

from html import escape

import ipywidgets as W
import numpy as np
import traitlets as T

from zfwidgets.drawing import format_number, heat, label_picture
from zfwidgets.experiments.occlusion import Occlusion
from zfwidgets.models import Meaning
from zfwidgets.widgets.geometry import SWEEP
from zfwidgets.widgets.picture import Picture, fitted

INK = 0.72  # how much of a map's colour lies over the photograph


class SweepView(W.VBox):
    """Panels (a), (b), (d) and (e): the hidden image, activity, probability (or score), and the most probable class."""

    place = T.Any(None, help="(row, column) of the square's place that was pointed at last; None at first")
    taken = T.Any(None, help="(row, column, count): the place clicked last; the count grows with every click")

    def __init__(self, transport: str, meaning: Meaning = Meaning.SHARES) -> None:
        quantity = meaning.quantity
        self.hidden = Picture(width=SWEEP, height=SWEEP, shown_width=SWEEP, smooth=True, transport=transport,
                              hoverable=False, description="The image with the square at the chosen place")  # fmt: skip
        self.maps = tuple(
            Picture(width=SWEEP, height=SWEEP, shown_width=SWEEP, transport=transport, description=words)
            for words in (
                "Activity of the feature map for each place of the square; arrow keys choose one, Enter takes it over",
                f"{quantity.capitalize()} of the target class for each place of the square",
                f"{meaning.first.capitalize()} for each place of the square",
            )
        )
        self.legend = W.HTML()
        self.result: Occlusion | None = None
        scored = f"(d) the target's {quantity}", f"(e) {meaning.answer}"
        titles = ("(a) hidden here", "(b) the feature map's sum", *scored)
        quarters = [_quarter(*both) for both in zip(titles, (self.hidden, *self.maps), strict=True)]
        for quarter, name in zip(quarters, ("hidden", "activity", "probability", "label"), strict=True):
            quarter.children[1].add_class(f"zf-sweep-{name}")
        row = W.Box(quarters)
        row.add_class("zf-sweep-maps")
        self.legend.add_class("zf-sweep-legend")
        super().__init__([row, self.legend])
        self.add_class("zf-sweep")
        for picture in self.maps:
            picture.observe(self._pointed, names=["hover", "cell"])
            picture.observe(self._clicked, names="clicked")
        self.observe(self._show_place, names="place")

    def show(self, result: Occlusion) -> None:
        """Draw a result of the sweep; the maps lie over the part of the image in which the square's middle moves."""
        self.result = result
        activity, probability, label = self.maps
        target = result.labels[result.targets[0]]
        _show_map(activity, result, heat(result.activity), _range(result.activity, result.unoccluded_activity))
        whole = float(result.unoccluded[result.targets[0]])
        said_of = f"{target}\n{_range(result.probability, whole)}"
        limits = Meaning(result.meaning).limits(result.probability)
        _show_map(probability, result, heat(result.probability, *limits), said_of)
        colours, legend = label_picture(result.label)
        _show_map(label, result, colours, "the colours are named below")
        self.legend.value = _named(legend, result)
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
        lines = [f"{result.labels[label]} {write(result.confidence[place])}"]
        if label != target:
            lines.append(f"{result.labels[target]} {write(result.probability[place])}")
        height, width = result.picture.shape[:2]
        self.hidden.show(
            result.hidden(row, column), shown_width=fitted(height, width, SWEEP), caption="\n".join(lines),
            boxes=[_box(result, row, column)],
        )  # fmt: skip


def _worst(result: Occlusion) -> tuple[int, int]:
    """Where hiding costs the target class most."""
    row, column = np.unravel_index(int(result.probability.argmin()), result.label.shape)
    return int(row), int(column)


def _box(result: Occlusion, row: int, column: int) -> tuple[int, int, int, int]:
    top, left = int(result.top[row]), int(result.left[column])
    height, width = result.picture.shape[:2]
    return top, left, min(top + result.size[0], height), min(left + result.size[1], width)


def _show_map(picture: Picture, result: Occlusion, colours: np.ndarray, caption: str) -> None:
    painted = over_photograph(result, colours)
    picture.show(
        painted,
        cells=result.label.shape,
        shown_width=fitted(painted.shape[0], painted.shape[1], SWEEP),
        caption=caption,
    )


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


def _range(values: np.ndarray, whole: float) -> str:
    least, most = format_number(float(values.min())), format_number(float(values.max()))
    return f"{least} to {most}\nwhole image {format_number(whole)}"


def _named(legend: dict[int, str], result: Occlusion) -> str:
    shown = list(legend.items())[:12]
    parts = [
        f"<span class='zf-key' style='background:{colour}'></span>{escape(result.labels[number])}"
        for number, colour in shown
    ]
    more = f" and {len(legend) - len(shown)} more" if len(legend) > len(shown) else ""
    return f"(e): {' '.join(parts)}{more}"


def _quarter(title: str, picture: Picture) -> W.VBox:
    head = W.HTML(title)
    head.add_class("zf-quarter-title")
    box = W.VBox([head, picture])
    box.add_class("zf-sweep-quarter")
    return box
