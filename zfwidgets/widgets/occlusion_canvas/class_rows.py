"""The classes, each in its place while parts are hidden: hollow for the whole image, solid for what is hidden now."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import ipywidgets as W
import numpy as np

from zfwidgets.models import Meaning
from zfwidgets.widgets.controls import classed

CLASSES = 5  # the first ones of the whole image
RISEN = 3  # at most, of those that rise among the first ones
SEEN = 0.005  # a probability that is not written as 0.00


class ClassRows(W.VBox):
    """The most probable classes of the whole image, in their order, and the target; below, those that have risen."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, float, float]] = []  # what is on show, from the top: label, now, whole image
        self._rows = W.HTML()
        key = (
            "<span class='zf-class-key zf-class-whole'></span>whole image "
            "<span class='zf-class-key zf-class-now'></span>now "
            "<span class='zf-class-star' title='whose probability is mapped'>★ target</span>"
        )
        super().__init__([self._rows, classed(W.HTML(key), "zf-class-keys")])
        self.add_class("zf-class-rows")

    @property
    def html(self) -> str:
        """The rows as they are."""
        return str(self._rows.value)

    def show(
        self, labels: Sequence[str], whole: np.ndarray, now: np.ndarray, target: int, meaning: Meaning = Meaning.SHARES
    ) -> None:
        """Draw the rows; `whole` and `now` are (classes,)."""
        numbers = rows_of(whole, now, target, meaning)
        self.shown = [(labels[number], float(now[number]), float(whole[number])) for number in numbers]
        limits = meaning.limits(0.0, whole[numbers], now[numbers])
        self._rows.value = "".join(
            _row(name, after, before, number == target, limits, meaning)
            for number, (name, after, before) in zip(numbers, self.shown, strict=True)
        )


def rows_of(whole: np.ndarray, now: np.ndarray, target: int, meaning: Meaning) -> list[int]:
    """The numbers of the classes to show: their order changes with the image and the target only."""
    kept = np.argsort(-whole, kind="stable")[:CLASSES].tolist()
    kept += [target] if target not in kept else []
    first = np.argsort(-now, kind="stable")[:CLASSES].tolist()
    risen = [number for number in first if number not in kept and now[number] > whole[number]]
    return kept + [number for number in risen if meaning is Meaning.RAW or now[number] >= SEEN][:RISEN]


def _row(
    name: str, now: float, whole: float, starred: bool, limits: tuple[float, float], meaning: Meaning
) -> str:  # fmt: skip
    words = f"{name}: whole image {meaning.write(whole)}, now {meaning.write(now)}"
    star = "<span role='img' aria-label='target'>★</span> " if starred else ""
    return (
        f"<div class='zf-class-row' title='{escape(words, quote=True)}'>"
        f"<div class='zf-class-name'>{star}{escape(name)}</div>"
        f"<div class='zf-class-track'>{_bar('now', now, limits)}{_bar('whole', whole, limits)}</div>"
        f"<div>{meaning.write(now)}</div></div>"
    )


def _bar(kind: str, value: float, limits: tuple[float, float]) -> str:
    low, high = limits
    begin, end = (100 * (edge - low) / (high - low) for edge in sorted((0.0, value)))
    return f"<div class='zf-class-bar zf-class-{kind}' style='left:{begin:.2f}%;width:{end - begin:.2f}%'></div>"
