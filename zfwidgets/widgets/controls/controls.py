"""The controls that panels share: a label over each, a tooltip for every term of the field."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from html import escape
from threading import get_ident
from typing import Any

import ipywidgets as W
import numpy as np
import traitlets as T

from zfwidgets.data import Collection, decode
from zfwidgets.drawing import format_number
from zfwidgets.models import Network
from zfwidgets.widgets.panel import described
from zfwidgets.widgets.worker import Latest

ORDERS = {"strongest first": "strength", "by number": "index"}
MAPS = "A feature map (channel): the same filter at every place of the image"

FILLS = ("grey", "mean", "blur", "noise", "black", "white")
HIDING = (
    "What stands in hidden places: mid-grey (the paper), the image's mean colour, the image blurred, noise like the "
    "image"
)

RULES = {"deconvnet (the paper's)": "deconvnet", "gradient": "gradient", "guided (both)": "guided"}


def labelled(label: str, control: W.Widget, explanation: str = "") -> W.VBox:
    """A control under its label; the explanation shows when the pointer rests on the label."""
    text = f"<abbr title='{escape(explanation, quote=True)}'>{escape(label)}</abbr>" if explanation else escape(label)
    head = W.HTML(text)
    head.add_class("zf-label")
    box = W.VBox([head, control])
    box.add_class("zf-control")
    return box


def row(*controls: W.Widget) -> W.HBox:
    """Controls side by side under one label."""
    box = W.HBox(list(controls))
    box.add_class("zf-control-row")
    return box


def bars(rows: Sequence[tuple[str, float]]) -> str:
    """Names with probabilities as horizontal bars, in HTML."""
    cells = (
        f"<div class='zf-bar-name'>{escape(name)}</div>"
        f"<div class='zf-bar'><div style='width:{100 * value:.1f}%'></div></div><div>{value:.2f}</div>"
        for name, value in rows
    )
    return f"<div class='zf-bars'>{''.join(cells)}</div>"


def chooser(options: Mapping[str, str | int], buttons: bool = False) -> W.Widget:
    """A choice of values by their labels: a list to open, or buttons side by side."""
    if buttons:
        return W.ToggleButtons(options=options, style=W.ToggleButtonsStyle(button_width="auto"))
    return W.Dropdown(options=options, layout=W.Layout(width="180px"))


def layer_names(net: Network, layers: Sequence[str] | None, wanted: str | None) -> list[str]:
    """The names on the layer slider, in the order of the network; the wanted one is among them."""
    chosen = net.layer_names(layers, net.main_layers)
    return list(chosen if wanted is None else net.layer_names([*chosen, wanted], ()))


class LayerSlider(W.VBox):
    """A slider over the layers of a network, by name."""

    value = T.Unicode(help="name of the layer")

    def __init__(self, names: Sequence[str], value: str, width: int = 330) -> None:
        self._slider = W.SelectionSlider(options=list(names), value=value, layout=W.Layout(width=f"{width}px"))
        super().__init__(
            [labelled("Layer", self._slider, "Early layers first: later ones see more of the image (§4.1)")]
        )
        T.link((self._slider, "value"), (self, "value"))


class FeatureSlider(W.VBox):
    """A slider over the feature maps of a layer, in the order of their numbers, or of some score of theirs."""

    value = T.Int(0, help="number of the feature map")
    order = T.Enum(("strength", "sparsity", "index"), "strength", help="by which score, or by number")

    def __init__(self, orders: Mapping[str, str] = ORDERS, explanation: str = MAPS) -> None:
        self._ranks = np.arange(1)
        self._filling: int | None = None  # the thread that is setting the controls: what they then say is no choice
        self._slider = W.IntSlider(0, 0, 0, readout=False, layout=W.Layout(width="170px"))
        self._number = W.BoundedIntText(0, 0, 0, layout=W.Layout(width="60px"))
        self._order = W.Dropdown(options=orders, layout=W.Layout(width="116px"))
        for part, name in ((self._number, "zf-feature-number"), (self._order, "zf-order")):
            part.add_class(name)
        super().__init__([labelled("Feature map", row(self._slider, self._number, self._order), explanation)])
        T.link((self._order, "value"), (self, "order"))
        self._slider.observe(self._moved, names="value")
        self._number.observe(self._typed, names="value")

    @property
    def position(self) -> int:
        """The slider's place, from 0."""
        return int(self._slider.value)

    def rank(self, scores: np.ndarray, value: int) -> None:
        """Take over the score of each map of a layer, the highest of which comes first, and which map is chosen."""
        by_number = self.order == "index"
        self._ranks = np.arange(len(scores)) if by_number else np.argsort(-scores, kind="stable")
        self._filling = get_ident()
        self._slider.max = self._number.max = len(scores) - 1
        self.value = value
        self._fill()

    def notify_change(self, change: T.Bunch) -> None:
        """Let others hear of the choice before the controls are filled in, so that they can begin."""
        super().notify_change(change)
        if change["name"] == "value":
            self._fill()

    def _moved(self, change: T.Bunch) -> None:
        if self._filling != get_ident():
            self.value = int(self._ranks[min(change["new"], len(self._ranks) - 1)])

    def _typed(self, change: T.Bunch) -> None:
        if self._filling != get_ident():
            self.value = change["new"]

    def _fill(self) -> None:
        """Let the controls show the chosen map."""
        self._filling = get_ident()
        self._number.max = max(self._number.max, self.value)
        self._number.value = self.value
        found = np.flatnonzero(self._ranks == self.value)
        self._slider.value = int(found[0]) if len(found) else self._slider.value
        self._filling = None


class ImagePicker(W.VBox):
    """Choose one of the images, or upload one."""

    value = T.Unicode(help="name of the image")
    complaint = T.Unicode(help="why the last upload could not be taken; empty when it could")

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._uploads: dict[str, np.ndarray] = {}
        self._list = W.Dropdown(options=list(collection.names), layout=W.Layout(width="110px"))
        self._upload = W.FileUpload(
            accept="image/*", multiple=False, tooltip="Upload an image", layout=W.Layout(width="40px")
        )
        self._list.add_class("zf-image")
        self._upload.add_class("zf-upload")
        super().__init__([labelled("Image", row(self._list, self._upload))])
        self._choice = T.link((self._list, "value"), (self, "value"))
        self._upload.observe(self._uploaded, names="value")

    def __getitem__(self, name: str) -> np.ndarray:
        """The image of that name, (H, W, 3) uint8."""
        if name in self._uploads:
            return self._uploads[name]
        return self._collection[self._collection.names.index(name)]

    @property
    def names(self) -> tuple[str, ...]:
        """All there is to choose from."""
        return (*self._collection.names, *self._uploads)

    def known(self, name: str) -> str:
        """The name, if there is such an image. Raises ValueError with the nearest names if not."""
        if name not in self.names:
            near = get_close_matches(name, self.names, n=3) or self.names[:3]
            raise ValueError(f"there is no image {name!r}; near it: {', '.join(near)}")
        return name

    def add(self, name: str, image: Any) -> None:
        """Put one more image on the list and choose it. Raises ValueError when it is not an image."""
        pixels = decode(image)
        while name in self.names:
            name += " (again)"
        self._uploads[name] = pixels
        self._choice.unlink()  # new options put the list back to its first one, which nobody chose
        self._list.options = list(self.names)
        self._list.value = name
        self._choice.link()

    def _uploaded(self, change: T.Bunch) -> None:
        for file in change["new"]:
            self.complaint = ""  # so that the same mistake again is a change, too
            try:
                self.add(file["name"], bytes(file["content"]))
            except (ValueError, TypeError) as error:
                self.complaint = f"{file['name']}: {error}"
        self._upload.value = ()  # and the same file again


class Job(W.HBox):
    """A button that starts something long; then how far it is, how fast, for how long still, and Cancel.

    `work(tick, stale)` does it, in a thread of its own, and returns what is to be said at its end; `tick(done, count)`
    is for it to call as it goes on. With `direct=True` it works in the caller's thread.
    """

    running = T.Bool(False, help="whether it works")
    error = T.Unicode(help="what went wrong the last time; empty when all went well")

    def __init__(self, name: str, unit: str, work: Callable[..., str], direct: bool = False) -> None:
        self._unit, self._work = unit, work
        self._worker = Latest(self._do, direct)
        self.button = W.Button(description=name, layout=W.Layout(width="auto"))
        self._cancel = W.Button(description="Cancel", layout=W.Layout(width="auto"))
        self._bar = W.FloatProgress(0, max=1, layout=W.Layout(width="160px"))
        self._under_way = W.HBox([self._bar, self._cancel], layout=W.Layout(display="none"))
        self.note = W.HTML()
        super().__init__([self.button, self._under_way, self.note])
        self.button.on_click(lambda _: self.start())
        self._cancel.on_click(lambda _: self.cancel())
        for part, name in ((self, "zf-job"), (self._under_way, "zf-job-running"), (self.note, "zf-job-note")):
            part.add_class(name)

    def start(self) -> None:
        """Begin, unless it has begun."""
        if not self.running:
            self.running, self.error = True, ""
            self._show("", 0)
            self._worker.ask(None)

    def cancel(self) -> None:
        """Give up; what was there before stays."""
        if self.running:
            self._worker.cancel()
            self._end("Cancelled.")

    def tell(self, words: str) -> None:
        """Say something beside the button, in one line; all of it where the pointer rests on it."""
        self.note.value = f"<span title='{escape(words, quote=True)}'>{escape(words)}</span>"

    def _do(self, _: None, stale: Callable[[], bool]) -> None:
        started = time.perf_counter()

        def tick(done: int, count: int) -> None:
            if not stale():
                self._show(pace(done, count, time.perf_counter() - started, self._unit), done / count)

        try:
            words, error = self._work(tick, stale), ""
        except Exception as reason:
            words, error = "It failed.", described(reason)
        if not stale():
            self._end(words)
            self.error = error

    def _show(self, words: str, part: float) -> None:
        self.button.layout.display, self._under_way.layout.display = "none", ""
        self._bar.value = part
        self.tell(words)

    def _end(self, words: str) -> None:
        self.button.layout.display, self._under_way.layout.display = "", "none"
        self.running = False
        self.tell(words)


def pace(done: int, count: int, seconds: float, unit: str) -> str:
    """How far something is, how fast it goes, and how long it will still take, in words."""
    rate = done / seconds if seconds > 0 else 0
    left = f" · {format_number(rate)} a second · {duration((count - done) / rate)} left" if rate else ""
    return f"{done:,} of {count:,} {unit}{left}"


def duration(seconds: float) -> str:
    """A time in words."""
    minutes = seconds / 60
    return f"{seconds:.0f} s" if seconds < 90 else f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
