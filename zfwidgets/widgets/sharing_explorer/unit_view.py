"""The strongest unit of a map: its projection, and what becomes of it when maps below are taken out."""

from __future__ import annotations

from html import escape

import ipywidgets as W

from zfwidgets.drawing import format_number, signed_picture
from zfwidgets.experiments.projection import Projection
from zfwidgets.experiments.sharing import KnockOut
from zfwidgets.models import Meaning
from zfwidgets.widgets.controls import classed
from zfwidgets.widgets.geometry import SHARING_PICTURE
from zfwidgets.widgets.picture import Picture, fitted, signed_scale
from zfwidgets.widgets.sharing_explorer.looking import Strongest

ANSWERS = 3  # classes
HOW = "Press ✕ at a map below, or X on it, to take it out of the network."


class UnitView(W.Box):
    """Two projections on one scale, before and after, and what falls."""

    def __init__(self, transport: str) -> None:
        size = {"width": SHARING_PICTURE, "height": SHARING_PICTURE, "shown_width": SHARING_PICTURE}
        self.before, self.after = (Picture(**size, transport=transport, hoverable=False) for _ in range(2))
        self.words, self.answers = W.HTML(), W.HTML()
        pictures = classed(W.Box([self.before, self.after]), "zf-sharing-pictures")
        super().__init__(
            [classed(W.HTML("Its strongest unit"), "zf-quarter-title"), pictures, self.words, self.answers]
        )
        self.add_class("zf-sharing-side")

    def show(self, found: Strongest | None, image: str, title: str) -> None:
        """Draw a unit; `image` is the name of its image, `title` that of the layer whose maps are taken out."""
        self.before.layout.visibility = "visible" if found is not None else "hidden"
        self.after.layout.visibility = "visible" if found is not None and found.after is not None else "hidden"
        self.answers.value = ""
        if found is None:
            self.words.value = "<div>This map is silent in these images.</div>"
            return
        scale, before = found.before.robust_scale, found.before.activation
        _draw(self.before, found.before, "as it is", scale)
        if found.after is None or found.without is None:
            self.words.value = f"<div>{escape(image)} · activation {format_number(before)}</div><div>{HOW}</div>"
            return
        _draw(self.after, found.after, "without", scale)
        out = ", ".join(map(str, found.without.features))
        self.words.value = (
            f"<div>{escape(image)} · without {escape(title)} {out}:</div>"
            f"<div><b>activation {format_number(before)} → {format_number(found.after.activation)}: "
            f"{_change(before, found.after.activation)}</b></div>"
        )
        self.answers.value = _answers(found.without)


def _change(before: float, after: float) -> str:
    if before <= 0:
        return "it was silent"
    part = (before - after) / before
    return f"it falls by {part:.0%}" if part >= 0 else f"it rises by {-part:.0%}"


def _answers(found: KnockOut) -> str:
    """The most probable classes, before and after, in HTML."""
    meaning = Meaning(found.meaning)
    rows = "".join(
        f"<tr><td>{escape(label)}</td><td>{meaning.write(before)}</td><td>→</td><td>{meaning.write(after)}</td></tr>"
        for label, before, after in found.top(ANSWERS)
    )
    return rows and f"<table class='zf-sharing-answers'>{rows}</table>"


def _draw(picture: Picture, projection: Projection, caption: str, scale: float) -> None:
    top, left, bottom, right = projection.box
    pixels = signed_picture(projection.pixels[:, top:bottom, left:right], scale or None)
    picture.show(
        pixels, caption=caption, scale=signed_scale() if scale > 0 else [],
        shown_width=fitted(pixels.shape[0], pixels.shape[1], SHARING_PICTURE),
    )  # fmt: skip
