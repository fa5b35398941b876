"""Build a small network: its layers in numbers as it is changed, and its filters while it trains."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import ipywidgets as W
import numpy as np

from zfwidgets.drawing import format_short, mosaic, signed_picture
from zfwidgets.experiments.ablation import Built, BuiltLayer
from zfwidgets.widgets.controls import Job, classed
from zfwidgets.widgets.picture import Picture

WIDE, ROWS, TILE = 560, 2, 33  # of the wall of filters: pixels, rows, pixels a tile


class BuilderView(W.Box):
    """The controls, the layers as a table, the training, and the filters that it has found."""

    def __init__(self, controls: Sequence[W.Widget], job: Job, transport: str) -> None:
        self.table = classed(W.HTML(), "zf-architecture-layers")
        self.filters = Picture(
            width=WIDE, height=ROWS * (TILE + 2), shown_width=WIDE, transport=transport, hoverable=False,
            description="Filters of the first layer while it trains",
        )  # fmt: skip
        row = classed(W.Box(list(controls)), "zf-architecture-controls")
        title = classed(W.HTML("Build one"), "zf-quarter-title")
        super().__init__([title, row, self.table, job, self.filters])
        self.add_class("zf-architecture-builder")

    def show(self, built: Built) -> None:
        """Write its layers down."""
        self.table.value = layers_table(built)

    def show_filters(self, weights: np.ndarray, caption: str) -> None:
        """Draw filters (K, 3, h, w)."""
        pictures = np.stack([signed_picture(each.astype(np.float64)) for each in weights])
        across = max(ceil(len(pictures) / ROWS), WIDE // (TILE + 2))
        self.filters.show(mosaic(pictures[:, None], TILE, across, beyond=2), caption=caption, shown_width=WIDE)


def layers_table(built: Built) -> str:
    """A row a layer, in HTML."""
    heads = (
        ("Layer", ""),
        ("Filters", "kernel / stride"),
        ("Maps", "how many, and their rows × columns"),
        ("Sees", "the receptive field of one unit, at most the image"),
        ("Parameters", "weights and biases"),
        ("Multiply–adds", "for one image"),
    )
    head = "".join(f"<th scope='col' title='{title}'>{name}</th>" for name, title in heads)
    rows = "".join(map(_row, built.layers))
    foot = (
        f"<tr><th scope='row'>in all</th><td></td><td></td><td></td><td>{built.parameters:,}</td>"
        f"<td title='{built.macs:,}'>{format_short(built.macs)}</td></tr>"
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody><tfoot>{foot}</tfoot></table>"


def _row(layer: BuiltLayer) -> str:
    filters, maps = "", f"{layer.maps}"
    if layer.kernel_size is not None:
        stride = f" / {layer.stride}" if layer.stride > 1 else ""
        filters = f"{layer.kernel_size}×{layer.kernel_size}{stride}"
        maps = f"{layer.maps} × {layer.height}×{layer.width}"
    field = "whole image" if "whole" in layer.field else layer.field
    return (
        f"<tr><th scope='row'>{layer.title}</th><td>{filters}</td><td>{maps}</td><td title='{layer.field}'>{field}</td>"
        f"<td>{layer.parameters:,}</td><td title='{layer.macs:,}'>{format_short(layer.macs)}</td></tr>"
    )
