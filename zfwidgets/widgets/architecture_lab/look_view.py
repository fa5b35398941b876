"""Two networks side by side: their first filters, what their second layer sees, spectra, aliasing, and verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import ceil, sqrt

import ipywidgets as W
import numpy as np
import traitlets as T

from zfwidgets.drawing import format_number, line_colour, mosaic, signed_picture
from zfwidgets.experiments.diagnosis import Diagnosis
from zfwidgets.widgets.charts import Curves
from zfwidgets.widgets.controls import classed
from zfwidgets.widgets.geometry import ARCHITECTURE_WALL
from zfwidgets.widgets.picture import Picture

HEIGHT = 148  # of a chart, pixels
GAP = 4  # between tiles
ORDERS = {
    "number": lambda found: np.arange(len(found.rms)),
    "strongest first": lambda found: np.argsort(-found.rms, kind="stable"),
    "high frequencies first": lambda found: np.argsort(-found.bands_without_mean[:, 2], kind="stable"),
    "most aliased first": lambda found: np.argsort(-found.aliased, kind="stable"),
}
PARTS = np.linspace(0, 100, 41)  # of the maps, %
MEASURES = ("dominance", "dead filters", "frequencies", "aliasing", "near-duplicates")


class LookView(W.Box):
    """Two walls of filters over two of projections; beside them the charts and the verdicts."""

    chosen = T.Any(None, help="(side, filter, count): the filter that was chosen last; the count grows each time")

    def __init__(self, transport: str) -> None:
        self.sides = [Side(place, transport) for place in range(2)]
        self.frequencies, self.aliased = Curves(HEIGHT), Curves(HEIGHT)
        self.table = classed(W.HTML(), "zf-architecture-table")
        self.verdict = classed(W.HTML(), "zf-verdict")
        charts = classed(W.Box([self.frequencies, self.aliased]), "zf-architecture-charts")
        beside = classed(W.Box([charts, self.table, self.verdict]), "zf-architecture-beside")
        super().__init__([*self.sides, beside])
        self.add_class("zf-architecture-look")
        self._count = 0
        for side in self.sides:
            side.filters.observe(lambda change, side=side: self._cell_chosen(side, change["new"]), names="cell")

    def show(
        self, names: tuple[str, str], found: tuple[Diagnosis, Diagnosis | None], order: str, filters: tuple[int, int]
    ) -> None:
        """Draw two networks; of the second one nothing, while it is not known."""
        for side, name, one, number in zip(self.sides, names, found, filters, strict=True):
            side.show(name, one, order, number)
        known = [(name, one) for name, one in zip(names, found, strict=True) if one is not None]
        self._show_charts(known)
        self.table.value = table(known)
        self.verdict.value = remedies(known)

    def _show_charts(self, known: Sequence[tuple[str, Diagnosis]]) -> None:
        names = [name for name, _ in known]
        self.frequencies.head.value = _head("Frequencies", "power of the filters", names)
        self.aliased.head.value = _head("Aliasing", "part of a map’s power", names)
        spectra = [one.profile for _, one in known]
        away = spectra[0][0]
        self.frequencies.scale(0.0, float(away[-1]), "cycles a pixel", "power")
        self.frequencies.show(away, np.array([power for _, power in spectra]), names, 0, None)
        self.frequencies.mark(1 / (2 * known[0][1].stride[0]))
        parts = [_falling(one.aliased) for _, one in known]
        self.aliased.scale(0.0, 100.0, "% of the maps, most aliased first", "part")
        self.aliased.show(PARTS, np.array(parts), names, 0, max(0.3, float(np.max(parts))))

    def _cell_chosen(self, side: Side, cell: tuple[int, int] | None) -> None:
        number = side.at(cell)
        if number is not None and side.filters.by_reader:
            self._count += 1
            self.chosen = (side.place, number, self._count)


class Side(W.Box):
    """One network: its name, its filters, the chosen one in numbers, and its second layer's projections."""

    def __init__(self, place: int, transport: str) -> None:
        self.place = place
        self._order, self._across = np.zeros(0, int), 1
        size = {"width": ARCHITECTURE_WALL, "height": ARCHITECTURE_WALL, "shown_width": ARCHITECTURE_WALL}
        self.head = W.HTML()
        self.filters = Picture(
            **size, transport=transport, hoverable=False,
            description=f"Filters of the first layer, {'right' if place else 'left'}; arrow keys choose one",
        )  # fmt: skip
        self.words = classed(W.HTML(), "zf-architecture-filter")
        self.second = Picture(**size, transport=transport, hoverable=False, smooth=True)
        super().__init__([self.head, self.filters, self.words, classed(self.second, "zf-architecture-second")])
        self.add_class("zf-architecture-side")

    def show(self, name: str, found: Diagnosis | None, order: str, number: int) -> None:
        """Draw what is known of a network; fields stay empty while nothing is."""
        key = f"<span class='zf-key zf-key-thin' style='background:{line_colour(self.place)}'></span>"
        self.head.value = f"<b>{key}{escape(name)}</b>"
        if found is None:
            self.words.value = "…"
            for picture in (self.filters, self.second):
                picture.show(np.zeros((1, 1, 4), np.uint8), cells=(0, 0), cell=None, caption="")
            return
        self._order = ORDERS[order](found)
        self._across = ceil(sqrt(len(self._order)))
        pictures = [signed_picture(found.filters[each].astype(np.float64)) for each in self._order]
        number = min(number, len(pictures) - 1)
        place = int(np.flatnonzero(self._order == number)[0])
        rows = ceil(len(pictures) / self._across)
        kernel, stride = found.filters.shape[2:], found.stride[0]
        self.filters.show(
            _wall(pictures, self._across), cells=(rows, self._across), cell=divmod(place, self._across),
            caption=f"{len(pictures)} filters {kernel[0]}×{kernel[1]} / {stride}",
            hint=f"of {kernel[0]} × {kernel[1]} pixels, stride {stride}",
        )  # fmt: skip
        self.words.value = filter_words(found, number)
        if len(found.projections):
            tiles = [signed_picture(each.astype(np.float64)) for each in found.projections]
            self.second.show(
                _wall(tiles, ceil(sqrt(len(tiles)))),
                caption="layer 2",
                hint="projections of the strongest units of its first maps",
            )
        else:
            self.second.show(np.zeros((1, 1, 4), np.uint8), caption="no second layer to project")

    def at(self, cell: tuple[int, int] | None) -> int | None:
        """The number of the filter in a cell."""
        index = -1 if cell is None else cell[0] * self._across + cell[1]
        return int(self._order[index]) if 0 <= index < len(self._order) else None


def filter_words(found: Diagnosis, number: int) -> str:
    """A filter in numbers; whole words where the pointer rests."""
    low, middle, high = (100 * part for part in found.bands_without_mean[number])
    active = f"{found.active[number]}/{found.count} active"
    lines = (
        (f"<b>filter {number}</b> · RMS {format_number(float(found.rms[number]))}", "√(mean w²)"),
        (f"{low:.0f} · {middle:.0f} · {high:.0f}% low – high", "parts of its power in low, middle, high frequencies"),
        (f"{found.aliased[number]:.0%} aliased · ", "part of its map’s power that the stride folds back"),
        (
            "<b>dead by weights</b>" if found.dead_by_weights[number] else active,
            f"in how many of the {found.count} images",
        ),
    )
    first, second, third, fourth = (f"<span title='{title}'>{words}</span>" for words, title in lines)
    return f"{first}<br>{second}<br>{third}{fourth}"


def table(known: Sequence[tuple[str, Diagnosis]]) -> str:
    """The measures of the networks side by side, in HTML; whole sentences where the pointer rests."""
    columns = [_measures(found) for _, found in known]
    head = "".join(
        f"<th scope='col'><span class='zf-key zf-key-thin' style='background:{line_colour(place)}'></span>"
        f"{escape(name)}</th>"
        for place, (name, _) in enumerate(known)
    )
    rows = []
    for row, name in enumerate(MEASURES):
        cells = "".join(
            f"<td title='{escape(found.verdicts[row].words, quote=True)}'>"
            f"{'<b class=zf-error>✗</b>' if found.verdicts[row].fault else '✓'} {measures[row]}</td>"
            for (_, found), measures in zip(known, columns, strict=True)
        )
        rows.append(f"<tr><th scope='row'>{name}</th>{cells}</tr>")
    return f"<table><thead><tr><th></th>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _measures(found: Diagnosis) -> tuple[str, ...]:
    """In the order of the verdicts, short."""
    alive = ~found.dead_by_weights
    middle = found.bands_without_mean[alive, 1].mean() if alive.any() else 0.0
    stays = f"; a shift by 1 px leaves {found.consistency[0]:.0%} of answers" if len(found.consistency) else ""
    pairs = len(found.duplicates)
    return (
        f"strongest {found.dominance:.1f} × the median",
        f"{found.dead_by_weights.sum()} by weights, {found.dead_on_data.sum()} on {found.count} images",
        f"{middle:.0%} middle (new weights {found.random_bands[:, 1].mean():.0%})",
        f"{np.median(found.aliased):.0%} beyond stride {found.stride[0]} "
        f"(new weights {np.median(found.random_aliased):.0%}){stays}",
        f"{pairs} pair{'' if pairs == 1 else 's'} alike up to a shift",
    )


def remedies(known: Sequence[tuple[str, Diagnosis]]) -> str:
    """What is at fault, and what the paper did about it."""
    said = [
        f"<b>{escape(name)}</b>: {escape(one.words)} <i>{escape(one.remedy)}</i>"
        for name, found in known
        for one in found.verdicts
        if one.fault
    ]
    return "<br>".join(said) if said else "None of the faults that the paper saw in AlexNet’s first layer (Fig. 6)."


def _wall(pictures: Sequence[np.ndarray], across: int) -> np.ndarray:
    """Pictures of one size in rows, on what is behind them."""
    pixels = max(pictures[0].shape[:2])
    side = pixels * max(1, round(2 * ARCHITECTURE_WALL / across / pixels))  # about twice as fine as it is shown
    return mosaic(np.stack(pictures)[:, None], side, across, beyond=GAP)


def _falling(values: np.ndarray) -> np.ndarray:
    """The largest first, at `PARTS` of their number."""
    return np.interp(PARTS, np.linspace(0, 100, len(values)), np.sort(values)[::-1])


def _head(title: str, quantity: str, names: Sequence[str]) -> str:
    keys = "".join(
        f"<span class='zf-key zf-key-thin' style='background:{line_colour(place)}'></span>{escape(name)}"
        for place, name in enumerate(names)
    )
    return f"<div><b>{title}</b><span>{quantity}</span></div><span class='zf-architecture-keys'>{keys}</span>"
