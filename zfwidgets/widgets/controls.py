"""The controls that panels share: a label over each, a tooltip for every term of the field."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from threading import get_ident
from typing import Any

import ipywidgets as W
import numpy as np
import traitlets as T

from zfwidgets.data import Collection, decode


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


class LayerSlider(W.VBox):
    """A slider over the layers of a network, by name."""

    value = T.Unicode(help="name of the layer")

    def __init__(self, names: Sequence[str], value: str) -> None:
        self._slider = W.SelectionSlider(options=list(names), value=value, layout=W.Layout(width="330px"))
        super().__init__(
            [labelled("Layer", self._slider, "Early layers first: later ones see more of the image (§4.1)")]
        )
        T.link((self._slider, "value"), (self, "value"))


class FeatureSlider(W.VBox):
    """A slider over the feature maps of a layer, in the order of their numbers or of their strength on this image."""

    value = T.Int(0, help="number of the feature map")
    order = T.Enum(("strength", "index"), "strength", help="strongest on this image first, or by number")

    def __init__(self) -> None:
        self._ranks = np.arange(1)
        self._filling: int | None = None  # the thread that is setting the controls: what they then say is no choice
        self._slider = W.IntSlider(0, 0, 0, readout=False, layout=W.Layout(width="170px"))
        self._number = W.BoundedIntText(0, 0, 0, layout=W.Layout(width="60px"))
        options = [("strongest first", "strength"), ("by number", "index")]
        self._order = W.Dropdown(options=options, layout=W.Layout(width="116px"))
        for part, name in ((self._number, "zf-feature-number"), (self._order, "zf-order")):
            part.add_class(name)
        explanation = "A feature map (channel): the same filter at every place of the image"
        super().__init__([labelled("Feature map", row(self._slider, self._number, self._order), explanation)])
        T.link((self._order, "value"), (self, "order"))
        self._slider.observe(self._moved, names="value")
        self._number.observe(self._typed, names="value")

    @property
    def position(self) -> int:
        """The slider's place, from 0."""
        return int(self._slider.value)

    def rank(self, strengths: np.ndarray, value: int) -> None:
        """Take over how strong each map of a layer is on this image, and which map is chosen."""
        by_strength = self.order == "strength"
        self._ranks = np.argsort(-strengths, kind="stable") if by_strength else np.arange(len(strengths))
        self._filling = get_ident()
        self._slider.max = self._number.max = len(strengths) - 1
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
