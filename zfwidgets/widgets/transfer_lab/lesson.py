"""Two things to teach, a picture to ask about, and the answer."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import ipywidgets as W
import numpy as np
import traitlets as T

from zfwidgets.experiments.transfer import Taught
from zfwidgets.models import Prediction
from zfwidgets.widgets.controls import classed, labelled, probability_bars
from zfwidgets.widgets.transfer_lab.examples import Examples

MOST_ANSWERS = 3
THINGS = ("one thing", "another")
READING = "Give about five pictures of each; then ask about one that is not among them. A click takes a picture away."


class Question(W.Box):
    """A picture to ask about, and what is said of it."""

    def __init__(self, report: Callable[[str, Any], None]) -> None:
        self.asked = Examples("the picture in question", report, most=1)
        self.answer = classed(W.HTML(), "zf-lesson-answer")
        super().__init__([W.HTML("<b>What is this?</b>"), self.asked, self.answer])
        self.asked.observe(lambda _: self.show(None, None), names="version")  # another picture has no answer yet
        self.add_class("zf-lesson-question")

    def show(self, answer: Prediction | None, taught: Taught | None) -> None:
        """Say what it is, if anything is known, and by what."""
        if answer is None or taught is None:
            self.answer.value = ""
            return
        title, count = escape(taught.network.layer(taught.layer).title), max(taught.counts)
        by = f"softmax on {title}, {count} picture{'' if count == 1 else 's'} of each"
        self.answer.value = f"{probability_bars(answer.top(MOST_ANSWERS))}<span class='zf-quiet'>{by}</span>"


class LessonView(W.Box):
    """Pictures of each thing under its name; below, a picture to ask about, and what is said of it."""

    version = T.Int(0, help="another with every picture and name")

    def __init__(self, report: Callable[[str, Any], None]) -> None:
        self.names = [W.Text(name, continuous_update=False, layout=W.Layout(width="200px")) for name in THINGS]
        self.examples = [Examples(name, report) for name in THINGS]
        self.words = classed(W.HTML(READING), "zf-lesson-words")
        things = [
            classed(W.Box([labelled(f"Thing {place + 1}", name, "What it is called"), examples]), "zf-lesson-thing")
            for place, (name, examples) in enumerate(zip(self.names, self.examples, strict=True))
        ]
        self.question, self._changes = Question(report), itertools.count(1)
        super().__init__([*things, self.question, self.words])
        self.add_class("zf-lesson")
        for part in (*self.examples, self.question.asked):
            part.observe(self._changed, names="version")
        for name, examples in zip(self.names, self.examples, strict=True):
            name.observe(lambda change, examples=examples: self._named(examples, change["new"]), names="value")

    @property
    def pictures(self) -> dict[str, Sequence[np.ndarray]]:
        """By what they show; of two that are called the same, the second one has a number."""
        called = [name.value.strip() or given for name, given in zip(self.names, THINGS, strict=True)]
        if called[0] == called[1]:
            called[1] += " (2)"
        return {name: list(examples.images) for name, examples in zip(called, self.examples, strict=True)}

    def show(self, taught: Taught | None, answer: Prediction | None) -> None:
        """Say what was learnt, and what the picture in question is."""
        if taught is None:
            self.words.value = READING
        else:
            title = escape(taught.network.layer(taught.layer).title)
            right = f" {taught.right:.0%} of them are told right when one of each is left out."
            tested = "" if np.isnan(taught.right) else right
            self.words.value = f"Learnt from {sum(taught.counts)} pictures on the features of {title}.{tested}"
        self.question.show(answer, taught)

    def _named(self, examples: Examples, name: str) -> None:
        examples.what = name
        self._changed()

    def _changed(self, _: Any = None) -> None:
        self.version = next(self._changes)
