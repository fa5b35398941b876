"""A class, by its label: to type, or to choose from a list."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets as W


class ClassBox(W.Combobox):
    """The label of a class; empty: what the network says."""

    def __init__(self, labels: Sequence[str]) -> None:
        super().__init__(
            options=tuple(labels), placeholder="what the network says", continuous_update=False,
            layout=W.Layout(width="190px"),
        )  # fmt: skip
