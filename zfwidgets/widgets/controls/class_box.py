"""A class, by its label: typed, by what people call such things, or chosen from a list."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import anywidget
import ipywidgets as W
import traitlets as T

from zfwidgets.models import label_groups


class ClassBox(anywidget.AnyWidget):
    """The label of a class; empty: what the network says.

    What is typed is looked for at the beginnings of words: of labels, and of words for several classes at once, so that
    "dog" finds the Chihuahua.
    """

    _esm = (Path(__file__).parent / "class_box.js").read_text(encoding="utf-8")  # a path would hold every one made

    value = T.Unicode(help="the label, or what was typed in its place; empty: what the network says").tag(sync=True)
    labels = T.List(T.Unicode(), help="of all classes, by their numbers").tag(sync=True)
    groups = T.Dict(help="words, and the numbers of the classes that go by each of them").tag(sync=True)

    def __init__(self, labels: Sequence[str]) -> None:
        super().__init__(labels=list(labels), groups=label_groups(labels), layout=W.Layout(width="190px"))
        self.add_class("zf-class-box")
