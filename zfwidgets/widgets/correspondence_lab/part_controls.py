"""Which part is being marked: its name, new ones, and files that keep all marks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import ipywidgets as W
import traitlets as T

from zfwidgets.widgets.controls import classed, labelled, row
from zfwidgets.widgets.correspondence_lab.view import link_to


class PartName(W.VBox):
    """A field for a part's name, with what to do with it."""

    def __init__(self, actions: dict[str, Callable[[str], None]]) -> None:
        self.field = classed(W.Text(placeholder="name of a part", layout=W.Layout(width="130px")), "zf-part-name")
        self.buttons = {name: _button(name, partial(self._act, act)) for name, act in actions.items()}
        super().__init__([labelled("Name of a part", row(self.field, *self.buttons.values()))])

    def _act(self, action: Callable[[str], None]) -> None:
        action(self.field.value)


class MarksFile(W.VBox):
    """A link that saves all marks, and a way to load them."""

    def __init__(self, load: Callable[[bytes], None]) -> None:
        self.upload = _upload(
            ".json,application/json", "folder-open", "Load marks that were saved here as a JSON file", "zf-load-marks"
        )
        self.link = classed(W.HTML(), "zf-saved")
        self._load = load
        super().__init__([labelled("Marks", row(self.link, self.upload))])
        self.upload.observe(self._uploaded, names="value")

    def show(self, text: str) -> None:
        """Let the link save this."""
        self.link.value = link_to(text)

    def _uploaded(self, change: T.Bunch) -> None:
        if change["new"]:
            self._load(bytes(change["new"][0]["content"]))
            self.upload.value = ()  # so that the same file can be loaded again


def gestures(undo: Callable[[], None], clear: Callable[[], None]) -> W.VBox:
    """Undo and Clear."""
    return labelled("Drawn", row(_button("Undo", undo), _button("Clear", clear)))


class PhotographUpload(W.VBox):
    """Photographs of one's own; `add(name, bytes)` is told of each."""

    def __init__(self, add: Callable[[str, bytes], None]) -> None:
        self.upload = _upload("image/*", "picture-o", "Add photographs of your own, to be marked too", "zf-add-photos")
        self.upload.multiple = True
        self._add = add
        super().__init__([labelled("Pictures", row(self.upload))])
        self.upload.observe(self._uploaded, names="value")

    def _uploaded(self, change: T.Bunch) -> None:
        for file in change["new"]:
            self._add(file["name"], bytes(file["content"]))
        self.upload.value = ()  # so that the same file can be added again


def _upload(accept: str, icon: str, tooltip: str, name: str) -> W.FileUpload:
    """A button that takes files; its words are the style sheet's, because ipywidgets adds a number of files to them."""
    upload = W.FileUpload(accept=accept, multiple=False, icon=icon, tooltip=tooltip, layout=W.Layout(width="auto"))
    return classed(upload, "zf-worded", name)


def _button(name: str, act: Callable[[], Any]) -> W.Button:
    button = W.Button(description=name, layout=W.Layout(width="auto"))
    button.on_click(lambda _: act())
    return classed(button, f"zf-{name.lower()}")
