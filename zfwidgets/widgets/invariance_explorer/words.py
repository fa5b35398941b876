"""What the curves of an invariance experiment say, in words (§4.1)."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from zfwidgets.drawing import format_number
from zfwidgets.experiments.invariance import MEASURES, FeatureShift, Invariance, Transformation
from zfwidgets.models import Meaning, Network

BUTTONS = {"translation": "move ↕", "horizontal translation": "move ↔"}  # where it is not the transformation's name
DONE_TO_IT = {  # what has been done to the image: by a value above 0, and by one below
    "translation": ("Moved down by {} pixels", "Moved up by {} pixels"),
    "horizontal translation": ("Moved to the right by {} pixels", "Moved to the left by {} pixels"),
    "scale": ("Enlarged {} times", ""),
    "rotation": ("Turned by {} degrees", ""),
    "brightness": ("Brightness times {}", ""),
    "contrast": ("Contrast times {}", ""),
    "blur": ("Blurred by {} pixels", ""),
}


def describe_transform(transformation: Transformation, value: float) -> str:
    """What a value of a transformation does to an image."""
    if transformation.identity is not None and value == transformation.identity:
        return "As it is"
    above, below = DONE_TO_IT.get(
        transformation.name, (f"{transformation.name} {{}} {transformation.unit}".rstrip(), "")
    )
    return below.format(f"{-value:.4g}") if value < 0 and below else above.format(f"{value:.4g}")


def summary_html(what: str, now: FeatureShift, largest: dict[str, float], answer: str) -> str:
    """Where the layers are, and what the network says: one sentence of HTML. `largest` is the largest distance on the
    curve of each layer, for those that are known."""
    if not any(now.distances.values()):
        return f"{escape(what)}: {answer}."
    layers = [_layer(layer, distance, largest.get(layer, 0.0)) for layer, distance in now.distances.items()]
    return f"{escape(what)}: {', '.join(layers)}; {answer}."


def _layer(layer: str, distance: float, largest: float) -> str:
    if largest <= 0:
        return f"layer {escape(layer)} has moved by {format_number(distance)}"
    return f"layer {escape(layer)} is at <b>{distance / largest:.0%}</b> of its largest distance"


def describe_prediction(net: Network, name: str, now: np.ndarray, before: np.ndarray, truth: int) -> str:
    """What the network calls an image now, and what it called it before; both are probabilities, or scores,
    (classes,)."""
    called, was, meaning = int(now.argmax()), int(before.argmax()), net.scores.meaning
    words = f"<b>{escape(net.labels[called])}</b> ({meaning.write(now[called])})"
    says, begins = _SAYS[meaning if len(net.labels) > 1 else None]
    if called != was:
        words = f"now {says}{words}, no longer {escape(net.labels[was])} ({meaning.write(now[was])})"
    else:
        words = f"{'' if np.array_equal(now, before) else 'still '}{says}{words}"
    rest = f"; {escape(net.labels[truth])} has {meaning.write(now[truth])}"
    return f"{escape(name)}{begins} {words}{'' if truth in (called, was) else rest}"


_SAYS: dict[Meaning | None, tuple[str, str]] = {  # of classes, of labels, of scores, and of a single number
    Meaning.SHARES: ("called ", " is"),
    Meaning.EACH: ("most probably ", " is"),
    Meaning.RAW: ("highest for ", ": the score is"),
    None: ("", " has"),
}


def areas_html(result: Invariance, layers: Sequence[str], measure: str) -> str:
    """The areas under the curves of each layer, mean ± spread over the images: a line of HTML. Distances of two
    layers can't be compared; of these, the share of the largest is taken."""
    (transform,), measure = result.transforms, "share" if measure == "distance" else measure
    parts = []
    for layer in layers:
        areas = result.area(transform, layer, measure)
        spread = f" ± {areas.std(ddof=1):.2f}" if len(areas) > 1 else ""
        parts.append(f"{escape(layer)} <b>{areas.mean():.2f}</b>{spread}")
    meaning = "; 1: the smallest change makes all the difference" if measure == "share" else ""
    explanation = f"mean ± spread over the images; {MEASURES[measure]}{meaning}"
    return f"<abbr title='{escape(explanation, quote=True)}'>Area under the curves</abbr>: {' · '.join(parts)}"
