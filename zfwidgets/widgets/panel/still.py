"""A panel as it stands, as plain HTML: for pages that have no kernel behind them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from html import escape
from io import BytesIO

import ipywidgets as W
from PIL import Image

from zfwidgets.widgets.panel.page_ready import PageReady
from zfwidgets.widgets.panel.status import Status
from zfwidgets.widgets.panel.style import stylesheet
from zfwidgets.widgets.picture import Picture, ShownPicture, scale_html

Packing = Callable[[Image.Image], tuple[str, bytes]]

QUALITY = 75  # of a picture packed small
SMALL = 64  # pixels

# What ipywidgets' own style sheet would do; `:where` lets any other rule win.
FLOW = """
:where(.zf-still-row) { display: flex; gap: 4px; }
:where(.zf-still-column) { display: flex; flex-direction: column; }
"""


def still(widget: W.Widget) -> str:
    """The HTML of a widget and of all that it holds: pictures as PNG, controls as their values in words."""
    return f"<style>{FLOW}{stylesheet()}</style>{as_html(widget, png)}"


def as_html(widget: W.Widget, packed: Packing) -> str:
    """The same without a style sheet; `packed` packs the pictures."""
    if isinstance(widget, Picture):
        return _picture(widget, packed)
    if hasattr(widget, "as_picture"):  # a canvas, by another library, which pages without one need not load
        return _picture(widget.as_picture(), packed)
    if hasattr(widget, "as_html"):
        return f"<div class='{_classes(widget)}'>{widget.as_html()}</div>"
    if isinstance(widget, W.Tab):
        return as_html(widget.children[widget.selected_index or 0], packed)
    if isinstance(widget, W.Box):
        if widget.layout.display == "none":
            return ""
        flow = "zf-still-column" if isinstance(widget, W.VBox) else "zf-still-row"
        parts = " ".join(as_html(part, packed) for part in widget.children)
        return f"<div class='{flow} {_classes(widget)}'>{parts}</div>"
    if isinstance(widget, W.HTML):
        return f"<div class='{_classes(widget)}'>{widget.value}</div>"
    if isinstance(widget, Status):
        return (
            f"<div class='zf-status zf-error' role='alert'>{escape(widget.words)}</div>"
            if widget.state == "error"
            else ""
        )
    if isinstance(widget, W.Button | W.FileUpload | PageReady) or not getattr(widget, "readout", True):
        return ""
    said = str(getattr(widget, "label", None) or getattr(widget, "value", ""))
    return f"<b>{escape(said)}</b>" if said else ""


def png(image: Image.Image) -> tuple[str, bytes]:
    """A picture packed without loss: the kind of image, and its bytes."""
    data = BytesIO()
    image.save(data, "PNG")
    return "png", data.getvalue()


def webp(image: Image.Image) -> tuple[str, bytes]:
    """A picture packed small; so are maps, without loss, whose few pixels are squares to be told apart."""
    data = BytesIO()
    image.save(data, "WEBP", quality=QUALITY, lossless=max(image.size) <= SMALL)
    return "webp", data.getvalue()


def _picture(picture: Picture | ShownPicture, packed: Packing) -> str:
    marks = "".join(_mark(box, picture, "zf-picture-box") for box in picture.boxes)
    if picture.cell is not None and picture.cells != (0, 0):
        row, column = picture.cell
        tall, wide = picture.height / picture.cells[0], picture.width / picture.cells[1]
        box = (row * tall, column * wide, (row + 1) * tall, (column + 1) * wide)
        marks += _mark(box, picture, "zf-picture-cell")
    shape = f"--zf-shown-width:{picture.shown_width}px;aspect-ratio:{picture.width}/{picture.height}"
    return (
        f"<div class='zf-picture {_classes(picture)}'><div class='zf-picture-frame' style='{shape}'>"
        f"{_image(picture, packed)}<div class='zf-picture-marks' style='position:absolute;inset:0'>{marks}</div></div>"
        f"{scale_html(*picture.scale) if picture.scale else ''}"
        f"<div class='zf-picture-caption' style='--zf-shown-width:{picture.shown_width}px'>"
        f"{escape(picture.caption)}</div></div>"
    )


def _mark(box: tuple[float, float, float, float], picture: Picture | ShownPicture, kind: str) -> str:
    top, left, bottom, right = box
    place = {
        "top": top / picture.height,
        "left": left / picture.width,
        "width": (right - left) / picture.width,
        "height": (bottom - top) / picture.height,
    }
    return f"<div class='{kind}' style='{';'.join(f'{side}:{part:.4%}' for side, part in place.items())}'></div>"


def _image(picture: Picture | ShownPicture, packed: Packing) -> str:
    if not picture.pixels:  # its place stays empty
        return ""
    kind, data = packed(Image.frombytes("RGBA", (picture.width, picture.height), picture.pixels))
    blended = "zf-smooth" if picture.smooth else ""
    return (
        f"<img class='zf-picture-canvas {blended}' alt='{escape(picture.description or picture.caption)}' "
        f"src='data:image/{kind};base64,{b64encode(data).decode()}'>"
    )


def _classes(widget: W.DOMWidget | ShownPicture) -> str:
    return " ".join(map(escape, widget._dom_classes))
